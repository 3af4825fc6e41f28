"""Building to-space pages from half-live ones, beside what memory allows, all in one round.

produce: the producer alone, page by page from high to low addresses, as the collector calls it;
strides: memmove of each stretch of live objects, whose addresses were written down beforehand, in the same order: what
         no compactor that copies can beat without reading memory that it does not need;
memcpy:  as many bytes, one behind the other.

All on small folios, none of it in a cache, and objects that live or die by chance.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.kernel_clock import CLOCK
from gcproto._native import ffi, lib
from gcproto.collector.compiled.produce import produce
from gcproto.heap.arrays import array_at
from gcproto.heap.memory import copy_bytes
from gcproto.heap.objects import header
from gcproto.heap.pages import PAGE_BYTES, PAGE_WORDS
from gcproto.structs import address_of

Words = NDArray[np.int64]
ROUNDS = 5
HEAP_BYTES = 128 << 20
LIVE = 0.5


@numba.njit(nogil=True)
def produce_all(plan: int, pages: int, target: int) -> None:
    """Every page, each into one that was not used for long."""
    for index in range(pages - 1, -1, -1):
        produce(plan, index, target + index * PAGE_BYTES)


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


class SparseHeap:
    """From-space with objects of one size, and the plan for it as prepare would have made it.

    Args:
        space: memory of from-space.
        size: bytes of an object.

    """

    def __init__(self, space: Words, size: int) -> None:
        words = size // 8
        alive = np.random.default_rng(size).random(len(space) // words) < LIVE
        space[: len(alive) * words : words] = header(words, 1)
        space[1 : len(alive) * words : words] = 0  # its reference: none
        bits = np.repeat(alive, words)
        live = np.packbits(bits, bitorder="little").view(np.int64)
        self.pages = int(bits.sum()) // PAGE_WORDS
        first = np.flatnonzero(bits)[::PAGE_WORDS][: self.pages].astype(np.int64)
        lead_words = np.minimum((words - first % words) % words, PAGE_WORDS).astype(np.uint16)
        lead_refs = (first % words == 1).astype(np.uint16)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], alive.view(np.int8), [0]])))
        self.starts = address(space) + edges[::2] * size
        self.lengths = (edges[1::2] - edges[::2]) * size
        full = np.full(self.pages, PAGE_WORDS, dtype=np.uint16)
        self._arrays = (live, first, lead_words, lead_refs, full, np.zeros(self.pages, dtype=np.uint16))
        plan = ffi.new("struct gcp_plan *")
        plan.to = address(space)
        setattr(plan, "from", address(space))
        plan.compact_end = plan.used_end = self.pages
        names = ("live", "first", "lead_words", "lead_refs", "fill", "skip")
        for name, array in zip(names, self._arrays, strict=True):
            setattr(plan, name, address(array))
        self._plan = plan
        self.plan = address_of(plan)


def _bytes(array: Words) -> Any:
    return ffi.cast("char *", address(array))


def _timed(work: Callable[[], object]) -> int:
    begun = time.monotonic_ns()
    work()
    return time.monotonic_ns() - begun


@pytest.mark.parametrize("size", [128, 512, 2048])
@pytest.mark.benchmark(timer=CLOCK, warmup=False, group="produce: half-live pages")
def test_produce(benchmark: Any, size: int) -> None:
    """extra_info: ns per page built, and the share of the bandwidth of memcpy and of memmove of the strides."""
    took: list[tuple[int, int, int]] = []
    with small_folios(HEAP_BYTES) as space, small_folios(HEAP_BYTES // 8 * 5) as target:
        heap = SparseHeap(space, size)
        count = heap.pages * PAGE_BYTES

        def one() -> None:
            built = _timed(lambda: produce_all(heap.plan, heap.pages, address(target)))
            strides = _timed(lambda: copy_strides(heap.starts, heap.lengths, address(target)))
            plain = _timed(lambda: ffi.memmove(_bytes(target), _bytes(space), count))
            took.append((built, strides, plain))
            CLOCK.add_ns(built)

        benchmark.pedantic(one, rounds=ROUNDS, warmup_rounds=1)
    built, strides, plain = np.array(took[1:]).T
    benchmark.extra_info["pages"] = heap.pages
    benchmark.extra_info["ns/page"] = round(float(np.median(built)) / heap.pages)
    benchmark.extra_info["memcpy ns/page"] = round(float(np.median(plain)) / heap.pages)
    benchmark.extra_info["to memcpy"] = round(float(np.median(plain / built)), 3)
    benchmark.extra_info["to memmove of strides"] = round(float(np.median(strides / built)), 3)
