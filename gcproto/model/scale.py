"""Heaps of other sizes than those that were measured: pauses, and the times before and after the flip.

Each figure is a sum of counts of a heap, each times a cost that is not negative.  The costs are fitted over a ladder of
sizes, for each policy by itself.  Relative errors count, each times the square root of the heap's size: small heaps fit
into caches, and heaps that are asked for are large.  The model is checked by leaving out one size at a time.  The
interval of a prediction is the range that the measured value had, as a multiple of the predicted one, over all omitted
sizes.
"""

from collections.abc import Callable, Iterator, Sequence
from statistics import median

import msgspec
import numpy as np
from numpy.typing import NDArray

from gcproto.counted import counted
from gcproto.errors import ExitCode, GcprotoError
from gcproto.model.alike import see_that_they_are_of_one_machine
from gcproto.results.facts import timed_on
from gcproto.results.schema import Collection, PolicyFigures, PolicyScenario, Result
from gcproto.results.series import page_size_of
from gcproto.sizes import MIB

LEAST_SIZES = 3
"""To fit on two, and to leave one out."""


class Shape(msgspec.Struct, frozen=True):
    """What a collection of a heap has to do.

    Attributes:
        used: pages from the first object to the last, live or dead.
        live: pages that the live objects would fill.
        in_place: pages that keep their layout.
        built: pages that the other live objects are built on.
        objects: live.

    """

    used: float
    live: float
    in_place: float
    built: float
    objects: float


class Omitted(msgspec.Struct, frozen=True):
    """A size that was omitted.

    Attributes:
        workload: of the heap.
        used_mib: its size.
        measured, predicted: ms, the latter from all other sizes.

    """

    workload: str
    used_mib: float
    measured: float
    predicted: float

    @property
    def error(self) -> float:
        """Relative."""
        return self.predicted / self.measured - 1


class Figure(msgspec.Struct, frozen=True):
    """A predicted figure.

    Attributes:
        name: of it.
        ms: predicted;  low, high: its interval.
        omitted: each size that was omitted, from small to large.

    """

    name: str
    ms: float
    low: float
    high: float
    omitted: list[Omitted]

    @property
    def worst(self) -> float:
        """The largest relative error of a size that was omitted, without its sign."""
        return max(abs(one.error) for one in self.omitted)

    @property
    def largest(self) -> float:
        """The same for the largest size of each workload, which is predicted from smaller ones alone."""
        last = {one.workload: one for one in self.omitted}
        return max(abs(one.error) for one in last.values())


class PolicyScale(msgspec.Struct, frozen=True):
    """Figures by one policy.

    Attributes:
        memory: folios of the heap;  policy: of evacuation, or a mode.
        threads: that were live in the fit.
        figures: see FIGURES.

    """

    memory: str
    policy: str
    threads: int
    figures: list[Figure]


class Scale(msgspec.Struct, frozen=True):
    """The whole answer.

    Attributes:
        heap: that was asked for.
        page_bytes: of its pages.
        from_mib, to_mib: the smallest and the largest heap that was measured.
        policies: each with its figures.
        remarks: what limits the answer.
        host: of a cluster, that was measured; "" for the command's own machine.

    """

    heap: Shape
    page_bytes: int
    from_mib: float
    to_mib: float
    policies: list[PolicyScale]
    remarks: list[str]
    host: str = ""


class _Kind(msgspec.Struct, frozen=True):
    """A figure: what it is of a collection (ns), and the counts that it follows from."""

    name: str
    ns: Callable[[Collection], float]
    counts: Callable[[Shape], tuple[float, ...]]


def _before(one: Collection) -> float:
    return float(one.phases.initialise + one.phases.cards + one.phases.mark + one.phases.prepare)


def _pause(one: Collection) -> float:
    return float(max((pause.stop_ns + pause.ns for pause in one.pauses), default=0))


FIGURES = (
    _Kind("longest pause", _pause, lambda heap: (1.0, heap.used)),
    _Kind("before the flip", _before, lambda heap: (heap.objects, heap.live, heap.used)),
    _Kind(
        "after the flip",
        lambda one: float(one.phases.compact + one.phases.drain),
        lambda heap: (heap.in_place, heap.built, heap.objects),
    ),
)
"""The pause grows with page tables, marking with objects, planning with pages, evacuation with pages and objects."""


class _Seen(msgspec.Struct, frozen=True):
    """Collections of one workload at one size, by their medians.

    Attributes:
        workload: of the heap;  asked: its live bytes as they were asked for, which tells sizes apart.
        shape: of the heap;  ns: of each figure.

    """

    workload: str
    asked: int
    shape: Shape
    ns: tuple[float, ...]


def _shape_of(one: Collection, page: int) -> Shape:
    built = float(one.collector.built + one.collector.slid)
    return Shape(
        used=one.used_before / page,
        live=one.live_bytes / page,
        in_place=float(one.collector.updated),
        built=built,
        objects=float(one.objects),
    )


