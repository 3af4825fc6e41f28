"""Time from flip to drain of a heap that stands still, from what is to be evacuated: pages in place, and pages built.

Fitted on collections of other heaps, for each kind of memory and each policy by itself.  The error is found by leaving
out one workload at a time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gcproto.results.schema import Collection, PolicyFigures, PolicyScenario, PolicyTime, Result
from gcproto.results.series import page_size_of

LEAST_WORKLOADS = 3
"""To fit on two, and to leave one out."""


@dataclass(frozen=True)
class Load:
    """What a collection has to do.

    Attributes:
        in_place: pages that keep their layout.
        built: pages of live objects that follow each other.
        objects: on the latter.

    """

    in_place: float
    built: float
    objects: float

    def row(self) -> tuple[float, float, float]:
        """As a row of the fit."""
        return self.in_place, self.built, self.objects


@dataclass(frozen=True)
class _Seen:
    """A measured collection."""

    workload: str
    load: Load
    ns: float


def _load_of(one: Collection, page: int) -> Load:
    in_place = one.collector.updated
    built = one.collector.built + one.collector.slid
    share = min(1.0, built * page / one.live_bytes) if one.live_bytes else 0.0
    return Load(in_place, built, one.objects * share)


def _seen(results: Sequence[Result]) -> Iterator[tuple[tuple[str, str], _Seen]]:
    """Collections with one thread, without swap: by memory and policy."""
    for result in results:
        page = page_size_of(result)
        for one in result.measurements:
            match one.scenario, one.figures:
                case PolicyScenario() as at, PolicyFigures() as figures if (
                    one.valid and at.threads == 1 and not at.swapped_permille and at.collections == 1
                ):
                    for each in (cycle for cycles in figures.collections for cycle in cycles):
                        ns = float(each.phases.compact + each.phases.drain)
                        if ns > 0:
                            yield (at.memory, at.policy), _Seen(at.workload, _load_of(each, page), ns)


def _fit(some: Sequence[_Seen]) -> NDArray[np.float64]:
    """Ns of a page in place, of a page built, of an object on it; relative errors count."""
    from scipy.optimize import nnls

    matrix = np.array([one.load.row() for one in some]) / np.array([[one.ns] for one in some])
    scale = np.abs(matrix).max(axis=0)
    scale[scale == 0] = 1.0
    solution, _ = nnls(matrix / scale, np.ones(len(some)))
    return np.asarray(solution / scale, dtype=np.float64)


def _error(some: Sequence[_Seen], costs: NDArray[np.float64]) -> float:
    """Relative error of the median collection."""
    return abs(float(np.median([np.dot(one.load.row(), costs) / one.ns for one in some])) - 1)


def times(results: Sequence[Result], load: Load) -> list[PolicyTime]:
    """Predicted times.

    Args:
        results: of ``gcproto gc policies``, with three workloads at least.
        load: of the heap.

    Returns:
        the fastest policy of each memory first; none where fewer workloads were measured.

    """
    cells: dict[tuple[str, str], list[_Seen]] = {}
    for key, one in _seen(results):
        cells.setdefault(key, []).append(one)
    found = []
    for (memory, policy), some in cells.items():
        workloads = sorted({one.workload for one in some})
        if len(workloads) < LEAST_WORKLOADS:
            continue
        errors = []
        for left in workloads:
            costs = _fit([one for one in some if one.workload != left])
            errors.append(_error([one for one in some if one.workload == left], costs))
        ms = float(np.dot(load.row(), _fit(some))) / 1e6
        found.append(PolicyTime(memory, policy, ms, max(errors), len(workloads)))
    order = list(dict.fromkeys(memory for memory, _ in cells))
    return sorted(found, key=lambda one: (order.index(one.memory), one.ms))
