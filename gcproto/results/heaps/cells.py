"""Modes of collecting in the cells of a grid: how ``auto`` fares against the best fixed mode of each.

Two things are judged, since mutators feel both: the time that they needed, and the least share that they had of any 10
ms (MMU10).  Times are compared as the median of the ratios of rounds, shares as the median of their differences.  If
faults follow each other, shares are close to 0, and the ratio of two such shares has no meaning.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gcproto.counted import counted
from gcproto.results.schema import Interval, Measurement, Noise, WorkloadFigures, WorkloadScenario
from gcproto.results.statistics import median_interval, noise_of

AUTO = "auto"
WINDOW_MS = 10


class HeapCell(NamedTuple):
    """Where modes are compared."""

    workload: str
    mutators: int
    placement: str
    memory: str

    @property
    def text(self) -> str:
        """``trees, 2 mutators, shared, 64k``."""
        return f"{self.workload}, {counted(self.mutators, 'mutator')}, {self.placement}, {self.memory}"


def cell_of(one: WorkloadScenario) -> HeapCell:
    """The cell of a scenario."""
    return HeapCell(one.workload, one.mutators, one.placement, one.memory)


@dataclass(frozen=True)
class Compared:
    """A cell with its modes.

    Attributes:
        cell: which.
        modes: measurements by mode, valid ones alone;  invalid: names of the others.

    """

    cell: HeapCell
    modes: dict[str, Measurement]
    invalid: tuple[str, ...] = ()

    @property
    def fixed(self) -> dict[str, Measurement]:
        """All modes that do not adapt."""
        return {name: one for name, one in self.modes.items() if name != AUTO}

    @property
    def best(self) -> str | None:
        """The fixed mode with the shortest time."""
        fixed = {name: one.median for name, one in self.fixed.items() if one.median}
        return min(fixed, key=lambda name: fixed[name], default=None)

    @property
    def smoothest(self) -> str | None:
        """The fixed mode with the largest MMU10."""
        found = {name: share for name, one in self.fixed.items() if (share := mmu_of(one)) is not None}
        return max(found, key=lambda name: found[name], default=None)

    def time_to(self, other: str) -> Interval | None:
        """Auto's mutator time over that of a mode, paired by round; None with fewer than three such rounds."""
        return self._paired(other, lambda one: dict(zip(one.rounds, one.samples, strict=True)), ratio=True)

    def share_over(self, other: str) -> Interval | None:
        """Auto's MMU10 less that of a mode, paired by round."""
        return self._paired(other, shares_of, ratio=False)

    def _paired(self, other: str, values: Callable[[Measurement], dict[int, float]], *, ratio: bool) -> Interval | None:
        if AUTO not in self.modes or other not in self.modes:
            return None
        ours, theirs = values(self.modes[AUTO]), values(self.modes[other])
        common = [at for at in ours if at in theirs and (theirs[at] or not ratio)]
        return median_interval([ours[at] / theirs[at] if ratio else ours[at] - theirs[at] for at in common])


def mmu_of(one: Measurement) -> float | None:
    """The median MMU10 of its rounds."""
    found = one.figures.mmu_of(WINDOW_MS) if isinstance(one.figures, WorkloadFigures) else None
    return found.median if found else None


def shares_of(one: Measurement) -> dict[int, float]:
    """MMU10 by round."""
    found = one.figures.mmu_of(WINDOW_MS) if isinstance(one.figures, WorkloadFigures) else None
    if not found or len(found.rounds) != len(one.rounds):
        return {}
    return dict(zip(one.rounds, found.rounds, strict=True))


def compared(measurements: Iterable[Measurement]) -> list[Compared]:
    """All cells of a result, in its order; second members of A/A pairs are noise and no mode."""
    found: dict[HeapCell, dict[str, Measurement]] = {}
    bad: dict[HeapCell, list[str]] = {}
    for one in measurements:
        if not isinstance(one.scenario, WorkloadScenario) or one.scenario.replica:
            continue
        cell = cell_of(one.scenario)
        modes = found.setdefault(cell, {})
        if one.valid and one.samples:
            modes[one.scenario.mode] = one
        else:
            bad.setdefault(cell, []).append(one.scenario.mode)
    return [Compared(cell, modes, tuple(bad.get(cell, ()))) for cell, modes in found.items()]


@dataclass(frozen=True)
class Judged:
    """What is to be said of a cell.

    Attributes:
        cell: with its modes.
        time: auto's time to the best fixed mode;  share: its MMU10 less that of the best.
        objections: why auto is not good enough here, in words; none if it is.
        better: the interval of its time to the best fixed mode lies below 1.

    """

    cell: Compared
    time: Interval | None
    share: Interval | None
    objections: tuple[str, ...]
    better: bool


def floors_of(measurements: Iterable[Measurement]) -> dict[str, Noise]:
    """The noise of the cells of each memory, by its name, where there are A/A pairs.

    Heaps of large folios vary several times as much as those of small ones, whose verdict this noise must not excuse.
    """
    found: dict[str, list[Measurement]] = {}
    for one in measurements:
        if isinstance(one.scenario, WorkloadScenario):
            found.setdefault(one.scenario.memory, []).append(one)
    return {memory: noise for memory, some in found.items() if (noise := noise_of(some))}


def judged(measurements: Sequence[Measurement], limit: float) -> tuple[list[Judged], dict[str, Noise]]:
    """The cells of a grid, judged by the noise of each memory, and that noise.

    Args:
        measurements: of ``gcproto gc grid``.
        limit: as ``judge`` has it.

    """
    floors = floors_of(measurements)
    return judge(compared(measurements), limit, floors), floors


def judge(cells: Sequence[Compared], limit: float, floors: Mapping[str, Noise]) -> list[Judged]:
    """Whether auto is at most so much worse than the best fixed mode of each cell.

    It is worse in time if the median ratio is beyond the limit and beyond the noise (A/A), and its interval above 1.
    It is worse in MMU10 if the median difference is below minus the limit, and its interval below 0.

    Args:
        cells: of a grid.
        limit: 0.05 for 5 % of the time, and for 5 % of the 10 ms.
        floors: noise by memory (``floors_of``); none is 0.

    """
    found = {memory: noise.floor for memory, noise in floors.items()}
    return [_judged(one, limit, found.get(one.cell.memory, 0.0)) for one in cells]


def _judged(one: Compared, limit: float, floor: float) -> Judged:
    best, smoothest = one.best, one.smoothest
    time = one.time_to(best) if best else None
    share = one.share_over(smoothest) if smoothest else None
    found = [f"{', '.join(one.invalid)} INVALID"] * bool(one.invalid)
    if time is None:
        found.append("auto and a fixed mode were not measured together in three rounds")
    elif time.value > 1 + max(limit, floor) and time.low > 1:
        found.append(f"time {time.value:.2f}x {best} ({time.low:.2f}-{time.high:.2f})")
    if share is not None and share.value < -limit and share.high < 0:
        found.append(f"MMU10 {-share.value:.2f} below {smoothest} ({-share.high:.2f}-{-share.low:.2f})")
    return Judged(one, time, share, tuple(found), better=time is not None and time.high < 1)
