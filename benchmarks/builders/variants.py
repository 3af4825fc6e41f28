"""Producers of the collector thread that were tried, each different from another one in a single thing.

``plain``            what the collector had up to commit 9c16901
``objects``          copies object after object, where the others copy runs of live words
``at once``          has what a page is built of fetched before it is built: what a fault does now
``next at once``     has what the next page is built of fetched before a page is built
``next``             the same bit by bit while a page is built: what the collector thread does now
``after next``       the same for the page after the next one
``destination``      as next, and has the page fetched that will be written
``past caches``      as next, but builds a page on the stack and writes it past the caches, with a fence
``by eight``         as next, but looks up eight references at a time (AVX-512: gathers and counts of bits)

"""

from typing import TYPE_CHECKING

from benchmarks.builders.machine import forward_eight, prefetch_to_write, scratch, stream_line
from benchmarks.builders.plain import compiled, copy_objects, forward_all, plain
from gcproto.collector.compiled.ahead import following_chunks, gather, place_in, produce_ahead
from gcproto.collector.compiled.fetch import fetch_live_chunks
from gcproto.collector.compiled.forward import Lookup, forward, lookup_of, references_stay
from gcproto.collector.compiled.produce import (
    contents_end,
    forward_page,
    produce,
    references_of_page_stay,
    zero_front,
    zero_rest,
)
from gcproto.heap.calls import CHUNK_WORDS
from gcproto.heap.memory import ctz, drop_lowest, fence, load64, store64
from gcproto.heap.objects import refs_of, words_of
from gcproto.heap.pages import PAGE_BYTES, PAGE_WORDS
from gcproto.heap.plan import (
    compact_end,
    dense_end,
    fill_of,
    first_of,
    from_space,
    lead_refs_of,
    lead_words_of,
    live_bits,
    skip_of,
    start_bits,
)

if TYPE_CHECKING:
    from gcproto.collector.compiled.for_c import Producer

LINE_BYTES = 64
EIGHT = 8

page_on_stack = scratch(PAGE_WORDS)


@compiled
def _is_built(plan: int, index: int) -> bool:
    return index < compact_end(plan) and place_in(plan, index) < 0


@compiled
def _live_words(plan: int, index: int) -> int:
    return fill_of(plan, index) - skip_of(plan, index)


@compiled
def _by_objects(plan: int, index: int, destination: int) -> None:
    if not _is_built(plan, index):
        plain(plan, index, destination)
        return
    zero_front(plan, index, destination)
    zero_rest(plan, index, destination)
    copy_objects(plan, first_of(plan, index), _live_words(plan, index), destination + 8 * skip_of(plan, index))
    forward_all(plan, index, destination)


@compiled
def _next_at_once(plan: int, index: int, destination: int) -> None:
    if not _is_built(plan, index):
        produce_ahead(plan, index, destination)
        return
    following, end = following_chunks(plan, index)
    fetch_live_chunks(live_bits(plan), from_space(plan), following, end)
    zero_front(plan, index, destination)
    zero_rest(plan, index, destination)
    place = destination + 8 * skip_of(plan, index)
    if _live_words(plan, index) > 0:
        gather(plan, first_of(plan, index), _live_words(plan, index), place, 0, 0)
    forward_page(plan, index, destination)


@compiled
def _after_next(plan: int, index: int, destination: int) -> None:
    if index < dense_end(plan) + 2 or not (_is_built(plan, index) and _is_built(plan, index - 2)):
        produce_ahead(plan, index, destination)
        return
    zero_front(plan, index, destination)
    zero_rest(plan, index, destination)
    following, end = first_of(plan, index - 2) // CHUNK_WORDS, contents_end(plan, index - 2)
    place = destination + 8 * skip_of(plan, index)
    if _live_words(plan, index) > 0:
        gather(plan, first_of(plan, index), _live_words(plan, index), place, following, end)
    forward_page(plan, index, destination)


@compiled
def _destination(plan: int, index: int, destination: int) -> None:
    if _is_built(plan, index):
        for at in range(0, PAGE_BYTES, LINE_BYTES):
            prefetch_to_write(destination + at)
    produce_ahead(plan, index, destination)


@compiled
def _past_caches(plan: int, index: int, destination: int) -> None:
    if not _is_built(plan, index):
        produce_ahead(plan, index, destination)
        return
    page = page_on_stack()
    produce_ahead(plan, index, page)
    for at in range(0, PAGE_BYTES, LINE_BYTES):
        stream_line(destination + at, page + at)
    fence()


@compiled
def _forward_fields_by_eight(lookup: Lookup, start: int, count: int) -> None:
    to, dense_words, black_word, black_bytes, live, offsets = lookup
    end = start + 8 * count
    while start + 8 * EIGHT <= end:
        forward_eight(to, dense_words, black_word, black_bytes, live, offsets, start)
        start += 8 * EIGHT
    while start < end:
        ref = load64(start)
        if ref != 0:
            store64(start, forward(lookup, ref))
        start += 8


@compiled
def _by_eight(plan: int, index: int, destination: int) -> None:
    place = place_in(plan, index) if index < compact_end(plan) else 0
    lookup = lookup_of(plan)
    if index >= compact_end(plan):
        produce(plan, index, destination)
    elif place >= 0:
        following_chunks(plan, index)
        if references_stay(plan, place):
            return
        _forward_fields_by_eight(lookup, destination, lead_refs_of(plan, index))
        base = place * PAGE_WORDS
        for chunk in range(base // CHUNK_WORDS, (base + PAGE_WORDS) // CHUNK_WORDS):
            bits = load64(start_bits(plan) + 8 * chunk)
            while bits != 0:
                at = CHUNK_WORDS * chunk + ctz(bits) - base
                bits = drop_lowest(bits)
                refs = refs_of(load64(destination + 8 * at))
                _forward_fields_by_eight(lookup, destination + 8 * at + 8, min(refs, PAGE_WORDS - at - 1))
    else:
        following, end = following_chunks(plan, index)
        zero_front(plan, index, destination)
        zero_rest(plan, index, destination)
        begin = skip_of(plan, index)
        if _live_words(plan, index) > 0:
            gather(plan, first_of(plan, index), _live_words(plan, index), destination + 8 * begin, following, end)
        if references_of_page_stay(plan, index):
            return
        _forward_fields_by_eight(lookup, destination + 8 * begin, lead_refs_of(plan, index))
        at = begin + lead_words_of(plan, index)
        while at < fill_of(plan, index):
            head = load64(destination + 8 * at)
            refs = min(refs_of(head), fill_of(plan, index) - at - 1)
            _forward_fields_by_eight(lookup, destination + 8 * at + 8, refs)
            at += words_of(head)


VARIANTS: "dict[str, Producer]" = {
    "plain": plain,
    "objects": _by_objects,
    "at once": produce,
    "next at once": _next_at_once,
    "next": produce_ahead,
    "after next": _after_next,
    "destination": _destination,
    "past caches": _past_caches,
    "by eight": _by_eight,
}
