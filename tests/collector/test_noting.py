"""Producers that note build the pages that the plain one builds, and dirty the cards of old objects, and no others."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.builders.plain import plain
from gcproto.collector.compiled.cards import PAGE_CARDS, mark_from_old, scan_old
from gcproto.collector.compiled.forward import forward_roots
from gcproto.collector.compiled.generations import border, prepare_young
from gcproto.collector.compiled.mark import mark_dirty, mark_roots
from gcproto.collector.compiled.noting import produce_noting, produce_noting_ahead, slide_noting
from gcproto.collector.compiled.prepare import NEVER
from gcproto.heap.calls import CARD_BYTES, CARD_DIRTY
from gcproto.heap.objects import refs_of
from gcproto.heap.pages import PAGE_WORDS
from tests.support.planned_heap import PlannedHeap, Producer, Shape, planned, words_at

pytestmark = pytest.mark.timeout(300)

SHAPES = st.builds(
    Shape,
    seed=st.integers(0, 1 << 32),
    pages=st.sampled_from([2, 30, 200]),
    longest=st.sampled_from([3, 9, 40, 600]),
    large=st.sampled_from([0, 5, 300]),
    arrays=st.sampled_from([0, 50, 1000]),
    old=st.sampled_from([0, 500, 950, 1000]),
    dead_ends=st.booleans(),
    written=st.sampled_from([0, 1, 20]),
    allocated=st.sampled_from([0, 1, 300]),
)
EVERY = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def cards(heap: PlannedHeap) -> Any:
    return words_at(heap.heap.tables.cards, heap.heap.capacity // CARD_BYTES, np.uint8)


def forwarded(heap: PlannedHeap, words: Any) -> Any:
    """Where objects go that begin at words of the space; -1 for none."""
    refs = np.where(words < 0, 0, heap.heap.to + 8 * words)
    forward_roots(heap.address, int(refs.ctypes.data), len(refs))
    return np.where(words < 0, -1, (refs - heap.heap.to) >> 3)


def to_be_dirty(heap: PlannedHeap) -> set[int]:
    """Cards of objects that are old afterwards, and refer to younger ones from a page of the old generation."""
    old = int(heap.plan.old_end) * PAGE_WORDS
    found = set()
    places = forwarded(heap, np.array(heap.live, dtype=np.int64))
    for start, place in zip(heap.live, places, strict=True):
        count = min(int(refs_of(int(heap.space[start]))), old - int(place) - 1)
        if count > 0:
            refs = heap.space[start + 1 : start + 1 + count]
            if forwarded(heap, np.where(refs == 0, -1, (refs - heap.heap.to) >> 3)).max() >= old:
                found.add(8 * int(place) // CARD_BYTES)
    return found


def check(heap: PlannedHeap, wanted: Any, dirty: set[int], before: Any) -> None:
    """Pages and cards, by either producer and in either order, and within the space."""
    used = int(heap.plan.used_end)
    orders = [list(range(used - 1, -1, -1)), list(np.random.default_rng(used).permutation(used))]
    ways: list[tuple[Producer, list[int]]] = [
        (way, [int(at) for at in order]) for way in (produce_noting, produce_noting_ahead) for order in orders
    ]
    was_dirty = set(np.flatnonzero(before == CARD_DIRTY))
    table = cards(heap)
    for way, order in ways:
        table[:] = before
        assert np.array_equal(heap.built_by(way, order), wanted)
        assert set(np.flatnonzero(table == CARD_DIRTY)) == was_dirty | dirty
    table[:] = before
    assert np.array_equal(heap.slid(slide_noting), wanted)
    assert set(np.flatnonzero(table == CARD_DIRTY)) == was_dirty | dirty


@EVERY
@given(shape=SHAPES, permille=st.sampled_from([950, 600, NEVER]), middle=st.sampled_from([0, 5, 50, 95, 100]))
def test_a_full_collection_notes_what_the_old_generation_refers_to(shape: Shape, permille: int, middle: int) -> None:
    with planned(shape, permille, 0) as heap:
        wanted = heap.built_by(plain, list(range(int(heap.plan.used_end))))
        heap.plan.old_end = border(heap.address, shape.pages * middle // 100)
        check(heap, wanted, to_be_dirty(heap), cards(heap).copy())


@contextmanager
def young_planned(shape: Shape, old: int, middle: int) -> Iterator[PlannedHeap]:
    """A young collection of a heap of which so many pages are old, and whose cards are as the last one left them."""
    # A dense prefix of all pages: the bitmaps and leads of the old generation are those that are kept.
    with planned(replace(shape, written=0, allocated=0), 0, 0) as heap:
        tables, end = heap.heap.tables, old * PAGE_WORDS
        for bitmap in (tables.live, tables.starts):
            words_at(bitmap, heap.heap.capacity // 512)[end // 64 :] = 0
        words_at(tables.reach, heap.heap.pages, np.uint32)[:] = 0
        heap.plan.young = 1
        for start in heap.live:
            refs = heap.space[start + 1 : start + 1 + min(int(refs_of(int(heap.space[start]))), end - start - 1)]
            if start < end and refs.size and refs.max() >= heap.heap.to + 8 * end:
                cards(heap)[8 * start // CARD_BYTES] = CARD_DIRTY
        begin = (heap.heap.to, tables.live, tables.starts, tables.stack, tables.reach)
        depth, _ = scan_old(*begin, tables.cards, old * PAGE_CARDS)
        mark_from_old(*begin, depth, end)
        roots = np.array([heap.heap.to + 8 * start for start in heap.live if start >= end], dtype=np.int64)
        mark_roots(*begin, int(roots.ctypes.data), len(roots))
        heap.write(shape.written)
        mark_dirty(*begin, tables.cards, heap.heap.capacity // CARD_BYTES, old * PAGE_CARDS)
        prepare_young(heap.address, shape.pages, old)
        heap.plan.old_end = border(heap.address, middle)
        heap.write(shape.written)
        heap.stop(shape.allocated)
        yield heap


@EVERY
@given(shape=SHAPES, borders=st.tuples(st.integers(0, 100), st.integers(0, 100)).map(sorted))
def test_a_young_collection_notes_what_the_old_generation_refers_to(shape: Shape, borders: list[int]) -> None:
    """Of old objects those on clean cards are left alone: none of their references changes, and none is noted."""
    old, middle = (shape.pages * share // 100 for share in borders)
    with young_planned(shape, old, middle) as heap:
        wanted = heap.built_by(plain, list(range(int(heap.plan.used_end))))
        check(heap, wanted, to_be_dirty(heap), cards(heap).copy())


def test_heaps_have_what_producers_differ_by() -> None:
    """Dirty cards, compacted pages that become old, and pages whose references stay and yet have to be noted."""
    dirty = compacted = noted = 0
    for seed in range(10):
        for middle in (5, 50, 95):
            with planned(Shape(seed, old=950), 600, 0) as heap:
                heap.plan.old_end = border(heap.address, 2 * middle)
                dense, old = int(heap.plan.dense_end), int(heap.plan.old_end)
                reach = words_at(heap.heap.tables.reach, min(dense, old), np.uint32)
                dirty += bool(to_be_dirty(heap))
                compacted += old > dense
                noted += bool(((old < reach) & (reach <= dense)).any())
    assert min(dirty, compacted, noted) > 0, (dirty, compacted, noted)
