"""Replay of a recorded allocation trace (see ``recording`` for its forms).

A directory holds objects until the trace frees them, as the program held them by their addresses. They have the
recorded size, and contents that identify them.  One operation is one pass through the trace.

live_bytes, mutation, fragmentation:  the trace says what they are
"""

from gcproto.heap.chance import mix_at
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
from gcproto.heap.objects import get_ref, get_word, refs_of, words_of
from gcproto.heap.workloads.knobs import COUNT, OPERATIONS, Parameters
from gcproto.heap.workloads.recording import ALLOCATE, WRITE

DIRECTORY = 0
LEAF = 512
SLOTS, EVENTS, FIRST = COUNT, COUNT + 1, COUNT + 2
"""After the knobs: the number of slots, the number of events, then the events."""
WIDTH = 4


@kernel
def _held(directory: int, slot: int) -> int:
    return get_ref(get_ref(directory, slot // LEAF), slot % LEAF)


@kernel
def _hold(m: int, slot: int, held: int) -> None:
    set_ref(m, get_ref(root(m, DIRECTORY), slot // LEAF), slot % LEAF, held)


@kernel
def _is_wrong(held: int, slot: int) -> int:
    """The last word of an object that has room for one says which slot it was made for."""
    head = get_word(held, 0)
    last = words_of(head) - 1
    return 1 if last > refs_of(head) and get_word(held, last) != mix_at(slot, last) else 0


@entry("int64(int64, int64[::1])")
def setup(m: int, parameters: Parameters) -> int:
    """Make the directory."""
    leaves = parameters[SLOTS] // LEAF + 1
    directory = allocate(m, leaves + 1, leaves)
    if directory == 0:
        return OUT_OF_MEMORY
    set_root(m, DIRECTORY, directory)
    for leaf in range(leaves):
        array = allocate(m, LEAF + 1, LEAF)
        if array == 0:
            return OUT_OF_MEMORY
        set_ref(m, root(m, DIRECTORY), leaf, array)
    return 0


@kernel
def _steps(m: int, parameters: Parameters) -> int:
    """Replay."""
    wrong = 0
    step = 0
    while parameters[OPERATIONS] == 0 or step < parameters[OPERATIONS]:
        for slot in range(parameters[SLOTS]):
            _hold(m, slot, 0)
        for event in range(parameters[EVENTS]):
            if poll(m) != 0:
                return STOPPED if wrong == 0 else wrong
            at = FIRST + WIDTH * event
            slot = parameters[at + 1]
            if parameters[at] == ALLOCATE:
                words = parameters[at + 2]
                made = allocate(m, words, parameters[at + 3])
                if made == 0:
                    return OUT_OF_MEMORY
                if words - 1 > parameters[at + 3]:
                    set_word(m, made, words - 1, mix_at(slot, words - 1))
                _hold(m, slot, made)
            elif parameters[at] == WRITE:
                target = parameters[at + 3]
                directory = root(m, DIRECTORY)
                set_ref(m, _held(directory, slot), parameters[at + 2], _held(directory, target) if target >= 0 else 0)
            else:
                wrong += _is_wrong(_held(root(m, DIRECTORY), slot), slot)
                _hold(m, slot, 0)
        count_operation(m)
        step += 1
    return wrong


@entry("int64(int64, int64[::1])")
def run(m: int, parameters: Parameters) -> int:
    """Replay. Returns the number of wrong objects, or the reason for an early end."""
    return ended(m, _steps(m, parameters))


@entry("int64(int64, int64[::1])")
def check(m: int, parameters: Parameters) -> int:
    """Objects still held that are wrong."""
    wrong = 0
    for slot in range(parameters[SLOTS]):
        held = _held(root(m, DIRECTORY), slot)
        if held != 0:
            wrong += _is_wrong(held, slot)
    return wrong
