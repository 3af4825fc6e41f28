"""The small form for other runtimes: JSON Lines, one object a line.

The first line names the form: ``{"format": "gcproto.heap/1", "runtime": "CPython 3.11"}``.  Each other line is an
object:

- ``address``: of its first byte;  ``size``: in bytes, with all that moves along with it.
- ``refs``: addresses that it refers to, [] by default.  Null references are omitted; those to no object become null.
- ``root``: true if something outside of the heap refers to it.
- ``live``: whether it is live.  Without it, it is if roots lead to it.  What roots or live objects lead to is live,
  whatever its line says.

Objects may come in any order, and must not overlap.
"""

from array import array
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from gcproto.dumps.graph import NULL, Changes, Graph
from gcproto.dumps.mark import reached
from gcproto.dumps.places import places_of, resolve
from gcproto.dumps.stream import Stream, bad
from gcproto.heap.objects import MAX_WORDS

FORMAT = "gcproto.heap/1"
LONGEST = 64 << 20
"""Bytes of a line, at most."""
PIECE = 1 << 20
MOST = 1 << 56
"""Addresses are below."""
LARGEST = MAX_WORDS * 8
"""Bytes of an object, at most."""


class Head(msgspec.Struct, frozen=True):
    """The first line."""

    format: str
    runtime: str = ""


class Object(msgspec.Struct, frozen=True):
    """Every other line."""

    address: int
    size: int
    refs: list[int] = []
    root: bool = False
    live: bool | None = None


def is_lines(head: bytes) -> bool:
    """Whether a file that begins so, after decompression, is of this form."""
    return head.lstrip()[:1] == b"{"


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Each line that is not empty, with its offset."""
    rest = b""
    offset = 0
    room = bytearray(PIECE)
    with Stream(path) as stream:
        while count := stream.read_into(memoryview(room)):
            *whole, rest = (rest + room[:count]).split(b"\n")
            for line in whole:
                if line.strip():
                    yield offset, line
                offset += len(line) + 1
            if len(rest) > LONGEST:
                raise bad(path, offset, f"a line of more than {LONGEST >> 20} MiB")
    if rest.strip():
        yield offset, rest


class _Objects:
    """The columns of all objects, in the order of the file."""

    def __init__(self) -> None:
        self.offset, self.address, self.size, self.count = (array("q") for _ in range(4))
        self.refs = array("q")
        self.root, self.live = array("b"), array("b")

    def add(self, path: Path, offset: int, one: Object) -> None:
        """Note an object."""
        if not 0 < one.address < MOST or one.size <= 0:
            raise bad(path, offset, f"no object has address {one.address} and size {one.size}")
        if one.size > LARGEST:
            raise bad(path, offset, f"an object of {one.size} bytes; at most {LARGEST} are possible")
        if any(not 0 <= ref < MOST for ref in one.refs):
            raise bad(path, offset, "a reference that is not an address")
        self.offset.append(offset)
        self.address.append(one.address)
        self.size.append(one.size)
        self.count.append(len(one.refs))
        self.refs.extend(one.refs)
        self.root.append(one.root)
        self.live.append(-1 if one.live is None else one.live)


def read(path: Path) -> Graph:
    """Read a file of this form.

    Args:
        path: of it, plain or gzipped.

    Raises:
        GcprotoError: it can't be read, or something is wrong with it: what, and at which byte.

    """
    objects = _Objects()
    lines = _lines(path)
    offset, line = next(lines, (0, b""))
    head = _decoded(path, offset, line, Head)
    if head.format != FORMAT:
        raise bad(path, offset, f"the form is {head.format!r}, and {FORMAT!r} is read here")
    decoder = msgspec.json.Decoder(Object)
    for offset, line in lines:
        try:
            objects.add(path, offset, decoder.decode(line))
        except msgspec.MsgspecError as error:
            raise bad(path, offset, str(error)) from error
    if not objects.address:
        raise bad(path, offset, "the file has no object")
    return _graph(path, head.runtime, objects)


def _decoded(path: Path, offset: int, line: bytes, kind: type[Head]) -> Head:
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.MsgspecError as error:
        raise bad(path, offset, str(error)) from error


def _graph(path: Path, runtime: str, objects: _Objects) -> Graph:
    address, size, count = (np.array(one, dtype=np.int64) for one in (objects.address, objects.size, objects.count))
    start = np.cumsum(count) - count
    order = np.argsort(address, kind="stable")
    address, size, count, start = address[order], size[order], count[order], start[order]
    ends = address + size
    close = np.flatnonzero((ends[:-1] > address[1:]) | (address[:-1] >> 3 == address[1:] >> 3))
    if len(close):
        first, second = order[close[0]], order[close[0] + 1]
        what = f"an object overlaps the one of byte {objects.offset[int(first)]}, or is in the same 8 bytes"
        raise bad(path, objects.offset[int(second)], what)
    # Words of a heap are 8 bytes: what begins or ends between two of them takes both, but for what the next one takes.
    begin = address & ~7
    end = (ends + 7) & ~7
    changes = Changes(aligned=int(np.count_nonzero((begin != address) | (end != ends))))
    refs = np.empty(len(objects.refs), dtype=np.int32)
    raw = np.array(objects.refs, dtype=np.int64)
    changes.dangling = resolve(places_of(address), raw, np.arange(len(address), dtype=np.int32), refs)
    end[:-1] = np.minimum(end[:-1], begin[1:])
    root, given = (np.array(one, dtype=np.int8)[order] for one in (objects.root, objects.live))
    graph = Graph(
        source=f"{FORMAT}{f' of {runtime}' if runtime else ''}",
        address=begin,
        words=((end - begin) >> 3).astype(np.uint32),
        start=start,
        count=count.astype(np.uint32),
        refs=refs,
        holder=np.full(len(address), NULL, dtype=np.int32),
        roots=np.flatnonzero(root).astype(np.int32),
        live=np.zeros(0, dtype=np.bool_),
        layout="sizes as given",
        changes=changes,
    )
    graph.live = reached(graph, np.flatnonzero(root | (given > 0)))
    changes.revived = int(np.count_nonzero(graph.live & (given == 0)))
    return graph
