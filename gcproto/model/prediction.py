"""The model put together: fitted on heaps of some workloads, checked on heaps of others, asked about a proposal."""

from collections.abc import Iterator, Sequence
from statistics import median

import msgspec

from gcproto.errors import ExitCode, GcprotoError
from gcproto.model.dispositions import PATHS, Dispositions, dispositions
from gcproto.model.fit import GROUPS, Costs, Row, fit, row_of
from gcproto.model.proposals import Proposal
from gcproto.results.schema import Result

FITTED_ON = frozenset({"prefix", "sparse", PATHS})
"""What the costs are fitted on, paths where there are results of theirs; heaps of other workloads check the fit."""

GOOD = 0.15
"""A prediction that is off by less is a good one."""


class Heap(msgspec.Struct):
    """What the model says of a heap: medians over its collections, ns of ioctls for each page.

    Attributes:
        workload, memory_order, policy, threads: of the heap;  fitted: the costs were fitted on it.
        measured, predicted: today.
        parts: of what is predicted, by group of kinds (gcproto.model.fit.GROUPS).
        ahead: splitting ahead, which is in neither;  evacuation: from flip to drain, with producing the pages.
        error: relative, of the median;  errors: of each collection.
        proposed, low, high: under the proposal; None without one.

    """

    workload: str
    memory_order: int
    policy: str
    threads: int
    fitted: bool
    measured: float
    predicted: float
    error: float
    errors: list[float]
    parts: dict[str, float]
    ahead: float
    evacuation: float
    proposed: float | None = None
    low: float | None = None
    high: float | None = None


AUTO, BASE = "auto", "move"


class Reason(msgspec.Struct):
    """Why ``auto`` evacuates a heap of large folios in another time than plain moves do; ns for each page.

    Attributes:
        workload, memory_order, threads: of the heap.
        evacuation: from flip to drain, of ``move`` and of ``auto``;  measured, predicted: of that, the ioctls.
        parts: of what is predicted, by group of kinds, of both.
        ahead: what auto spends on splitting before the flip instead.

    """

    workload: str
    memory_order: int
    threads: int
    evacuation: tuple[float, float]
    measured: tuple[float, float]
    predicted: tuple[float, float]
    parts: dict[str, tuple[float, float]]
    ahead: float


class Prediction(msgspec.Struct):
    """The whole answer.

    Attributes:
        costs: fitted, ns by kind, with the middle 90 % of the resamples.
        heaps: by workload, memory, policy.
        good: share of the heaps that the fit did not see and that it predicts to 15 %; None without any.
        reasons: why ``auto`` differs from ``move``, where both were measured.
        proposal: that was asked about, None for none.

    """

    costs: dict[str, tuple[float, float, float]]
    heaps: list[Heap]
    good: float | None
    reasons: list[Reason]
    proposal: Proposal | None = None


def predict(results: Sequence[Result], proposal: Proposal | None = None) -> Prediction:
    """Fit, check, predict.

    Args:
        results: of ``gcproto gc policies``, with the workloads prefix or sparse for the fit.
        proposal: what a changed kernel would do.

    Raises:
        GcprotoError: there are no such results, or too few collections.

    """
    every = list(dispositions(list(results)))
    if not every:
        raise GcprotoError(
            "no collections to fit costs to",
            why="none of these results is of gcproto gc policies",
            remedy="run it, or give no result: then it is run now",
            code=ExitCode.USAGE,
        )
    costs = fit([one for one in every if one.workload in FITTED_ON])
    by_heap: dict[tuple[str, int, str, int], list[Dispositions]] = {}
    for one in every:
        if one.workload == PATHS:
            continue
        by_heap.setdefault((one.workload, one.memory_order, one.policy, one.threads), []).append(one)
    heaps = [_heap(key, some, costs, proposal) for key, some in by_heap.items()]
    unseen = [abs(heap.error) <= GOOD for heap in heaps if not heap.fitted]
    return Prediction(
        costs={name: (ns, *costs.interval({name: 1.0})) for name, ns in zip(costs.names, costs.ns, strict=True)},
        heaps=heaps,
        good=sum(unseen) / len(unseen) if unseen else None,
        reasons=list(_reasons(heaps)),
        proposal=proposal,
    )


def _reasons(heaps: Sequence[Heap]) -> Iterator[Reason]:
    known = {(heap.workload, heap.memory_order, heap.threads, heap.policy): heap for heap in heaps}
    for auto in heaps:
        move = known.get((auto.workload, auto.memory_order, auto.threads, BASE))
        if auto.policy != AUTO or move is None or not auto.memory_order:
            continue
        yield Reason(
            workload=auto.workload,
            memory_order=auto.memory_order,
            threads=auto.threads,
            evacuation=(move.evacuation, auto.evacuation),
            measured=(move.measured, auto.measured),
            predicted=(move.predicted, auto.predicted),
            parts={
                group: (move.parts.get(group, 0.0), auto.parts.get(group, 0.0))
                for group in GROUPS
                if group in move.parts or group in auto.parts
            },
            ahead=auto.ahead,
        )


def _parts(costs: Costs, rows: Sequence[Row], pages: Sequence[int]) -> dict[str, float]:
    """Of the collection whose prediction is the median, or of both that it lies between: they sum up to it."""
    order = sorted(range(len(rows)), key=lambda at: costs.of(rows[at]) / pages[at])
    middle = {order[(len(order) - 1) // 2], order[len(order) // 2]}
    found: dict[str, float] = {}
    for at in middle:
        for group, ns in costs.parts(rows[at]).items():
            found[group] = found.get(group, 0.0) + ns / pages[at] / len(middle)
    return found


def _heap(key: tuple[str, int, str, int], some: list[Dispositions], costs: Costs, proposal: Proposal | None) -> Heap:
    workload, order, policy, threads = key
    rows = [row_of(one) for one in some]
    pages = [one.every_page for one in some]
    measured = median(one.ns / count for one, count in zip(some, pages, strict=True))
    predicted = median(costs.of(row) / count for row, count in zip(rows, pages, strict=True))
    heap = Heap(
        workload=workload,
        memory_order=order,
        policy=policy,
        threads=threads,
        fitted=workload in FITTED_ON,
        measured=measured,
        predicted=predicted,
        error=predicted / measured - 1 if measured else 0.0,
        errors=[costs.of(row) / one.ns - 1 for row, one in zip(rows, some, strict=True) if one.ns],
        parts=_parts(costs, rows, pages),
        ahead=median(one.ahead_ns / count for one, count in zip(some, pages, strict=True)),
        evacuation=median(one.evacuation_ns / count for one, count in zip(some, pages, strict=True)),
    )
    if proposal:
        changed = [proposal.predicted(costs, row) for row in rows]
        heap.proposed, heap.low, heap.high = (
            median(value[i] / count for value, count in zip(changed, pages, strict=True)) for i in range(3)
        )
    return heap
