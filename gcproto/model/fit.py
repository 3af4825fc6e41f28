"""Primitive costs by least squares: the cost of one call, page, folio and split on this kernel.

The time of a collection's ioctls is the sum of its dispositions, each times the cost of its kind.
Costs are not negative (scipy's nnls), and errors count relatively, so that a collection of 1 ms weighs as much as one
of 50.  Fitted on some heaps, checked on others, by their medians.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from gcproto.counted import counted
from gcproto.errors import ExitCode, GcprotoError
from gcproto.model.dispositions import Dispositions
from gcproto.model.kinds import (
    COPY_CALL,
    DISCARDED,
    EBUSY,
    MOVE_CALL,
    SHOOT_DOWN,
    SHOOT_DOWN_LONG,
    Kind,
    Row,
    What,
)

RESAMPLES = 200
SEED = 20250220
INTERVAL = (5.0, 95.0)


class Costs(msgspec.Struct, frozen=True):
    """ns per disposition of each kind, and the same for each bootstrap resample of the collections.

    Attributes:
        kinds: kinds that occur.
        ns: of each.
        resamples: the same for each resample.

    """

    kinds: tuple[Kind, ...]
    ns: tuple[float, ...]
    resamples: tuple[tuple[float, ...], ...]

    def of(self, row: Row) -> float:
        """Predicted ns for these counts of each kind."""
        return self._sum(row, self.ns)

    def parts(self, row: Row) -> dict[str, float]:
        """Ns for so many of each kind, by group (gcproto.model.kinds.GROUPS); groups of cost 0 are omitted."""
        found: dict[str, float] = {}
        for kind, cost in zip(self.kinds, self.ns, strict=True):
            ns = row.get(kind, 0.0) * cost
            if ns:
                found[kind.group] = found.get(kind.group, 0.0) + ns
        return found

    def interval(self, row: Row) -> tuple[float, float]:
        """The central 90 % of the resamples."""
        values = [self._sum(row, one) for one in self.resamples]
        low, high = np.percentile(values, INTERVAL)
        return float(low), float(high)

    def _sum(self, row: Row, costs: Sequence[float]) -> float:
        return sum(row.get(kind, 0.0) * cost for kind, cost in zip(self.kinds, costs, strict=True))


def row_of(one: Dispositions) -> Row:
    """The count of each kind in a collection."""
    pages = Kind(What.NEIGHBOURS if one.neighbours else What.SCATTERED, fresh=one.fresh)
    found: dict[Kind, float] = {
        MOVE_CALL: one.move_calls,
        pages: one.pages,
        COPY_CALL: one.copy_calls,
        Kind(What.COPIED, fresh=one.fresh): one.copied,
        DISCARDED: one.discarded,
        EBUSY: one.ebusy,
        SHOOT_DOWN: one.shoot_downs - one.long_shoot_downs,
        SHOOT_DOWN_LONG: one.long_shoot_downs,
    }
    found |= {Kind(What.WHOLE, order, one.fresh): count for order, count in one.whole.items()}
    found |= {Kind(What.SPLIT, order, one.fresh): count for order, count in one.split.items()}
    return {kind: float(count) for kind, count in found.items() if count}


def fit(collections: Sequence[Dispositions]) -> Costs:
    """Least squares over heaps and paths, each by its median collection.

    Other work on the machine may prolong a collection without limit, so a fit over all collections follows the worst. A
    median does not.

    Args:
        collections: of several heaps, and rounds of paths.

    Raises:
        GcprotoError: there are too few.

    """
    usable = [one for one in collections if one.ns > 0]
    kinds = tuple(sorted({kind for one in usable for kind in row_of(one)}, key=lambda kind: kind.name))
    alike: dict[tuple[object, ...], list[Dispositions]] = {}
    for one in usable:
        alike.setdefault(_heap_of(one), []).append(one)
    if len(usable) < 3 * len(kinds) or not kinds:
        raise GcprotoError(
            f"too few collections to fit {counted(len(kinds), 'cost')}: {len(usable)}",
            remedy="give results of more runs: gcproto gc policies --rounds 7",
            code=ExitCode.USAGE,
        )
    every = [_Heap(some, kinds) for some in alike.values()]
    rng = np.random.default_rng(SEED)
    resamples = []
    for _ in range(RESAMPLES):
        resamples.append(_fitted([one.middle(rng.integers(0, one.count, one.count)) for one in every]))
    return Costs(kinds, _fitted([one.middle(np.arange(one.count)) for one in every]), tuple(resamples))


def _heap_of(one: Dispositions) -> tuple[object, ...]:
    """Equal for collections of one heap, and for rounds of one path."""
    return (one.scenario, *sorted(row_of(one).items())) if one.fresh else (one.scenario,)


class _Heap:
    """Collections of one heap, or rounds of one path: counts of each kind by row, and times in ns.

    Args:
        some: the collections.
        kinds: the columns of the counts.

    """

    def __init__(self, some: Sequence[Dispositions], kinds: Sequence[Kind]) -> None:
        rows = [row_of(one) for one in some]
        self.count = len(some)
        self.counts = np.array([[row.get(kind, 0.0) for kind in kinds] for row in rows])
        self.ns = np.array([float(one.ns) for one in some])
        self.ns_page = np.array([one.ns / one.every_page for one in some])

    def middle(self, drawn: NDArray[np.int64]) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
        """Counts and times of the collection with the median time per page, or of both that the median lies between.

        Args:
            drawn: numbers of collections.

        """
        order = drawn[np.argsort(self.ns_page[drawn], kind="stable")]
        middle = order[(len(order) - 1) // 2 : len(order) // 2 + 1]
        return self.counts[middle], self.ns[middle]


def _fitted(middles: "Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]") -> tuple[float, ...]:
    return _solve(np.concatenate([counts for counts, _ in middles]), np.concatenate([ns for _, ns in middles]))


def _solve(matrix: NDArray[np.float64], target: NDArray[np.float64]) -> tuple[float, ...]:
    from scipy.optimize import nnls

    weights = 1.0 / target
    scale = np.abs(matrix * weights[:, None]).max(axis=0)
    scale[scale == 0] = 1.0
    solution, _ = nnls(matrix * weights[:, None] / scale, np.ones(len(target)))
    return tuple(float(value) for value in solution / scale)
