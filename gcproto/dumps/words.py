"""What was changed between a runtime's heap and ours, in words."""

from collections.abc import Iterator

from gcproto.counted import counted
from gcproto.dumps.graph import Graph
from gcproto.dumps.rebuild import Rebuilt


def read_changes(graph: Graph) -> Iterator[str]:
    """What the reader had to decide.

    Args:
        graph: of a dump.

    """
    found = graph.changes
    if graph.layout:
        yield f"sizes of objects: {graph.layout}"
    if found.classes:
        yield f"{counted(found.classes, 'class', 'classes')} as objects, each up to the next object at most"
    if found.weak:
        yield f"{counted(found.weak, 'weak reference')} as strong"
    if found.dangling:
        yield f"{counted(found.dangling, 'reference')} to no object of the dump, as null"
    if found.revived:
        yield f"{counted(found.revived, 'object')} given as dead, to which live ones lead, as live"
    if found.cut:
        yield f"{counted(found.cut, 'object')} cut where the next one begins"
    if found.merged:
        yield f"{counted(found.merged, 'object')} that lie inside of another, as a part of it"
    if found.repeated:
        yield f"{counted(found.repeated, 'repeated description')} ignored"
    if found.aligned:
        yield f"{counted(found.aligned, 'object')} aligned to 8 bytes"


def changes(graph: Graph, made: Rebuilt) -> list[str]:
    """What the reader had to decide, and what was changed to rebuild the heap.

    Args:
        graph: of a dump.
        made: of it.

    """
    found = list(read_changes(graph))
    if made.omitted:
        found.append(f"{made.omitted >> 20} MiB of addresses without objects omitted, in frames of 2 MiB")
    if made.dropped:
        total = made.refs + made.dropped
        why = f"references of {graph.ref_bytes} bytes have 8 here"
        found.append(f"{made.dropped} of {counted(total, 'reference')} dropped because room is missing ({why})")
    if made.held:
        found.append(f"{counted(made.held, 'live object')} held by a directory instead of by a reference")
    if made.grown or made.merged:
        found.append(f"of objects of 8 bytes, {made.grown} have 16, {made.merged} are a part of their neighbour")
    found.append(f"a directory of roots of {made.directory * 8 >> 10} KiB on pages after the others")
    return found
