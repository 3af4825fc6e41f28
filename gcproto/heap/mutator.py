"""Operations of mutators, as compiled code: allocate, read, write with a barrier, poll safepoints, keep roots.

Any allocation and any poll may be a safepoint, after which every object may have moved. A reference that is needed
later is kept in a root slot and read again from there.
"""

from gcproto.heap.calls import BARRIER, CARD_DIRTY, CARD_SHIFT, mutator_ended, park, refill
from gcproto.heap.compiled import kernel
from gcproto.heap.memory import fetch_or64, publish64, store64, wrapping_mul
from gcproto.heap.objects import header
from gcproto.heap.world import (
    allocated_bytes,
    allocated_objects,
    digest,
    is_closing,
    operations,
    root_of,
    set_allocated_bytes,
    set_allocated_objects,
    set_card,
    set_digest,
    set_operations,
    set_root_of,
    set_tlab,
    space_begin,
    stop_asked,
    tlab,
    tlab_end,
    world_of,
    written_bits,
)

OUT_OF_MEMORY = -1
STOPPED = -2
"""Returned by a workload instead of a count: memory ran out, or it was asked to end."""
PRIME = 0x100000001B3
"""Of FNV-1a, by which digests are made."""


@kernel
def poll(m: int) -> int:
    """A safepoint.  Returns 1 if the workload is to end early.

    Args:
        m: address of the mutator.

    """
    world = world_of(m)
    if stop_asked(world) != 0:
        park(m)
    return is_closing(world)


@kernel
def allocate(m: int, words: int, refs: int) -> int:
    """A new object, its fields zero; 0 if there is no memory.  It is a safepoint if the buffer is used up.

    Args:
        m: address of the mutator.
        words: size, the header included; at least 2.
        refs: how many of the words are references.

    """
    size = words * 8
    at = tlab(m)
    if size > tlab_end(m) - at:
        at = refill(m, size)
        if at == 0:
            return 0
    else:
        set_tlab(m, at + size)
    store64(at, header(words, refs))
    set_allocated_bytes(m, allocated_bytes(m) + size)
    set_allocated_objects(m, allocated_objects(m) + 1)
    set_digest(m, wrapping_mul(digest(m) ^ header(words, refs), PRIME))
    return at


@kernel
def _written(m: int, address: int) -> None:
    """Record a store for verification."""
    world = world_of(m)
    bitmap = written_bits(world)
    if bitmap != 0:
        word = (address - space_begin(world)) >> 3
        fetch_or64(bitmap + ((word >> 6) << 3), 1 << (word & 63))


@kernel
def set_ref(m: int, ref: int, field: int, value: int) -> None:
    """Write a reference field, and mark the card of the object: the marker visits it again (ART: WriteBarrier)."""
    world = world_of(m)
    address = ref + 8 + 8 * field
    publish64(address, value)
    if BARRIER:
        set_card(world, (ref - space_begin(world)) >> CARD_SHIFT, CARD_DIRTY)
    _written(m, address)


@kernel
def set_word(m: int, ref: int, word: int, value: int) -> None:
    """Write a payload word; ``word`` counts from the header, which is 0."""
    address = ref + 8 * word
    store64(address, value)
    _written(m, address)


@kernel
def root(m: int, slot: int) -> int:
    """Reference in a root slot."""
    return root_of(m, slot)


@kernel
def set_root(m: int, slot: int, value: int) -> None:
    """Keep a reference in a root slot."""
    set_root_of(m, slot, value)


@kernel
def note(m: int, value: int) -> None:
    """Fold a value that the workload chose or read into its digest: runs with equal digests did the same work."""
    set_digest(m, wrapping_mul(digest(m) ^ value, PRIME))


@kernel
def count_operation(m: int) -> None:
    """Count one step of the workload."""
    set_operations(m, operations(m) + 1)


@kernel
def ended(m: int, status: int) -> int:
    """End ``run`` of a workload: take the time and return ``status``.

    Back in Python the thread waits for the GIL before it can read a clock.
    """
    mutator_ended(m)
    return status
