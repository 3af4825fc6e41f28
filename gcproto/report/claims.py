"""Claims: one way of doing the work against another, and whether the difference is one.

A claim is sure if its interval excludes 1, it lies beyond the noise floor, and there are enough rounds for an interval.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from gcproto.report import labels
from gcproto.report.verdict import Lookup, lookup_of
from gcproto.results.schema import Interval, Measurement, Result, Scenario
from gcproto.results.series import page_size_of
from gcproto.results.statistics import ratio_interval

SURE_FROM = 6
"""Rounds from which on a median has a 95 % interval at all: five all lie on one side of it once in sixteen times."""


@dataclass(frozen=True)
class Claim:
    """What one arm costs relative to another.

    Attributes:
        subject: what was evacuated, in words.
        arm, other: in words.
        ratio: cost of the arm over that of the other.
        floor: relative size below which a difference is noise; assumed: for want of an A/A pair.
        over, under: the two measurements.

    """

    subject: str
    arm: str
    other: str
    ratio: Interval
    floor: float
    over: Measurement
    under: Measurement
    assumed: bool = False

    @property
    def sure(self) -> bool:
        """Whether there is a difference."""
        return not self.why_not

    @property
    def why_not(self) -> str:
        """Why the difference is not sure; "" if it is."""
        if self.ratio.low <= 1 <= self.ratio.high:
            return f"the interval {labels.bounds(self.ratio)} includes 1"
        if abs(self.ratio.value - 1) <= self.floor:
            return f"a difference of {abs(self.ratio.value - 1):.1%} is within the noise floor of {self.floor:.1%}"
        return f"{self.rounds} rounds are too few to be sure ({SURE_FROM} are the least)" if self.few else ""

    @property
    def rounds(self) -> int:
        """Of the side that has fewer."""
        return min(len(self.over.samples), len(self.under.samples))

    @property
    def few(self) -> bool:
        """Whether there is a difference by all that was measured, and too little was measured."""
        beyond = not self.ratio.low <= 1 <= self.ratio.high and abs(self.ratio.value - 1) > self.floor
        return beyond and self.rounds < SURE_FROM

    @property
    def cheaper(self) -> bool:
        """Whether the arm is surely cheaper."""
        return self.sure and self.ratio.value < 1

    @property
    def factor(self) -> str:
        """``12.3x cheaper``, ``1.04x dearer``, or ``no sure difference``."""
        if not self.sure and not self.few:
            return "no sure difference"
        return f"{labels.number(self.times.value)}x {'cheaper' if self.ratio.value < 1 else 'dearer'}"

    @property
    def times(self) -> Interval:
        """The factor, above 1 in either direction, with its interval."""
        one = self.ratio
        if one.value >= 1 or not one.value or not one.low:
            return one
        return Interval(1 / one.value, 1 / one.high, 1 / one.low, one.confidence)

    @property
    def versus(self) -> str:
        """``12.3x cheaper than copy``."""
        return f"{self.factor} than {self.other}" if self.sure or self.few else self.factor

    @property
    def basis(self) -> str:
        """Why it is sure or not, in figures."""
        if not self.sure:
            return self.why_not
        floor = f"noise floor {self.floor:.1%}" + (" assumed" if self.assumed else "")
        return f"95 % interval {labels.bounds(self.times)}, {floor}"


NAMES = {
    "copy": "copy",
    "copy_discard": "copy-then-discard",
    "move": "move",
    "move_fallback": "move, then copy on EBUSY",
    "split_move": "split first, then move",
    "move_holes": "move",
    "zeropage": "zero-fill",
    "swapin": "swap in",
    "move_swapin": "move, then swap in",
}
"""Arms in words; an arm that is not here is called by its name."""


def claim_of(subject: str, over: Measurement, under: Measurement | None, lookup: Lookup) -> Claim | None:
    """A claim of two measurements; None if there is no ratio between them."""
    ratio = ratio_interval(over, under) if under else None
    if under is None or ratio is None or ratio.value <= 0:
        return None
    arm, other = (NAMES.get(one.scenario.arm, one.scenario.arm) for one in (over, under))
    return Claim(subject, arm, other, ratio, lookup.floor, over, under, lookup.assumed)


def path_claims(result: Result) -> list[Claim]:
    """Moving against what a collector would do instead, source by source.

    Copy-then-discard is what moving competes with where it was measured, copy elsewhere.  Of each source the smallest
    granule, and the one that is cheapest to move.
    """
    lookup = lookup_of(result)
    found = []
    for over in _moves(lookup):
        other = lookup.beside(over, "copy_discard") or lookup.beside(over, "copy") or lookup.beside(over, "zeropage")
        claim = claim_of(_subject(over.scenario, lookup.page_size), over, other, lookup)
        found += [claim] if claim else []
    return found


def _moves(lookup: Lookup) -> Iterator[Measurement]:
    groups: dict[tuple[object, ...], list[Measurement]] = {}
    for one in lookup.measurements:
        scenario = one.scenario
        if (
            scenario.arm in {"move", "move_fallback", "move_holes"}
            and not scenario.replica
            and one.valid
            and one.samples
        ):
            key = (scenario.source, scenario.order, scenario.alignment, scenario.threads, scenario.arm)
            groups.setdefault(key, []).append(one)
    for group in groups.values():
        group.sort(key=lambda one: one.scenario.granule_bytes)
        best = min(group, key=lambda one: one.median or 0.0)
        if group[0] is not best:
            yield group[0]
        yield best


def _subject(one: Scenario, page_size: int) -> str:
    """``small, 8M a call``."""
    parts = [labels.source(one, page_size)]
    parts += ["skewed"] * (one.alignment != "congruent") + ["second thread live"] * (one.threads > 1)
    parts += ["copy on EBUSY"] * (one.arm == "move_fallback") + ["holes allowed"] * (one.arm == "move_holes")
    return f"{', '.join(parts)}, {labels.size(one.granule_bytes)} a call"


def mode_claims(result: Result) -> list[Claim]:
    """Each mode of a heap, or way of a window, against copying."""
    lookup = lookup_of(result)
    found = []
    for one in result.measurements:
        if one.scenario.arm == "copy" or not one.valid or not one.samples or one.scenario.replica:
            continue
        subject = mode_subject(one, result)
        claim = claim_of(subject, one, lookup.beside(one, "copy"), lookup)
        found += [claim] if claim else []
    return found


def mode_subject(one: Measurement, result: Result) -> str:
    """The mode; with the size of its heap where there are several."""
    sizes = {other.scenario.pages for other in result.measurements}
    if len(sizes) == 1 or one.scenario.source == "window":
        return one.scenario.arm
    page_size = page_size_of(result)
    return f"{one.scenario.arm}, {labels.size(one.scenario.pages * page_size)}"
