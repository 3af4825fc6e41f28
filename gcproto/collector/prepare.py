"""Prepare: from the live bitmap to a plan (ART: PrepareForCompaction).

Mutators run: they may write fields and allocate beyond what was there when marking ended, but headers never change, and
nothing else is read here.
"""

from gcproto.collector.mark import is_marked, set_bits
from gcproto.heap.calls import (
    CHUNK_WORDS,
    PLAN_BLACK_BEGIN,
    PLAN_BLACK_SHIFT,
    PLAN_COMPACT_END,
    PLAN_DENSE_END,
    PLAN_END_WORD,
    PLAN_FIRST,
    PLAN_LEAD_REFS,
    PLAN_LEAD_WORDS,
    PLAN_LIVE,
    PLAN_OFFSETS,
    PLAN_STARTS,
    PLAN_TO,
    PLAN_USED_END,
)
from gcproto.heap.compiled import entry, kernel
from gcproto.heap.memory import clz, ctz, drop_lowest, load64, low_ones, peek64, popcount, store16, store32, store64
from gcproto.heap.objects import refs_of, words_of
from gcproto.heap.pages import PAGE_WORDS

PAGE_CHUNKS = PAGE_WORDS // CHUNK_WORDS
NEVER = 1001
"""A threshold that no page reaches: no dense prefix."""


@kernel
def _live_words(live: int, page: int) -> int:
    found = 0
    for chunk in range(page * PAGE_CHUNKS, (page + 1) * PAGE_CHUNKS):
        found += popcount(load64(live + 8 * chunk))
    return found


@kernel
def dense_prefix(live: int, pages: int, permille: int, granule: int) -> int:
    """How many pages at the start are live to ``permille`` of 1000 together, the last one by itself too.

    Whole granules only, so that each is updated and mapped as one.

    ART: 95 % (kBlackDenseRegionThreshold), trimmed back to a page that reaches it.  Nothing has to be lowered for
    classes here, as headers say all.
    """
    best = 0
    together = 0
    for page in range(pages):
        together += _live_words(live, page)
        if together * 1000 >= permille * (page + 1) * PAGE_WORDS:
            best = page + 1
    while best > 0 and _live_words(live, best - 1) * 1000 < permille * PAGE_WORDS:
        best -= 1
    return best // granule * granule


@kernel
def _start_before(starts: int, word: int) -> int:
    """The last object start at or before a word."""
    chunk = word >> 6
    keep = word & 63
    bits = load64(starts + 8 * chunk) & (-1 if keep == 63 else low_ones(keep + 1))
    while bits == 0:
        chunk -= 1
        bits = load64(starts + 8 * chunk)
    return 64 * chunk + 63 - clz(bits)


@kernel
def _lead(plan: int, page: int, word: int, known: int) -> int:
    """Note what of a to-space page, whose contents begin with from-space ``word``, belongs to an earlier object.

    Args:
        plan: address of the plan.
        page: of to-space.
        word: a live word.
        known: start of the object that the last such word belonged to, -1 for none: a long object is not searched for
            on each of its pages.

    Returns:
        start of the object that ``word`` belongs to.

    """
    to = load64(plan + PLAN_TO)
    start = known
    if start < 0 or start + words_of(peek64(to + 8 * start)) <= word:
        start = _start_before(load64(plan + PLAN_STARTS), word)
    head = peek64(to + 8 * start)
    before = word - start
    words = 0
    refs = 0
    if before > 0:
        words = min(PAGE_WORDS, words_of(head) - before)
        refs = min(words, max(0, refs_of(head) + 1 - before))
    store16(load64(plan + PLAN_LEAD_WORDS) + 2 * page, words)
    store16(load64(plan + PLAN_LEAD_REFS) + 2 * page, refs)
    return start


@kernel
def _lead_in_place(plan: int, page: int, from_page: int, known: int) -> int:
    """The same for a page that keeps its layout, and may begin with garbage."""
    word = from_page * PAGE_WORDS
    if is_marked(load64(plan + PLAN_LIVE), word) != 0:
        return _lead(plan, page, word, known)
    store16(load64(plan + PLAN_LEAD_WORDS) + 2 * page, 0)
    store16(load64(plan + PLAN_LEAD_REFS) + 2 * page, 0)
    return known


@kernel
def _nth_bit(bits: int, count: int) -> int:
    """Position of the set bit that has ``count`` set bits below it."""
    for _ in range(count):
        bits = drop_lowest(bits)
    return ctz(bits)


@entry("int64(int64, int64, int64, int64)")
def prepare(plan: int, pages: int, permille: int, granule: int) -> int:
    """Plan what was marked.

    Args:
        plan: address of the plan; its bitmaps and tables are there.
        pages: that were in use when marking ended; what is allocated since begins behind them.
        permille: of the dense prefix, NEVER for none.
        granule: pages that are evacuated at once.

    Returns:
        live words.

    """
    live = load64(plan + PLAN_LIVE)
    offsets = load64(plan + PLAN_OFFSETS)
    first = load64(plan + PLAN_FIRST)
    dense = dense_prefix(live, pages, permille, granule)
    total = dense * PAGE_WORDS
    page = dense
    known = -1
    for index in range(dense):
        known = _lead_in_place(plan, index, index, known)
    for chunk in range(dense * PAGE_CHUNKS, pages * PAGE_CHUNKS):
        bits = load64(live + 8 * chunk)
        count = popcount(bits)
        store32(offsets + 4 * chunk, total)
        if total + count > page * PAGE_WORDS:
            word = 64 * chunk + _nth_bit(bits, page * PAGE_WORDS - total)
            store64(first + 8 * page, word)
            known = _lead(plan, page, word, known)
            page += 1
        total += count
    store64(plan + PLAN_DENSE_END, dense)
    store64(plan + PLAN_COMPACT_END, page)
    store64(plan + PLAN_END_WORD, total)
    store64(plan + PLAN_BLACK_BEGIN, pages * PAGE_WORDS)
    store64(plan + PLAN_BLACK_SHIFT, pages - page)
    store64(plan + PLAN_USED_END, page)
    # Where the contents of the page behind the last one would begin: nothing from there on is needed.
    store64(first + 8 * page, pages * PAGE_WORDS)
    return total


@entry("int64(int64, int64, int64)")
def plan_black(plan: int, top: int, mutator_buffers: int) -> int:
    """Plan what was allocated since marking ended, while the world is stopped (ART: UpdateMovingSpaceBlackAllocations).

    All of it is live.  Objects follow each other from the start of each allocation buffer; what is left of a buffer is
    zero, and no header is.

    Args:
        plan: address of the plan.
        top: word behind the last allocation buffer.
        mutator_buffers: address of pairs of words, the free part of each mutator's buffer, in ascending order; it ends
            with a pair of -1.

    Returns:
        objects found.

    """
    to = load64(plan + PLAN_TO)
    live = load64(plan + PLAN_LIVE)
    starts = load64(plan + PLAN_STARTS)
    begin = load64(plan + PLAN_BLACK_BEGIN)
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
    compact_end = load64(plan + PLAN_COMPACT_END)
    shift = load64(plan + PLAN_BLACK_SHIFT)
    pages = (last - begin + PAGE_WORDS - 1) // PAGE_WORDS
    known = -1
    for index in range(compact_end, compact_end + pages):
        known = _lead_in_place(plan, index, index + shift, known)
    store64(plan + PLAN_USED_END, compact_end + pages)
    return found
