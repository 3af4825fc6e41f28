"""A cache in order of use: entries of mixed sizes come in at one end and fall off the other.

Keys are requested at random, the lower ones more often.  A hit moves the entry to the front (six references are
written); a miss makes a new entry and drops the one that was used longest ago.

live_bytes:     of the entries
mutation:       of 1000 hits, those that move the entry to the front
fragmentation:  of 1000 entries, those that are large (up to 16 KiB)
"""

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
from gcproto.heap.objects import get_ref, get_word, words_of
from gcproto.heap.workloads.knobs import FRAGMENTATION, LIVE, MUTATION, OPERATIONS, SEED, Parameters

TABLE, ENDS, FRESH = 0, 1, 2
"""Root slots: array of entries by key; sentinel of the ring; an entry that is not in it yet."""
TOWARDS_FRONT, TOWARDS_BACK = 0, 1
"""References of an entry: its neighbours in the ring; of the sentinel: the oldest and the newest."""
KEY, STAMP, FIRST = 3, 4, 5
"""Words of an entry: its key, how often entries had been made before it, contents."""


@kernel
def _mean_bytes(parameters: Parameters) -> int:
    return (224 * (1000 - parameters[FRAGMENTATION]) + 8400 * parameters[FRAGMENTATION]) // 1000


@kernel
def entries_for(parameters: Parameters) -> int:
    """How many entries the cache holds."""
    return max(16, parameters[LIVE] // (_mean_bytes(parameters) + 24))


@kernel
def _new_entry(m: int, parameters: Parameters, key: int, stamp: int) -> int:
    """Make an entry and leave it in slot FRESH; 0 without memory."""
    state = mix_at(parameters[SEED], stamp)
    words = 8 + below(state, 41)
    if below(mix(state), 1000) < parameters[FRAGMENTATION]:
        words = 64 + below(advance(state), 1985)
    made = allocate(m, words, 2)
    if made == 0:
        return 0
    set_word(m, made, KEY, key)
    set_word(m, made, STAMP, stamp)
    for word in range(FIRST, words):
        set_word(m, made, word, mix(stamp + word))
    set_root(m, FRESH, made)
    return 1


@kernel
def _is_wrong(item: int, key: int) -> int:
    if get_word(item, KEY) != key:
        return 1
    stamp = get_word(item, STAMP)
    words = words_of(get_word(item, 0))
    # The ends, and one in the middle: a long entry is not read whole each time.
    for word in (FIRST, words // 2, words - 1):
        if word >= FIRST and get_word(item, word) != mix(stamp + word):
            return 1
    return 0


@kernel
def _unlink(m: int, item: int) -> None:
    front = get_ref(item, TOWARDS_FRONT)
    back = get_ref(item, TOWARDS_BACK)
    set_ref(m, front, TOWARDS_BACK, back)
    set_ref(m, back, TOWARDS_FRONT, front)


@kernel
def _to_front(m: int, item: int) -> None:
    ends = root(m, ENDS)
    newest = get_ref(ends, TOWARDS_BACK)
    set_ref(m, item, TOWARDS_FRONT, ends)
    set_ref(m, item, TOWARDS_BACK, newest)
    set_ref(m, newest, TOWARDS_FRONT, item)
    set_ref(m, ends, TOWARDS_BACK, item)


@kernel
def _insert(m: int, parameters: Parameters, key: int, stamp: int) -> int:
    if _new_entry(m, parameters, key, stamp) == 0:
        return 0
    made = root(m, FRESH)
    _to_front(m, made)
    set_ref(m, root(m, TABLE), key, made)
    set_root(m, FRESH, 0)
    return 1


@entry("int64(int64, int64[::1])")
def setup(m: int, parameters: Parameters) -> int:
    """Fill the cache."""
    count = entries_for(parameters)
    table = allocate(m, 2 * count + 1, 2 * count)
    if table == 0:
        return OUT_OF_MEMORY
    set_root(m, TABLE, table)
    ends = allocate(m, FIRST, 2)
    if ends == 0:
        return OUT_OF_MEMORY
    set_ref(m, ends, TOWARDS_FRONT, ends)
    set_ref(m, ends, TOWARDS_BACK, ends)
    set_root(m, ENDS, ends)
    for key in range(count):
        if poll(m) != 0:
            return STOPPED
        if _insert(m, parameters, key, key) == 0:
            return OUT_OF_MEMORY
    return 0


@kernel
def _steps(m: int, parameters: Parameters) -> int:
    """Request keys."""
    count = entries_for(parameters)
    state = mix(parameters[SEED] + 1)
    stamp = count
    wrong = 0
    step = 0
    while parameters[OPERATIONS] == 0 or step < parameters[OPERATIONS]:
        if poll(m) != 0:
            return STOPPED if wrong == 0 else wrong
        state = advance(state)
        key = below(state, 2 * count)
        state = advance(state)
        key = min(key, below(state, 2 * count))
        item = get_ref(root(m, TABLE), key)
        if item != 0:
            wrong += _is_wrong(item, key)
            state = advance(state)
            if below(state, 1000) < parameters[MUTATION]:
                _unlink(m, item)
                _to_front(m, item)
        else:
            if _insert(m, parameters, key, stamp) == 0:
                return OUT_OF_MEMORY
            stamp += 1
            oldest = get_ref(root(m, ENDS), TOWARDS_FRONT)
            _unlink(m, oldest)
            set_ref(m, root(m, TABLE), get_word(oldest, KEY), 0)
        count_operation(m)
        step += 1
    return wrong


@entry("int64(int64, int64[::1])")
def run(m: int, parameters: Parameters) -> int:
    """Request keys. Returns the number of wrong entries, or the reason for an early end."""
    return ended(m, _steps(m, parameters))


@entry("int64(int64, int64[::1])")
def check(m: int, parameters: Parameters) -> int:
    """Entries that are missing from the ring or the table, or wrong."""
    count = entries_for(parameters)
    ends = root(m, ENDS)
    item = get_ref(ends, TOWARDS_BACK)
    found = 0
    wrong = 0
    while item != ends and found <= count:
        key = get_word(item, KEY)
        if key < 0 or key >= 2 * count or get_ref(root(m, TABLE), key) != item or _is_wrong(item, key) != 0:
            wrong += 1
        found += 1
        item = get_ref(item, TOWARDS_BACK)
    return wrong + abs(found - count)
