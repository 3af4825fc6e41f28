"""The producer: it builds the contents of one to-space page.

The fault handler calls it on the faulting mutator's own thread, so it allocates nothing, raises nothing and takes no
lock.  The collector thread has one of its own for most pages (gcproto.collector.compiled.ahead).

It reads from-space only where its own page's words come from; native/heap/plan.h has the reason.  What it must know
about an object that began on an earlier page is in the plan.
"""

from gcproto.collector.compiled.fetch import fetch_live_chunks, fetch_starts
from gcproto.collector.compiled.forward import forward_fields, lookup_of, references_stay
from gcproto.heap.calls import CHUNK_WORDS
from gcproto.heap.compiled import entry, inlined, kernel
from gcproto.heap.memory import copy_bytes, copy_line, ctz, drop_lowest, load64, lshr, store64, zero_bytes
from gcproto.heap.objects import refs_of, words_of
from gcproto.heap.pages import PAGE_BYTES, PAGE_WORDS
from gcproto.heap.plan import (
    KEPT,
    black_shift,
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
    used_end,
)

LINE_WORDS = 8
LONG = 256
"""Strides of at least so many words are worth a call of memmove."""


@inlined
def _copy_stride(destination: int, source: int, count: int) -> None:
    """Copy words upwards; the ranges may overlap if the destination is the lower one."""
    if count >= LONG:
        copy_bytes(destination, source, 8 * count)
        return
    end = source + 8 * count
    while source + 8 * LINE_WORDS <= end:
        copy_line(destination, source)
        destination += 8 * LINE_WORDS
        source += 8 * LINE_WORDS
    while source < end:
        store64(destination, load64(source))
        destination += 8
        source += 8


@kernel
def _copy_live(plan: int, word: int, count: int, destination: int) -> None:
    """Copy ``count`` live words of from-space, from ``word`` on, to ``destination``, in strides."""
    live = live_bits(plan)
    source = from_space(plan)
    chunk = word >> 6
    skip = word & 63
    bits = lshr(load64(live + 8 * chunk), skip) << skip
    while count > 0:
        while bits == 0:
            chunk += 1
            bits = load64(live + 8 * chunk)
        start = ctz(bits)
        length = ctz(~lshr(bits, start))
        first = 64 * chunk + start
        if start + length >= 64:
            # To the end of its chunk, and on through the following chunks.
            length = 64 - start
            chunk += 1
            bits = load64(live + 8 * chunk)
            while bits == -1 and length < count:
                length += 64
                chunk += 1
                bits = load64(live + 8 * chunk)
            if length < count:
                more = ctz(~bits)
                length += more
                bits = lshr(bits, more) << more if more < 64 else 0
        else:
            end = start + length
            bits = lshr(bits, end) << end
        length = min(length, count)
        _copy_stride(destination, source + 8 * first, length)
        destination += 8 * length
        count -= length


@inlined
def references_of_page_stay(plan: int, index: int) -> bool:
    """Whether no reference changes on the from-pages that a compacted page is built of."""
    page = first_of(plan, index) // PAGE_WORDS
    last = (first_of(plan, index + 1) - 1) // PAGE_WORDS
    while page <= last and references_stay(plan, page):
        page += 1
    return page > last


@inlined
def contents_end(plan: int, index: int) -> int:
    """The chunk after the last one that a compacted page is built of."""
    return (first_of(plan, index + 1) + CHUNK_WORDS - 1) // CHUNK_WORDS


@inlined
def zero_front(plan: int, index: int, destination: int) -> None:
    """Zero what is in front of the contents of a compacted page."""
    begin = skip_of(plan, index)
    if begin > 0:
        zero_bytes(destination, 8 * begin)


@inlined
def zero_rest(plan: int, index: int, destination: int) -> None:
    """Zero what is after the contents; within one space these are perhaps copied from there, and must have been."""
    end = fill_of(plan, index)
    if end < PAGE_WORDS:
        zero_bytes(destination + 8 * end, 8 * (PAGE_WORDS - end))


