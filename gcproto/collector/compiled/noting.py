"""The producer of collections with generations: it leaves objects on clean cards alone, and it dirties cards.

Pages of the old generation of a young collection keep their place.  Of their objects only those on cards that are not
clean can refer to what moves, and only these are updated (ART: UpdateNonMovingPage).  A page without such a card is not
read.  Every object that is old afterwards and refers to a younger one gets a dirty card (ART: RefsUpdateVisitor,
CheckShouldDirtyCard).

A full collection passes over pages whose references stay, as without generations, but only if none of these leads out
of the old generation.  Faults and compacting threads have one producer, the collector's sweep another one, which
fetches ahead.

An object has the card on which it begins, and this code only makes cards dirty.  So producers of other pages and
mutators need no agreement.  If a card is clean when the flip stops the world, its objects refer to nothing that moves.
A card becomes dirty later only by references that are new already.
"""

from gcproto.collector.compiled.ahead import fill_ahead, following_chunks, produce_ahead
from gcproto.collector.compiled.cards import PAGE_CARDS
from gcproto.collector.compiled.forward import Lookup, forward, lookup_of
from gcproto.collector.compiled.leads import start_before
from gcproto.collector.compiled.produce import fill_compacted, produce, references_of_page_stay
from gcproto.heap.calls import CARD_CLEAN, CARD_DIRTY, CARD_SHIFT
from gcproto.heap.compiled import entry, inlined, kernel
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
    reach_of,
    set_card_of,
    skip_of,
    start_bits,
    to_space,
    used_end,
)


@inlined
def _forward_noting(plan: int, lookup: Lookup, start: int, count: int) -> bool:
    """Update references that lie next to each other.  Returns whether one of them leads out of the old generation."""
    border = to_space(plan) + old_end(plan) * PAGE_BYTES
    found = False
    for field in range(count):
        place = start + 8 * field
        ref = load64(place)
        if ref != 0:
            new = forward(lookup, ref)
            if new != ref:
                store64(place, new)
            if new >= border:
                found = True
    return found


@inlined
def _dirty(plan: int, word: int) -> None:
    """Dirty the card of the object that begins at a to-space word."""
    set_card_of(plan, (8 * word) >> CARD_SHIFT, CARD_DIRTY)


@inlined
def _note_lead(plan: int, lookup: Lookup, destination: int, count: int, word: int) -> None:
    """Update the references of an object that began on an earlier page, and holds from-space ``word``."""
    if count > 0 and _forward_noting(plan, lookup, destination, count):
        to = to_space(plan)
        start = start_before(start_bits(plan), word)
        _dirty(plan, (forward(lookup, to + 8 * start) - to) >> 3)


@inlined
def _note_compacted(plan: int, index: int, destination: int) -> None:
    """Update the references of a compacted page, whose contents are in their place."""
    # They lead into the dense prefix, and what is compacted next to it is old: so is the prefix.
    if references_of_page_stay(plan, index):
        return
    lookup = lookup_of(plan)
    base = index * PAGE_WORDS
    begin = skip_of(plan, index)
    end = fill_of(plan, index)
    _note_lead(plan, lookup, destination + 8 * begin, lead_refs_of(plan, index), first_of(plan, index))
    at = begin + lead_words_of(plan, index)
    while at < end:
        head = load64(destination + 8 * at)
        if _forward_noting(plan, lookup, destination + 8 * at + 8, min(refs_of(head), end - at - 1)):
            _dirty(plan, base + at)
        at += words_of(head)


@inlined
def _objects(plan: int, lookup: Lookup, base: int, chunk: int, end: int, destination: int) -> None:
    """Update the objects that begin in some chunks of a page that keeps its place and begins at word ``base``."""
    starts = start_bits(plan)
    while chunk < end:
        bits = load64(starts + 8 * chunk)
        while bits != 0:
            at = 64 * chunk + ctz(bits) - base
            bits = drop_lowest(bits)
            head = load64(destination + 8 * at)
            if _forward_noting(plan, lookup, destination + 8 * at + 8, min(refs_of(head), PAGE_WORDS - at - 1)):
                _dirty(plan, base + at)
        chunk += 1


@kernel
def _all(plan: int, index: int, destination: int) -> None:
    """A page of the dense prefix of a full collection."""
    # The prefix may reach beyond the old generation, so that references which stay lead out of it.
    if reach_of(plan, index) <= min(dense_end(plan), old_end(plan)):
        return
    lookup = lookup_of(plan)
    base = index * PAGE_WORDS
    _note_lead(plan, lookup, destination, lead_refs_of(plan, index), base)
    _objects(plan, lookup, base, base >> 6, (base + PAGE_WORDS) >> 6, destination)


@kernel
def _on_cards(plan: int, index: int, destination: int) -> None:
    """A page of the old generation in a young collection: what is on cards that are not clean."""
    lookup = lookup_of(plan)
    base = index * PAGE_WORDS
    lead = lead_refs_of(plan, index)
    if lead > 0:
        start = start_before(start_bits(plan), base)
        if card_of(plan, (8 * start) >> CARD_SHIFT) != CARD_CLEAN and _forward_noting(plan, lookup, destination, lead):
            _dirty(plan, start)
    card_chunks = PAGE_WORDS // 64 // PAGE_CARDS
    for card in range(PAGE_CARDS):
        if card_of(plan, index * PAGE_CARDS + card) != CARD_CLEAN:
            chunk = (base >> 6) + card * card_chunks
            _objects(plan, lookup, base, chunk, chunk + card_chunks, destination)


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
        fill_compacted(plan, index, destination)
        _note_compacted(plan, index, destination)
    elif is_young(plan) != 0:
        _on_cards(plan, index, destination)
    else:
        _all(plan, index, destination)


@kernel
def produce_noting_ahead(plan: int, index: int, destination: int) -> None:
    """The same where page ``index`` - 1 is built next: see ``gcproto.collector.compiled.ahead.produce_ahead``.

    Args:
        plan: address of the plan.
        index: below the plan's used_end.
        destination: as for ``produce_ahead``.

    """
    if index >= old_end(plan):
        produce_ahead(plan, index, destination)
    elif index >= dense_end(plan):
        fill_ahead(plan, index, destination)
        _note_compacted(plan, index, destination)
    elif is_young(plan) != 0:
        _on_cards(plan, index, destination)
    else:
        following_chunks(plan, index)
        _all(plan, index, destination)


@entry("void(int64)")
def slide_noting(plan: int) -> None:
    """Every page, from low to high, within one space: see ``gcproto.collector.compiled.produce.slide``."""
    space = from_space(plan)
    for index in range(used_end(plan)):
        produce_noting(plan, index, space + index * PAGE_BYTES)
