"""Heaps made at random, marked and planned by the collector's own code, whose pages a test has built by a producer."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from gcproto._native import ffi
from gcproto.collector.compiled.mark import mark_dirty, mark_roots
from gcproto.collector.compiled.prepare import note_written, plan_black, prepare
from gcproto.collector.compiled.produce import slide
from gcproto.heap.arrays import array_at
from gcproto.heap.calls import CARD_BYTES
from gcproto.heap.objects import header, refs_of
from gcproto.heap.pages import PAGE_BYTES, PAGE_WORDS
from gcproto.heap.plan import KEPT
from gcproto.heap.space import Heap
from gcproto.structs import address_of

MIB = 1 << 20
POISON = 0x7FFF_FFFF_FFFF_FFF0
Producer = Callable[[int, int, int], object]


def words_at(address: int, count: int, kind: Any = np.int64) -> Any:
    """Memory as an array."""
    return array_at(ffi.cast("uint8_t *", address), count, np.dtype(kind))


@dataclass(frozen=True)
class Shape:
    """What a heap is like.

    Args:
        seed: of all that is left to chance.
        pages: in use when marking ends.
        longest: words of most objects at most.
        large: of 1000 objects, those of one to four pages.
        arrays: of 1000 objects, those that consist of references.
        old: of 1000 references, those that lead into the first tenth of the heap; of the others half lead nowhere.
        dead_ends: whether the heap begins and ends with objects that nothing refers to.
        written: references that are written between marking and the flip.
        allocated: objects that are allocated in that time.

    """

    seed: int
    pages: int = 200
    longest: int = 40
    large: int = 5
    arrays: int = 50
    old: int = 500
    dead_ends: bool = False
    written: int = 0
    allocated: int = 0


class PlannedHeap:
    """A heap of a shape, and its plan."""

    def __init__(self, shape: Shape) -> None:
        self._rng = random.Random(shape.seed)
        self._shape = shape
        self.heap = Heap(4 * MIB)
        self.plan = ffi.new("struct gcp_plan *")
        self.heap.fill_plan(self.plan)
        self.address = address_of(self.plan)
        self.space = words_at(self.heap.to, self.heap.pages * PAGE_WORDS)
        self.live: list[int] = []
        self._fill()
        for start in self.live:
            for field in range(int(refs_of(int(self.space[start])))):
                self.space[start + 1 + field] = self._target()
        self.end = shape.pages

    def _words(self) -> tuple[int, int]:
        """Size and references of the next object."""
        rng, shape = self._rng, self._shape
        words = rng.randrange(2, max(3, shape.longest))
        if rng.randrange(1000) < shape.large:
            words = rng.randrange(PAGE_WORDS - 1, 4 * PAGE_WORDS)
        return words, words - 1 if rng.randrange(1000) < shape.arrays else rng.randrange(min(words, 4))

    def _fill(self) -> None:
        rng, shape = self._rng, self._shape
        words = shape.pages * PAGE_WORDS
        edge = words // 10 if shape.dead_ends else 0
        at, share, until = 0, 1000, rng.randrange(1, words)
        while at < words:
            if at >= until:
                share, until = rng.choice([1000, 990, 500, 0]), at + rng.randrange(1, 50 * PAGE_WORDS)
            size, refs = self._words()
            if at + size > words:
                break
            if edge <= at < words - edge and rng.randrange(1000) < share:
                self.live.append(at)
            self._make(at, size, refs)
            at += size

    def _make(self, at: int, size: int, refs: int) -> None:
        self.space[at + 1 : at + size] = np.arange(at + 1, at + size) | (1 << 62)
        self.space[at + 1 : at + 1 + refs] = 0
        self.space[at] = header(size, refs)

    def _target(self) -> int:
        rng = self._rng
        if not self.live:
            return 0
        if rng.randrange(1000) < self._shape.old:
            return self.heap.to + 8 * self.live[rng.randrange(max(1, len(self.live) // 10))]
        return rng.choice([0, self.heap.to + 8 * rng.choice(self.live)])

    def _write(self) -> None:
        """Write a reference as a mutator does: the store, then the card of the object."""
        fields = [start for start in self.live if refs_of(int(self.space[start]))]
        if fields:
            start = self._rng.choice(fields)
            field = self._rng.randrange(int(refs_of(int(self.space[start]))))
            self.space[start + 1 + field] = self.heap.to + 8 * self._rng.choice(self.live)
            words_at(self.heap.tables.cards, self.heap.capacity // CARD_BYTES, np.uint8)[8 * start // CARD_BYTES] = 1

    def write(self, count: int) -> None:
        """Mutators write so many references."""
        for _ in range(count):
            self._write()

    def mark(self) -> None:
        """Mark from all live objects; a few references are written in between."""
        tables = self.heap.tables
        roots = np.array([self.heap.to + 8 * start for start in self.live], dtype=np.int64)
        begin = (self.heap.to, tables.live, tables.starts, tables.stack, tables.reach)
        mark_roots(*begin, int(roots.ctypes.data), len(roots))
        self.write(self._shape.written)
        mark_dirty(*begin, tables.cards, self.heap.capacity // CARD_BYTES, 0)

    def prepare(self, permille: int, region: int) -> None:
        """Plan what was marked; then mutators write and allocate, and the world is stopped for the flip."""
        granule = max(1, region)
        prepare(self.address, self._shape.pages, permille, granule, region)
        self.write(self._shape.written)
        self.stop(self._shape.allocated)

    def stop(self, allocated: int) -> None:
        """Mutators allocate so many objects, and the world is stopped for the flip."""
        at = self._shape.pages * PAGE_WORDS
        for _ in range(allocated):
            size, refs = self._words()
            self._make(at, size, refs)
            for field in range(refs):
                self.space[at + 1 + field] = self._target()
            at += size
        self.end = -(-at // PAGE_WORDS)
        note_written(self.address, self.heap.tables.cards)
        buffers = np.array([-1, -1], dtype=np.int64)
        plan_black(self.address, at, int(buffers.ctypes.data))
        setattr(self.plan, "from", self.heap.to)

    def table(self, name: str, kind: Any) -> Any:
        """A table of the plan, for the pages in use afterwards."""
        return words_at(getattr(self.heap.tables, name), int(self.plan.used_end), kind)

    def built_by(self, produce: Producer, order: list[int]) -> Any:
        """What every page has once a producer has built them, in an order; the heap is as before then.

        A page that keeps its layout is gone from where it was, as if it were moved.
        """
        used, dense = int(self.plan.used_end), int(self.plan.dense_end)
        before = self.space[: self.end * PAGE_WORDS].copy()
        memory = np.zeros((used + 1) * PAGE_WORDS, dtype=np.int64)
        aligned = -int(memory.ctypes.data) % PAGE_BYTES // 8
        found = memory[aligned : aligned + used * PAGE_WORDS].reshape(used, PAGE_WORDS)
        fill, first = self.table("fill", np.uint16), self.table("first", np.int64)
        try:
            for index in order:
                kept = index < int(self.plan.compact_end) and (index < dense or fill[index] == KEPT)
                if not kept:
                    found[index] = POISON
                    produce(self.address, index, int(found[index].ctypes.data))
                    continue
                source = index if index < dense else int(first[index]) // PAGE_WORDS
                place = self.space[source * PAGE_WORDS : (source + 1) * PAGE_WORDS]
                produce(self.address, index, self.heap.to + source * PAGE_BYTES)
                found[index] = place
                place[:] = POISON
        finally:
            self.space[: len(before)] = before
        return found

    def slid(self, slide: Callable[[int], object] = slide) -> Any:
        """What every page has once all have slid within the space; the heap is as before then."""
        before = self.space[: self.end * PAGE_WORDS].copy()
        try:
            slide(self.address)
            return self.space[: int(self.plan.used_end) * PAGE_WORDS].copy().reshape(-1, PAGE_WORDS)
        finally:
            self.space[: len(before)] = before

    def shares(self) -> tuple[int, int]:
        """Pages of from-space whose references all stay, and all that are in use."""
        reach = words_at(self.heap.tables.reach, self._shape.pages, np.uint32)
        return int((reach <= int(self.plan.dense_end)).sum()), self._shape.pages


@contextmanager
def planned(shape: Shape, permille: int, region: int) -> Iterator[PlannedHeap]:
    """A heap that is marked and planned."""
    made = PlannedHeap(shape)
    try:
        made.mark()
        made.prepare(permille, region)
        yield made
    finally:
        made.heap.close()
