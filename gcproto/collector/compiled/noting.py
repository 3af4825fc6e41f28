"""The producer of collections with generations: it leaves objects on clean cards alone, and it dirties cards.

Pages of the old generation of a young collection keep their place.  Of their objects only those on cards that are not
clean can refer to what moves, and only these are updated (ART: UpdateNonMovingPage).  A page without such a card is not
read.  Every object that is old afterwards and refers to a younger one gets a dirty card (ART: RefsUpdateVisitor,
CheckShouldDirtyCard).

An object has the card on which it begins, and this code only makes cards dirty.  So producers of other pages and
mutators need no agreement.  If a card is clean when the flip stops the world, its objects refer to nothing that moves.
A card becomes dirty later only by references that are new already.
"""

from functools import cache

from gcproto.collector.compiled.cards import PAGE_CARDS
from gcproto.collector.compiled.forward import forward
from gcproto.collector.compiled.leads import start_before
from gcproto.collector.compiled.produce import fill_compacted, for_c, produce
from gcproto.heap.calls import CARD_CLEAN, CARD_DIRTY, CARD_SHIFT
from gcproto.heap.compiled import entry, kernel
from gcproto.heap.memory import ctz, drop_lowest, load64, store64
from gcproto.heap.objects import refs_of, words_of
from gcproto.heap.pages import PAGE_BYTES, PAGE_WORDS
from gcproto.heap.plan import (
    card_of,
    dense_end,
    fill_of,
    first_of,
    from_space,
    is_young,
    lead_refs_of,
    lead_words_of,
    old_end,
    set_card_of,
    start_bits,
    to_space,
    used_end,
)


@kernel
def _forward_noting(plan: int, start: int, count: int) -> int:
    """Update references that lie next to each other.  Returns 1 if one of them leads out of the old generation."""
    border = to_space(plan) + old_end(plan) * PAGE_BYTES
    found = 0
    for field in range(count):
        place = start + 8 * field
        ref = load64(place)
        if ref != 0:
            new = forward(plan, ref)
            if new != ref:
                store64(place, new)
            if new >= border:
                found = 1
    return found


@kernel
def _dirty(plan: int, word: int) -> None:
    """Dirty the card of the object that begins at a to-space word."""
    set_card_of(plan, (8 * word) >> CARD_SHIFT, CARD_DIRTY)


@kernel
def _note_lead(plan: int, destination: int, count: int, word: int) -> None:
    """Update the references of an object that began on an earlier page, and holds from-space ``word``."""
    if count > 0 and _forward_noting(plan, destination, count) != 0:
        to = to_space(plan)
        start = start_before(start_bits(plan), word)
        _dirty(plan, (forward(plan, to + 8 * start) - to) >> 3)


@kernel
def _compacted(plan: int, index: int, destination: int) -> None:
    fill_compacted(plan, index, destination)
    base = index * PAGE_WORDS
    at = lead_words_of(plan, index)
    end = fill_of(plan, index)
    _note_lead(plan, destination, lead_refs_of(plan, index), first_of(plan, index))
    while at < end:
        head = load64(destination + 8 * at)
        if _forward_noting(plan, destination + 8 * at + 8, min(refs_of(head), end - at - 1)) != 0:
            _dirty(plan, base + at)
        at += words_of(head)


@kernel
def _objects(plan: int, base: int, chunk: int, end: int, destination: int) -> None:
    """Update the objects that begin in some chunks of a page that keeps its place and begins at word ``base``."""
    starts = start_bits(plan)
    while chunk < end:
        bits = load64(starts + 8 * chunk)
        while bits != 0:
            at = 64 * chunk + ctz(bits) - base
            bits = drop_lowest(bits)
            head = load64(destination + 8 * at)
            if _forward_noting(plan, destination + 8 * at + 8, min(refs_of(head), PAGE_WORDS - at - 1)) != 0:
                _dirty(plan, base + at)
        chunk += 1


@kernel
def _all(plan: int, index: int, destination: int) -> None:
    """A page of the dense prefix of a full collection."""
    base = index * PAGE_WORDS
    _note_lead(plan, destination, lead_refs_of(plan, index), base)
    _objects(plan, base, base >> 6, (base + PAGE_WORDS) >> 6, destination)


@kernel
def _on_cards(plan: int, index: int, destination: int) -> None:
    """A page of the old generation in a young collection: what is on cards that are not clean."""
    base = index * PAGE_WORDS
    lead = lead_refs_of(plan, index)
    if lead > 0:
        start = start_before(start_bits(plan), base)
        if card_of(plan, (8 * start) >> CARD_SHIFT) != CARD_CLEAN and _forward_noting(plan, destination, lead) != 0:
            _dirty(plan, start)
    card_chunks = PAGE_WORDS // 64 // PAGE_CARDS
    for card in range(PAGE_CARDS):
        if card_of(plan, index * PAGE_CARDS + card) != CARD_CLEAN:
            chunk = (base >> 6) + card * card_chunks
            _objects(plan, base, chunk, chunk + card_chunks, destination)


@kernel
def produce_noting(plan: int, index: int, destination: int) -> None:
    """Build to-space page ``index`` at ``destination``: see ``gcproto.collector.compiled.produce.produce``.

    Args:
        plan: address of the plan.
        index: below the plan's used_end.
        destination: address of a page that no other thread writes; of the dense prefix, its place in from-space.

    """
    if index >= old_end(plan):
        produce(plan, index, destination)
    elif index >= dense_end(plan):
        _compacted(plan, index, destination)
    elif is_young(plan) != 0:
        _on_cards(plan, index, destination)
    else:
        _all(plan, index, destination)


@cache
def noting_producer() -> int:
    """Address of the same for C: a ``gcp_producer``."""
    return for_c(produce_noting.py_func)


@entry("void(int64)")
def slide_noting(plan: int) -> None:
    """Every page, from low to high, within one space: see ``gcproto.collector.compiled.produce.slide``."""
    space = from_space(plan)
    for index in range(used_end(plan)):
        produce_noting(plan, index, space + index * PAGE_BYTES)
