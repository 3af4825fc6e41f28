"""A dense old prefix with a churning top: what a generation of survivors looks like to a full collection.

Old records of 64 to 512 bytes are made once, one after the other, and stay: their pages are full of live objects.  Then
short-lived objects are made and dropped on top, while old records are read and now and then written.

live_bytes:     of the old records
mutation:       of 1000 steps, those that let an old record refer to another one
fragmentation:  of 1000 old records, those that are dropped once all are made: holes in the prefix
"""

from gcproto.heap.chance import advance, below, mix
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
from gcproto.heap.objects import get_ref, get_word
from gcproto.heap.workloads.knobs import FRAGMENTATION, LIVE, MUTATION, OPERATIONS, SEED, Parameters

DIRECTORY, YOUNG = 0, 1
"""Root slots."""
LEAF = 512
"""Records in a leaf of the directory, an array of references."""
MEAN_BYTES = 288
CHURN = 32
"""Short-lived objects in a step."""


@kernel
def records_for(live_bytes: int) -> int:
    """How many records there are; a multiple of LEAF."""
    return max(1, live_bytes // (MEAN_BYTES + 8) // LEAF) * LEAF


@kernel
def record_words(seed: int, number: int) -> int:
    """Size of a record: 8 to 64 words."""
    return 8 + below(wrapping_add(mix(seed), number * 2 + 1), 57)


@kernel
def content(seed: int, number: int, word: int) -> int:
    """Payload word of a record."""
    return mix(seed + number * 64 + word)


@kernel
def new_record(m: int, seed: int, number: int) -> int:
    """A record: one reference, its number, then its contents."""
    words = record_words(seed, number)
    record = allocate(m, words, 1)
    if record != 0:
        set_word(m, record, 2, number)
        for word in range(3, words):
            set_word(m, record, word, content(seed, number, word))
    return record


@kernel
def get_record(directory: int, number: int) -> int:
    """A record by its number, 0 if it was dropped."""
    return get_ref(get_ref(directory, number // LEAF), number % LEAF)


@kernel
def is_wrong(record: int, seed: int, number: int) -> int:
    """Whether a record is not as it was made."""
    if get_word(record, 2) != number:
        return 1
    for word in range(3, record_words(seed, number)):
        if get_word(record, word) != content(seed, number, word):
            return 1
    return 0


@kernel
def stays(parameters: Parameters, number: int) -> bool:
    """Whether a record is not one of those that are dropped."""
    return below(wrapping_add(mix(parameters[SEED]), number * 2), 1000) >= parameters[FRAGMENTATION]


@entry("int64(int64, int64[::1])")
def setup(m: int, parameters: Parameters) -> int:
    """Make all records, then drop some."""
    seed = parameters[SEED]
    count = records_for(parameters[LIVE])
    directory = allocate(m, count // LEAF + 1, count // LEAF)
    if directory == 0:
        return OUT_OF_MEMORY
    set_root(m, DIRECTORY, directory)
    for leaf in range(count // LEAF):
        array = allocate(m, LEAF + 1, LEAF)
        if array == 0:
            return OUT_OF_MEMORY
        set_ref(m, root(m, DIRECTORY), leaf, array)
    for number in range(count):
        if poll(m) != 0:
            return STOPPED
        record = new_record(m, seed, number)
        if record == 0:
            return OUT_OF_MEMORY
        set_ref(m, get_ref(root(m, DIRECTORY), number // LEAF), number % LEAF, record)
    for number in range(count):
        if not stays(parameters, number):
            set_ref(m, get_ref(root(m, DIRECTORY), number // LEAF), number % LEAF, 0)
    return 0


@kernel
def _churn(m: int, state: int) -> int:
    """A chain of short-lived objects; 0 without memory."""
    set_root(m, YOUNG, 0)
    for _ in range(CHURN):
        state = advance(state)
        young = allocate(m, 4 + below(state, 60), 1)
        if young == 0:
            return 0
        set_ref(m, young, 0, root(m, YOUNG))
        set_word(m, young, 2, state)
        set_root(m, YOUNG, young)
    return 1


@kernel
def _steps(m: int, parameters: Parameters) -> int:
    """Churn and read old records."""
    seed = parameters[SEED]
    count = records_for(parameters[LIVE])
    state = mix(seed + 1)
    wrong = 0
    step = 0
    while parameters[OPERATIONS] == 0 or step < parameters[OPERATIONS]:
        if poll(m) != 0:
            return STOPPED if wrong == 0 else wrong
        state = advance(state)
        if _churn(m, state) == 0:
            return OUT_OF_MEMORY
        directory = root(m, DIRECTORY)
        for _ in range(4):
            state = advance(state)
            number = below(state, count)
            record = get_record(directory, number)
            if record != 0:
                wrong += is_wrong(record, seed, number)
            elif stays(parameters, number):
                wrong += 1
        state = advance(state)
        if below(state, 1000) < parameters[MUTATION]:
            one = get_record(directory, lshr(mix(state), 20) % count)
            state = advance(state)
            if one != 0:
                set_ref(m, one, 0, get_record(directory, lshr(mix(state), 20) % count))
        count_operation(m)
        step += 1
    return wrong


@entry("int64(int64, int64[::1])")
def run(m: int, parameters: Parameters) -> int:
    """Churn and read old records. Returns the number of wrong records, or the reason for an early end."""
    return ended(m, _steps(m, parameters))


@entry("int64(int64, int64[::1])")
def check(m: int, parameters: Parameters) -> int:
    """Records that are missing, there without right, or wrong."""
    wrong = 0
    for number in range(records_for(parameters[LIVE])):
        record = get_record(root(m, DIRECTORY), number)
        if (record != 0) != stays(parameters, number) or (
            record != 0 and is_wrong(record, parameters[SEED], number) != 0
        ):
            wrong += 1
    return wrong
