"""A page in another processor's batch is on no LRU list, until the batches of all processors are drained."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gcproto._native import ffi, lib
from gcproto.host.machine import machine

PAGES = 6
TRIES = 200
LRU = 1 << 5
"""KPF_LRU of /proc/kpageflags."""


def on_lru(start: int, page: int) -> int:
    """How many of the pages from `start` on are on an LRU list."""
    with Path("/proc/self/pagemap").open("rb") as pagemap, Path("/proc/kpageflags").open("rb") as flags:
        words = os.pread(pagemap.fileno(), 8 * PAGES, start // page * 8)
        frames = [int.from_bytes(words[at : at + 8], "little") & ((1 << 55) - 1) for at in range(0, 8 * PAGES, 8)]
        assert all(frames)
        return sum(bool(int.from_bytes(os.pread(flags.fileno(), 8, 8 * one), "little") & LRU) for one in frames)


@pytest.fixture
def processors() -> Iterator[list[int]]:
    before = os.sched_getaffinity(0)
    yield sorted(before)
    os.sched_setaffinity(0, before)


@pytest.mark.needs("pfn", "two_cpus")
def test_pages_of_another_processors_batch_come_to_the_lists(processors: list[int]) -> None:
    """The false alarm of `whole-forked`: the pages were written on another processor than the one that paged out."""
    first, last = processors[0], processors[-1]
    page = machine().page_size
    waited = 0
    for _ in range(TRIES):
        region = lib.gcp_region_alloc(PAGES * page, 0)
        start = int(ffi.cast("uintptr_t", region))
        try:
            lib.gcp_region_small(start, PAGES * page)
            os.sched_setaffinity(0, {last})
            lib.gcp_content_fill(start, 0, PAGES, 1)
            os.sched_setaffinity(0, {first})
            waited += on_lru(start, page) < PAGES
            assert lib.gcp_lru_drain() == len(processors)
            assert os.sched_getaffinity(0) == {first}, "the thread stays bound"
            assert on_lru(start, page) == PAGES
        finally:
            lib.gcp_region_free(region, PAGES * page)
        if waited:
            return
    pytest.skip(f"in {TRIES} tries other processes drained the batch first")
