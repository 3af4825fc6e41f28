"""Evacuation policies on each heap: which did the same work, and ``auto`` against the best.

Policies that chose the same are one arm. On small folios no policy has a choice, so the best of four names for the same
work is chance. Their samples are pooled, and their differences are the cell's noise (A/A).
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
        """Median of the samples of all members."""
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
        every: their measurements; arms: of the valid ones.

    """

    heap: PolicyScenario
    every: tuple[Measurement, ...]
    arms: tuple[Arm, ...]

    @property
    def order(self) -> int:
        """Order of its folios; 0 if the system chose them."""
        return self.heap.order or 0

    @property
    def threads(self) -> int:
        """Threads live in its address space."""
        return self.heap.threads

    @property
    def ebusy(self) -> str:
        """Answer to EBUSY; "" for ``copy``."""
        return "" if self.heap.ebusy == COPY else self.heap.ebusy

    def arm(self, name: str) -> Arm | None:
        """The arm of a policy; None if it was not measured or is invalid."""
        return next((arm for arm in self.arms if name in arm.names), None)

    @property
    def best(self) -> Arm | None:
        """The arm of the fixed policy or policies with the least median. If it has several names, the first counts."""
        fixed = [arm for arm in self.arms if set(arm.names) != {AUTO}]
        return min(fixed, key=lambda arm: arm.median, default=None)

    @property
    def to_best(self) -> Interval | None:
        """The ratio of ``auto`` to the best fixed policy; 1 if it chose the same."""
        auto, best = self.arm(AUTO), self.best
        return auto.over(best) if auto and best else None

    @property
    def alike(self) -> bool:
        """Whether all policies, with ``auto``, did the same work: its choice was not tested.

        Modes without a choice (copy) may differ. If one of them took less than ``auto``, the choice was tested.
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
        """The reason why ``auto`` may be worse than the best by more than the limit; "" if it is not.

        Auto is worse if the median of its ratios to the best exceeds the limit and their interval is above 1. A
        difference that noise explains is not a failure, and a wide interval does not excuse a large ratio.

        Args:
            limit: relative, 0.05 for 5 %.

        """
        unsound = [policy_of(one) for one in self.every if not one.valid or not one.samples]
        if unsound:
            return f"{', '.join(unsound)} INVALID"
        found, best = self.to_best, self.best
        if found is None or best is None:
            return "fewer than three rounds have both auto and a fixed policy"
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
    """The name of the policy without the answer to EBUSY.

    Raises:
        TypeError: it is a measurement of another kind.

    """
    if not isinstance(one.scenario, PolicyScenario):
        raise TypeError(f"{one.scenario} is not an evacuation policy")
    return one.scenario.policy


def cells(measurements: Iterable[Measurement], objective: str = FLIP) -> list[Cell]:
    """The heaps of a result of ``gcproto gc policies``, in its order.

    Args:
        measurements: measurements of other kinds are omitted.
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
    """The choices of a policy in all rounds; empty for a mode, which has no choice."""
    return one.figures.choices if isinstance(one.figures, PolicyFigures) else []


def _key(one: Measurement) -> PolicyChoice | str:
    """Equal for equal work. A policy whose choice varied or is unknown equals no other."""
    choices = _choices(one)
    return choices[0] if len(choices) == 1 else policy_of(one)
