"""Why two modes differ: the difference of their times as a sum of counts times costs, and what is left over.

Both times are means over the valid rounds of a measurement, so that sums add up.  A term is a count in each mode times
the cost of one there.  That cost is measured in C, around the work itself (native/heap/work.h), or by calibration if no
clock can be read there (native/heap/costs.h).  The residual is what no term explains; it is never folded into one.

- Mutator time: of one mutator, from when all were set up until it was through.  Faults count with their delivery.
  A shoot-down that arrives inside a handler is in that handler's time.  No counter says how many do.  They come while
  the collector compacts, so the share of that time that mutators spend in handlers is taken off.
  What mutators do besides is the workload's own work, the same in every mode but for caches: it is the residual.
- Compaction time: from the flip to the drain, of one collection.  The work of compacting threads beside the
  collector's is not a term: it runs at the same time.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from gcproto.results.schema import (
    Collection,
    FaultCosts,
    Measurement,
    MutatorTime,
    Work,
    WorkloadFigures,
    with_fields,
)
from gcproto.results.statistics import mean_interval


@dataclass(frozen=True)
class Term:
    """One cause.

    Attributes:
        what: in words.
        n: how often in each of the two, a round or a collection.
        each_ns: what one costs there.
        calibrated: the cost is not of these runs.

    """

    what: str
    n: tuple[float, float]
    each_ns: tuple[float, float]
    calibrated: bool = False

    @property
    def ns(self) -> tuple[float, float]:
        """Counts times costs."""
        return self.n[0] * self.each_ns[0], self.n[1] * self.each_ns[1]

    @property
    def difference(self) -> float:
        """Of the first less the second, ns."""
        return self.ns[0] - self.ns[1]


@dataclass(frozen=True)
class Account:
    """One kind of time of two modes.

    Attributes:
        what: ``mutator time of a round``, ``compaction of a collection``.
        total_ns: of each.
        terms: in the order of what they differ by.
        noise_ns: by so much the means of one mode differ when it is measured twice; None where it was not.

    """

    what: str
    total_ns: tuple[float, float]
    terms: tuple[Term, ...]
    noise_ns: float | None = None

    @property
    def difference(self) -> float:
        """Of the first less the second, ns."""
        return self.total_ns[0] - self.total_ns[1]

    @property
    def explained(self) -> float:
        """By the terms together, ns."""
        return sum(one.difference for one in self.terms)

    @property
    def residual(self) -> float:
        """What they do not explain, ns."""
        return self.difference - self.explained

    @property
    def within_noise(self) -> bool:
        """Whether the difference is one that the same work shows too: then there is nothing to explain."""
        return self.noise_ns is not None and abs(self.difference) <= self.noise_ns

    @property
    def covered(self) -> bool:
        """Whether the residual is within the noise."""
        return self.noise_ns is not None and abs(self.residual) <= self.noise_ns

    @property
    def share(self) -> float | None:
        """The residual by the difference; None where there is none, or none beyond the noise."""
        return abs(self.residual) / abs(self.difference) if self.difference and not self.within_noise else None


@dataclass(frozen=True)
class Explanation:
    """Of one mode against another on the same heap."""

    first: str
    second: str
    mutators: Account
    compaction: Account


WORDS = {
    "build": "pages built of live words",
    "update": "pages updated in place",
    "slide": "pages slid",
    "move_1": "MOVE of 1 page",
    "move_16": "MOVE of 2 to 16",
    "move_128": "MOVE of 17 to 128",
    "move_more": "MOVE of more",
    "copy_1": "COPY of 1 page",
    "copy_16": "COPY of 2 to 16",
    "copy_128": "COPY of 17 to 128",
    "copy_more": "COPY of more",
    "remap": "mremap of a run",
    "zero": "ZEROPAGE",
    "wait": "waiting for a mutator",
    "discard": "from-space freed",
    "renew": "granules populated again",
    "pause": "pauses",
    "memory": "waiting for memory",
    "fault_ready": "faults: page was ready",
    "fault_dense": "faults: updated pages",
    "fault_built": "faults: built pages",
    "fault_slid": "faults: slid a page",
    "fault_fresh": "faults: fresh pages",
    "fault_waited": "faults: waited for a thread",
    "fault_spurious": "faults: mapped meanwhile",
}
"""Kinds of work and of stalls (gcproto.collector.work)."""


def explain(
    first: Measurement, second: Measurement, names: tuple[str, str], again: Measurement | None = None
) -> Explanation | None:
    """Why they differ.

    Args:
        first: a mode.
        second: another one on the same heap, of the same run.
        names: of the modes.
        again: the second member of an A/A pair of one of them, which is ``replica`` 0; None: the noise is unknown.

    Returns:
        None where one of them has no valid round, or was measured before times were recorded.

    """
    one, other = first.figures, second.figures
    if not isinstance(one, WorkloadFigures) or not isinstance(other, WorkloadFigures):
        return None
    if not one.times or not other.times:
        return None
    mutators, compaction = _mutators(one, other), _compaction(one, other)
    if again is not None:
        same = second if with_fields(again.scenario, replica=0) == second.scenario else first
        mutators = replace(mutators, noise_ns=_noise(same, again, _mutator_times))
        compaction = replace(compaction, noise_ns=_noise(same, again, _compaction_times))
    return Explanation(*names, mutators, compaction)


def _noise(one: Measurement, again: Measurement, times: Callable[[Measurement], dict[int, float]]) -> float | None:
    """The end of the 95 % interval of the mean difference of the same work that is farther from 0; ns.

    Rounds are paired: those of one number ran close to each other.  None with fewer than MIN_SAMPLES common rounds.
    """
    ours, theirs = times(one), times(again)
    differences = [ours[at] - theirs[at] for at in ours if at in theirs]
    found = mean_interval(differences)
    return max(abs(found.low), abs(found.high)) if found else None


def _mutator_times(one: Measurement) -> dict[int, float]:
    """Of a mutator, by round."""
    times = one.figures.times if isinstance(one.figures, WorkloadFigures) else []
    return {at: time.ns / max(1, time.mutators) for at, time in zip(one.rounds, times, strict=False)}


def _compaction_times(one: Measurement) -> dict[int, float]:
    """Of a collection, by round, means."""
    heaps = one.figures.collections if isinstance(one.figures, WorkloadFigures) else []
    found = [[each.phases.compact for each in heap if each.measured and each.phases.compact] for heap in heaps]
    return {at: _mean(each) for at, each in zip(one.rounds, found, strict=False) if each}


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0


def _mutators(one: WorkloadFigures, other: WorkloadFigures) -> Account:
    sides = (one, other)
    costs = one.costs or other.costs or FaultCosts()
    terms = [
        _paired(WORDS[what], tuple(_stall(side.times, what, costs.delivery) for side in sides))
        for what in dict.fromkeys(work.what for side in sides for each in side.times for work in each.stalls)
    ]
    for what, field, cost in (
        ("minor faults of the kernel", "minor_faults", costs.minor_fault),
        ("TLB shoot-downs outside of handlers", "shoot_downs", costs.shoot_down),
    ):
        n = tuple(_mean((getattr(time, field) or 0) / max(1, time.mutators) for time in side.times) for side in sides)
        if field == "shoot_downs":
            n = tuple(count * _outside(side) for count, side in zip(n, sides, strict=True))
        terms.append(Term(what, (n[0], n[1]), (cost, cost), calibrated=True))
    queued = tuple(_mean(time.queued_ns / max(1, time.mutators) for time in side.times) for side in sides)
    terms.append(_paired("waiting for a processor", tuple((1.0 if ns else 0.0, ns) for ns in queued)))
    total = tuple(_mean(time.ns / max(1, time.mutators) for time in side.times) for side in sides)
    return Account("mutator time of a round", (total[0], total[1]), _sorted(terms))


def _outside(side: WorkloadFigures) -> float:
    """The share of the time of compactions that mutators do not spend in their handlers."""
    mutators = max((time.mutators for time in side.times), default=1)
    windows = sum(one.phases.compact for heap in side.collections for one in heap if one.measured) * mutators
    inside = sum(work.ns for time in side.times for work in time.stalls if work.what.startswith("fault"))
    return max(0.0, 1 - inside / windows) if windows else 1.0


def _stall(times: Sequence[MutatorTime], what: str, delivery: int) -> tuple[float, float]:
    """How often a mutator was kept from running by one cause in a round, and the mean time of it."""
    found = [(work, time.mutators) for time in times for work in time.stalls if work.what == what]
    n = sum(work.n / max(1, mutators) for work, mutators in found) / len(times)
    ns = sum(work.ns / max(1, mutators) for work, mutators in found) / len(times)
    return (n, ns / n + (delivery if what.startswith("fault") else 0)) if n else (0.0, 0.0)


def _paired(what: str, found: tuple[tuple[float, float], ...]) -> Term:
    (n, each), (other_n, other_each) = found
    return Term(what, (n, other_n), (each, other_each))


def _sorted(terms: Iterable[Term]) -> tuple[Term, ...]:
    """The largest differences first; terms that are zero in both are omitted."""
    return tuple(sorted((one for one in terms if any(one.ns)), key=lambda one: -abs(one.difference)))


def _compaction(one: WorkloadFigures, other: WorkloadFigures) -> Account:
    sides = tuple(
        [each for round_ in side.collections for each in round_ if each.measured and each.phases.compact]
        for side in (one, other)
    )
    kinds = dict.fromkeys(work.what for side in sides for each in side for work in each.work)
    terms = [_paired(WORDS[what], tuple(_work(side, what) for side in sides)) for what in kinds]
    total = tuple(_mean(each.phases.compact for each in side) for side in sides)
    return Account("compaction of a collection", (total[0], total[1]), _sorted(terms))


def _work(side: Sequence[Collection], what: str) -> tuple[float, float]:
    """How often it was done in a collection, and what it cost each time, over all of them."""
    works: list[Work] = [work for each in side for work in each.work if work.what == what]
    n, timed = sum(work.n for work in works), sum(work.timed for work in works)
    return (n / len(side), sum(work.ns for work in works) / timed) if n and timed else (0.0, 0.0)
