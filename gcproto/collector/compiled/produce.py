"""The producer: what stands on one to-space page.

Called by the collector thread for page after page, and by the fault handler on the faulting mutator's own thread; so it
allocates nothing, raises nothing and takes no lock.  It reads from-space only where its own page's words come from (see
native/heap/plan.h for why): what it must know about an object that began on an earlier page is in the plan.
"""

from collections.abc import Callable
from functools import cache

from numba import cfunc

from gcproto.collector.compiled.forward import forward_fields
from gcproto.heap.compiled import entry, kernel
from gcproto.heap.memory import copy_bytes, copy_line, ctz, drop_lowest, load64, lshr, store64, zero_bytes
from gcproto.heap.objects import refs_of, words_of
from gcproto.heap.pages import PAGE_BYTES, PAGE_WORDS
from gcproto.heap.plan import (
    KEPT,
    black_shift,
    compact_end,
    dense_end,
    fill_of,
    first_of,
    from_space,
    lead_refs_of,
    lead_words_of,
    live_bits,
    skip_of,
    start_bits,
    used_end,
)

LINE_WORDS = 8
LONG = 256
"""Strides of at least so many words are worth a call of memmove."""


@kernel
def _copy_stride(destination: int, source: int, count: int) -> None:
    """Copy words upwards; the ranges may overlap if the destination is the lower one."""
    if count >= LONG:
        copy_bytes(destination, source, 8 * count)
        return
    end = source + 8 * count
    while source + 8 * LINE_WORDS <= end:
        copy_line(destination, source)
        destination += 8 * LINE_WORDS
        source += 8 * LINE_WORDS
    while source < end:
        store64(destination, load64(source))
        destination += 8
        source += 8


@kernel
def _copy_live(plan: int, word: int, count: int, destination: int) -> None:
    """Copy ``count`` live words of from-space, from ``word`` on, to ``destination``, in strides."""
    live = live_bits(plan)
    source = from_space(plan)
    chunk = word >> 6
    skip = word & 63
    bits = lshr(load64(live + 8 * chunk), skip) << skip
    while count > 0:
        while bits == 0:
            chunk += 1
            bits = load64(live + 8 * chunk)
        start = ctz(bits)
        length = ctz(~lshr(bits, start))
        first = 64 * chunk + start
        if start + length >= 64:
            # To the end of its chunk, and on through the chunks behind it.
            length = 64 - start
            chunk += 1
            bits = load64(live + 8 * chunk)
            while bits == -1 and length < count:
                length += 64
                chunk += 1
                bits = load64(live + 8 * chunk)
            if length < count:
                more = ctz(~bits)
                length += more
                bits = lshr(bits, more) << more if more < 64 else 0
        else:
            end = start + length
            bits = lshr(bits, end) << end
        length = min(length, count)
        _copy_stride(destination, source + 8 * first, length)
        destination += 8 * length
        count -= length


@kernel
def fill_compacted(plan: int, index: int, destination: int) -> None:
    """The words of a compacted page, with the references of before."""
    word = first_of(plan, index)
    begin = skip_of(plan, index)
    end = fill_of(plan, index)
    if begin > 0:
        zero_bytes(destination, 8 * begin)
    if end > 0:
        _copy_live(plan, word, end - begin, destination + 8 * begin)
    if end < PAGE_WORDS:
        zero_bytes(destination + 8 * end, 8 * (PAGE_WORDS - end))


@kernel
def _compacted(plan: int, index: int, destination: int) -> None:
    fill_compacted(plan, index, destination)
    begin = skip_of(plan, index)
    end = fill_of(plan, index)
    # Objects follow each other without gaps now: headers lead from one to the next.
    forward_fields(plan, destination + 8 * begin, lead_refs_of(plan, index))
    at = begin + lead_words_of(plan, index)
    while at < end:
        head = load64(destination + 8 * at)
        forward_fields(plan, destination + 8 * at + 8, min(refs_of(head), end - at - 1))
        at += words_of(head)


@kernel
def _in_place(plan: int, index: int, from_page: int, destination: int) -> None:
    """Update the references of a page that keeps its layout; garbage between its objects stays as it is."""
    starts = start_bits(plan)
    forward_fields(plan, destination, lead_refs_of(plan, index))
    base = from_page * PAGE_WORDS
    for chunk in range(base >> 6, (base + PAGE_WORDS) >> 6):
        bits = load64(starts + 8 * chunk)
        while bits != 0:
            at = 64 * chunk + ctz(bits) - base
            bits = drop_lowest(bits)
            head = load64(destination + 8 * at)
            forward_fields(plan, destination + 8 * at + 8, min(refs_of(head), PAGE_WORDS - at - 1))


@kernel
def produce(plan: int, index: int, destination: int) -> None:
    """Build to-space page ``index`` at ``destination``; of the dense prefix and regions, where it lies in from-space.

    Args:
        plan: address of the plan.
        index: below the plan's used_end.
        destination: address of a page that nobody else writes.

    """
    if index < dense_end(plan):
        _in_place(plan, index, index, destination)
        return
    from_page = index + black_shift(plan)
    if index < compact_end(plan):
        if fill_of(plan, index) != KEPT:
            _compacted(plan, index, destination)
            return
        from_page = first_of(plan, index) // PAGE_WORDS
    source = from_space(plan) + from_page * PAGE_BYTES
    if source != destination:
        copy_bytes(destination, source, PAGE_BYTES)
    _in_place(plan, index, from_page, destination)


@cache
def producer() -> int:
    """Address of the same for C: a ``gcp_producer``."""
    return for_c(produce.py_func)


def for_c(function: Callable[[int, int, int], None]) -> int:
    """Compile a producer, and keep it: the address for C."""
    compiled = cfunc("void(int64, int64, int64)", cache=True)(function)
    _kept.append(compiled)
    assert compiled.address is not None
    return compiled.address


_kept: list[object] = []
"""Compiled code that C has the address of is never collected."""


@entry("void(int64)")
def slide(plan: int) -> None:
    """Every page, from low to high, within one space: what a stop-the-world collector without userfaultfd does.

    No page is written before what lies there has been read: a live word never moves up, and pages behind it have their
    words from further up still.  The plan says the same address for both spaces.
    """
    space = from_space(plan)
    for index in range(used_end(plan)):
        produce(plan, index, space + index * PAGE_BYTES)
