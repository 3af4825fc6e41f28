"""Where an object goes: the address arithmetic of the Compressor and of CMC.

The new address of an object is the to-space word of the first live word of its chunk, plus the live words before it in
the chunk (Kermany and Petrank, The Compressor, PLDI 2006; ART: PostCompactOldObjAddr).  Objects of the dense prefix
stay; those allocated after marking slide down by whole pages.
"""

from gcproto.heap.compiled import entry, kernel
from gcproto.heap.memory import load64, low_ones, popcount, store64
from gcproto.heap.pages import PAGE_BYTES, PAGE_WORDS
from gcproto.heap.plan import black_begin, black_shift, dense_end, live_of, offset_of, to_space


@kernel
def forward(plan: int, ref: int) -> int:
    """The address after compaction of a live object.

    Args:
        plan: address of the plan.
        ref: address before compaction, not 0.

    """
    to = to_space(plan)
    word = (ref - to) >> 3
    if word < dense_end(plan) * PAGE_WORDS:
        return ref
    if word >= black_begin(plan):
        return ref - black_shift(plan) * PAGE_BYTES
    chunk = word >> 6
    before = live_of(plan, chunk) & low_ones(word & 63)
    return to + 8 * (offset_of(plan, chunk) + popcount(before))


@kernel
def forward_fields(plan: int, start: int, count: int) -> None:
    """Update ``count`` references that lie next to each other."""
    for field in range(count):
        place = start + 8 * field
        ref = load64(place)
        if ref != 0:
            store64(place, forward(plan, ref))


@entry("void(int64, int64, int64)")
def forward_roots(plan: int, roots: int, count: int) -> None:
    """Update the root slots of a mutator, while it is stopped."""
    forward_fields(plan, roots, count)
