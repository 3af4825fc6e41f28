"""One cost beside another: whether it is less by what the rounds say, and not by their bare medians."""

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
"""Rounds from which on a median has a 95 % interval at all: five all lie on one side of it once in sixteen times."""

ALIKE = 0.05
"""Two costs whose ratio lies that near to 1, with its whole interval, do not differ in any way that matters here."""

Word = Literal["less", "more", "alike", "open"]
"""``open``: these rounds can't tell."""


@dataclass(frozen=True)
class Contrast:
    """A cost over another.

    Args:
        other: what it is compared with, in words.
        ratio: of medians, paired by rounds; None: one of the two is invalid, refused its work, or has too few rounds.
        floor: relative size below which a difference is noise.
        rounds: that the ratio is made of.
        two_modes: one of the two has samples in two modes, of which a median tells nothing.

    """

    other: str
    ratio: Interval | None
    floor: float
    rounds: int
    two_modes: bool = False

    @property
    def word(self) -> Word:
        """What the interval says."""
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
        """``0.93x (0.90-0.96) the cost of touch``; an interval with 1 in it says ``not told apart``."""
        if self.ratio is None:
            return f"against {self.other} nothing was measured that can be compared"
        few = f", {counted(self.rounds, 'round')}" if self.rounds < SURE_FROM else ""
        few += ", in two modes" if self.two_modes else ""
        few += ", not told apart" if self.ratio.low <= 1 <= self.ratio.high else ""
        value, low, high = (_factor(one) for one in (self.ratio.value, self.ratio.low, self.ratio.high))
        return f"{value}x ({low}-{high}{few}) the cost of {self.other}"


def _factor(one: float) -> str:
    """Two digits after the point, more of them where they would be zeroes."""
    return f"{one:.2f}" if one >= 0.1 else f"{one:.2g}"


def contrast(over: Measurement, under: Measurement, other: str, floor: float) -> Contrast:
    """A measurement beside another of the same run.

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
    """A claim that something costs less, or more, than all that was measured beside it.

    Args:
        wanted: what is claimed.
        found: against each alternative; the best of them is among these.
        figures: what was measured, in words.

    Returns:
        Confirmed if it holds against each, in part if against some; refuted if it is known not to hold against one,
        and holds against none; and not testable if these rounds tell nothing.

    """
    text = f"{figures}: {', '.join(one.text for one in found)}"
    holds = [one.other for one in found if one.word == wanted]
    fails = [one.other for one in found if one.word not in {wanted, "open"}]
    unknown = [one.other for one in found if one.word == "open"]
    not_known = f"these rounds can't tell it from {several(unknown)}" if unknown else ""
    if not fails and not unknown:
        return confirmed(text)
    if holds:
        known = f"it holds against {several(holds)}" + (f", not against {several(fails)}" if fails else "")
        return in_part("; ".join(one for one in (known, not_known) if one), text)
    return refuted(text) if fails else untestable(not_known, text)
