"""Large arrays, of data and of references: objects that are many pages long.

A ring of arrays from 4 KiB to 4 MiB. Each step replaces a random one.  Arrays of
references refer to other arrays of the ring.

live_bytes:     of the arrays
mutation:       of 1000 arrays, those that hold references
fragmentation:  of 1000 arrays, those that are small (64 bytes to 4 KiB)
"""

from gcproto.heap.chance import advance, below, mix, mix_at
from gcproto.heap.compiled import entry, kernel
from gcproto.heap.memory import lshr, wrapping_add
from gcproto.heap.mutator import (
    OUT_OF_MEMORY,
    STOPPED,
    allocate,
    count_operation,
    ended,
    poll,
    root,
    set_ref,
    set_root,
    set_word,
)
from gcproto.heap.objects import get_ref, get_word, refs_of, words_of
from gcproto.heap.workloads.knobs import FRAGMENTATION, LIVE, MUTATION, OPERATIONS, SEED, Parameters

RING, FRESH = 0, 1
"""Root slots."""
SLOTS = 64
POLL_WORDS = 4096
"""Words written between two safepoints."""


@kernel
def array_words(parameters: Parameters, chance: int) -> int:
    """Size of an array: most of the live bytes are in few of them."""
    if below(chance, 1000) < parameters[FRAGMENTATION]:
        return 8 + below(advance(chance), 505)
    # From 1/8 to 15/8 of the mean, 4 MiB at most: the ring has about the size that was asked for.
    mean = max(4096, parameters[LIVE] // SLOTS) // 8
    return min(mean // 8 + below(mix(chance), 1024) * (mean * 14 // 8) // 1024, 4 << 17) | 8


@kernel
def _new_array(m: int, parameters: Parameters, chance: int) -> int:
    """Make an array and leave it in slot FRESH. Returns 0, or the reason for an early end."""
    words = array_words(parameters, chance)
    holds_references = below(mix_at(chance, 1), 1000) < parameters[MUTATION]
    made = allocate(m, words, words - 2 if holds_references else 0)
    if made == 0:
        return OUT_OF_MEMORY
    set_root(m, FRESH, made)
    set_word(m, made, words - 1, chance)
    if holds_references:
        ring = root(m, RING)
        for field in range(0, words - 2, 64):
            set_ref(m, made, field, get_ref(ring, lshr(mix_at(chance, field), 40) % SLOTS))
        return 0
    for first in range(1, words - 1, POLL_WORDS):
        for word in range(first, min(first + POLL_WORDS, words - 1)):
            set_word(m, made, word, wrapping_add(chance, word))
        if poll(m) != 0:
            return STOPPED
        made = root(m, FRESH)
    return 0


@kernel
def _is_wrong(array: int) -> int:
    head = get_word(array, 0)
    words = words_of(head)
    chance = get_word(array, words - 1)
    if refs_of(head) != 0:
        return 0 if refs_of(head) == words - 2 else 1
    step = max(1, words // 64)
    for word in range(1, words - 1, step):
        if get_word(array, word) != wrapping_add(chance, word):
            return 1
    return 0


@kernel
def _cut(m: int, array: int) -> None:
    """An array that leaves the ring keeps no reference."""
    if refs_of(get_word(array, 0)) != 0:
        for field in range(0, refs_of(get_word(array, 0)), 64):
            set_ref(m, array, field, 0)


@entry("int64(int64, int64[::1])")
def setup(m: int, parameters: Parameters) -> int:
    """Fill the ring."""
    ring = allocate(m, SLOTS + 1, SLOTS)
    if ring == 0:
        return OUT_OF_MEMORY
    set_root(m, RING, ring)
    for slot in range(SLOTS):
        ended = _new_array(m, parameters, mix(parameters[SEED] + slot))
        if ended != 0:
            return ended
        set_ref(m, root(m, RING), slot, root(m, FRESH))
    return 0


@kernel
def _steps(m: int, parameters: Parameters) -> int:
    """Replace arrays."""
    state = mix(parameters[SEED] + SLOTS)
    wrong = 0
    step = 0
    while parameters[OPERATIONS] == 0 or step < parameters[OPERATIONS]:
        if poll(m) != 0:
            return STOPPED if wrong == 0 else wrong
        state = advance(state)
        slot = below(state, SLOTS)
        old = get_ref(root(m, RING), slot)
        wrong += _is_wrong(old)
        _cut(m, old)
        problem = _new_array(m, parameters, mix(state))
        if problem != 0:
            return problem if wrong == 0 or problem == OUT_OF_MEMORY else wrong
        set_ref(m, root(m, RING), slot, root(m, FRESH))
        set_root(m, FRESH, 0)
        count_operation(m)
        step += 1
    return wrong


@entry("int64(int64, int64[::1])")
def run(m: int, parameters: Parameters) -> int:
    """Replace arrays. Returns the number of wrong arrays, or the reason for an early end."""
    return ended(m, _steps(m, parameters))


@entry("int64(int64, int64[::1])")
def check(m: int, parameters: Parameters) -> int:
    """Arrays that are missing or wrong."""
    wrong = 0
    for slot in range(SLOTS):
        array = get_ref(root(m, RING), slot)
        wrong += 1 if array == 0 else _is_wrong(array)
    return wrong
