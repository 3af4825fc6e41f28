"""Waves of small objects, of which a chosen share stays: pages on which most objects have died.

A wave makes objects one after the other and keeps a random share of them, so about that share of each page is live. The
previous wave is dropped.  Then a collection is asked for, and the survivors are visited in random order while they are
evacuated.

live_bytes:     of the objects that one wave keeps
mutation:       of 1000 visits, those that write a reference to another survivor
fragmentation:  of 1000 objects, those that die: 500 leaves half of each page live
"""

from gcproto.heap.calls import ask
from gcproto.heap.chance import advance, below, mix, mix_at
from gcproto.heap.compiled import entry, kernel
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
from gcproto.heap.objects import get_ref, get_word
from gcproto.heap.workloads.knobs import FRAGMENTATION, LIVE, MUTATION, OPERATIONS, SEED, Parameters
from gcproto.heap.world import world_of

DIRECTORY, NEXT = 0, 1
"""Root slots: survivors of the last wave, and of the one that is being made."""
LEAF = 512
WORDS = 16
"""128 bytes: a header, a reference, the number, contents."""
VISITS = 2
"""Of each survivor between two waves."""


@kernel
def survivors_for(live_bytes: int) -> int:
    """How many objects a wave keeps; a multiple of LEAF."""
    return max(1, live_bytes // (WORDS * 8 + 8) // LEAF) * LEAF


@kernel
def content(name: int, number: int, word: int) -> int:
    """Payload word of a survivor of wave ``name``."""
    return mix_at(name, number * 16 + word)


@kernel
def _new_directory(m: int, slot: int, count: int) -> int:
    directory = allocate(m, count // LEAF + 1, count // LEAF)
    if directory == 0:
        return 0
    set_root(m, slot, directory)
    for leaf in range(count // LEAF):
        array = allocate(m, LEAF + 1, LEAF)
        if array == 0:
            return 0
        set_ref(m, root(m, slot), leaf, array)
    return 1


@kernel
def _get(directory: int, number: int) -> int:
    return get_ref(get_ref(directory, number // LEAF), number % LEAF)


@kernel
def _wrong(item: int, name: int, number: int) -> int:
    if item == 0 or get_word(item, 2) != number:
        return 1
    for word in range(3, WORDS):
        if get_word(item, word) != content(name, number, word):
            return 1
    return 0


@kernel
def _wave(m: int, parameters: Parameters, name: int) -> int:
    """Make a wave. Returns 0, or the reason for an early end."""
    count = survivors_for(parameters[LIVE])
    state = mix(name)
    # The last wave is garbage from here on: at most one of them is live beside the new one's beginning.
    set_root(m, DIRECTORY, 0)
    if _new_directory(m, NEXT, count) == 0:
        return OUT_OF_MEMORY
    number = 0
    while number < count:
        state = advance(state)
        kept = below(state, 1000) >= min(parameters[FRAGMENTATION], 999)
        item = allocate(m, WORDS, 1)
        if item == 0:
            return OUT_OF_MEMORY
        for word in range(3, WORDS):
            set_word(m, item, word, content(name, number, word))
        set_word(m, item, 2, number)
        if kept:
            set_ref(m, get_ref(root(m, NEXT), number // LEAF), number % LEAF, item)
            number += 1
        if poll(m) != 0:
            return STOPPED
    set_root(m, DIRECTORY, root(m, NEXT))
    set_root(m, NEXT, 0)
    return 0


@entry("int64(int64, int64[::1])")
def setup(m: int, parameters: Parameters) -> int:
    """Make the first wave."""
    return _wave(m, parameters, mix(parameters[SEED]))


@kernel
def _steps(m: int, parameters: Parameters) -> int:
    """Visit the survivors while they are evacuated, then make the next wave.  One operation is one wave."""
    count = survivors_for(parameters[LIVE])
    state = mix(parameters[SEED] + 1)
    wrong = 0
    step = 0
    while parameters[OPERATIONS] == 0 or step < parameters[OPERATIONS]:
        name = mix(parameters[SEED] + step)
        ask(world_of(m))
        for _ in range(VISITS * count):
            if poll(m) != 0:
                return STOPPED if wrong == 0 else wrong
            state = advance(state)
            number = below(state, count)
            directory = root(m, DIRECTORY)
            item = _get(directory, number)
            wrong += _wrong(item, name, number)
            state = advance(state)
            if item != 0 and below(state, 1000) < parameters[MUTATION]:
                set_ref(m, item, 0, _get(directory, below(advance(state), count)))
        count_operation(m)
        step += 1
        problem = _wave(m, parameters, mix(parameters[SEED] + step))
        if problem != 0:
            return problem if wrong == 0 or problem == OUT_OF_MEMORY else wrong
    return wrong


@entry("int64(int64, int64[::1])")
def run(m: int, parameters: Parameters) -> int:
    """Visit the survivors while they are evacuated, then make the next wave.  One operation is one wave."""
    return ended(m, _steps(m, parameters))


@entry("int64(int64, int64[::1])")
def check(m: int, parameters: Parameters) -> int:
    """Survivors of the last wave that are missing or wrong, if it has as many operations as it was asked for."""
    name = mix(parameters[SEED] + parameters[OPERATIONS])
    wrong = 0
    if parameters[OPERATIONS] == 0 or root(m, DIRECTORY) == 0:
        return 0
    for number in range(survivors_for(parameters[LIVE])):
        wrong += _wrong(_get(root(m, DIRECTORY), number), name, number)
    return wrong
