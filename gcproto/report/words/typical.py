"""The typical value of a measurement: its median, or both modes if its samples are bimodal."""

from gcproto.report import labels
from gcproto.results.schema import Measurement, SampleMode


def sample_modes(one: Measurement) -> list[SampleMode]:
    """Both modes of bimodal samples, the larger share first; empty otherwise."""
    return sorted(one.modes, key=lambda mode: -mode.share) if len(one.modes) > 1 else []


def typical(one: Measurement, factor: float = 1.0) -> str:
    """``82.0``, or ``70.1 (60 %) or 120 (40 %)``.

    Args:
        one: a measurement with samples.
        factor: from its unit to the one that is shown.

    """
    found = sample_modes(one)
    if found:
        return " or ".join(f"{labels.number(mode.median * factor)} ({labels.share(mode.share)})" for mode in found)
    return labels.number((one.median or 0.0) * factor)


def points(one: Measurement, factor: float = 1.0) -> list[tuple[float, float, float, float]]:
    """The values that a picture draws: value, low, high and share, once or for each mode."""
    found = sample_modes(one)
    if found:
        return [(mode.median * factor, mode.low * factor, mode.high * factor, mode.share) for mode in found]
    middle = one.median or 0.0
    low, high = (one.ci.low, one.ci.high) if one.ci else (middle, middle)
    return [(middle * factor, low * factor, high * factor, 1.0)]
