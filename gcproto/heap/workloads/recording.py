"""Recorded allocation traces: what workload ``replay`` replays.

Two forms are read. Their first lines identify them.

glibc's mtrace (what a C program writes that calls ``mtrace()`` and runs with MALLOC_TRACE set), one event a line:

    @ program:[0x...] + 0x55d0c0 0x18      malloc
    @ program:[0x...] - 0x55d0c0           free
    @ program:[0x...] < 0x55d0c0           realloc: the old block ...
    @ program:[0x...] > 0x55d0f0 0x30      ... and the new one

and our own, which has references as well:

    gcproto-trace 1
    a ID BYTES REFS        a new object: its size with the header, and how many references it has
    w ID FIELD ID          a reference is written; ID - for none
    f ID                   the object is no longer held by its ID; references may still hold it

IDs are any words without spaces.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gcproto.errors import ExitCode, GcprotoError
from gcproto.process.files import read_regular

ALLOCATE, WRITE, FREE = range(3)
"""An event is four numbers: what, slot, words or field, references or target slot (-1: none)."""
HEAD = "gcproto-trace 1"
HEADER_BYTES = 8
MAX_BYTES = 1 << 30
MOST_BYTES = 256 << 20
"""Of a block, and of a file."""


@dataclass
class _Builder:
    """Events so far; IDs become slots, which are used again."""

    path: Path
    events: list[tuple[int, int, int, int]] = field(default_factory=list)
    slots: dict[str, int] = field(default_factory=dict)
    free: list[int] = field(default_factory=list)
    count: int = 0
    sizes: dict[int, int] = field(default_factory=dict)
    live: int = 0
    peak: int = 0

    def refuse(self, line: int, why: str) -> GcprotoError:
        return GcprotoError(
            f"{self.path}, line {line}: {why}", why="it is not an allocation trace", code=ExitCode.USAGE
        )

    def allocate(self, name: str, size: int, refs: int) -> None:
        self.release(name)
        slot = self.free.pop() if self.free else self.count
        self.count = max(self.count, slot + 1)
        words = max(2, 1 + refs, (size + 7) // 8)
        self.slots[name] = slot
        self.sizes[slot] = words * 8
        self.live += words * 8
        self.peak = max(self.peak, self.live)
        self.events.append((ALLOCATE, slot, words, refs))

    def release(self, name: str) -> None:
        slot = self.slots.pop(name, None)
        if slot is not None:
            self.free.append(slot)
            self.live -= self.sizes.pop(slot)
            self.events.append((FREE, slot, 0, 0))


@dataclass(frozen=True)
class Recording:
    """A trace.

    Attributes:
        events: int64, one row of four numbers for each.
        slots: how many objects are held at once at most.
        peak_bytes: and how large they are together, with their headers.

    """

    events: NDArray[np.int64]
    slots: int
    peak_bytes: int


def _read_mtrace(builder: _Builder, lines: list[str]) -> None:
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0] == "=":
            continue
        while words and words[0] not in {"+", "-", "<", ">"}:
            words = words[1:]
        try:
            if words and words[0] in {"+", ">"}:
                size = int(words[2], 16)
                if size > MAX_BYTES:
                    raise builder.refuse(number, f"a block of {size} bytes")
                builder.allocate(words[1], size + HEADER_BYTES, 0)
            elif words:
                builder.release(words[1])  # of a block from before the trace: nothing to do
        except (IndexError, ValueError) as error:
            raise builder.refuse(number, f"{line.strip()!r} is not an event of mtrace") from error


def _read_own(builder: _Builder, lines: list[str]) -> None:
    for number, line in enumerate(lines[1:], 2):
        words = line.split()
        try:
            if not words:
                continue
            if words[0] == "a":
                size, refs = int(words[2]), int(words[3])
                if not 0 < size <= MAX_BYTES or not 0 <= refs < 1 << 24:
                    raise builder.refuse(number, "no such size or number of references")
                builder.allocate(words[1], size, refs)
            elif words[0] == "w":
                target = -1 if words[3] == "-" else builder.slots[words[3]]
                builder.events.append((WRITE, builder.slots[words[1]], int(words[2]), target))
            elif words[0] == "f":
                builder.release(words[1])
            else:
                raise builder.refuse(number, f"{words[0]!r} is not an event")
        except (IndexError, ValueError, KeyError) as error:
            raise builder.refuse(number, f"{line.strip()!r} can't be parsed") from error
    _check_fields(builder)


def _check_fields(builder: _Builder) -> None:
    """References are only written where there are some: compiled code does not look."""
    refs: dict[int, int] = {}
    for number, (what, slot, one, other) in enumerate(builder.events):
        if what == ALLOCATE:
            refs[slot] = other
        elif what == WRITE and not 0 <= one < refs[slot]:
            raise builder.refuse(number + 2, f"field {one} of an object with {refs[slot]} references")


def load(path: Path) -> Recording:
    """Read a recording.

    Raises:
        GcprotoError: it can't be read, or is not a trace.

    """
    try:
        lines = read_regular(path, MOST_BYTES).decode(errors="replace").splitlines()
    except OSError as error:
        raise GcprotoError(f"{path} can't be read", why=error.strerror or str(error), code=ExitCode.USAGE) from error
    builder = _Builder(path)
    if lines and lines[0].strip() == HEAD:
        _read_own(builder, lines)
    else:
        _read_mtrace(builder, lines)
    if not any(event[0] == ALLOCATE for event in builder.events):
        raise GcprotoError(f"{path} has no allocation", why="it is not an allocation trace", code=ExitCode.USAGE)
    return Recording(np.array(builder.events, dtype=np.int64), builder.count, builder.peak)
