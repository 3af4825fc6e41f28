"""Ratios: the cost of an arm relative to copy, and how far that is established.

A difference in one run has the standing "in this run". Its interval excludes 1, it is beyond the noise floor, and there
are enough rounds for an interval.  "Sure" is only what holds between runs (gcproto.results.pool). An arm that moved no
page is a refusal and has no ratio. An arm that moved part of its pages is never cheaper: it did not do the same work.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import product
from typing import Generic, TypeVar

from gcproto.report import labels
from gcproto.report.words.typical import sample_modes
from gcproto.results.baseline import baseline_of, done_share, evacuated, first_of, refused
from gcproto.results.policy_cells import cells, noise_of
from gcproto.results.pool import Pooled
from gcproto.results.schema import Interval, Measurement, Result, Scenario
from gcproto.results.statistics import ratio_interval

MIN_FLOOR = 0.02
"""Differences below this are never reported."""
SURE_FROM = 6
"""Rounds that a 95 % interval of a median requires. Five samples all lie on one side of it once in sixteen times."""

TWO = 2
FEW_RUNS = "two runs are too few to estimate how much runs differ"

WIDEST = 1000
"""Ends of an interval that spans the square of this: two runs disagree, and the digits carry no information."""

S = TypeVar("S", bound=Scenario)


def bounds(one: Interval) -> str:
    """``0.118-0.121`` of a ratio; ``<0.001->1000`` if it could have any value."""
    if one.high <= one.low * WIDEST**2:
        return labels.bounds(one)
    low = "<0.001" if one.low < 1 / WIDEST else labels.number(one.low)
    return f"{low}-{f'>{WIDEST}' if one.high > WIDEST else labels.number(one.high)}"


def few_text(rounds: int) -> str:
    """The reason why so many rounds establish nothing."""
    return f"{rounds} rounds are too few to be sure ({SURE_FROM} are the least)"


class Standing(Enum):
    """How far something is established."""

    SURE = "Sure"
    RUN = "In this run"
    UNSURE = "Not sure"
    SEEN = "Seen"
    PROJECTED = "A projection"
    REFUSED = "Refused"
    MISSING = "Not measured"


@dataclass(frozen=True)
class Floor:
    """The size below which a difference is noise; ``assumed`` without an A/A pair."""

    value: float
    assumed: bool

    @property
    def text(self) -> str:
        """``noise floor 2.1%``."""
        return f"noise floor {self.value:.1%}" + " assumed" * self.assumed


def floor_of(result: Result) -> Floor:
    """The floor of a run, from its A/A pairs. In a run of policies, these are policies that chose the same."""
    found = result.noise.floor if result.noise else noise_of(cells(result.measurements))
    return Floor(max(MIN_FLOOR, found or 0.0), found is None)


@dataclass(frozen=True)
class Ratio(Generic[S]):
    """The cost of one arm relative to another, in one run or in several.

    Attributes:
        subject: what was evacuated, in words.
        arm, other: in words.
        at: scenario of the arm.
        ratio: cost of the arm over that of the other, in the least noisy run that has it.
        floor: of that run.
        over, under: the two measurements.
        run: label of that run; "" if there is only one.
        across, members: of all runs that have it, if several do.
        left_out: of disturbed runs that have it, if other runs were not disturbed.

    """

    subject: str
    arm: str
    other: str
    at: S
    ratio: Interval
    floor: Floor
    over: Measurement
    under: Measurement
    run: str = ""
    across: Pooled | None = None
    members: "tuple[Ratio[S], ...]" = ()
    left_out: "tuple[Ratio[S], ...]" = ()

    @property
    def value(self) -> Interval:
        """The ratio over all runs that have it."""
        return self.across.interval if self.across else self.ratio

    @property
    def part(self) -> float | None:
        """Share of its pages that was evacuated; None if all were."""
        share = done_share(self.over)
        return share if share is not None and share < 1 else None

    @property
    def mode_ratios(self) -> list[tuple[float, float | None]]:
        """The ratio in each mode and its share of the rounds, if samples are bimodal.

        With two modes on both sides: the least and the greatest ratio, whose shares are not known.
        """
        above, below = sample_modes(self.over), sample_modes(self.under)
        if above and below:
            every = [a.median / b.median for a, b in product(above, below) if b.median > 0]
            return [(min(every), None), (max(every), None)] if every else []
        if above and self.under.median:
            return [(mode.median / self.under.median, mode.share) for mode in above]
        return [((self.over.median or 0.0) / mode.median, mode.share) for mode in below if mode.median > 0]

    @property
    def straddles(self) -> bool:
        """Whether its modes disagree: cheaper in some rounds, not cheaper in others."""
        sides = {_side(value, self.floor.value) for value, _ in self.mode_ratios}
        return bool(sides) and (len(sides) > 1 or sides == {0})

    @property
    def why_not(self) -> str:
        """The reason why no difference is sure; "" if one is."""
        torn = next((one for one in (self.members or (self,)) if one.straddles), None)
        if torn:
            where = f"in run {torn.run}, " if self.members else ""
            return f"{where}rounds fall into two modes that disagree, {torn.modes_text}"
        if self.part is not None and self.value.value < 1:
            return f"only {labels.share(self.part)} of the pages were evacuated, which is not the same work"
        return self._between() if self.across else self._within()

    def _within(self) -> str:
        one = self.ratio
        if one.low <= 1 <= one.high:
            which = " of all rounds, which fall into two modes," if self.mode_ratios else ""
            return f"the interval{which} {bounds(one)} includes 1"
        if abs(one.value - 1) <= self.floor.value:
            return f"a difference of {abs(one.value - 1):.1%} is within the {self.floor.text}"
        if self.rounds < SURE_FROM:
            return few_text(self.rounds)
        return ""

    def _between(self) -> str:
        assert self.across
        if not self.across.holds:
            return f"{self.over_runs}, which includes 1"
        change = abs(self.across.value - 1)
        return f"a difference of {change:.1%} is within the {self.floor.text}" if change <= self.floor.value else ""

    @property
    def over_runs(self) -> str:
        """The spread between runs: ``3 runs differ by 4.0% (tau); a further run is expected to give 0.45-0.68``.

        Two runs hardly show how much runs differ: 0.0% between two does not mean that a third is alike.
        """
        one = self.across
        if not one or one.tau is None or one.predicted_low is None or one.predicted_high is None:
            return ""
        further = bounds(Interval(one.value, one.predicted_low, one.predicted_high))
        few = f"; {FEW_RUNS}" * (one.runs == TWO)
        return f"{one.runs} runs differ by {one.tau:.1%} (tau{few}); a further run is expected to give {further}"

    @property
    def apart(self) -> str:
        """Two runs whose intervals do not overlap, as a clause; "" if all overlap."""
        pair = " and ".join(
            f"{labels.number(one.ratio.value)}x ({bounds(one.ratio)}) in {one.run}" for one in self.ends
        )
        return f"runs differ by more than their own intervals, {pair}" if pair else ""

    @property
    def ends(self) -> "tuple[Ratio[S], ...]":
        """Two runs whose intervals do not overlap, the lower first; () if all overlap."""
        low = min(self.members, key=lambda one: one.ratio.high, default=None)
        high = max(self.members, key=lambda one: one.ratio.low, default=None)
        return (low, high) if low and high and low.ratio.high < high.ratio.low else ()

    @property
    def rounds(self) -> int:
        """Rounds of the side that has fewer."""
        return min(len(self.over.samples), len(self.under.samples))

    @property
    def differs(self) -> bool:
        """Whether there is a difference, in this run or between runs."""
        return not self.why_not

    @property
    def leans(self) -> bool:
        """Whether there is a difference that is not sure.

        Either there are too few rounds, or it holds between runs and one of them has two modes.
        """
        if self.part is not None:
            return False
        if self.across:
            beyond = self.across.holds and abs(self.across.value - 1) > self.floor.value
            return beyond and any(one.straddles for one in self.members)
        one = self.ratio
        beyond = not one.low <= 1 <= one.high and abs(one.value - 1) > self.floor.value
        return beyond and not self.straddles and self.rounds < SURE_FROM

    @property
    def standing(self) -> Standing:
        """How far the difference is established."""
        if not self.differs:
            return Standing.UNSURE
        return Standing.SURE if self.across else Standing.RUN

    @property
    def cheaper(self) -> bool:
        """Whether the arm costs less, as far as is established."""
        return self.differs and self.value.value < 1

    @property
    def factor(self) -> str:
        """``0.082x``; ``0.33x (78 %) or 0.85x (22 %)`` if samples are bimodal in the only run."""
        return self.modes_text if self.two_valued else f"{labels.number(self.value.value)}x"

    @property
    def two_valued(self) -> bool:
        """Whether there is only one run and its rounds fall into two modes, each with its own ratio."""
        return not self.across and bool(self.mode_ratios)

    @property
    def within(self) -> str:
        """`` (0.118-0.121)``, to follow the factor; "" for two modes, because the interval belongs to one value."""
        return "" if self.two_valued else f" ({bounds(self.value)})"

    @property
    def modes_text(self) -> str:
        """``0.33x (78 %) or 0.85x (22 %)``: the ratio in each mode of its run."""
        return " or ".join(self._modes())

    def _modes(self) -> list[str]:
        return [
            f"{labels.number(value)}x" + ("" if share is None else f" ({labels.share(share)})")
            for value, share in self.mode_ratios
        ]

    @property
    def cell(self) -> str:
        """Lines of a cell: the ratio and its interval, or the ratio of each mode; then runs that disagree."""
        unsure = "" if self.differs else "?"
        if self.two_valued:
            return "\n".join(f"{one}{unsure}" for one in self._modes())
        ends = " and ".join(f"{labels.number(one.ratio.value)}x" for one in self.ends)
        return f"{labels.number(self.value.value)}x{unsure}\n{bounds(self.value)}" + f"\nruns apart: {ends}" * bool(
            ends
        )

    @property
    def versus(self) -> str:
        """``costs 0.082x copy``."""
        return f"costs {self.factor} {self.other}"

    @property
    def basis(self) -> str:
        """The figures that show a difference or the lack of one."""
        if self.why_not:
            return self.why_not
        if self.across:
            return self.over_runs
        if self.two_valued:
            return f"rounds fall into two modes that agree, {self.modes_text}; {self.floor.text}"
        return f"95 % interval {bounds(self.ratio)}, {self.floor.text}"

    @property
    def done(self) -> str:
        """``40 % of the pages were evacuated``; "" if all were."""
        return "" if self.part is None else f"{labels.share(self.part)} of the pages were evacuated"


def _side(ratio: float, floor: float) -> int:
    return (ratio > 1 + floor) - (ratio < 1 / (1 + floor))


@dataclass(frozen=True)
class Refusal(Generic[S]):
    """An arm that did no work: it has a time and no ratio.

    Attributes:
        subject, arm, at, over, run: as of a ratio.

    """

    subject: str
    arm: str
    at: S
    over: Measurement
    run: str = ""

    @property
    def figures(self) -> str:
        """``0 of 59,392 pages moved, EBUSY 928``."""
        out = self.over.outcome
        told = [f"{evacuated(self.over):,} of {out.left + evacuated(self.over):,} pages were evacuated"]
        counts = (("EBUSY", out.ebusy), ("EAGAIN", out.eagain), ("ENOENT", out.enoent))
        return ", ".join(told + [f"{name} {count:,}" for name, count in counts if count])


Row = Ratio[S] | Refusal[S]

APART = "Runs apart: two runs that differ by more than their own intervals."


def apart_note(rows: Iterable[Row[S]]) -> list[str]:
    """The explanation of "runs apart", if a cell of a table has it."""
    return [APART] * any(isinstance(one, Ratio) and bool(one.ends) for one in rows)


def ratios_of(rows: Iterable[Row[S]]) -> list[Ratio[S]]:
    """The rows that have a ratio."""
    return [one for one in rows if isinstance(one, Ratio)]


def usable(one: Measurement) -> bool:
    """Whether the measurement may be quoted."""
    return one.valid and bool(one.samples) and one.median is not None


@dataclass(frozen=True)
class Compared:
    """The measurements of a run, by scenario."""

    known: dict[Scenario, Measurement]
    floor: Floor
    run: str = ""

    def row(self, at: S, subject: str, arm: str, other: str, under: Scenario | None = None) -> Row[S] | None:
        """A scenario against copy, or against another one; None if one of them was not measured.

        Args:
            at: the scenario.
            subject: what was evacuated, in words.
            arm: likewise.
            other: what it is compared with, in words.
            under: the other scenario; None: its baseline.

        """
        over = self.known.get(at)
        if over is None or not usable(over):
            return None
        if refused(over):
            return Refusal(subject, arm, at, over, self.run)
        below = self.known.get(under or baseline_of(at))
        if below is None or below is over or not usable(below) or refused(below):
            return None
        ratio = ratio_interval(over, below)
        if ratio is None or not 0 < ratio.low <= ratio.value <= ratio.high < math.inf:
            return None
        return Ratio(subject, arm, other, at, ratio, self.floor, over, below, self.run)


def compared(result: Result, run: str = "") -> Compared:
    """The measurements of a run, prepared for comparisons.

    Args:
        result: the run.
        run: its label; "" if there is only one.

    """
    return Compared({one.scenario: one for one in result.measurements}, floor_of(result), run)


def without_twins(found: Iterable[Measurement]) -> Iterator[Measurement]:
    """All but the second members of A/A pairs."""
    return (one for one in found if first_of(one.scenario) is None)
