"""Primitive costs by least squares: what one call, one page, one folio, one split costs on this kernel.

The time that the ioctls of a collection take is the sum of its dispositions, each times what one of its kind costs.
Costs are not negative (scipy's nnls), and errors count relatively, so that a collection of 1 ms weighs as much as one
of 50.  Fitted on some heaps, checked on others.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from gcproto.errors import ExitCode, GcprotoError
from gcproto.model.dispositions import PATHS, Dispositions

Row = dict[str, float]
SCATTERED = "page moved"
"""Of memory made of small folios: its page frames lie anywhere, so that each costs misses in the memory map."""
NEIGHBOURS = "page of a split folio moved"
"""Their frames lie next to each other."""
RESAMPLES = 200
SEED = 20250220
INTERVAL = (5.0, 95.0)


class Costs(msgspec.Struct, frozen=True):
    """ns of one of each kind, and the same for each bootstrap resample of the collections.

    Attributes:
        names: kinds: ``move call``, SCATTERED, NEIGHBOURS, ``folio of order N moved``, ``split of order N``,
            ``copy call``, ``page copied``, ``EBUSY``.
        ns: by name.
        resamples: the same for each resample.

    """

    names: tuple[str, ...]
    ns: tuple[float, ...]
    resamples: tuple[tuple[float, ...], ...]

    def of(self, row: Row) -> float:
        """Ns for so many of each kind."""
        return self._sum(row, self.ns)

    def interval(self, row: Row) -> tuple[float, float]:
        """The middle 90 % of the resamples."""
        values = [self._sum(row, one) for one in self.resamples]
        low, high = np.percentile(values, INTERVAL)
        return float(low), float(high)

    def _sum(self, row: Row, costs: Sequence[float]) -> float:
        return sum(row.get(name, 0.0) * cost for name, cost in zip(self.names, costs, strict=True))


def row_of(one: Dispositions) -> Row:
    """How often each kind occurs in a collection."""
    found: Row = {
        "move call": one.move_calls,
        NEIGHBOURS if one.memory_order else SCATTERED: one.pages,
        "copy call": one.copy_calls,
        "page copied": one.copied,
        "EBUSY": one.ebusy,
    }
    # In a heap nothing of a THP is in a cache when its turn comes; in a round of the path lab all of it is.
    fresh = "fresh " if one.workload == PATHS else ""
    found |= {f"{fresh}folio of order {order} moved": float(count) for order, count in one.whole.items()}
    found |= {f"split of order {order}": float(count) for order, count in one.split.items()}
    return {name: float(count) for name, count in found.items() if count}


def fit(collections: Sequence[Dispositions]) -> Costs:
    """Least squares.

    Raises:
        GcprotoError: there are too few collections.

    """
    usable = [one for one in collections if one.ns > 0]
    rows = [row_of(one) for one in usable]
    names = tuple(sorted({name for row in rows for name in row}))
    if len(usable) < 3 * len(names) or not names:
        raise GcprotoError(
            f"{len(usable)} collections are too few to fit {len(names)} costs",
            remedy="give results of more runs: gcproto gc policies --runs 7",
            code=ExitCode.USAGE,
        )
    matrix = np.array([[row.get(name, 0.0) for name in names] for row in rows])
    target = np.array([float(one.ns) for one in usable])
    rng = np.random.default_rng(SEED)
    resamples = []
    for _ in range(RESAMPLES):
        chosen = rng.integers(0, len(usable), len(usable))
        resamples.append(_solve(matrix[chosen], target[chosen]))
    return Costs(names, _solve(matrix, target), tuple(resamples))


def _solve(matrix: NDArray[np.float64], target: NDArray[np.float64]) -> tuple[float, ...]:
    from scipy.optimize import nnls

    weights = 1.0 / target
    scale = np.abs(matrix * weights[:, None]).max(axis=0)
    scale[scale == 0] = 1.0
    solution, _ = nnls(matrix * weights[:, None] / scale, np.ones(len(target)))
    return tuple(float(value) for value in solution / scale)
