"""Marking of a graph from its roots."""

import numpy as np
from numpy.typing import NDArray

from gcproto.dumps.graph import NULL, Graph
from gcproto.heap.compiled import kernel

ROOT, IMPLICIT = -2, -3
"""Parents of an object: a root, or one that has no field for the reference."""


@kernel
def _trace(
    start: NDArray[np.int64],
    count: NDArray[np.uint32],
    refs: NDArray[np.int32],
    holder: NDArray[np.int32],
    roots: NDArray[np.int32],
    parent: NDArray[np.int32],
    queue: NDArray[np.int32],
) -> int:
    """Breadth first, so that a parent is on a shortest way from a root.  Returns the objects found."""
    tail = 0
    for root in roots:
        if parent[root] == NULL:
            parent[root] = ROOT
            queue[tail] = root
            tail += 1
    head = 0
    while head < tail:
        one = queue[head]
        head += 1
        first = start[one]
        for at in range(first, first + np.int64(count[one])):
            target = refs[at]
            if target >= 0 and parent[target] == NULL:
                parent[target] = one
                queue[tail] = target
                tail += 1
        held = holder[one]
        if held >= 0 and parent[held] == NULL:
            parent[held] = IMPLICIT
            queue[tail] = held
            tail += 1
    return tail


def parents(graph: Graph) -> NDArray[np.int32]:
    """What keeps each object alive.

    Args:
        graph: whose roots are marked from.

    Returns:
        (n) int32: the object whose reference found it first, ROOT, IMPLICIT, or NULL for what is not reached.

    """
    return _parents(graph, graph.roots)


def reached(graph: Graph, roots: NDArray[np.integer]) -> NDArray[np.bool_]:
    """What objects lead to, with themselves.

    Args:
        graph: whose references are followed.
        roots: indices of objects.

    Returns:
        (n) bool.

    """
    found: NDArray[np.bool_] = _parents(graph, roots.astype(np.int32)) != NULL
    return found


def _parents(graph: Graph, roots: NDArray[np.int32]) -> NDArray[np.int32]:
    parent = np.full(graph.objects, NULL, dtype=np.int32)
    queue = np.empty(graph.objects, dtype=np.int32)
    _trace(graph.start, graph.count, graph.refs, graph.holder, roots, parent, queue)
    return parent
