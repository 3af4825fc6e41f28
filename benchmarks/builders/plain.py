"""The producer without what was added for speed: what the others are compared with, and what tests believe.

It copies run after run of live words and then looks at every reference.  The collector had it up to commit 9c16901.
"""

import numba

from gcproto.heap.memory import (
    copy_bytes,
    copy_line,
    ctz,
    drop_lowest,
    load64,
    low_ones,
    lshr,
    popcount,
    store64,
    zero_bytes,
)
from gcproto.heap.objects import refs_of, words_of
from gcproto.heap.pages import PAGE_BYTES, PAGE_WORDS
from gcproto.heap.plan import (
    KEPT,
    black_begin,
    black_shift,
    compact_end,
    dense_end,
    fill_of,
    first_of,
    from_space,
    lead_refs_of,
    lead_words_of,
    live_bits,
    live_of,
    offset_of,
    skip_of,
    start_bits,
    to_space,
)

LINE_WORDS = 8
LONG = 256

compiled = numba.njit(nogil=True, boundscheck=False, error_model="numpy")
"""As the collector's code, but for the cache."""


@compiled
def _forward(plan: int, ref: int) -> int:
    to = to_space(plan)
    word = (ref - to) >> 3
    if word < dense_end(plan) * PAGE_WORDS:
        return ref
    if word >= black_begin(plan):
        return ref - black_shift(plan) * PAGE_BYTES
    chunk = word >> 6
    before = live_of(plan, chunk) & low_ones(word & 63)
    return to + 8 * (offset_of(plan, chunk) + popcount(before))


@compiled
def _forward_fields(plan: int, start: int, count: int) -> None:
    for field in range(count):
        place = start + 8 * field
        ref = load64(place)
        if ref != 0:
            store64(place, _forward(plan, ref))


@compiled
def _copy_stride(destination: int, source: int, count: int) -> None:
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


@compiled
def _copy_live(plan: int, word: int, count: int, destination: int) -> None:
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


@compiled
def copy_objects(plan: int, word: int, count: int, destination: int) -> None:
    """The same object after object, whose ends headers and the bitmap of starts say."""
    live = live_bits(plan)
    starts = start_bits(plan)
    source = from_space(plan)
    while count > 0:
        chunk = word >> 6
        bits = lshr(load64(live + 8 * chunk), word & 63)
        while bits == 0:
            chunk += 1
            word = 64 * chunk
            bits = load64(live + 8 * chunk)
        word += ctz(bits)
        # Up to where the next object begins, or live words end.
        chunk = word >> 6
        at = word & 63
        here = load64(live + 8 * chunk)
        stop = ~here | load64(starts + 8 * chunk)
        stop = drop_lowest(lshr(stop, at)) if lshr(stop, at) & 1 else lshr(stop, at)
        length = min(min(ctz(stop), 64 - at), count)
        _copy_stride(destination, source + 8 * word, length)
        destination += 8 * length
        word += length
        count -= length


@compiled
def forward_all(plan: int, index: int, destination: int) -> None:
    """Look at every reference of a compacted page."""
    begin = skip_of(plan, index)
    end = fill_of(plan, index)
    _forward_fields(plan, destination + 8 * begin, lead_refs_of(plan, index))
    at = begin + lead_words_of(plan, index)
    while at < end:
        head = load64(destination + 8 * at)
        _forward_fields(plan, destination + 8 * at + 8, min(refs_of(head), end - at - 1))
        at += words_of(head)


@compiled
def _compacted(plan: int, index: int, destination: int) -> None:
    begin = skip_of(plan, index)
    end = fill_of(plan, index)
    if begin > 0:
        zero_bytes(destination, 8 * begin)
    if end > 0:
        _copy_live(plan, first_of(plan, index), end - begin, destination + 8 * begin)
    if end < PAGE_WORDS:
        zero_bytes(destination + 8 * end, 8 * (PAGE_WORDS - end))
    forward_all(plan, index, destination)


@compiled
def update_all(plan: int, index: int, from_page: int, destination: int) -> None:
    """Look at every reference of a page that keeps its layout."""
    starts = start_bits(plan)
    _forward_fields(plan, destination, lead_refs_of(plan, index))
    base = from_page * PAGE_WORDS
    for chunk in range(base >> 6, (base + PAGE_WORDS) >> 6):
        bits = load64(starts + 8 * chunk)
        while bits != 0:
            at = 64 * chunk + ctz(bits) - base
            bits = drop_lowest(bits)
            head = load64(destination + 8 * at)
            _forward_fields(plan, destination + 8 * at + 8, min(refs_of(head), PAGE_WORDS - at - 1))


@compiled
def plain(plan: int, index: int, destination: int) -> None:
    """Build to-space page ``index`` at ``destination``, as ``gcproto.collector.compiled.produce`` says."""
    if index < dense_end(plan):
        update_all(plan, index, index, destination)
        return
    from_page = index + black_shift(plan)
    if index < compact_end(plan):
        if fill_of(plan, index) != KEPT:
            _compacted(plan, index, destination)
            return
        from_page = first_of(plan, index) // PAGE_WORDS
    source = from_space(plan) + from_page * PAGE_BYTES
    if source != destination:
        copy_bytes(destination, source, PAGE_BYTES)
    update_all(plan, index, from_page, destination)
