"""Evacuation policies on one heap each: which of them did the same work, and how ``auto`` fares against the best.

Policies that chose the same are one arm: on small folios none has a choice, and the best of four names for the same
work is whichever was lucky.  Their samples are pooled, and what lies between them is the cell's noise (A/A).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from gcproto.results.baseline import COPY
from gcproto.results.schema import (
    Interval,
    Measurement,
    PolicyChoice,
    PolicyExperiment,
    PolicyFigures,
    PolicyScenario,
    Result,
    with_fields,
)
from gcproto.results.statistics import median_interval

AUTO = "auto"
SAME = Interval(1.0, 1.0, 1.0)
FLIP, TOTAL, MUTATORS = "flip", "total", "mutators"


def objective_of(result: Result) -> str:
    """By what the policies of a result are judged."""
    return result.experiment.objective if isinstance(result.experiment, PolicyExperiment) else FLIP


def samples_of(one: Measurement, objective: str) -> list[float]:
    """What a policy cost in each valid round, ns for each page, by an objective.

    Args:
        one: of a policy.
        objective: ``flip``: from flip to drain;  ``total``: splitting ahead as well;  ``mutators``: from flip to drain,
            in which they fault, and their interruptions; where these are unknown it is ``flip``.

    """
    found = one.figures
    if not isinstance(found, PolicyFigures):
        return one.samples
    more = {TOTAL: found.before, MUTATORS: found.interrupted}.get(objective, [])
    if len(more) != len(one.samples):
        return one.samples
    return [sample + added for sample, added in zip(one.samples, more, strict=True)]


@dataclass(frozen=True)
class Arm:
    """Policies that chose the same on a heap.

    Attributes:
        members: their measurements, in the order of the result.
        objective: what their samples are taken as (``samples_of``).

    """

    members: tuple[Measurement, ...]
    objective: str = FLIP

    @property
    def names(self) -> list[str]:
        """The policies' names."""
        return [policy_of(one) for one in self.members]

    @property
    def median(self) -> float:
        """Of the samples of all members."""
        return median(sample for one in self.members for sample in samples_of(one, self.objective))

    def by_round(self) -> dict[int, float]:
        """The members' median in each round that any of them has."""
        found: dict[int, list[float]] = {}
        for one in self.members:
            for number, sample in zip(one.rounds, samples_of(one, self.objective), strict=True):
                found.setdefault(number, []).append(sample)
        return {number: median(samples) for number, samples in found.items()}

    def over(self, other: "Arm") -> Interval | None:
        """Median of the ratios of the rounds that both have, with its interval; None with fewer than three."""
        if other == self:
            return SAME
        above, below = self.by_round(), other.by_round()
        return median_interval([above[number] / below[number] for number in above if below.get(number)])


