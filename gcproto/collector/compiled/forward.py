"""Where an object goes: the address arithmetic of the Compressor and of CMC.

The new address of an object is the to-space word of the first live word of its chunk, plus the live words before it in
the chunk.  Sources: Kermany and Petrank, The Compressor, PLDI 2006; ART, PostCompactOldObjAddr.  Objects of the dense
prefix stay; those allocated after marking slide down by whole pages.
"""

from gcproto.heap.compiled import entry, inlined
from gcproto.heap.memory import load32, load64, low_ones, popcount, store64
from gcproto.heap.pages import PAGE_BYTES, PAGE_WORDS
from gcproto.heap.plan import (
    black_begin,
    black_shift,
    dense_end,
    live_bits,
    offset_table,
    reach_of,
    to_space,
)

Lookup = tuple[int, int, int, int, int, int]
"""What of the plan an address is computed from."""


@inlined
def lookup_of(plan: int) -> Lookup:
    """Read once for many references: after each store the compiler would have to read the plan again."""
    return (
        to_space(plan),
        dense_end(plan) * PAGE_WORDS,
        black_begin(plan),
        black_shift(plan) * PAGE_BYTES,
        live_bits(plan),
        offset_table(plan),
    )


@inlined
def forward(lookup: Lookup, ref: int) -> int:
    """The address after compaction of a live object.

    Args:
        lookup: of the plan.
        ref: address before compaction, not 0.

    """
    to, dense_words, black_word, black_bytes, live, offsets = lookup
    word = (ref - to) >> 3
    if word < dense_words:
        return ref
    if word >= black_word:
        return ref - black_bytes
    chunk = word >> 6
    before = load64(live + 8 * chunk) & low_ones(word & 63)
    return to + 8 * (load32(offsets + 4 * chunk) + popcount(before))


@inlined
def forward_fields(lookup: Lookup, start: int, count: int) -> None:
    """Update ``count`` references that lie next to each other."""
    for field in range(count):
        place = start + 8 * field
        ref = load64(place)
        if ref != 0:
            store64(place, forward(lookup, ref))


@inlined
def references_stay(plan: int, from_page: int) -> bool:
    """Whether no reference on a from-page changes: none leads beyond the dense prefix, and none was written since."""
    return reach_of(plan, from_page) <= dense_end(plan)


@entry("void(int64, int64, int64)")
def forward_roots(plan: int, roots: int, count: int) -> None:
    """Update the root slots of a mutator, while it is stopped."""
    forward_fields(lookup_of(plan), roots, count)
