"""What mutators do, as compiled code: allocate, read, write with a barrier, poll safepoints, keep roots.

Any allocation and any poll may be a safepoint, after which every object may be elsewhere: a reference that is needed
later is kept in a root slot and read again from there.
"""

from gcproto.heap.calls import (
    BARRIER,
    CARD_DIRTY,
    CARD_SHIFT,
    MUTATOR_BYTES,
    MUTATOR_DIGEST,
    MUTATOR_OBJECTS,
    MUTATOR_OPERATIONS,
    MUTATOR_ROOTS,
    MUTATOR_TLAB,
    MUTATOR_TLAB_END,
    MUTATOR_WORLD,
    WORLD_BEGIN,
    WORLD_CARDS,
    WORLD_CLOSING,
    WORLD_STOP,
    WORLD_WRITTEN,
    mutator_ended,
    park,
    refill,
)
from gcproto.heap.compiled import kernel
from gcproto.heap.memory import fetch_or64, load64, mark8, peek32, publish64, store64, wrapping_mul
from gcproto.heap.objects import header

OUT_OF_MEMORY = -1
STOPPED = -2
"""What a workload returns instead of a count: memory ran out, or it was asked to end."""


@kernel
def poll(m: int) -> int:
    """A safepoint.  Returns 1 if the workload is to end early.

    Args:
        m: address of the mutator.

    """
    world = load64(m + MUTATOR_WORLD)
    if peek32(world + WORLD_STOP) != 0:
        park(m)
    return peek32(world + WORLD_CLOSING)


@kernel
def allocate(m: int, words: int, refs: int) -> int:
    """A new object, its fields zero; 0 if there is no memory.  Is a safepoint when the buffer is used up.

    Args:
        m: address of the mutator.
        words: size, the header included; at least 2.
        refs: how many of the words are references.

    """
    size = words * 8
    at = load64(m + MUTATOR_TLAB)
    if size > load64(m + MUTATOR_TLAB_END) - at:
        at = refill(m, size)
        if at == 0:
            return 0
    else:
        store64(m + MUTATOR_TLAB, at + size)
    store64(at, header(words, refs))
    store64(m + MUTATOR_BYTES, load64(m + MUTATOR_BYTES) + size)
    store64(m + MUTATOR_OBJECTS, load64(m + MUTATOR_OBJECTS) + 1)
    store64(m + MUTATOR_DIGEST, wrapping_mul(load64(m + MUTATOR_DIGEST) ^ header(words, refs), 0x100000001B3))
    return at


@kernel
def _written(m: int, address: int) -> None:
    """Remember a store for whoever verifies."""
    world = load64(m + MUTATOR_WORLD)
    bitmap = load64(world + WORLD_WRITTEN)
    if bitmap != 0:
        word = (address - load64(world + WORLD_BEGIN)) >> 3
        fetch_or64(bitmap + ((word >> 6) << 3), 1 << (word & 63))


@kernel
def set_ref(m: int, ref: int, field: int, value: int) -> None:
    """Write a reference field, and mark the card of the object: the marker looks at it again (ART: WriteBarrier)."""
    world = load64(m + MUTATOR_WORLD)
    address = ref + 8 + 8 * field
    publish64(address, value)
    if BARRIER:
        mark8(load64(world + WORLD_CARDS) + ((ref - load64(world + WORLD_BEGIN)) >> CARD_SHIFT), CARD_DIRTY)
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
    return load64(load64(m + MUTATOR_ROOTS) + 8 * slot)


@kernel
def set_root(m: int, slot: int, value: int) -> None:
    """Keep a reference in a root slot."""
    publish64(load64(m + MUTATOR_ROOTS) + 8 * slot, value)


@kernel
def count_operation(m: int) -> None:
    """One more step of the workload is done."""
    store64(m + MUTATOR_OPERATIONS, load64(m + MUTATOR_OPERATIONS) + 1)


@kernel
def ended(m: int, status: int) -> int:
    """What ``run`` of a workload returns: ``status``, and the time is taken.

    Back in Python the thread waits for the GIL before it can read a clock.
    """
    mutator_ended(m)
    return status
