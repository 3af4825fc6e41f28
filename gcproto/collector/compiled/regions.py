"""Dense regions beyond the prefix: granules that are moved as they are, to where they are congruent.

ART compacts all that lies behind its dense prefix.  LifeLine (OSDI 2026) moves pages of a stock CMC heap whole that are
live to 90 %.  Here whole granules keep their layout, so that folios of their size can go whole.  To-space has a gap in
front of such a region, for which no memory is used, and keeps what is dead in it.  Both together are bounded as in the
dense prefix: of to-space up to any region, live words make up the threshold.

What precedes a region may be an object that reaches into it.  The gap is made before the last chunk that no
object reaches into, and the words from there on end where the region begins.  So an address is computed as before: in a
region every word counts as live.
"""

from gcproto.collector.compiled.layout import PAGE_CHUNKS, compact, end_of_contents, live_between
from gcproto.collector.compiled.leads import lead_in_place
from gcproto.collector.compiled.mark import is_marked
from gcproto.heap.compiled import kernel
from gcproto.heap.memory import store32, store64
from gcproto.heap.pages import PAGE_WORDS
from gcproto.heap.plan import (
    KEPT,
    live_bits,
    offset_table,
    pages_kept,
    set_fill,
    set_first,
    set_held,
    set_lead_refs,
    set_lead_words,
    set_pages_kept,
    set_skip,
    start_bits,
)

SEARCH_CHUNKS = 64
"""How far back a chunk is looked for that no object reaches into: 32 KiB."""


@kernel
def _cut(plan: int, chunk: int, begin: int) -> int:
    """The last chunk up to ``chunk`` that no live object reaches into, or -1."""
    live = live_bits(plan)
    starts = start_bits(plan)
    while chunk >= begin:
        if is_marked(live, 64 * chunk) == 0 or is_marked(starts, 64 * chunk) != 0:
            return chunk
        chunk -= 1
    return -1


@kernel
def _place(end: int, before: int, granule: int) -> int:
    """The first aligned to-space page that ``before`` words can end at, on pages of their own unless they follow on.

    Args:
        end: to-space word behind what precedes them.
        before: words.
        granule: pages.

    """
    words = granule * PAGE_WORDS
    page = (end + before + words - 1) // words * granule
    start = page * PAGE_WORDS - before
    if start != end and start // PAGE_WORDS < (end + PAGE_WORDS - 1) // PAGE_WORDS:
        page += granule
    return page


@kernel
def _gap(plan: int, end: int, start: int, chunk: int) -> None:
    """No contents between two to-space words; those from ``start`` on are live words from ``chunk`` on."""
    end_of_contents(plan, end)
    for page in range((end + PAGE_WORDS - 1) // PAGE_WORDS, (start + PAGE_WORDS - 1) // PAGE_WORDS):
        partial = page == start // PAGE_WORDS
        set_first(plan, page, 64 * chunk)
        set_lead_words(plan, page, 0)
        set_lead_refs(plan, page, 0)
        set_skip(plan, page, start % PAGE_WORDS if partial else 0)
        set_fill(plan, page, PAGE_WORDS if partial else 0)


@kernel
def _keep(plan: int, from_page: int, page: int, granule: int) -> None:
    """From-pages that are moved as they are."""
    known = -1
    for index in range(granule):
        known = lead_in_place(plan, page + index, from_page + index, known)
        set_first(plan, page + index, (from_page + index) * PAGE_WORDS)
        set_skip(plan, page + index, 0)
        set_fill(plan, page + index, KEPT)
        set_held(plan, from_page + index, 1)
    live = live_bits(plan)
    offsets = offset_table(plan)
    for index in range(granule * PAGE_CHUNKS):
        chunk = from_page * PAGE_CHUNKS + index
        store32(offsets + 4 * chunk, page * PAGE_WORDS + 64 * index)
        store64(live + 8 * chunk, -1)
    set_pages_kept(plan, pages_kept(plan) + granule)


@kernel
def plan_regions(plan: int, pages: int, permille: int, granule: int, dense: int) -> int:
    """Plan everything after the dense prefix, dense regions whole.

    Args:
        plan: address of the plan.
        pages: in use.
        permille: of the words of a region, and of to-space up to any region, that are live.
        granule: pages of which a region consists; a power of two.
        dense: pages of the prefix.

    Returns:
        to-space word after the last one.

    """
    live = live_bits(plan)
    seen = live_between(live, 0, dense * PAGE_CHUNKS)
    total = dense * PAGE_WORDS
    begin = dense  # from-pages from here on are not planned yet
    waiting = 0  # and have so many live words
    at = dense
    while at < pages:
        size = min(granule - at % granule, pages - at)
        words = live_between(live, at * PAGE_CHUNKS, (at + size) * PAGE_CHUNKS)
        place = -1
        cut = at * PAGE_CHUNKS
        before = 0
        if size == granule and words * 1000 >= permille * granule * PAGE_WORDS:
            # Right after a region, or the prefix, nothing precedes it, and objects may reach over.
            if begin != at or total % (granule * PAGE_WORDS) != 0:
                cut = _cut(plan, cut, max(begin * PAGE_CHUNKS, cut - SEARCH_CHUNKS))
            if cut >= 0:
                before = live_between(live, cut, at * PAGE_CHUNKS)
                place = _place(total + waiting - before, before, granule)
            if place > at or (seen + words) * 1000 < permille * (place + granule) * PAGE_WORDS:
                place = -1
        if place >= 0:
            end = compact(plan, begin * PAGE_CHUNKS, cut, total)
            start = place * PAGE_WORDS - before
            if start != end:
                _gap(plan, end, start, cut)
            compact(plan, cut, at * PAGE_CHUNKS, start)
            _keep(plan, at, place, granule)
            total = (place + granule) * PAGE_WORDS
            begin = at + granule
            waiting = 0
        else:
            waiting += words
        seen += words
        at += size
    return compact(plan, begin * PAGE_CHUNKS, pages * PAGE_CHUNKS, total)
