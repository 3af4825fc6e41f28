"""Comparison of two costs: whether one is less, by the rounds and not only by their medians."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gcproto.claims.finding import Finding, confirmed, in_part, refuted, untestable
from gcproto.counted import counted
from gcproto.results.baseline import refused
from gcproto.results.names import several
from gcproto.results.schema import Interval, Measurement
from gcproto.results.statistics import ratio_interval

SURE_FROM = 6
"""Rounds that a 95 % interval of a median requires. Five samples all lie on one side of it once in sixteen times."""

ALIKE = 0.05
"""Two costs do not differ in practice if the whole interval of their ratio is this close to 1."""

Word = Literal["less", "more", "alike", "open"]
"""``open``: these rounds can't tell."""


@dataclass(frozen=True)
class Contrast:
    """The ratio of two costs.

    Args:
        other: what it is compared with, in words.
        ratio: of medians, paired by rounds; None: one of the two is invalid, did no work, or has too few rounds.
        floor: relative size below which a difference is noise.
        rounds: rounds that the ratio is made of.
        two_modes: one of the two has samples in two modes, which a median does not describe.

    """

    other: str
    ratio: Interval | None
    floor: float
    rounds: int
    two_modes: bool = False

    @property
    def word(self) -> Word:
        """The answer that the interval gives."""
        one = self.ratio
        if one is None or self.rounds < SURE_FROM or self.two_modes:
            return "open"
        near = max(ALIKE, self.floor)
        if one.low >= 1 / (1 + near) and one.high <= 1 + near:
            return "alike"
        if one.low <= 1 <= one.high or abs(one.value - 1) <= self.floor:
            return "open"
        return "less" if one.value < 1 else "more"

    @property
    def text(self) -> str:
        """``0.93x (0.90-0.96) the cost of touch``; an interval that includes 1 adds ``no clear difference``."""
        if self.ratio is None:
            return f"against {self.other} no comparable measurement exists"
        few = f", {counted(self.rounds, 'round')}" if self.rounds < SURE_FROM else ""
        few += ", in two modes" if self.two_modes else ""
        few += ", no clear difference" if self.ratio.low <= 1 <= self.ratio.high else ""
        value, low, high = (_factor(one) for one in (self.ratio.value, self.ratio.low, self.ratio.high))
        return f"{value}x ({low}-{high}{few}) the cost of {self.other}"


def _factor(one: float) -> str:
    """Two digits after the point; two significant digits if these would be zeroes."""
    return f"{one:.2f}" if one >= 0.1 else f"{one:.2g}"


def contrast(over: Measurement, under: Measurement, other: str, floor: float) -> Contrast:
    """A measurement compared with another of the same run.

    Args:
        over: whose cost is judged.
        under: the other.
        other: name of it.
        floor: noise of the run.

    """
    sound = all(one.valid and not refused(one) for one in (over, under))
    return Contrast(
        other,
        ratio_interval(over, under) if sound else None,
        floor,
        len(set(over.rounds) & set(under.rounds)),
        two_modes=bool(over.modes or under.modes),
    )


def judged_as(wanted: Literal["less", "more"], found: Sequence[Contrast], figures: str) -> Finding:
    """Judge a claim that something costs less, or more, than all alternatives.

    Args:
        wanted: what is claimed.
        found: against each alternative; the best of them is among these.
        figures: what was measured, in words.

    Returns:
        Confirmed if it holds against each, in part if it holds against some. Refuted if it fails against one and holds
        against none. Not testable if these rounds decide nothing.

    """
    text = f"{figures}: {', '.join(one.text for one in found)}"
    holds = [one.other for one in found if one.word == wanted]
    fails = [one.other for one in found if one.word not in {wanted, "open"}]
    unknown = [one.other for one in found if one.word == "open"]
    not_known = f"these rounds show no clear difference to {several(unknown)}" if unknown else ""
    if not fails and not unknown:
        return confirmed(text)
    if holds:
        known = f"it holds against {several(holds)}" + (f", not against {several(fails)}" if fails else "")
        return in_part("; ".join(one for one in (known, not_known) if one), text)
    return refuted(text) if fails else untestable(not_known, text)
