"""Primitive costs by least squares: what one call, one page, one folio, one split costs on this kernel.

The time that the ioctls of a collection take is the sum of its dispositions, each times what one of its kind costs.
Costs are not negative (scipy's nnls), and errors count relatively, so that a collection of 1 ms weighs as much as one
of 50.  Fitted on some heaps, checked on others, by their medians.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from gcproto.errors import ExitCode, GcprotoError
from gcproto.model.dispositions import PATHS, Dispositions

Row = dict[str, float]
MOVE_CALL = "move call"
SCATTERED = "page moved"
"""Of memory made of small folios: its page frames lie anywhere, so that each costs misses in the memory map."""
NEIGHBOURS = "page of a split folio moved"
"""Their frames lie next to each other."""
WHOLE = "folio of order "
SPLIT = "split of order "
COPY_CALL = "copy call"
COPIED = "page copied"
DISCARDED = "page discarded"
EBUSY = "EBUSY call"
SHOOT_DOWN = "TLB shoot-down"
"""Of one other processor: with more of them the kernel waits for the slowest (gcproto.model.shoot_downs)."""
SHOOT_DOWN_LONG = "TLB shoot-down of all entries"
FRESH = "fresh "
"""Pages of the path lab were written a moment ago: what is theirs is in the caches, and costs less than in a heap."""
RESAMPLES = 200
SEED = 20250220
INTERVAL = (5.0, 95.0)


class Costs(msgspec.Struct, frozen=True):
    """ns of one of each kind, and the same for each bootstrap resample of the collections.

    Attributes:
        names: kinds: MOVE_CALL, SCATTERED, NEIGHBOURS, ``folio of order N moved``, ``split of order N``, COPY_CALL,
            COPIED, DISCARDED, EBUSY, SHOOT_DOWN, SHOOT_DOWN_LONG.
        ns: by name.
        resamples: the same for each resample.

    """

    names: tuple[str, ...]
    ns: tuple[float, ...]
    resamples: tuple[tuple[float, ...], ...]

    def of(self, row: Row) -> float:
        """Ns for so many of each kind."""
        return self._sum(row, self.ns)

    def parts(self, row: Row) -> dict[str, float]:
        """Ns for so many of each kind, by group (``group_of``); nothing that costs nothing."""
        found: dict[str, float] = {}
        for name, cost in zip(self.names, self.ns, strict=True):
            ns = row.get(name, 0.0) * cost
            if ns:
                found[group_of(name)] = found.get(group_of(name), 0.0) + ns
        return found

    def interval(self, row: Row) -> tuple[float, float]:
        """The middle 90 % of the resamples."""
        values = [self._sum(row, one) for one in self.resamples]
        low, high = np.percentile(values, INTERVAL)
        return float(low), float(high)

    def _sum(self, row: Row, costs: Sequence[float]) -> float:
        return sum(row.get(name, 0.0) * cost for name, cost in zip(self.names, costs, strict=True))


GROUPS = ("calls", "pages", "whole folios", "splits", "shoot-downs", "copies", "discards", "EBUSY")
"""Kinds as an explanation has them, in its order."""


def group_of(name: str) -> str:
    """Which of GROUPS a kind belongs to."""
    name = name.removeprefix(FRESH)
    if name.startswith(SPLIT):
        return "splits"
    if name.startswith(WHOLE):
        return "whole folios"
    return {
        MOVE_CALL: "calls",
        COPY_CALL: "calls",
        COPIED: "copies",
        DISCARDED: "discards",
        EBUSY: "EBUSY",
        SHOOT_DOWN: "shoot-downs",
        SHOOT_DOWN_LONG: "shoot-downs",
    }.get(name, "pages")


def row_of(one: Dispositions) -> Row:
    """How often each kind occurs in a collection."""
    fresh = FRESH if one.workload == PATHS else ""
    found: Row = {
        MOVE_CALL: one.move_calls,
        fresh + (NEIGHBOURS if one.memory_order else SCATTERED): one.pages,
        COPY_CALL: one.copy_calls,
        fresh + COPIED: one.copied,
        DISCARDED: one.discarded,
        EBUSY: one.ebusy,
        SHOOT_DOWN: one.shoot_downs - one.long_shoot_downs,
        SHOOT_DOWN_LONG: one.long_shoot_downs,
    }
    found |= {f"{fresh}{WHOLE}{order} moved": float(count) for order, count in one.whole.items()}
    found |= {f"{fresh}{SPLIT}{order}": float(count) for order, count in one.split.items()}
    return {name: float(count) for name, count in found.items() if count}


def fit(collections: Sequence[Dispositions]) -> Costs:
    """Least squares over heaps and paths, each by its collection in the middle.

    One that somebody else's work on the machine drew out is as far off as it likes, so that a fit over all collections
    follows the worst of them; a median does not.

    Args:
        collections: of several heaps, and rounds of paths.

    Raises:
        GcprotoError: there are too few.

    """
    usable = [one for one in collections if one.ns > 0]
    names = tuple(sorted({name for one in usable for name in row_of(one)}))
    alike: dict[tuple[object, ...], list[Dispositions]] = {}
    for one in usable:
        alike.setdefault(_heap_of(one), []).append(one)
    if len(usable) < 3 * len(names) or not names:
        raise GcprotoError(
            f"{len(usable)} collections are too few to fit {len(names)} costs",
            remedy="give results of more runs: gcproto gc policies --runs 7",
            code=ExitCode.USAGE,
        )
    every = list(alike.values())
    rng = np.random.default_rng(SEED)
    resamples = []
    for _ in range(RESAMPLES):
        drawn = [[some[at] for at in rng.integers(0, len(some), len(some))] for some in every]
        resamples.append(_fitted(drawn, names))
    return Costs(names, _fitted(every, names), tuple(resamples))


def _heap_of(one: Dispositions) -> tuple[object, ...]:
    """Equal for collections of one heap, and for rounds of one path."""
    heap = (one.workload, one.memory_order, one.policy, one.threads)
    return heap if one.workload != PATHS else (*heap, *sorted(row_of(one).items()))


def middle_of(some: Sequence[Dispositions]) -> list[Dispositions]:
    """The collection whose time for each page is the median, or both that it lies between."""
    order = sorted(some, key=lambda one: one.ns / one.every_page)
    return order[(len(order) - 1) // 2 : len(order) // 2 + 1]


def _fitted(every: Sequence[Sequence[Dispositions]], names: Sequence[str]) -> tuple[float, ...]:
    middles = [one for some in every for one in middle_of(some)]
    rows = [row_of(one) for one in middles]
    matrix = np.array([[row.get(name, 0.0) for name in names] for row in rows])
    return _solve(matrix, np.array([float(one.ns) for one in middles]))


def _solve(matrix: NDArray[np.float64], target: NDArray[np.float64]) -> tuple[float, ...]:
    from scipy.optimize import nnls

    weights = 1.0 / target
    scale = np.abs(matrix * weights[:, None]).max(axis=0)
    scale[scale == 0] = 1.0
    solution, _ = nnls(matrix * weights[:, None] / scale, np.ones(len(target)))
    return tuple(float(value) for value in solution / scale)
