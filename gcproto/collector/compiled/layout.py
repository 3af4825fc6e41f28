"""Where live words go that follow each other without gaps."""

from gcproto.collector.compiled.leads import lead
from gcproto.heap.calls import CHUNK_WORDS
from gcproto.heap.compiled import kernel
from gcproto.heap.memory import ctz, drop_lowest, load64, popcount, store32, store64
from gcproto.heap.pages import PAGE_WORDS
from gcproto.heap.plan import first_table, live_bits, offset_table, set_fill, set_skip

PAGE_CHUNKS = PAGE_WORDS // CHUNK_WORDS


@kernel
def live_between(live: int, chunk: int, end: int) -> int:
    """Live words of chunks from ``chunk`` on, up to ``end``."""
    found = 0
    while chunk < end:
        found += popcount(load64(live + 8 * chunk))
        chunk += 1
    return found


@kernel
def live_words(live: int, page: int) -> int:
    """Live words of a page."""
    return live_between(live, page * PAGE_CHUNKS, (page + 1) * PAGE_CHUNKS)


@kernel
def _nth_bit(bits: int, count: int) -> int:
    """Position of the set bit that has ``count`` set bits below it."""
    for _ in range(count):
        bits = drop_lowest(bits)
    return ctz(bits)


@kernel
def compact(plan: int, chunk: int, end: int, total: int) -> int:
    """Plan live words that follow each other without gaps.

    Args:
        plan: address of the plan.
        chunk: the first one of from-space.
        end: after the last one.
        total: to-space word that the first of them goes to.

    Returns:
        to-space word after the last of them.

    """
    live = live_bits(plan)
    offsets = offset_table(plan)
    first = first_table(plan)
    page = (total + PAGE_WORDS - 1) // PAGE_WORDS
    known = -1
    while chunk < end:
        bits = load64(live + 8 * chunk)
        count = popcount(bits)
        store32(offsets + 4 * chunk, total)
        if total + count > page * PAGE_WORDS:
            word = 64 * chunk + _nth_bit(bits, page * PAGE_WORDS - total)
            store64(first + 8 * page, word)
            known = lead(plan, page, word, known)
            set_skip(plan, page, 0)
            set_fill(plan, page, PAGE_WORDS)
            page += 1
        total += count
        chunk += 1
    return total


@kernel
def end_of_contents(plan: int, total: int) -> None:
    """Note that nothing follows a to-space word on its page."""
    if total % PAGE_WORDS != 0:
        set_fill(plan, total // PAGE_WORDS, total % PAGE_WORDS)
