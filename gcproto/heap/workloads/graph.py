"""A graph and linked lists whose edges are shuffled: references that lead everywhere.

Nodes are in a directory; each has three references to others. A step writes a reference of a node, replaces a node, or
reverses a linked list.

live_bytes:     of the nodes
mutation:       of 1000 steps, those that write a reference; the others replace a node
fragmentation:  of 1000 steps, those that turn a list of 64 links round
"""

from gcproto.heap.chance import advance, below, mix
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

DIRECTORY, CHAINS, FRESH = 0, 1, 2
"""Root slots: nodes, heads of the lists, a node under construction."""
EDGES = 3
WORDS = 8
NUMBER, SUM = 4, 5
"""Words of a node: its number and a sum over it; two more words of contents."""
LEAF = 512
LISTS = 64
LINKS = 64


@kernel
def nodes_for(live_bytes: int) -> int:
    """How many nodes there are; a multiple of LEAF."""
    return max(1, live_bytes // (WORDS * 8 + 8) // LEAF) * LEAF


@kernel
def _get(directory: int, number: int) -> int:
    return get_ref(get_ref(directory, number // LEAF), number % LEAF)


@kernel
def _new_node(m: int, number: int) -> int:
    made = allocate(m, WORDS, EDGES)
    if made != 0:
        set_word(m, made, NUMBER, number)
        for word in range(SUM, WORDS):
            set_word(m, made, word, mix(number + word))
    return made


@kernel
def _is_wrong(node: int, limit: int) -> int:
    number = get_word(node, NUMBER)
    if number < 0 or number >= limit:
        return 1
    for word in range(SUM, WORDS):
        if get_word(node, word) != mix(number + word):
            return 1
    return 0


@kernel
def _new_list(m: int, slot: int) -> int:
    """A list whose links carry their numbers; 0 without memory."""
    set_root(m, FRESH, 0)
    for link in range(LINKS):
        made = allocate(m, 3, 1)
        if made == 0:
            return 0
        set_word(m, made, 2, link)
        set_ref(m, made, 0, root(m, FRESH))
        set_root(m, FRESH, made)
    set_ref(m, root(m, CHAINS), slot, root(m, FRESH))
    set_root(m, FRESH, 0)
    return 1


@kernel
def _turn(m: int, slot: int) -> int:
    """Reverse a list; returns 1 if its links were not in order."""
    chains = root(m, CHAINS)
    here = get_ref(chains, slot)
    before = 0
    start = get_word(here, 2)
    step = -1 if start > 0 else 1
    expected = start
    wrong = 0
    links = 0
    while here != 0 and links <= LINKS:
        if get_word(here, 2) != expected:
            wrong = 1
        following = get_ref(here, 0)
        set_ref(m, here, 0, before)
        before = here
        here = following
        expected += step
        links += 1
    set_ref(m, chains, slot, before)
    return 1 if wrong != 0 or links != LINKS else 0


@entry("int64(int64, int64[::1])")
def setup(m: int, parameters: Parameters) -> int:
    """Make the nodes, their edges, and the lists."""
    count = nodes_for(parameters[LIVE])
    state = mix(parameters[SEED])
    directory = allocate(m, count // LEAF + 1, count // LEAF)
    if directory == 0:
        return OUT_OF_MEMORY
    set_root(m, DIRECTORY, directory)
    chains = allocate(m, LISTS + 1, LISTS)
    if chains == 0:
        return OUT_OF_MEMORY
    set_root(m, CHAINS, chains)
    for leaf in range(count // LEAF):
        array = allocate(m, LEAF + 1, LEAF)
        if array == 0:
            return OUT_OF_MEMORY
        set_ref(m, root(m, DIRECTORY), leaf, array)
    for number in range(count):
        if poll(m) != 0:
            return STOPPED
        node = _new_node(m, number)
        if node == 0:
            return OUT_OF_MEMORY
        set_ref(m, get_ref(root(m, DIRECTORY), number // LEAF), number % LEAF, node)
    for number in range(count):
        node = _get(root(m, DIRECTORY), number)
        for edge in range(EDGES):
            state = advance(state)
            set_ref(m, node, edge, _get(root(m, DIRECTORY), below(state, count)))
    for slot in range(LISTS):
        if _new_list(m, slot) == 0:
            return OUT_OF_MEMORY
    return 0


@kernel
def _steps(m: int, parameters: Parameters) -> int:
    """Shuffle."""
    count = nodes_for(parameters[LIVE])
    state = mix(parameters[SEED] + 1)
    wrong = 0
    step = 0
    while parameters[OPERATIONS] == 0 or step < parameters[OPERATIONS]:
        if poll(m) != 0:
            return STOPPED if wrong == 0 else wrong
        state = advance(state)
        number = below(state, count)
        state = advance(state)
        kind = below(state, 1000)
        state = advance(state)
        if kind < parameters[MUTATION]:
            node = _get(root(m, DIRECTORY), number)
            # Along any edge: replaced nodes are also reached.
            other = get_ref(node, below(state, EDGES))
            wrong += _is_wrong(node, count) + (_is_wrong(other, count) if other != 0 else 0)
            set_ref(m, node, below(state, EDGES), _get(root(m, DIRECTORY), below(advance(state), count)))
        else:
            node = _new_node(m, number)
            if node == 0:
                return OUT_OF_MEMORY
            old = _get(root(m, DIRECTORY), number)
            for edge in range(EDGES):
                set_ref(m, node, edge, get_ref(old, edge))
                # A replaced node leads nowhere: garbage does not keep garbage.
                set_ref(m, old, edge, 0)
            set_ref(m, get_ref(root(m, DIRECTORY), number // LEAF), number % LEAF, node)
        state = advance(state)
        if below(state, 1000) < parameters[FRAGMENTATION]:
            wrong += _turn(m, below(advance(state), LISTS))
        count_operation(m)
        step += 1
    return wrong


@entry("int64(int64, int64[::1])")
def run(m: int, parameters: Parameters) -> int:
    """Shuffle. Returns the number of wrong nodes and lists, or the reason for an early end."""
    return ended(m, _steps(m, parameters))


@entry("int64(int64, int64[::1])")
def check(m: int, parameters: Parameters) -> int:
    """Nodes and lists that are missing or wrong."""
    count = nodes_for(parameters[LIVE])
    wrong = 0
    for number in range(count):
        node = _get(root(m, DIRECTORY), number)
        if node == 0 or get_word(node, NUMBER) != number or _is_wrong(node, count) != 0:
            wrong += 1
    for slot in range(LISTS):
        wrong += _turn(m, slot)
    return wrong
