"""Reading a heap dump of any form that is known."""

from pathlib import Path

from gcproto.dumps import lines
from gcproto.dumps.graph import Graph
from gcproto.dumps.hprof import read as hprof
from gcproto.dumps.stream import Stream, bad

HEAD = 64


def read(path: Path) -> Graph:
    """Read a dump, plain or gzipped; its first bytes say what it is.

    Args:
        path: of the file.

    Raises:
        GcprotoError: it can't be read, is not a dump, or something is wrong with it: what, and at which byte.

    """
    room = bytearray(HEAD)
    with Stream(path) as stream:
        head = bytes(room[: stream.read_into(memoryview(room))])
    if hprof.is_hprof(head):
        return hprof.read(path)
    if lines.is_lines(head):
        return lines.read(path)
    raise bad(path, 0, "it begins neither as HPROF (JAVA PROFILE 1.0.x) nor as JSON Lines")
