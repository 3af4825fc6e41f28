"""The model put together: fitted on heaps of some workloads, checked on heaps of others, asked about a proposal."""

from collections.abc import Sequence
from statistics import median

import msgspec

from gcproto.errors import ExitCode, GcprotoError
from gcproto.model.dispositions import PATHS, Dispositions, dispositions
from gcproto.model.fit import Costs, fit, row_of
from gcproto.model.proposals import Proposal
from gcproto.results.schema import Result

FITTED_ON = frozenset({"prefix", "sparse", PATHS})
"""What the costs are fitted on, paths where there are results of theirs; heaps of other workloads check the fit."""

GOOD = 0.15
"""A prediction that is off by less is a good one."""


class Heap(msgspec.Struct):
    """What the model says of a heap: medians over its collections, ns of ioctls for each page.

    Attributes:
        workload, memory_order, policy: of the heap;  fitted: the costs were fitted on it.
        measured, predicted: today.
        error: relative, of the median;  errors: of each collection.
        proposed, low, high: under the proposal; None without one.

    """

    workload: str
    memory_order: int
    policy: str
    fitted: bool
    measured: float
    predicted: float
    error: float
    errors: list[float]
    proposed: float | None = None
    low: float | None = None
    high: float | None = None


class Prediction(msgspec.Struct):
    """The whole answer.

    Attributes:
        costs: fitted, ns by kind, with the middle 90 % of the resamples.
        heaps: by workload, memory, policy.
        good: share of the heaps that the fit did not see and that it predicts to 15 %; None without any.
        proposal: that was asked about, None for none.

    """

    costs: dict[str, tuple[float, float, float]]
    heaps: list[Heap]
    good: float | None
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
    by_heap: dict[tuple[str, int, str], list[Dispositions]] = {}
    for one in every:
        if one.workload == PATHS:
            continue
        by_heap.setdefault((one.workload, one.memory_order, one.policy), []).append(one)
    heaps = [_heap(key, some, costs, proposal) for key, some in by_heap.items()]
    unseen = [abs(heap.error) <= GOOD for heap in heaps if not heap.fitted]
    return Prediction(
        costs={name: (ns, *costs.interval({name: 1.0})) for name, ns in zip(costs.names, costs.ns, strict=True)},
        heaps=heaps,
        good=sum(unseen) / len(unseen) if unseen else None,
        proposal=proposal,
    )


def _heap(key: tuple[str, int, str], some: list[Dispositions], costs: Costs, proposal: Proposal | None) -> Heap:
    workload, order, policy = key
    rows = [row_of(one) for one in some]
    pages = [max(1, one.pages + one.copied + sum(count << k for k, count in one.whole.items())) for one in some]
    measured = median(one.ns / count for one, count in zip(some, pages, strict=True))
    predicted = median(costs.of(row) / count for row, count in zip(rows, pages, strict=True))
    heap = Heap(
        workload=workload,
        memory_order=order,
        policy=policy,
        fitted=workload in FITTED_ON,
        measured=measured,
        predicted=predicted,
        error=predicted / measured - 1 if measured else 0.0,
        errors=[costs.of(row) / one.ns - 1 for row, one in zip(rows, some, strict=True) if one.ns],
    )
    if proposal:
        said = [proposal.predicted(costs, row) for row in rows]
        heap.proposed, heap.low, heap.high = (
            median(value[i] / count for value, count in zip(said, pages, strict=True)) for i in range(3)
        )
    return heap
