"""The whole model: fitted on heaps of some workloads, checked on heaps of others, applied to a proposal."""

from collections.abc import Iterator, Sequence
from statistics import median

import msgspec

from gcproto.errors import ExitCode, GcprotoError
from gcproto.model.alike import see_that_they_are_of_one_machine
from gcproto.model.dispositions import Dispositions, dispositions, left_out
from gcproto.model.fit import Costs, fit, row_of
from gcproto.model.kinds import GROUPS, Row
from gcproto.model.proposals import Proposal
from gcproto.results.facts import UNKNOWN_PAGE_SIZE, timed_on
from gcproto.results.schema import PathScenario, PolicyScenario, Result, Skip, with_fields

FITTED_ON = frozenset({"prefix", "sparse"})
"""Workloads of the heaps that the costs are fitted on, beside all paths; heaps of other workloads check the fit."""

GOOD = 0.15
"""Largest relative error of a good prediction."""


class Heap(msgspec.Struct):
    """Prediction of a heap: medians over its collections, ns of ioctls per page.

    Attributes:
        scenario: of the heap;  workload, memory_order, policy, threads: the fields that distinguish most heaps.
        fitted: the costs were fitted on it.
        measured, predicted: today.
        parts: parts of the prediction, by group of kinds (gcproto.model.kinds.GROUPS).
        ahead: splitting ahead, which is in neither;  evacuation: from flip to drain, with producing the pages.
        error: relative, of the median;  errors: of each collection.
        proposed, low, high: under the proposal; None without one.

    """

    scenario: PolicyScenario
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
    """The parts of the difference between ``auto`` and plain moves on a heap of large folios; ns per page.

    Attributes:
        workload, memory_order, threads: of the heap.
        evacuation: from flip to drain, of ``move`` and of ``auto``;  measured, predicted: of that, the ioctls.
        parts: parts of the prediction, by group of kinds, for both.
        ahead: the cost of splitting before the flip in ``auto``.

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
        heaps: each scenario once.
        good: share of the heaps outside the fit that are predicted to 15 %; None without any.
        reasons: why ``auto`` differs from ``move``, if both were measured.
        proposal: the proposal that was applied; None without one.
        left_out: measurements that the model does not use, with reasons.
        page_size: of the kernel, in bytes.
        host: of a cluster, that was measured; "" for the command's own machine.

    """

    costs: dict[str, tuple[float, float, float]]
    heaps: list[Heap]
    good: float | None
    reasons: list[Reason]
    proposal: Proposal | None = None
    left_out: list[Skip] = []
    page_size: int = UNKNOWN_PAGE_SIZE
    host: str = ""


def predict(results: Sequence[Result], proposal: Proposal | None = None) -> Prediction:
    """Fit, check, predict.

    Args:
        results: of ``gcproto gc policies``, with the workloads prefix or sparse for the fit; of one machine and kernel.
        proposal: the changed kernel.

    Raises:
        GcprotoError: no such results, too few collections, or several kernels or machines.

    """
    every = list(dispositions(results))
    if not every:
        unused = "; ".join(f"{one.what}: {one.reason}" for one in left_out(results)[:3])
        raise GcprotoError(
            "no collections to fit costs to",
            why=unused or "none of these results is of gcproto gc policies",
            remedy="run it, or give no result; then this command runs it now",
            code=ExitCode.USAGE,
        )
    page_size = see_that_they_are_of_one_machine([one for one in results if any(True for _ in dispositions([one]))])
    costs = fit([one for one in every if _is_fitted_on(one)])
    by_heap: dict[PolicyScenario, list[Dispositions]] = {}
    for one in every:
        match one.scenario:
            case PolicyScenario() as asked:
                by_heap.setdefault(asked, []).append(one)
            case PathScenario():
                pass  # costs are fitted on them, and nothing is predicted
    heaps = [_heap(asked, some, costs, proposal) for asked, some in by_heap.items()]
    unseen = [abs(heap.error) <= GOOD for heap in heaps if not heap.fitted]
    return Prediction(
        costs={kind.name: (ns, *costs.interval({kind: 1.0})) for kind, ns in zip(costs.kinds, costs.ns, strict=True)},
        heaps=heaps,
        good=sum(unseen) / len(unseen) if unseen else None,
        reasons=list(_reasons(heaps)),
        proposal=proposal,
        left_out=left_out(results),
        page_size=page_size,
        host=next((host for one in results if (host := timed_on(one))), ""),
    )


def _is_fitted_on(one: Dispositions) -> bool:
    match one.scenario:
        case PathScenario():
            return True
        case PolicyScenario(workload=workload):
            return workload in FITTED_ON


def _reasons(heaps: Sequence[Heap]) -> Iterator[Reason]:
    known = {heap.scenario: heap for heap in heaps}
    for auto in heaps:
        move = known.get(with_fields(auto.scenario, policy=BASE))
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
    """Parts of the collection with the median prediction, or of both that it lies between: they sum to the median."""
    order = sorted(range(len(rows)), key=lambda at: costs.of(rows[at]) / pages[at])
    middle = {order[(len(order) - 1) // 2], order[len(order) // 2]}
    found: dict[str, float] = {}
    for at in middle:
        for group, ns in costs.parts(rows[at]).items():
            found[group] = found.get(group, 0.0) + ns / pages[at] / len(middle)
    return found


def _heap(asked: PolicyScenario, some: list[Dispositions], costs: Costs, proposal: Proposal | None) -> Heap:
    rows = [row_of(one) for one in some]
    pages = [one.every_page for one in some]
    measured = median(one.ns / count for one, count in zip(some, pages, strict=True))
    predicted = median(costs.of(row) / count for row, count in zip(rows, pages, strict=True))
    heap = Heap(
        scenario=asked,
        workload=asked.workload,
        memory_order=asked.order or 0,
        policy=asked.policy,
        threads=asked.threads,
        fitted=asked.workload in FITTED_ON,
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
