"""The card table as remembered set: which old objects may refer to younger ones.

Mutators dirty the card on which an object begins when they write a reference of it (gcproto.heap.mutator.set_ref).  A
card is then in one of three states (native/heap/plan.h), as in ART (CardTable: kCardDirty, kCardAged, kCardAged2):

1.  A young collection begins.  Dirty cards of the old generation become aged, and what their objects refer to is
    marked (``scan_old``; ART: PrepareForMarking, ScanOldGenObjects).  Cards that are aged already were needed by the
    last collection, and become clean.
2.  While it marks, mutators dirty cards again; those become aged when their objects have been looked at once more
    (gcproto.collector.compiled.mark.mark_dirty; ART: PreCleanCards, ScanDirtyObjects).
3.  While it compacts, objects on cards that are not clean have their references updated, all other old objects are left
    alone.  An object that still refers to a younger one, or comes to the old generation with such a reference, has its
    card dirtied for the next collection (gcproto.collector.compiled.noting; ART: CheckShouldDirtyCard).

So at the end of each collection the card of every old object that refers to a younger one is dirty, which
``unremembered`` checks (ART: VerifyNoMissingGenerationalCardMarks).

It departs from ART in that there is one aged state.  The second pass of marking scans dirty cards only, so it does not
scan those again that the first one has aged.
"""

from gcproto.collector.compiled.mark import STACK_HEAD, push_card, push_fields, set_bits, trace
from gcproto.heap.calls import CARD_AGED, CARD_BYTES, CARD_CLEAN, CARD_DIRTY, CARD_SHIFT
from gcproto.heap.compiled import entry, kernel
from gcproto.heap.memory import clz, ctz, drop_lowest, fence, load8, load64, peek8, peek64, poke8, replace8
from gcproto.heap.objects import refs_of, words_of
from gcproto.heap.pages import PAGE_BYTES, PAGE_WORDS

PAGE_CARDS = PAGE_BYTES // CARD_BYTES
"""At least one: no page is smaller than a card."""


@entry("UniTuple(int64, 2)(int64, int64, int64, int64, int64, int64, int64)")
def scan_old(begin: int, live: int, starts: int, stack: int, reach: int, cards: int, count: int) -> tuple[int, int]:
    """Age the cards of the old generation, and push what objects on dirty ones refer to and is not marked.

    Args:
        begin: address of the moving space.
        live: bitmap of live words; of the old generation all objects are marked.
        starts: bitmap of first words of objects, likewise.
        stack: memory of the mark stack.
        reach: how far the references on each page lead.
        cards: address of the card table; mutators dirty cards meanwhile.
        count: of cards, those of the old generation.

    Returns:
        depth of the stack, and the cards whose objects were looked at.

    """
    depth = STACK_HEAD
    found = 0
    group = 0
    while group < count:
        if peek64(cards + group) == 0:
            group += 8
            continue
        for card in range(group, min(group + 8, count)):
            seen = peek8(cards + card)
            if seen == CARD_AGED:
                # A mutator may dirty it at this moment: then it is not clean.
                seen = replace8(cards + card, CARD_AGED, CARD_CLEAN)
            if seen != CARD_DIRTY:
                continue
            poke8(cards + card, CARD_AGED)
            # A mutator stores first and then dirties: what is stored after this fence dirties the card again.
            fence()
            found += 1
            depth = push_card(begin, live, starts, stack, reach, depth, card)
        group += 8
    return depth, found


@kernel
def straddler(begin: int, starts: int, old: int) -> int:
    """Word at which the object begins that reaches from the old generation into what follows it; -1 if none does.

    Args:
        begin: address of the moving space.
        starts: bitmap of first words of objects.
        old: word before which the old generation ends, on a page of its own; not 0.

    """
    chunk = (old >> 6) - 1
    while chunk >= 0 and load64(starts + 8 * chunk) == 0:
        chunk -= 1
    if chunk < 0:
        return -1  # a dense prefix may begin with garbage
    start = 64 * chunk + 63 - clz(load64(starts + 8 * chunk))
    return start if start + words_of(peek64(begin + 8 * start)) > old else -1


@entry("int64(int64, int64, int64, int64, int64, int64, int64)")
def mark_from_old(begin: int, live: int, starts: int, stack: int, reach: int, depth: int, old: int) -> int:
    """Mark all that can be reached from the stack, and from the object that reaches out of the old generation.

    Its card says nothing of its references beyond the old generation's end: it is always looked at, and its words there
    are live (ART: MarkReachableObjects).

    Args:
        begin: as above.
        live: as above.
        starts: as above.
        stack: as above.
        reach: as above.
        depth: what ``scan_old`` returned.
        old: word before which the old generation ends; 0: there is none.

    Returns:
        objects marked.

    """
    start = straddler(begin, starts, old) if old > 0 else -1
    if start >= 0:
        head = peek64(begin + 8 * start)
        set_bits(live, old, start + words_of(head) - old)
        depth = push_fields(begin, live, stack, reach, depth, begin + 8 * start, refs_of(head))
    return trace(begin, live, starts, stack, reach, depth)


@entry("int64(int64, int64, int64, int64)")
def unremembered(begin: int, starts: int, cards: int, old: int) -> int:
    """Old objects that refer to younger ones and whose card is not dirty; with the world stopped there must be none.

    Args:
        begin: address of the moving space.
        starts: bitmap of first words of old objects.
        cards: address of the card table.
        old: word before which the old generation ends.

    """
    missing = 0
    border = begin + 8 * old
    for chunk in range(old // 64):
        bits = load64(starts + 8 * chunk)
        while bits != 0:
            word = 64 * chunk + ctz(bits)
            bits = drop_lowest(bits)
            if load8(cards + ((8 * word) >> CARD_SHIFT)) == CARD_DIRTY:
                continue
            refs = min(refs_of(load64(begin + 8 * word)), old - word - 1)
            for field in range(refs):
                if load64(begin + 8 * (word + 1 + field)) >= border:
                    missing += 1
                    break
    return missing


assert PAGE_WORDS % 64 == 0
assert PAGE_CARDS >= 1