def _seen(results: Sequence[Result]) -> Iterator[tuple[tuple[str, str, int], _Seen]]:
    """Heaps without swap, by memory, policy and threads."""
    for result in results:
        page = page_size_of(result)
        for one in result.measurements:
            match one.scenario, one.figures:
                case PolicyScenario() as at, PolicyFigures() as figures if (
                    one.valid and not at.swapped_permille and at.collections == 1 and at.ebusy == "copy"
                ):
                    every = [cycle for cycles in figures.collections for cycle in cycles]
                    if every:
                        shape = _shape_of(every[len(every) // 2], page)
                        ns = tuple(median(kind.ns(cycle) for cycle in every) for kind in FIGURES)
                        yield (at.memory, at.policy, at.threads), _Seen(at.workload, at.live_bytes, shape, ns)


def _fit(some: Sequence[_Seen], at: int) -> NDArray[np.float64]:
    """Costs of a figure's counts."""
    from scipy.optimize import nnls

    usable = [one for one in some if one.ns[at] > 0]
    weights = np.array([one.shape.used**0.5 for one in usable])
    matrix = np.array([FIGURES[at].counts(one.shape) for one in usable])
    matrix *= (weights / np.array([one.ns[at] for one in usable]))[:, None]
    scale = np.abs(matrix).max(axis=0)
    scale[scale == 0] = 1.0
    solution, _ = nnls(matrix / scale, weights)
    return np.asarray(solution / scale, dtype=np.float64)


def _ms(shape: Shape, costs: NDArray[np.float64], at: int) -> float:
    return float(np.dot(FIGURES[at].counts(shape), costs)) / 1e6


def _figure(some: Sequence[_Seen], at: int, heap: Shape, page: int) -> Figure:
    left = []
    for size in sorted({one.asked for one in some}):
        costs = _fit([one for one in some if one.asked != size], at)
        left += [
            Omitted(one.workload, one.shape.used * page / MIB, one.ns[at] / 1e6, _ms(one.shape, costs, at))
            for one in some
            if one.asked == size and one.ns[at] > 0
        ]
    ratios = [one.measured / one.predicted for one in left if one.predicted > 0]
    ms = _ms(heap, _fit(some, at), at)
    return Figure(FIGURES[at].name, ms, ms * min(ratios), ms * max(ratios), left)


def scale(results: Sequence[Result], heap: Shape, processors: int, *, of_dump: bool = False) -> Scale:
    """Predict a heap.

    Args:
        results: of ``gcproto gc policies``, with three sizes (``--live``) at least.
        heap: to predict.
        processors: that threads of the program run on.
        of_dump: the heap is another program's, whose objects cost what the fit can't know.

    Raises:
        GcprotoError: fewer sizes were measured, or they were measured on several machines.

    """
    cells: dict[tuple[str, str, int], list[_Seen]] = {}
    for key, one in _seen(results):
        cells.setdefault(key, []).append(one)
    enough = {key: some for key, some in cells.items() if len({one.asked for one in some}) >= LEAST_SIZES}
    known = {threads for _, _, threads in enough}
    threads = max((one for one in known if one <= processors), default=0)
    chosen = {key: some for key, some in enough.items() if key[2] == threads}
    if known and not chosen:
        least = min(known)
        raise GcprotoError(
            f"these results hold {LEAST_SIZES} sizes of a heap only with {least} live threads, which is more than "
            f"{counted(processors, 'processor')}",
            why="a TLB shoot-down then interrupts processors that the predicted program does not use",
            remedy=f"give --processors {least}, or results of gcproto gc policies --threads 1",
            code=ExitCode.USAGE,
        )
    if not chosen:
        raise GcprotoError(
            f"these results hold fewer than {LEAST_SIZES} sizes of a heap",
            why="the model is checked by leaving out one size",
            remedy="give no result, then heaps are collected now; or those of gcproto gc policies with --live "
            "32m, 64m and 128m",
            code=ExitCode.USAGE,
        )
    page = see_that_they_are_of_one_machine([one for one in results if any(True for _ in _seen([one]))])
    used = [one.shape.used * page / MIB for some in chosen.values() for one in some]
    return Scale(
        heap=heap,
        page_bytes=page,
        from_mib=min(used),
        to_mib=max(used),
        policies=[
            PolicyScale(memory, policy, threads, [_figure(some, at, heap, page) for at in range(len(FIGURES))])
            for (memory, policy, _), some in chosen.items()
        ],
        remarks=[
            *_remarks(heap, processors, threads, max(used) * MIB / page),
            *(
                [OF_DUMPS.format(", ".join(sorted({one.workload for some in chosen.values() for one in some})))]
                * of_dump
            ),
        ],
        host=next((host for one in results if (host := timed_on(one))), ""),
    )


OF_DUMPS = (
    "The counts are those of the dump; what each costs is that of {}. Three heaps of JVM programs took up to 2.2 times "
    "the predicted time before and after the flip. Their objects lie in another order. This error is not in the "
    "intervals. Pauses were right to 9 %."
)
"""docs/results/dumps.md has the measurement."""


def _remarks(heap: Shape, processors: int, threads: int, most: float) -> Iterator[str]:
    if heap.used > most:
        yield f"The heap is {heap.used / most:.1f} times as large as the largest that was measured."
    if processors > threads:
        live = "one thread was live" if threads == 1 else f"{threads} threads were live"
        yield (
            f"In the fit {live}. With {processors} processors a TLB shoot-down interrupts more of them, and stopping "
            "the program takes longer. That is not in these figures."
        )
    yield "No mutator runs meanwhile: faults after the flip, and waiting for a processor, are not in these figures."


def object_bytes(results: Sequence[Result]) -> float:
    """Bytes of a live object, the median of the heaps that were measured; 0 without any.

    Args:
        results: of ``gcproto gc policies``.

    """
    page = page_size_of(results[0])
    sizes = [one.shape.live * page / one.shape.objects for _, one in _seen(results) if one.shape.objects]
    return median(sizes) if sizes else 0.0
