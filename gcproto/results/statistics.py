"""Medians, intervals, ratios to the copy arm, and the noise floor.

Intervals are bootstrap percentiles (scipy).  A ratio of medians is resampled by rounds. Members of one round ran
directly after each other, so a short disturbance slowed both.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from gcproto.results.baseline import baseline_of, first_of, refused
from gcproto.results.modality import fill
from gcproto.results.schema import Interval, Measurement, Noise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONFIDENCE = 0.95
RESAMPLES = 999
MIN_SAMPLES = 3
SEED = 20250220
TRIMMED = 0.25
"""Share of the samples that a midmean leaves out at either end."""

P90_FROM, P99_FROM, P999_FROM = 10, 100, 1000
"""The least number of samples for a percentile. With fewer, it is the largest sample or the next one."""


def percentiles(samples: Sequence[float]) -> dict[str, float]:
    """Percentiles that the number of samples supports: p90 from 10 on, p99 from 100 on, p99.9 from 1,000 on.

    Args:
        samples: at least one value.

    Returns:
        p50, and those of p90, p99 and p99.9 that the number supports.
    """
    import numpy as np

    wanted = {"p50": 50.0}
    if len(samples) >= P90_FROM:
        wanted["p90"] = 90.0
    if len(samples) >= P99_FROM:
        wanted["p99"] = 99.0
    if len(samples) >= P999_FROM:
        wanted["p99.9"] = 99.9
    return {name: float(np.percentile(samples, at)) for name, at in wanted.items()}


def midmean(samples: Sequence[float]) -> float:
    """Mean of the middle half of the samples.

    Instruction counts repeat, but often alternate between two values, because the kernel's per-CPU lists of free pages
    carry over between rounds. A median jumps between these values from boot to boot. This mean moves by a part of their
    distance. Outliers affect neither.

    Args:
        samples: at least one value.

    """
    from scipy.stats import trim_mean

    return float(trim_mean(samples, TRIMMED))


def middle(samples: Sequence[float]) -> list[int]:
    """Which samples their midmean is the mean of, by their places; of equal samples the first ones come first."""
    cut = int(TRIMMED * len(samples))
    return sorted(range(len(samples)), key=lambda at: (samples[at], at))[cut : len(samples) - cut]


def _bootstrap(
    data: tuple["NDArray[np.float64]", ...],
    statistic: Callable[..., "NDArray[np.float64]"],
    *,
    paired: bool,
) -> tuple[float, float]:
    return _resampled(tuple(values.tobytes() for values in data), statistic, paired)


@lru_cache(1024)
def _resampled(
    data: tuple[bytes, ...], statistic: Callable[..., "NDArray[np.float64]"], paired: bool
) -> tuple[float, float]:
    """The ends of the interval, kept: the seed is fixed, and tables and sentences of a report ask for the same ones."""
    import numpy as np
    from scipy.stats import bootstrap

    found = bootstrap(
        tuple(np.frombuffer(values, dtype=np.float64) for values in data),
        statistic,
        vectorized=True,
        paired=paired,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(SEED),
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def _interval(value: float, ends: tuple[float, float]) -> Interval:
    """An interval that includes its estimate. Interpolation between equal samples can miss it by a rounding error."""
    return Interval(value, min(ends[0], value), max(ends[1], value), CONFIDENCE)


def median_interval(samples: Sequence[float]) -> Interval | None:
    """Median with its interval; None with fewer than three samples."""
    import numpy as np

    if len(samples) < MIN_SAMPLES:
        return None
    values = np.asarray(samples, dtype=np.float64)
    low, high = _bootstrap((values,), np.median, paired=False)
    # Interpolating between resamples may leave the range of the samples by a rounding error.
    inside = (max(low, float(values.min())), min(high, float(values.max())))
    return _interval(float(np.median(values)), inside)


def mean_interval(samples: Sequence[float]) -> Interval | None:
    """Mean with its interval by Student's t; None with fewer than three samples."""
    import numpy as np
    from scipy.special import stdtrit

    if len(samples) < MIN_SAMPLES:
        return None
    values = np.asarray(samples, dtype=np.float64)
    mean, error = float(values.mean()), float(values.std(ddof=1)) / len(samples) ** 0.5
    half = float(stdtrit(len(samples) - 1, (1 + CONFIDENCE) / 2)) * error
    return _interval(mean, (mean - half, mean + half))


def ratio_interval(over: Measurement, under: Measurement) -> Interval | None:
    """Ratio of medians over / under, paired by round if enough rounds have both."""
    import numpy as np

    a, b = dict(zip(over.rounds, over.samples, strict=True)), dict(zip(under.rounds, under.samples, strict=True))
    common = sorted(a.keys() & b.keys())
    paired = len(common) >= MIN_SAMPLES
    top = np.array([a[i] for i in common] if paired else over.samples, dtype=np.float64)
    bottom = np.array([b[i] for i in common] if paired else under.samples, dtype=np.float64)
    return _ratio_of_medians(top, bottom, paired=paired)


def paired_ratio(over: Mapping[int, float], under: Mapping[int, float]) -> Interval | None:
    """Ratio of medians over / under of figures that are no samples of a measurement.

    Args:
        over: figures by round.
        under: the same.

    Returns:
        None with fewer than three rounds that have both, or with a figure of ``under`` that is not above zero.

    """
    import numpy as np

    common = sorted(over.keys() & under.keys())
    top = np.array([over[i] for i in common], dtype=np.float64)
    bottom = np.array([under[i] for i in common], dtype=np.float64)
    return _ratio_of_medians(top, bottom, paired=True)


def _ratio_of_medians(top: "NDArray[np.float64]", bottom: "NDArray[np.float64]", *, paired: bool) -> Interval | None:
    import numpy as np

    if min(len(top), len(bottom)) < MIN_SAMPLES or not np.all(bottom > 0):
        return None

    return _interval(float(_ratio(top, bottom)), _bootstrap((top, bottom), _ratio, paired=paired))


def _ratio(x: "NDArray[np.float64]", y: "NDArray[np.float64]", axis: int = -1) -> "NDArray[np.float64]":
    import numpy as np

    return np.median(x, axis=axis) / np.median(y, axis=axis)


def summarise(measurements: Sequence[Measurement]) -> None:
    """Fill in median, ci, ratio_to_copy and modes of each measurement."""
    import numpy as np

    known = {measurement.scenario: measurement for measurement in measurements}
    for measurement in measurements:
        measurement.median = float(np.median(measurement.samples)) if measurement.samples else None
        measurement.ci = median_interval(measurement.samples)
        copy = known.get(baseline_of(measurement.scenario))
        comparable = copy is not None and copy is not measurement and not refused(measurement) and not refused(copy)
        measurement.ratio_to_copy = ratio_interval(measurement, copy) if copy and comparable else None
    fill(measurements)


def noise_of(measurements: Sequence[Measurement]) -> Noise | None:
    """The noise floor from the A/A pairs: scenarios that are equal except for ``replica``; None without a pair."""
    import numpy as np

    known = {measurement.scenario: measurement for measurement in measurements if measurement.valid}
    pairs = []
    for scenario, measurement in known.items():
        first = first_of(scenario)
        other = known.get(first) if first else None
        ratio = ratio_interval(measurement, other) if other else None
        if ratio:
            pairs.append(ratio)
    if not pairs:
        return None
    return Noise(pairs, float(np.percentile([abs(pair.value - 1) for pair in pairs], 95)))
