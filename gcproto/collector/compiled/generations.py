"""What generations need of the plan: where the old one ends after a collection, and its bitmaps in their new places.

To-space of a collection, from low to high (ART's order; mark_compact.h):

    0 .. dense_end          the old generation, which stays where it is; in a full collection the dense prefix
    dense_end .. old_end    survivors of the middle generation: old from now on (ART: mid_gen_end_)
    old_end .. compact_end  survivors of the young one: in the middle from now on (ART: post_compact_end_)
    compact_end .. used_end what was allocated since marking ended: young
"""

from gcproto.collector.compiled.forward import forward, lookup_of
from gcproto.collector.compiled.layout import PAGE_CHUNKS, compact
from gcproto.collector.compiled.mark import set_bits
from gcproto.collector.compiled.prepare import set_borders
from gcproto.heap.compiled import entry
from gcproto.heap.memory import ctz, drop_lowest, load64, store64
from gcproto.heap.pages import PAGE_WORDS
from gcproto.heap.plan import (
    black_begin,
    compact_end,
    dense_end,
    fill_of,
    live_bits,
    old_end,
    set_pages_kept,
    start_bits,
    to_space,
)


@entry("int64(int64, int64, int64)")
def prepare_young(plan: int, pages: int, old: int) -> int:
    """Plan what was marked after the old generation, whose own leads are known, as it has not moved.

    Args:
        plan: address of the plan.
        pages: that were in use when marking ended.
        old: pages of the old generation.

    Returns:
        live words after it.

    """
    set_pages_kept(plan, 0)
    total = compact(plan, old * PAGE_CHUNKS, pages * PAGE_CHUNKS, old * PAGE_WORDS)
    set_borders(plan, pages, old, total)
    return total - old * PAGE_WORDS


@entry("int64(int64, int64)")
def border(plan: int, middle: int) -> int:
    """Where the old generation ends after this collection: before the first survivor of the young one.

    Rounded up to a page, as the old generation is kept by pages: an object that begins before it is old.

    Args:
        plan: address of the plan, prepared; nothing that was allocated since marking is in its bitmaps yet.
        middle: page before which the middle generation ended before the collection.

    Returns:
        a to-space page.

    """
    starts = start_bits(plan)
    to = to_space(plan)
    lookup = lookup_of(plan)
    for chunk in range(middle * PAGE_CHUNKS, black_begin(plan) // 64):
        bits = load64(starts + 8 * chunk)
        if bits != 0:
            word = (forward(lookup, to + 8 * (64 * chunk + ctz(bits))) - to) >> 3
            return (word + PAGE_WORDS - 1) // PAGE_WORDS
    return compact_end(plan)


@entry("int64(int64, int64)")
def promote(plan: int, promoted: int) -> int:
    """Set a bit for each object that has come to the old generation, where it is now.

    ART collects these bits as pages are built (SetBitForMidToOldPromotion); here they come from the bitmaps of before.

    Args:
        plan: address of the plan that was carried out.
        promoted: bitmap to fill, of the whole space.

    Returns:
        objects that were promoted.

    """
    to = to_space(plan)
    starts = start_bits(plan)
    lookup = lookup_of(plan)
    begin = dense_end(plan)
    end = old_end(plan) * PAGE_WORDS
    for chunk in range(begin * PAGE_CHUNKS, old_end(plan) * PAGE_CHUNKS):
        store64(promoted + 8 * chunk, 0)
    found = 0
    for chunk in range(begin * PAGE_CHUNKS, black_begin(plan) // 64):
        bits = load64(starts + 8 * chunk)
        while bits != 0:
            word = (forward(lookup, to + 8 * (64 * chunk + ctz(bits))) - to) >> 3
            if word >= end:
                return found
            bits = drop_lowest(bits)
            at = promoted + ((word >> 6) << 3)
            store64(at, load64(at) | (1 << (word & 63)))
            found += 1
    return found


@entry("void(int64, int64)")
def adopt(plan: int, promoted: int) -> None:
    """Give the old generation its bitmaps for the next collection, once no page is built by those of before any more.

    Those of the dense prefix stay as they are.  What was compacted after it has no gaps.

    Args:
        plan: address of the plan that was carried out.
        promoted: what ``promote`` filled.

    """
    live = live_bits(plan)
    starts = start_bits(plan)
    begin = dense_end(plan)
    end = old_end(plan)
    for chunk in range(begin * PAGE_CHUNKS, end * PAGE_CHUNKS):
        store64(starts + 8 * chunk, load64(promoted + 8 * chunk))
        store64(live + 8 * chunk, 0)
    if end > begin:
        words = (end - 1 - begin) * PAGE_WORDS + fill_of(plan, end - 1)
        set_bits(live, begin * PAGE_WORDS, words)
