"""Marking: which objects are live, found while mutators run.

As ART's CMC (MarkingPhase, MarkingPause): roots, then a trace.  Writes of mutators meanwhile dirty cards.  Objects on
dirty cards are traced again, first concurrently (pre-cleaning), at last in a pause.  For each marked object all of
its words are set in the live bitmap.  It departs from ART in four things:
- the live bytes of a chunk are counted from the bitmap in prepare, not added up while marking;
- objects are marked when they are taken from the stack, after a short queue of prefetched ones, as a load from a cold
  header is what marking costs;
- it notes how far the references of each page lead (``reach`` in native/heap/plan.h).  Pages whose references all
  stay as they are need no update then; ART updates all of them;
- one thread marks.
The stack can't overflow: it has a slot for every word of the heap, of which memory is taken as they come.
"""

from gcproto.heap.calls import CARD_AGED, CARD_CLEAN, CARD_DIRTY, CARD_SHIFT
from gcproto.heap.compiled import entry, inlined, kernel
from gcproto.heap.memory import (
    ctz,
    drop_lowest,
    fence,
    load64,
    low_ones,
    lshr,
    peek8,
    peek32,
    peek64,
    poke8,
    popcount,
    prefetch,
    store32,
    store64,
)
from gcproto.heap.objects import refs_of, words_of
from gcproto.heap.pages import PAGE_SHIFT

QUEUE = 16
"""Objects between prefetch and marking; a power of two."""
STACK_HEAD = QUEUE
"""The queue lies in the first slots of the stack's memory."""


@kernel
def is_marked(live: int, word: int) -> int:
    """Whether the object that starts at a word is marked."""
    return lshr(load64(live + ((word >> 6) << 3)), word & 63) & 1


@kernel
def set_bits(bitmap: int, word: int, count: int) -> None:
    """Set ``count`` bits from ``word`` on."""
    at = bitmap + ((word >> 6) << 3)
    shift = word & 63
    if shift + count <= 64:
        ones = -1 if count == 64 else low_ones(count)
        store64(at, load64(at) | (ones << shift))
        return
    store64(at, load64(at) | (-1 << shift))
    at += 8
    count -= 64 - shift
    while count >= 64:
        store64(at, -1)
        at += 8
        count -= 64
    if count > 0:
        store64(at, load64(at) | low_ones(count))


@kernel
def _push(begin: int, live: int, stack: int, depth: int, ref: int) -> int:
    if ref != 0 and is_marked(live, (ref - begin) >> 3) == 0:
        store64(stack + 8 * depth, ref)
        depth += 1
    return depth


@inlined
def _note_reach(begin: int, reach: int, place: int, farthest: int) -> None:
    """References on the page of a field lead as far as ``farthest``, 0: nowhere."""
    # No branch, which could not be foreseen: 0 becomes a page below all others.
    page = reach + ((place - begin) >> PAGE_SHIFT << 2)
    store32(page, max(peek32(page), ((farthest - begin) >> PAGE_SHIFT) + 1))


@kernel
def push_fields(begin: int, live: int, stack: int, reach: int, depth: int, ref: int, refs: int) -> int:
    """Push what the fields of an object refer to and is not marked.  Returns the depth of the stack."""
    if (ref + 8) >> PAGE_SHIFT == (ref + 8 * refs) >> PAGE_SHIFT:
        farthest = 0
        for field in range(refs):
            value = peek64(ref + 8 + 8 * field)
            farthest = max(farthest, value)
            depth = _push(begin, live, stack, depth, value)
        _note_reach(begin, reach, ref + 8, farthest)
        return depth
    for field in range(refs):
        place = ref + 8 + 8 * field
        value = peek64(place)
        depth = _push(begin, live, stack, depth, value)
        _note_reach(begin, reach, place, value)
    return depth


@kernel
def trace(begin: int, live: int, starts: int, stack: int, reach: int, depth: int) -> int:
    """Mark everything that can be reached from the references on the stack.  Returns the objects marked."""
    marked = 0
    head = 0
    waiting = 0
    while depth > STACK_HEAD or waiting > 0:
        while waiting < QUEUE and depth > STACK_HEAD:
            depth -= 1
            ref = load64(stack + 8 * depth)
            prefetch(ref)
            store64(stack + 8 * ((head + waiting) & (QUEUE - 1)), ref)
            waiting += 1
        ref = load64(stack + 8 * (head & (QUEUE - 1)))
        head += 1
        waiting -= 1
        word = (ref - begin) >> 3
        if is_marked(live, word) != 0:
            continue
        size = peek64(ref)
        set_bits(live, word, words_of(size))
        at = starts + ((word >> 6) << 3)
        store64(at, load64(at) | (1 << (word & 63)))
        marked += 1
        depth = push_fields(begin, live, stack, reach, depth, ref, refs_of(size))
    return marked


@entry("int64(int64, int64, int64, int64, int64, int64, int64)")
def mark_roots(begin: int, live: int, starts: int, stack: int, reach: int, roots: int, count: int) -> int:
    """Mark what root slots refer to, and all that can be reached from there.

    Args:
        begin: address of the moving space.
        live: bitmap of live words (see native/heap/plan.h).
        starts: bitmap of first words of live objects.
        stack: memory of the mark stack.
        reach: how far the references on each page lead.
        roots: address of the slots; mutators may write them meanwhile.
        count: of slots.

    Returns:
        objects marked.

    """
    depth = STACK_HEAD
    for slot in range(count):
        depth = _push(begin, live, stack, depth, peek64(roots + 8 * slot))
    return trace(begin, live, starts, stack, reach, depth)


@kernel
def push_card(begin: int, live: int, starts: int, stack: int, reach: int, depth: int, card: int) -> int:
    """Push what the marked objects that begin on a card refer to and is not marked.  Returns the depth of the stack."""
    words = 1 << (CARD_SHIFT - 3)
    for chunk in range(card * words // 64, (card + 1) * words // 64):
        bits = load64(starts + 8 * chunk)
        while bits != 0:
            ref = begin + 8 * (64 * chunk + ctz(bits))
            bits = drop_lowest(bits)
            depth = push_fields(begin, live, stack, reach, depth, ref, refs_of(peek64(ref)))
    return depth


@entry("int64(int64, int64, int64, int64, int64, int64, int64, int64)")
def mark_dirty(begin: int, live: int, starts: int, stack: int, reach: int, cards: int, count: int, aging: int) -> int:
    """Clean dirty cards, and mark all that can be reached from the marked objects that begin on them.

    Args:
        begin: as above.
        live: as above.
        starts: as above.
        stack: as above.
        reach: as above.
        cards: address of the card table.
        count: of cards.
        aging: cards that are aged instead, from the first one on: those of the old generation in a young collection.

    Returns:
        dirty cards found.

    """
    found = 0
    depth = STACK_HEAD
    group = 0
    while group < count:
        if peek64(cards + group) == 0:
            group += 8
            continue
        for card in range(group, group + 8):
            if peek8(cards + card) != CARD_DIRTY:
                continue
            poke8(cards + card, CARD_AGED if card < aging else CARD_CLEAN)
            # A mutator stores first and then dirties: what is stored after this fence dirties the card again.
            fence()
            found += 1
            depth = push_card(begin, live, starts, stack, reach, depth, card)
        group += 8
    trace(begin, live, starts, stack, reach, depth)
    return found


@entry("int64(int64, int64)")
def count_bits(bitmap: int, words: int) -> int:
    """Bits set among the first ``words`` bits (a multiple of 64)."""
    found = 0
    for chunk in range(words >> 6):
        found += popcount(load64(bitmap + 8 * chunk))
    return found
