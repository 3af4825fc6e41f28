"""What of a to-space page belongs to an object that began on an earlier one: so that a producer need not look there."""

from gcproto.collector.compiled.mark import is_marked
from gcproto.heap.compiled import kernel
from gcproto.heap.memory import clz, load64, low_ones, peek64
from gcproto.heap.objects import refs_of, words_of
from gcproto.heap.pages import PAGE_WORDS
from gcproto.heap.plan import live_bits, set_lead_refs, set_lead_words, start_bits, to_space


@kernel
def start_before(starts: int, word: int) -> int:
    """The last object start at or before a word."""
    chunk = word >> 6
    keep = word & 63
    bits = load64(starts + 8 * chunk) & (-1 if keep == 63 else low_ones(keep + 1))
    while bits == 0:
        chunk -= 1
        bits = load64(starts + 8 * chunk)
    return 64 * chunk + 63 - clz(bits)


@kernel
def lead(plan: int, page: int, word: int, known: int) -> int:
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
    to = to_space(plan)
    start = known
    if start < 0 or start + words_of(peek64(to + 8 * start)) <= word:
        start = start_before(start_bits(plan), word)
    head = peek64(to + 8 * start)
    before = word - start
    words = 0
    refs = 0
    if before > 0:
        words = min(PAGE_WORDS, words_of(head) - before)
        refs = min(words, max(0, refs_of(head) + 1 - before))
    set_lead_words(plan, page, words)
    set_lead_refs(plan, page, refs)
    return start


@kernel
def lead_in_place(plan: int, page: int, from_page: int, known: int) -> int:
    """The same for a page that keeps its layout, and may begin with garbage."""
    word = from_page * PAGE_WORDS
    if is_marked(live_bits(plan), word) != 0:
        return lead(plan, page, word, known)
    set_lead_words(plan, page, 0)
    set_lead_refs(plan, page, 0)
    return known