@inlined
def forward_page(plan: int, index: int, destination: int) -> None:
    """Update the references of a compacted page, whose contents are in their place."""
    if references_of_page_stay(plan, index):
        return
    begin = skip_of(plan, index)
    end = fill_of(plan, index)
    lookup = lookup_of(plan)
    # Objects follow each other without gaps now: headers lead from one to the next.
    forward_fields(lookup, destination + 8 * begin, lead_refs_of(plan, index))
    at = begin + lead_words_of(plan, index)
    while at < end:
        head = load64(destination + 8 * at)
        forward_fields(lookup, destination + 8 * at + 8, min(refs_of(head), end - at - 1))
        at += words_of(head)


@inlined
def fill_compacted(plan: int, index: int, destination: int) -> None:
    """The words of a compacted page, with the references of before."""
    begin = skip_of(plan, index)
    end = fill_of(plan, index)
    zero_front(plan, index, destination)
    if end > 0:
        word = first_of(plan, index)
        fetch_live_chunks(live_bits(plan), from_space(plan), word // CHUNK_WORDS, contents_end(plan, index))
        _copy_live(plan, word, end - begin, destination + 8 * begin)
    zero_rest(plan, index, destination)


@inlined
def update_in_place(plan: int, index: int, from_page: int, destination: int) -> None:
    """Update the references of a page that keeps its layout; garbage between its objects stays as it is.

    Args:
        plan: address of the plan.
        index: of the to-space page.
        from_page: where it lies in from-space, whose bitmap says where objects begin.
        destination: address of the page's contents.

    """
    starts = start_bits(plan)
    lookup = lookup_of(plan)
    forward_fields(lookup, destination, lead_refs_of(plan, index))
    base = from_page * PAGE_WORDS
    for chunk in range(base >> 6, (base + PAGE_WORDS) >> 6):
        bits = load64(starts + 8 * chunk)
        while bits != 0:
            at = 64 * chunk + ctz(bits) - base
            bits = drop_lowest(bits)
            head = load64(destination + 8 * at)
            forward_fields(lookup, destination + 8 * at + 8, min(refs_of(head), PAGE_WORDS - at - 1))


@inlined
def copy_page(plan: int, from_page: int, destination: int) -> None:
    """A from-page as it is, unless it is the destination."""
    source = from_space(plan) + from_page * PAGE_BYTES
    if source != destination:
        copy_bytes(destination, source, PAGE_BYTES)


@inlined
def _fetch_headers(plan: int, page: int) -> None:
    chunk = page * PAGE_WORDS // CHUNK_WORDS
    fetch_starts(start_bits(plan), from_space(plan), chunk, chunk + PAGE_WORDS // CHUNK_WORDS)


@kernel
def produce(plan: int, index: int, destination: int) -> None:
    """Build to-space page ``index`` at ``destination``; of the dense prefix and regions, where it lies in from-space.

    Args:
        plan: address of the plan.
        index: below the plan's used_end.
        destination: address of a page that no other thread writes.

    """
    if index < dense_end(plan):
        if not references_stay(plan, index):
            _fetch_headers(plan, index)
            update_in_place(plan, index, index, destination)
        return
    from_page = index + black_shift(plan)
    if index < compact_end(plan):
        if fill_of(plan, index) != KEPT:
            fill_compacted(plan, index, destination)
            forward_page(plan, index, destination)
            return
        from_page = first_of(plan, index) // PAGE_WORDS
        if references_stay(plan, from_page):
            copy_page(plan, from_page, destination)
            return
        _fetch_headers(plan, from_page)
    copy_page(plan, from_page, destination)
    update_in_place(plan, index, from_page, destination)


@entry("void(int64)")
def slide(plan: int) -> None:
    """Every page, from low to high, within one space: what a stop-the-world collector without userfaultfd does.

    No page is written before what lies there has been read: a live word never moves up, and later pages have their
    words from further up still.  The plan says the same address for both spaces.
    """
    space = from_space(plan)
    for index in range(used_end(plan)):
        produce(plan, index, space + index * PAGE_BYTES)
