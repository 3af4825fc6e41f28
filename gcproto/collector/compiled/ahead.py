"""The producer of the collector thread, which goes from high pages to low ones and knows which page comes next.

While it builds a page it has the lines fetched that the next one is built of; ART's collector thread does not.  The
gain, and what else was tried, are in docs/results/produce.md.
"""

from gcproto.collector.compiled.fetch import fetch_live, fetch_live_chunks, fetch_starts
from gcproto.collector.compiled.forward import references_stay
from gcproto.collector.compiled.produce import (
    contents_end,
    forward_page,
    produce,
    update_in_place,
    zero_front,
    zero_rest,
)
from gcproto.heap.calls import CHUNK_WORDS
from gcproto.heap.compiled import inlined, kernel
from gcproto.heap.memory import copy_line, ctz, load64, lshr, store64
from gcproto.heap.pages import PAGE_WORDS
from gcproto.heap.plan import (
    KEPT,
    compact_end,
    dense_end,
    fill_of,
    first_of,
    from_space,
    live_bits,
    skip_of,
    start_bits,
)

LINE_WORDS = 8
PAGE_CHUNKS = PAGE_WORDS // CHUNK_WORDS


@inlined
def _copy_run(destination: int, source: int, count: int) -> None:
    """Copy words to where they do not overlap; no word beyond them is read or written."""
    stop = destination + 8 * count
    if count >= LINE_WORDS:
        last = stop - 8 * LINE_WORDS
        source_last = source + 8 * (count - LINE_WORDS)
        while destination < last:
            copy_line(destination, source)
            destination += 8 * LINE_WORDS
            source += 8 * LINE_WORDS
        # The last line ends with the run, and perhaps begins in the one before.
        copy_line(last, source_last)
        return
    while destination < stop:
        store64(destination, load64(source))
        destination += 8
        source += 8


@inlined
def gather(plan: int, word: int, count: int, destination: int, following: int, end: int) -> None:
    """Copy live words of from-space one after the other, and have the live lines of other chunks fetched.

    Args:
        plan: address of the plan.
        word: of from-space, the first one.
        count: of words; more than 0.
        destination: address for the first one; the ranges do not overlap.
        following: chunk, the first one that is wanted next.
        end: chunk after the last one.

    """
    live = live_bits(plan)
    space = from_space(plan)
    chunk = word // CHUNK_WORDS
    skip = word % CHUNK_WORDS
    bits = lshr(load64(live + 8 * chunk), skip) << skip
    while True:
        # A chunk for a chunk, so that copying goes on while lines are on their way.
        if following < end:
            fetch_live(live, space, following)
            following += 1
        while bits != 0:
            start = ctz(bits)
            length = ctz(~lshr(bits, start))
            passed = start + length
            length = min(length, count)
            _copy_run(destination, space + 8 * (CHUNK_WORDS * chunk + start), length)
            destination += 8 * length
            count -= length
            if passed >= CHUNK_WORDS or count == 0:
                break
            bits = lshr(bits, passed) << passed
        if count == 0:
            break
        chunk += 1
        bits = load64(live + 8 * chunk)
    fetch_live_chunks(live, space, following, end)


@inlined
def place_in(plan: int, index: int) -> int:
    """The from-page of a page that keeps its layout, -1 if it does not."""
    if index < dense_end(plan):
        return index
    return first_of(plan, index) // PAGE_WORDS if fill_of(plan, index) == KEPT else -1


@inlined
def following_chunks(plan: int, index: int) -> tuple[int, int]:
    """Chunks that the page before is built of; if it keeps its layout, its headers are fetched, and there are none."""
    if index == 0:
        return 0, 0
    place = place_in(plan, index - 1)
    if place < 0:
        return first_of(plan, index - 1) // CHUNK_WORDS, contents_end(plan, index - 1)
    if not references_stay(plan, place):
        fetch_starts(start_bits(plan), from_space(plan), place * PAGE_CHUNKS, (place + 1) * PAGE_CHUNKS)
    return 0, 0


@inlined
def fill_ahead(plan: int, index: int, destination: int) -> None:
    """The words of a compacted page, with the references of before; lines of the page before are fetched."""
    following, end = following_chunks(plan, index)
    zero_front(plan, index, destination)
    zero_rest(plan, index, destination)
    begin = skip_of(plan, index)
    count = fill_of(plan, index) - begin
    if count > 0:
        gather(plan, first_of(plan, index), count, destination + 8 * begin, following, end)


@kernel
def produce_ahead(plan: int, index: int, destination: int) -> None:
    """Build to-space page ``index`` at ``destination``, as ``produce`` does, where page ``index`` - 1 is built next.

    Args:
        plan: address of the plan.
        index: below the plan's used_end.
        destination: address of a page that no other thread writes.  Of a page that keeps its layout: its address in
            from-space, where it is updated.  Of any other: it does not overlap what the page is built of.

    """
    if index >= compact_end(plan):
        produce(plan, index, destination)
        return
    place = place_in(plan, index)
    if place >= 0:
        following, end = following_chunks(plan, index)
        fetch_live_chunks(live_bits(plan), from_space(plan), following, end)
        if not references_stay(plan, place):
            update_in_place(plan, index, place, destination)
        return
    fill_ahead(plan, index, destination)
    forward_page(plan, index, destination)
