"""Prepare: from the live bitmap to a plan (ART: PrepareForCompaction).

Mutators run: they may write fields and allocate beyond what was there when marking ended, but headers never change, and
nothing else is read here.
"""

from gcproto.collector.compiled.layout import PAGE_CHUNKS, compact, end_of_contents, live_words
from gcproto.collector.compiled.leads import lead_in_place
from gcproto.collector.compiled.mark import set_bits
from gcproto.collector.compiled.regions import plan_regions
from gcproto.heap.calls import CARD_DIRTY, CARD_SHIFT
from gcproto.heap.compiled import entry, kernel
from gcproto.heap.memory import clz, load8, load32, load64, store64
from gcproto.heap.objects import refs_of, words_of
from gcproto.heap.pages import PAGE_WORDS
from gcproto.heap.plan import (
    WRITTEN,
    black_begin,
    black_shift,
    compact_end,
    first_table,
    live_bits,
    set_black_begin,
    set_black_shift,
    set_compact_end,
    set_dense_end,
    set_pages_kept,
    set_reach,
    set_used_end,
    start_bits,
    to_space,
)

NEVER = 1001
"""A threshold that no page reaches: no dense prefix."""
CARDS_OF_GROUP = 4
"""Cards that one load reads: those of a page of 4 KiB."""


@kernel
def dense_prefix(live: int, pages: int, permille: int, granule: int) -> tuple[int, int]:
    """How many pages at the start are live to ``permille`` of 1000 together, the last one by itself too.

    Whole granules only, so that each is updated and mapped as one.

    ART: 95 % (kBlackDenseRegionThreshold), trimmed back to a page that reaches it.  Nothing has to be lowered for
    classes here, as headers say all.

    Returns:
        these pages, and the live words of all pages.

    """
    best = 0
    together = 0
    for page in range(pages):
        together += live_words(live, page)
        if together * 1000 >= permille * (page + 1) * PAGE_WORDS:
            best = page + 1
    while best > 0 and live_words(live, best - 1) * 1000 < permille * PAGE_WORDS:
        best -= 1
    return best // granule * granule, together


@entry("int64(int64, int64, int64, int64, int64)")
def prepare(plan: int, pages: int, permille: int, granule: int, region: int) -> int:
    """Plan what was marked.

    Args:
        plan: address of the plan; its bitmaps and tables are there.
        pages: that were in use when marking ended; what is allocated since begins behind them.
        permille: of the dense prefix, NEVER for none.
        granule: pages that are evacuated at once.
        region: pages of a dense region's granule; 0: no such regions are looked for.

    Returns:
        live words.

    """
    live = live_bits(plan)
    dense, words = dense_prefix(live, pages, permille, granule)
    known = -1
    for index in range(dense):
        known = lead_in_place(plan, index, index, known)
    set_pages_kept(plan, 0)
    if region > 0:
        total = plan_regions(plan, pages, permille, region, dense)
    else:
        total = compact(plan, dense * PAGE_CHUNKS, pages * PAGE_CHUNKS, dense * PAGE_WORDS)
    set_borders(plan, pages, dense, total)
    return words


@kernel
def set_borders(plan: int, pages: int, dense: int, total: int) -> None:
    """Note where the parts of to-space end.

    Args:
        plan: address of the plan.
        pages: that were in use when marking ended.
        dense: pages updated in place.
        total: to-space word after the last live one.

    """
    end_of_contents(plan, total)
    page = (total + PAGE_WORDS - 1) // PAGE_WORDS
    set_dense_end(plan, dense)
    set_compact_end(plan, page)
    set_black_begin(plan, pages * PAGE_WORDS)
    set_black_shift(plan, pages - page)
    set_used_end(plan, page)
    # Where the contents of the page after the last one would begin: nothing from there on is needed.
    store64(first_table(plan) + 8 * page, pages * PAGE_WORDS)


@entry("void(int64, int64)")
def note_written(plan: int, cards: int) -> None:
    """Note the pages whose references were written since marking ended, while the world is stopped.

    A mutator dirties the card on which the object begins; the fields may lie on later pages.

    Args:
        plan: address of the plan; the last card is that of black_begin, which is the first of its page.
        cards: address of the card table.

    """
    to = to_space(plan)
    starts = start_bits(plan)
    words = 1 << (CARD_SHIFT - 3)
    for group in range(0, black_begin(plan) >> (CARD_SHIFT - 3), CARDS_OF_GROUP):
        if load32(cards + group) == 0:
            continue
        for card in range(group, group + CARDS_OF_GROUP):
            # What is on an aged card was looked at once more since it was written.
            if load8(cards + card) != CARD_DIRTY:
                continue
            end = word = card * words
            for chunk in range(word >> 6, (word + words) >> 6):
                bits = load64(starts + 8 * chunk)
                if bits != 0:
                    start = 64 * chunk + 63 - clz(bits)
                    end = start + refs_of(load64(to + 8 * start))
            # References are the words after the header, the last one at `end`.
            for page in range(word // PAGE_WORDS, end // PAGE_WORDS + 1):
                set_reach(plan, page, WRITTEN)


@entry("int64(int64, int64, int64)")
def plan_black(plan: int, top: int, mutator_buffers: int) -> int:
    """Plan what was allocated since marking ended, while the world is stopped (ART: UpdateMovingSpaceBlackAllocations).

    All of it is live.  Objects follow each other from the start of each allocation buffer; what is left of a buffer is
    zero, and no header is.

    Args:
        plan: address of the plan.
        top: word after the last allocation buffer.
        mutator_buffers: address of pairs of words, the free part of each mutator's buffer, in ascending order; it ends
            with a pair of -1.

    Returns:
        objects found.

    """
    to = to_space(plan)
    live = live_bits(plan)
    starts = start_bits(plan)
    begin = black_begin(plan)
    word = begin
    found = 0
    last = begin
    while word < top:
        while load64(mutator_buffers) >= 0 and load64(mutator_buffers) < word:
            mutator_buffers += 16
        if load64(mutator_buffers) == word:
            word = load64(mutator_buffers + 8)
            continue
        head = load64(to + 8 * word)
        if head == 0:
            word += 1
            continue
        set_bits(live, word, words_of(head))
        store64(starts + ((word >> 6) << 3), load64(starts + ((word >> 6) << 3)) | (1 << (word & 63)))
        word += words_of(head)
        last = word
        found += 1
    slid = compact_end(plan)
    shift = black_shift(plan)
    pages = (last - begin + PAGE_WORDS - 1) // PAGE_WORDS
    known = -1
    for index in range(slid, slid + pages):
        known = lead_in_place(plan, index, index + shift, known)
    set_used_end(plan, slid + pages)
    return found
