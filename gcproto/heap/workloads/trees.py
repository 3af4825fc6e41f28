"""Binary trees (after GCBench by Ellis, Kovac and Boehm): a long-lived tree, and short-lived ones without end.

A node has two references and a value that identifies its tree and its place. So a lost or wrong node is detected.

Between two of them some places of the long-lived tree are read, as in programs that keep their data.

benchmarks/jvm/Trees.java is the same program for a Java heap; a change here is to be made there too.

live_bytes:     of the long-lived tree; the largest full one that fits
mutation:       after so many of 1000 steps a subtree of the long-lived tree is replaced by a new copy
fragmentation:  of 64,000 short-lived trees so many have 64 times as many nodes
"""

from gcproto.heap.chance import advance, below, mix, mix_at
from gcproto.heap.compiled import entry, kernel
from gcproto.heap.memory import clz, wrapping_mul
from gcproto.heap.mutator import (
    OUT_OF_MEMORY,
    PRIME,
    STOPPED,
    allocate,
    count_operation,
    ended,
    note,
    poll,
    root,
    set_ref,
    set_root,
    set_word,
)
from gcproto.heap.objects import get_ref, get_word
from gcproto.heap.workloads.knobs import FRAGMENTATION, LIVE, MUTATION, OPERATIONS, SEED, Parameters

NODE_WORDS = 4
NODE_BYTES = 8 * NODE_WORDS
SHORT_DEPTH = 6
LOOKS = 16
"""Places of the long-lived tree that a step reads."""
DEEPER = 6
LONG = 0
WORK = 1
SIBLING = 40
"""Root slots: of the long-lived tree; of finished subtrees, one for each level; of the right sibling of each."""


@kernel
def build(m: int, depth: int, name: int, top: int) -> int:
    """Build, bottom up, the nodes below path ``top`` of a full tree, and leave their root in slot WORK.

    The root of a tree has path 1, the children of p have 2p and 2p + 1, the value of a node is mix_at(name, p).

    Returns:
        1, or 0 without memory.

    """
    levels = depth - (63 - clz(top))
    for leaf in range(top << levels, (top + 1) << levels):
        path = leaf
        level = 0
        node = allocate(m, NODE_WORDS, 2)
        if node == 0:
            return 0
        set_word(m, node, 3, mix_at(name, path))
        while path != top and path & 1 == 1:
            set_root(m, SIBLING + level, node)
            node = allocate(m, NODE_WORDS, 2)
            if node == 0:
                return 0
            set_ref(m, node, 0, root(m, WORK + level))
            set_ref(m, node, 1, root(m, SIBLING + level))
            path >>= 1
            level += 1
            set_word(m, node, 3, mix_at(name, path))
        set_root(m, WORK + level, node)
    node = root(m, WORK + levels)
    for level in range(levels + 1):
        set_root(m, WORK + level, 0)
        set_root(m, SIBLING + level, 0)
    set_root(m, WORK, node)
    return 1


@kernel
def descend(node: int, path: int) -> int:
    """The node at a path, from the root of its tree; 0 if the way breaks off."""
    for bit in range(62 - clz(path), -1, -1):
        if node == 0:
            return 0
        node = get_ref(node, (path >> bit) & 1)
    return node


@kernel
def wrong_nodes(tree: int, depth: int, name: int) -> int:
    """Nodes of a tree that are missing or have another value; there is no safepoint within."""
    wrong = 0
    for path in range(1, 2 << depth):
        node = descend(tree, path)
        if node == 0 or get_word(node, 3) != mix_at(name, path):
            wrong += 1
    return wrong


@kernel
def long_depth(live_bytes: int) -> int:
    """Depth of the largest full tree of at most so many bytes."""
    depth = 1
    while ((4 << depth) - 1) * NODE_BYTES <= live_bytes:
        depth += 1
    return depth


@entry("int64(int64, int64[::1])")
def setup(m: int, parameters: Parameters) -> int:
    """Build the long-lived tree."""
    if build(m, long_depth(parameters[LIVE]), mix(parameters[SEED]), 1) == 0:
        return OUT_OF_MEMORY
    set_root(m, LONG, root(m, WORK))
    return 0


@kernel
def _graft(m: int, depth: int, name: int, chance: int) -> int:
    """Replace a subtree of the long-lived tree."""
    path = (1 << (depth - SHORT_DEPTH)) | below(chance, 1 << (depth - SHORT_DEPTH))
    if build(m, depth, name, path) == 0:
        return 0
    set_ref(m, descend(root(m, LONG), path >> 1), path & 1, root(m, WORK))
    note(m, path)
    return 1


@kernel
def _steps(m: int, parameters: Parameters) -> int:
    """Build and check short-lived trees."""
    depth = long_depth(parameters[LIVE])
    name = mix(parameters[SEED])
    state = mix(parameters[SEED] + 1)
    wrong = 0
    step = 0
    while parameters[OPERATIONS] == 0 or step < parameters[OPERATIONS]:
        if poll(m) != 0:
            return STOPPED if wrong == 0 else wrong
        state = advance(state)
        short = SHORT_DEPTH + (DEEPER if below(state, 64000) < parameters[FRAGMENTATION] else 0)
        if build(m, short, mix(state), 1) == 0:
            return OUT_OF_MEMORY
        wrong += wrong_nodes(root(m, WORK), short, mix(state))
        state = advance(state)
        if (
            below(state, 1000) < parameters[MUTATION]
            and depth > SHORT_DEPTH + 1
            and _graft(m, depth, name, advance(state)) == 0
        ):
            return OUT_OF_MEMORY
        seen = 0
        for _ in range(LOOKS):
            state = advance(state)
            path = (1 << depth) | below(state, 1 << depth)
            leaf = descend(root(m, LONG), path)
            value = get_word(leaf, 3) if leaf != 0 else 0
            if value != mix_at(name, path):
                wrong += 1
            seen = wrapping_mul(seen ^ value, PRIME)
        note(m, seen)
        count_operation(m)
        step += 1
    return wrong


@entry("int64(int64, int64[::1])")
def run(m: int, parameters: Parameters) -> int:
    """Build and check short-lived trees. Returns the number of wrong nodes, or the reason for an early end."""
    return ended(m, _steps(m, parameters))


@entry("int64(int64, int64[::1])")
def check(m: int, parameters: Parameters) -> int:
    """Nodes of the long-lived tree that are missing or wrong; nothing moves meanwhile."""
    return wrong_nodes(root(m, LONG), long_depth(parameters[LIVE]), mix(parameters[SEED]))
