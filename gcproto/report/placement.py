"""Threads and processors: how many threads of a measurement are runnable, and how many can run."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from gcproto.report.words.kinds import Window, Workload
from gcproto.results import names
from gcproto.results.schema import (
    Measurement,
    PathScenario,
    PolicyScenario,
    Result,
    Scenario,
    WindowScenario,
    WorkloadScenario,
    with_fields,
)

HANDLER_THREAD = "thread"
UNCOLLECTED = ("none", "bare")
"""Modes that never collect."""

P = TypeVar("P", Window, Workload)


def steadiest_first(found: Iterable[P]) -> list[P]:
    """Measurements by placement, the steadiest first; otherwise in the given order."""
    order = list(names.PLACEMENTS)
    return sorted(found, key=lambda one: _rank(one.at.placement, order))


def _rank(placement: str, order: list[str]) -> int:
    return order.index(placement) if placement in order else len(order)


def runnable(one: Scenario) -> int:
    """Runnable threads: mutators, those that compact, and the thread that serves faults if there is one.

    A mode without a collector has its mutators only.
    """
    match one:
        case PathScenario() | PolicyScenario():
            return one.threads
        case WorkloadScenario():
            return one.mutators + _compactors(one)
        case WindowScenario():
            return one.mutators + 1 + (one.handler == HANDLER_THREAD)


def _compactors(one: WorkloadScenario) -> int:
    return 0 if one.mode in UNCOLLECTED else one.options.compactors or 1


def processors(result: Result) -> int | None:
    """Processors that the process was allowed to use; None if unknown."""
    cpu = result.environment.get("cpu")
    allowed = cpu.get("allowed") if isinstance(cpu, dict) else None
    return allowed if isinstance(allowed, int) and allowed > 0 else None


def crowded(measurements: Iterable[Measurement], result: Result) -> str:
    """A sentence if there are more runnable threads than processors; "" otherwise.

    Args:
        measurements: of a table.
        result: run that they are from.

    """
    allowed = processors(result)
    every = [one.scenario for one in measurements]
    over = [one for one in every if allowed is not None and runnable(one) > allowed]
    if not over:
        return ""
    on = "1 processor" if allowed == 1 else f"{allowed} processors"
    waits = "times include waiting for a processor, which the scheduler decides"
    if several := _several(_heaps(every), _heaps(over)):
        return f"up to {max(map(runnable, over))} runnable threads (with {several}) on {on}: {waits}"
    who = "" if len(over) == len(every) else f"{_who(over)}: "
    threads = _threads(over)
    return f"{who}{threads} on {on}: {waits}"


def _heaps(some: Iterable[Scenario]) -> list[WorkloadScenario]:
    return [one for one in some if isinstance(one, WorkloadScenario)]


def _several(every: Sequence[WorkloadScenario], over: Sequence[WorkloadScenario]) -> str:
    """``2 and 4 mutators``: of heaps with several numbers of threads, those that are too many; "" for one number.

    Args:
        every: heap of the table.
        over: those with more threads than processors.

    """
    if len({one.mutators for one in every}) > 1:
        return f"{_numbers(one.mutators for one in over)} mutators"
    if len({_compactors(one) for one in every} - {0}) > 1:
        beside = ", of which the collector's alone has its own processor" * all(one.placement == "own" for one in over)
        return f"{_numbers(map(_compactors, over))} compacting threads{beside}"
    return ""


def _numbers(counts: Iterable[int]) -> str:
    return names.several([str(one) for one in sorted(set(counts) - {0})])


def _threads(over: list[Scenario]) -> str:
    """``3 runnable threads``, or ``3 runnable threads (copy-thread: 4)`` if some have more than others."""
    counts: dict[int, list[Scenario]] = {}
    for one in over:
        counts.setdefault(runnable(one), []).append(one)
    least, *more = sorted(counts)
    others = [f"{_who(counts[count])}: {count}" for count in more]
    return f"{least} runnable threads" + f" ({'; '.join(others)})" * bool(others)


def _who(some: list[Scenario]) -> str:
    return names.several(list(dict.fromkeys(map(_unplaced, some))))


def _unplaced(one: Scenario) -> str:
    """An arm without its placement."""
    match one:
        case WorkloadScenario() | WindowScenario():
            return names.arm(with_fields(one, placement=names.UNPLACED))
        case PathScenario() | PolicyScenario():
            return names.arm(one)
