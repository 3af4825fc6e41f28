"""Building and updating to-space pages: ways that were tried beside each other, and what memory allows, in one run.

Half-live pages, of objects of one size that live or die by chance, are built by each of the variants
(``benchmarks.builders.variants``), page by page from high to low addresses, as the collector's sweep does.  Beside
them, in the same rounds:

strides:  memmove of each stretch of live objects, whose addresses were written down beforehand, in the same order: what
          a compactor that copies can't beat unless it has memory fetched before it copies it;
memcpy:   as many bytes, one behind the other;
two:      as ``next``, by two threads, each half of the pages: what a second processor, if it were idle, would give.

Dense pages are updated in place: records with one reference each, or arrays of references, which all lead behind the
dense prefix; and the same if they all lead into it, as marking has noted.

All on small folios, none of it in a cache.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.beside import beside, tell
from benchmarks.builders.variants import VARIANTS
from benchmarks.kernel_clock import CLOCK
from gcproto._native import ffi, lib
from gcproto.heap.arrays import array_at
from gcproto.heap.memory import copy_bytes
from gcproto.heap.objects import header
from gcproto.heap.pages import PAGE_BYTES, PAGE_WORDS
from gcproto.heap.plan import WRITTEN
from gcproto.structs import address_of

Words = NDArray[np.int64]
ROUNDS = 11
HEAP_BYTES = 128 << 20
LIVE = 0.5
POINTERS: dict[int, Literal["uint16_t *", "uint32_t *", "uint64_t *"]] = {
    2: "uint16_t *",
    4: "uint32_t *",
    8: "uint64_t *",
}
"""To elements of a table, by their bytes."""
IN_PLACE = ("plain", "at once", "next", "by eight")


def _sweep_of(name: str) -> Callable[[int, int, int, int], None]:
    """A compiled loop over pages, from high to low, by a variant."""
    produce = VARIANTS[name]

    @numba.njit(nogil=True)
    def sweep(plan: int, first: int, end: int, target: int) -> None:
        for index in range(end - 1, first - 1, -1):
            produce(plan, index, target + index * PAGE_BYTES)

    return sweep


@numba.njit(nogil=True)
def copy_strides(starts: Words, lengths: Words, target: int) -> None:
    """Every stretch of live objects."""
    at = target
    for number in range(len(starts) - 1, -1, -1):
        copy_bytes(at, starts[number], lengths[number])
        at += lengths[number]


def address(array: NDArray[Any]) -> int:
    """Of its first byte."""
    return int(array.ctypes.data)


@contextmanager
def small_folios(size: int) -> Iterator[Words]:
    """Memory on small folios, written once."""
    region = lib.gcp_region_alloc(size, 0)
    lib.gcp_region_small(address_of(region), size)
    words = array_at(region, size // 8, np.int64)
    words[:] = 1
    try:
        yield words
    finally:
        lib.gcp_region_free(region, size)


class _Planned:
    """A plan whose tables are arrays."""

    def __init__(self, space: Words, pages: int, **tables: NDArray[Any]) -> None:
        self.pages = pages
        self._tables = tables
        plan = ffi.new("struct gcp_plan *")
        plan.to = address(space)
        setattr(plan, "from", address(space))
        plan.used_end = pages
        plan.black_begin = len(space)
        for name, array in tables.items():
            setattr(plan, name, ffi.cast(POINTERS[array.itemsize], address(array)))
        self.native = plan
        self.plan = address_of(plan)


class SparseHeap(_Planned):
    """From-space with objects of one size, and the plan for it as prepare would have made it.

    Args:
        space: memory of from-space.
        size: bytes of an object.
        linked: whether each refers to another one, or none to any.

    """

    def __init__(self, space: Words, size: int, linked: bool) -> None:
        words = size // 8
        alive = np.random.default_rng(size).random(len(space) // words) < LIVE
        space[: len(alive) * words : words] = header(words, 1)
        places = address(space) + np.flatnonzero(alive) * size
        space[1 : len(alive) * words : words] = 0
        if linked:
            fields = np.flatnonzero(alive) * words + 1
            space[fields] = np.random.default_rng(size).permutation(places)
        bits = np.repeat(alive, words)
        live = np.append(np.packbits(bits, bitorder="little").view(np.int64), 0)
        pages = int(bits.sum()) // PAGE_WORDS
        # Of the page after the last one as well: there the contents of the last one end.
        first = np.append(np.flatnonzero(bits), len(space))[::PAGE_WORDS][: pages + 1].astype(np.int64)
        first = np.append(first, np.full(pages + 1 - len(first), len(space)))
        lead_words = np.minimum((words - first % words) % words, PAGE_WORDS).astype(np.uint16)
        offsets = np.concatenate([[0], np.cumsum(bits.reshape(-1, 64).sum(axis=1))])[:-1].astype(np.uint32)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], alive.view(np.int8), [0]])))
        self.starts = address(space) + edges[::2] * size
        self.lengths = (edges[1::2] - edges[::2]) * size
        starts = np.zeros(len(space), dtype=bool)
        starts[np.flatnonzero(alive) * words] = True
        super().__init__(
            space,
            pages,
            live=live,
            starts=np.append(np.packbits(starts, bitorder="little").view(np.int64), 0),
            first=first,
            offsets=offsets,
            lead_words=lead_words,
            lead_refs=(first % words == 1).astype(np.uint16),
            fill=np.full(pages, PAGE_WORDS, dtype=np.uint16),
            skip=np.zeros(pages, dtype=np.uint16),
            reach=np.full(len(space) // PAGE_WORDS, WRITTEN if linked else 0, dtype=np.uint32),
        )
        self.native.compact_end = pages


class DenseHeap(_Planned):
    """Pages full of live objects that are updated where they are: the dense prefix is the lower half of the space.

    Args:
        space: memory of both.
        arrays: whether the objects are arrays of a page less a word, or records of 8 to 64 words with one reference.
        leaves: whether references lead to the upper half, which moves, or into the prefix, which does not.

    """

    def __init__(self, space: Words, arrays: bool, leaves: bool) -> None:
        rng = np.random.default_rng(1)
        half = len(space) // 2
        if arrays:
            at = np.arange(0, half, PAGE_WORDS)
            sizes = np.full(len(at), PAGE_WORDS)
        else:
            sizes = rng.integers(8, 65, size=half // 8)
            at = np.concatenate([[0], np.cumsum(sizes)[:-1]])
            at, sizes = at[at < half - 64], sizes[at < half - 64]
        refs = sizes - 1 if arrays else np.ones_like(sizes)
        space[at] = sizes | (refs << 32)
        fields = np.flatnonzero(np.arange(half) % PAGE_WORDS) if arrays else at + 1
        space[fields] = address(space) + 8 * (rng.integers(0, half // 2, size=len(fields)) + (half if leaves else 0))
        starts = np.zeros(half, dtype=bool)
        starts[at] = True
        pages = half // PAGE_WORDS
        lead_refs = np.zeros(pages + 1, dtype=np.uint16)
        lead_refs[(at[at % PAGE_WORDS == PAGE_WORDS - 1] + 1) // PAGE_WORDS] = 1
        chunks = len(space) // 64
        super().__init__(
            space,
            pages,
            live=np.full(chunks, -1, dtype=np.int64),
            starts=np.packbits(starts, bitorder="little").view(np.int64),
            offsets=(np.arange(chunks) * 64).astype(np.uint32),
            lead_refs=lead_refs,
            reach=np.full(pages, 2 * pages if leaves else pages, dtype=np.uint32),
        )
        self.native.dense_end = self.native.compact_end = pages


def _bytes(array: Words) -> Any:
    return ffi.cast("char *", address(array))


def _timed(work: Callable[[], object]) -> int:
    begun = time.monotonic_ns()
    work()
    return time.monotonic_ns() - begun


def _two_threads(sweep: Callable[[int, int, int, int], None], heap: _Planned, target: int) -> int:
    """Until both are through, from when both run: seen by the slower one."""
    middle = heap.pages // 2
    ready = threading.Barrier(2)
    took: list[int] = []

    def one(first: int, end: int) -> None:
        ready.wait()
        took.append(_timed(lambda: sweep(heap.plan, first, end, target)))

    threads = [threading.Thread(target=one, args=part) for part in ((0, middle), (middle, heap.pages))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return max(took)


@pytest.mark.parametrize("linked", [False, True], ids=["no references", "references"])
@pytest.mark.parametrize("size", [128, 512, 2048])
@pytest.mark.benchmark(timer=CLOCK, warmup=False, group="produce: half-live pages")
def test_produce(benchmark: Any, size: int, linked: bool) -> None:
    """extra_info: ns per page of each way, and how many times less that is than the plain one's."""
    with small_folios(HEAP_BYTES) as space, small_folios(HEAP_BYTES // 8 * 5) as target:
        heap = SparseHeap(space, size, linked)
        sweeps = {name: _sweep_of(name) for name in VARIANTS}
        count = heap.pages * PAGE_BYTES
        to = address(target)

        def swept(name: str) -> Callable[[], float]:
            return lambda: _timed(lambda: sweeps[name](heap.plan, 0, heap.pages, to)) / heap.pages

        work: dict[str, Callable[[], float]] = {name: swept(name) for name in VARIANTS}
        work["two"] = lambda: _two_threads(sweeps["next"], heap, to) / heap.pages
        work["strides"] = lambda: _timed(lambda: copy_strides(heap.starts, heap.lengths, to)) / heap.pages
        work["memcpy"] = lambda: _timed(lambda: ffi.memmove(_bytes(target), _bytes(space), count)) / heap.pages
        samples = beside(work, ROUNDS)
        benchmark.pedantic(lambda: CLOCK.add_ns(round(samples["next"][0] * heap.pages)), rounds=1)
    benchmark.extra_info["pages"] = heap.pages
    tell(benchmark, samples, "plain", "ns/page")
    for name in ("plain", "next"):
        shares = [one / other for one, other in zip(samples["memcpy"], samples[name], strict=True)]
        benchmark.extra_info[f"{name}, of memcpy's bandwidth"] = round(float(np.median(shares)), 3)


@pytest.mark.parametrize("leaves", [True, False], ids=["references change", "references stay"])
@pytest.mark.parametrize("arrays", [False, True], ids=["records", "arrays"])
@pytest.mark.benchmark(timer=CLOCK, warmup=False, group="produce: dense pages")
def test_update(benchmark: Any, arrays: bool, leaves: bool) -> None:
    """The same for pages that keep their layout."""
    with small_folios(HEAP_BYTES) as space:
        heap = DenseHeap(space, arrays, leaves)
        before = space[: heap.pages * PAGE_WORDS].copy()
        sweeps = {name: _sweep_of(name) for name in IN_PLACE}

        def swept(name: str) -> Callable[[], float]:
            def one() -> float:
                space[: len(before)] = before
                return _timed(lambda: sweeps[name](heap.plan, 0, heap.pages, address(space))) / heap.pages

            return one

        samples = beside({name: swept(name) for name in IN_PLACE}, ROUNDS)
        benchmark.pedantic(lambda: CLOCK.add_ns(round(samples["next"][0] * heap.pages)), rounds=1)
    benchmark.extra_info["pages"] = heap.pages
    tell(benchmark, samples, "plain", "ns/page")
