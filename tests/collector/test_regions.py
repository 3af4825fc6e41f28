"""Dense regions beyond the prefix: the plan of a heap made at random, carried out as a sweep does it."""

import random
from typing import Any

import numpy as np
import pytest

from gcproto._native import ffi
from gcproto.collector.compiled.prepare import NEVER, prepare
from gcproto.collector.compiled.produce import produce
from gcproto.heap.objects import header
from gcproto.heap.pages import PAGE_BYTES, PAGE_WORDS
from gcproto.heap.plan import KEPT
from gcproto.heap.space import Heap
from tests.support.planned_heap import words_at

MIB = 1 << 20
GRANULES = (1, 4, 16, 64)
POISON = 0x7FFF_FFFF_FFFF_FFF0


class Space:
    """A heap in use, with live objects in stretches that are dense or sparse, and its plan.

    Args:
        seed: of what lies where.
        pages: in use.
        longest: words of an object at most.

    """

    def __init__(self, seed: int, pages: int, longest: int) -> None:
        rng = random.Random(seed)
        self.heap = Heap(16 * MIB)
        self.pages = pages
        self.plan = ffi.new("struct gcp_plan *")
        self.heap.fill_plan(self.plan)
        self.space = words_at(self.heap.to, self.heap.pages * PAGE_WORDS)
        live = np.zeros(self.heap.pages * PAGE_WORDS, dtype=bool)
        starts = np.zeros_like(live)
        self.objects: list[tuple[int, int]] = []
        at, share, until = 0, 1000, rng.randrange(1, 100 * PAGE_WORDS)
        while at < pages * PAGE_WORDS:
            if at >= until:
                share, until = rng.choice([1000, 990, 600, 0]), at + rng.randrange(1, 150 * PAGE_WORDS)
            size = rng.randrange(2, longest)
            if at + size > pages * PAGE_WORDS:
                break
            if rng.randrange(1000) < share:
                self.objects.append((at, size))
                live[at : at + size] = starts[at] = True
                self.space[at + 1 : at + size] = np.arange(at + 1, at + size)
            self.space[at] = header(size, 1)
            at += size
        addresses = [self.heap.to + 8 * start for start, _ in self.objects]
        for start, _ in self.objects:
            self.space[start + 1] = rng.choice([0, *rng.choices(addresses, k=3)])
        for name, bits in (("live", live), ("starts", starts)):
            packed = np.packbits(bits, bitorder="little").view(np.int64)
            words_at(getattr(self.heap.tables, name), len(packed))[:] = packed
        self.live = live
        self._note_reach()

    def _note_reach(self) -> None:
        """As marking does: each object has one reference, right behind its header."""
        reach = words_at(self.heap.tables.reach, self.heap.pages, np.uint32)
        for start, _ in self.objects:
            if target := int(self.space[start + 1]):
                page = (start + 1) // PAGE_WORDS
                reach[page] = max(int(reach[page]), (target - self.heap.to) // PAGE_BYTES + 1)

    def prepare(self, permille: int, granule: int, region: int) -> int:
        """Plan it; from-space is where the objects are."""
        setattr(self.plan, "from", self.heap.to)
        return int(prepare(int(ffi.cast("uintptr_t", self.plan)), self.pages, permille, granule, region))

    def table(self, name: str, kind: Any) -> Any:
        """A table of the plan, for the pages in use afterwards."""
        return words_at(getattr(self.heap.tables, name), int(self.plan.used_end), kind)

    def evacuate(self) -> Any:
        """Every page, from high to low; what was moved is gone from where it was."""
        plan = int(ffi.cast("uintptr_t", self.plan))
        used = int(self.plan.used_end)
        found = np.zeros((used, PAGE_WORDS), dtype=np.int64)
        page = np.zeros(PAGE_WORDS, dtype=np.int64)
        fill, first = self.table("fill", np.uint16), self.table("first", np.int64)
        for index in range(used - 1, -1, -1):
            dense = index < int(self.plan.dense_end)
            if not dense and fill[index] != KEPT:
                page[:] = POISON
                produce(plan, index, page.ctypes.data)
                found[index] = page
                continue
            source = index if dense else int(first[index]) // PAGE_WORDS
            place = self.space[source * PAGE_WORDS : (source + 1) * PAGE_WORDS]
            produce(plan, index, self.heap.to + source * PAGE_BYTES)
            found[index] = place
            place[:] = POISON
        return found.ravel()

    def expected(self) -> dict[int, int]:
        """Where each object goes, by counting words; regions as the plan has them."""
        fill, first, skip = (
            self.table(name, kind) for name, kind in (("fill", np.uint16), ("first", np.int64), ("skip", np.uint16))
        )
        dense = int(self.plan.dense_end)
        kept = {int(first[index]) // PAGE_WORDS: index for index in range(dense, len(fill)) if fill[index] == KEPT}
        begins = {
            int(first[index]): index * PAGE_WORDS + int(skip[index])
            for index in range(dense, len(fill))
            if fill[index] not in (0, KEPT)
        }
        place, passed = dense * PAGE_WORDS, -1
        found = {}
        for start, size in self.objects:
            page = start // PAGE_WORDS
            if page < dense:
                place = start
            elif page in kept:
                place = kept[page] * PAGE_WORDS + start % PAGE_WORDS
            else:
                for word in [word for word in begins if passed < word <= start]:
                    place = max(place, begins.pop(word))
            passed = start
            found[start] = place
            place += size
        return found


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("granule", GRANULES)
def test_every_object_is_carried_over(seed: int, granule: int) -> None:
    space = Space(seed, pages=1500, longest=(20, 60, 400)[seed % 3])
    before = space.space.copy()
    try:
        words = space.prepare(950, granule, granule)
        assert words == space.live.sum()
        kept = int(space.plan.kept)
        assert kept % granule == 0
        places = space.expected()
        found = space.evacuate()
        end = 0
        for start, size in space.objects:
            place = places[start]
            assert place >= end, "objects keep their order and do not overlap"
            assert place <= start
            end = place + size
            target = int(before[start + 1])
            fresh = before[start : start + size].copy()
            if target:
                fresh[1] = space.heap.to + 8 * places[(target - space.heap.to) // 8]
            assert np.array_equal(found[place:end], fresh)
        assert end <= int(space.plan.used_end) * PAGE_WORDS
        assert words * 1000 >= 950 * int(space.plan.used_end - granule) * PAGE_WORDS or not kept
    finally:
        space.heap.close()


def test_regions_are_aligned_dense_and_held() -> None:
    found = 0
    for seed in range(20):
        space = Space(seed, pages=1500, longest=40)
        try:
            space.prepare(950, 16, 16)
            fill, first = space.table("fill", np.uint16), space.table("first", np.int64)
            dense = int(space.plan.dense_end)
            pages = [index for index in range(dense, len(fill)) if fill[index] == KEPT]
            held = words_at(space.heap.tables.held, space.pages, np.uint8)
            assert {int(first[index]) // PAGE_WORDS for index in pages} == set(np.flatnonzero(held).tolist())
            assert len(pages) == int(space.plan.kept)
            for index in pages:
                source = int(first[index]) // PAGE_WORDS
                assert source % 16 == index % 16
                granule = source // 16 * 16 * PAGE_WORDS
                assert space.live[granule : granule + 16 * PAGE_WORDS].mean() >= 0.95
            found += len(pages)
        finally:
            space.heap.close()
    assert found > 1000, "or nothing was tested"


@pytest.mark.parametrize(("permille", "region"), [(950, 0), (NEVER, 16)])
def test_without_regions_words_follow_each_other(permille: int, region: int) -> None:
    space = Space(3, pages=800, longest=40)
    try:
        words = space.prepare(permille, 1, region)
        dense = int(space.plan.dense_end)
        behind = int(space.live[dense * PAGE_WORDS :].sum())
        assert words == space.live.sum()
        assert int(space.plan.kept) == 0
        assert int(space.plan.compact_end) == dense + -(-behind // PAGE_WORDS)
    finally:
        space.heap.close()
