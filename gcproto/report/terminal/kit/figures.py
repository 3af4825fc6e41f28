"""Figures of a measurement as lines of a cell: the cost, the ratio to copy, and the share of the work that was done."""

from collections.abc import Iterable

from gcproto.report import labels
from gcproto.report.terminal.kit.text import Part
from gcproto.results.baseline import baseline_of, done_share, evacuated, refused
from gcproto.results.schema import Measurement, Scenario

INVALID: Part = ("INVALID", "bold red")
REFUSED: Part = ("refused", "bright_black")


class Baselines:
    """Finds the baseline of a measurement."""

    def __init__(self, measurements: Iterable[Measurement]) -> None:
        self.known: dict[Scenario, Measurement] = {one.scenario: one for one in measurements}

    def of(self, one: Measurement) -> Measurement | None:
        """The measurement of copy; None for copy itself, and if it was not measured."""
        found = self.known.get(baseline_of(one.scenario))
        return None if found is None or found.scenario == one.scenario else found


def cost(one: Measurement, scale: float = 1.0) -> list[Part]:
    """The median; both modes with their shares if there are two; empty if the work was refused.

    Args:
        one: measured.
        scale: divisor for the unit that is shown.

    """
    if not one.valid or one.median is None:
        return [INVALID]
    if refused(one):
        return [REFUSED]
    if one.modes:
        return [f"{labels.number(mode.median * scale)} in {labels.share(mode.share)}" for mode in one.modes]
    return [labels.number(one.median * scale)]


def ratio(one: Measurement, baselines: Baselines) -> list[Part]:
    """The ratio to copy with its interval, or a note that samples have two modes."""
    why = no_ratio(one, baselines)
    if why:
        return [(why, "yellow")]
    found = one.ratio_to_copy
    if found is None or not one.valid or refused(one):
        return []
    return [f"{labels.number(found.value)}x", (labels.bounds(found), "dim")]


def no_ratio(one: Measurement, baselines: Baselines) -> str:
    """The reason why one ratio can't describe it: its samples, or those of copy, have two modes; "" if it can."""
    base = baselines.of(one)
    if one.modes:
        return "two modes"
    return "copy: two modes" if base and base.modes else ""


def done(one: Measurement) -> list[Part]:
    """``63 % moved``: the share of the work that was done; empty for all or none."""
    part = done_share(one)
    if part is None or part == 1 or refused(one):
        return []
    out, every = one.outcome, evacuated(one)
    word = {out.moved: "moved", out.remapped: "remapped", out.copied + out.copied_after_ebusy: "copied"}.get(every)
    return [(f"{labels.share(part)} {word or 'done'}", "yellow")]