@dataclass(frozen=True)
class Cell:
    """A heap with all policies that it was evacuated by.

    Attributes:
        heap: the scenario of all of them, without a policy.
        every: their measurements;  arms: of those that are valid.

    """

    heap: PolicyScenario
    every: tuple[Measurement, ...]
    arms: tuple[Arm, ...]

    @property
    def order(self) -> int:
        """Of its folios; 0 where the system chose them."""
        return self.heap.order or 0

    @property
    def threads(self) -> int:
        """Live in its address space."""
        return self.heap.threads

    @property
    def answer(self) -> str:
        """To EBUSY; "" for ``copy``."""
        return "" if self.heap.ebusy == COPY else self.heap.ebusy

    def arm(self, name: str) -> Arm | None:
        """That of a policy; None if it was not measured or is not valid."""
        return next((arm for arm in self.arms if name in arm.names), None)

    @property
    def best(self) -> Arm | None:
        """That of the fixed policy, or policies, with the least median; of several names for it the first counts."""
        fixed = [arm for arm in self.arms if set(arm.names) != {AUTO}]
        return min(fixed, key=lambda arm: arm.median, default=None)

    @property
    def to_best(self) -> Interval | None:
        """Auto's time over that of the best fixed policy; 1 where it chose the same."""
        auto, best = self.arm(AUTO), self.best
        return auto.over(best) if auto and best else None

    @property
    def alike(self) -> bool:
        """Whether all policies did the same work, auto among them: its choice was put to no test.

        Modes that choose nothing (copy) may stand beside them; one that took less than auto is a test all the same.
        """
        auto = self.arm(AUTO)
        others = [one for arm in self.arms if arm != auto for one in arm.members]
        return auto is not None and auto == self.best and not any(map(_choices, others))

    @property
    def noise(self) -> float | None:
        """The largest difference between policies that chose the same, relative; None if no two did."""
        pairs = [
            Arm((a,), arm.objective).over(Arm((b,), arm.objective))
            for arm in self.arms
            for a, b in combinations(arm.members, 2)
        ]
        return max((abs(one.value - 1) for one in pairs if one), default=None)

    def objection(self, limit: float) -> str:
        """Why it can't be said that auto is at most so much worse than the best, "" if it can.

        Auto is worse if the median of its ratios to the best is beyond the limit and their interval lies above 1: what
        noise alone can explain is no failure, and a wide interval around a large ratio is no excuse.

        Args:
            limit: relative, 0.05 for 5 %.

        """
        unsound = [policy_of(one) for one in self.every if not one.valid or not one.samples]
        if unsound:
            return f"{', '.join(unsound)} INVALID"
        found, best = self.to_best, self.best
        if found is None or best is None:
            return "auto and a fixed policy were not measured together in three rounds"
        if found.value > 1 + limit and found.low > 1:
            return f"auto takes {found.value:.2f} times ({found.low:.2f}-{found.high:.2f}) what {best.names[0]} does"
        return ""


def noise_of(found: Iterable[Cell]) -> float | None:
    """The A/A floor of a run: the largest difference between policies that chose the same on one of its heaps.

    Args:
        found: heaps of the run.

    Returns:
        Relative; None if no two policies chose the same.

    """
    return max((cell.noise for cell in found if cell.noise is not None), default=None)


def policy_of(one: Measurement) -> str:
    """The policy's name without the answer to EBUSY.

    Raises:
        TypeError: it is a measurement of another kind.

    """
    if not isinstance(one.scenario, PolicyScenario):
        raise TypeError(f"{one.scenario} is no evacuation policy")
    return one.scenario.policy


def cells(measurements: Iterable[Measurement], objective: str = FLIP) -> list[Cell]:
    """The heaps of a result of ``gcproto gc policies``, in its order.

    Args:
        measurements: those that are not of evacuation policies are passed over.
        objective: what policies are compared by.

    """
    grouped: dict[PolicyScenario, list[Measurement]] = {}
    for one in measurements:
        if isinstance(one.scenario, PolicyScenario):
            grouped.setdefault(with_fields(one.scenario, policy=""), []).append(one)
    return [Cell(heap, tuple(some), tuple(_arms(some, objective))) for heap, some in grouped.items()]


def _arms(some: Sequence[Measurement], objective: str) -> list[Arm]:
    sound = [one for one in some if one.valid and one.samples]
    found: dict[PolicyChoice | str, list[Measurement]] = {}
    for one in sound:
        found.setdefault(_key(one), []).append(one)
    return [Arm(tuple(members), objective) for members in found.values()]


def _choices(one: Measurement) -> list[PolicyChoice]:
    """What a policy chose, in any of the rounds; nothing of a mode, which has no choice."""
    return one.figures.choices if isinstance(one.figures, PolicyFigures) else []


def _key(one: Measurement) -> PolicyChoice | str:
    """Equal for equal work; a policy whose choice wavered, or is not known, is like no other."""
    choices = _choices(one)
    return choices[0] if len(choices) == 1 else policy_of(one)
