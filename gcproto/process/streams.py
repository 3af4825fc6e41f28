"""Standard streams that may be closed, full, or given up by their reader.

Output that is lost is an error of its own (``OutputLost``): the command says so and ends with a documented code.  Of
messages nothing can be said where they are lost: the command goes on without them.
"""

import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

from gcproto.errors import ExitCode, GcprotoError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

INPUT, OUTPUT, MESSAGES = range(3)


class OutputLost(OSError):  # noqa: N818 - it is an event: nobody takes the output
    """Standard output takes no more; no ``BrokenPipeError``, at which libraries end a process with code 1."""


class _Output(io.RawIOBase):
    """Standard output; after the first failure nothing is tried again, so that closing it is quiet."""

    def __init__(self) -> None:
        self._lost = False

    def write(self, data: "ReadableBuffer") -> int:
        """Write a part."""
        size = len(memoryview(data).cast("B"))
        while not self._lost:
            try:
                return os.write(OUTPUT, data)
            except BlockingIOError:  # somebody made the pipe non-blocking
                select.select([], [OUTPUT], [])
            except OSError as error:
                self._lost = True
                raise OutputLost(error.errno, error.strerror) from error
        return size

    def fileno(self) -> int:
        """1."""
        return OUTPUT

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(OUTPUT)

    def writable(self) -> bool:
        """It is."""
        return True


class _Messages(_Output):
    """Standard error; what can't be written is dropped."""

    def write(self, data: "ReadableBuffer") -> int:
        """Write all or a part, or nothing where that is not possible."""
        try:
            return os.write(MESSAGES, data)
        except OSError:
            return len(memoryview(data).cast("B"))

    def fileno(self) -> int:
        """2."""
        return MESSAGES

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(MESSAGES)


def _text(raw: io.RawIOBase, old: TextIO | None, *, line_buffering: bool) -> io.TextIOWrapper:
    """A text stream with the encoding of the old one; what can't be encoded is written as an escape."""
    encoding = getattr(old, "encoding", None) or "utf-8"
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=line_buffering)


def open_missing() -> set[int]:
    """See that descriptors 0 to 2 are open, so that no file which is opened later becomes one of them.

    Returns:
        Those that were closed.

    """
    closed = set()
    for number in (INPUT, OUTPUT, MESSAGES):
        try:
            os.fstat(number)
        except OSError:
            closed.add(number)
            made = os.open(os.devnull, os.O_RDWR)  # the lowest that is free
            os.set_inheritable(made, True)
    return closed


def forgive_messages() -> None:
    """Standard error drops what it can't write."""
    sys.stderr = _text(_Messages(), sys.stderr, line_buffering=True)


def guard() -> None:
    """Make the streams of this process safe.

    Raises:
        GcprotoError: standard output is closed or full already.

    """
    closed = open_missing()
    forgive_messages()
    sys.stdout = _text(_Output(), sys.stdout, line_buffering=os.isatty(OUTPUT))
    if sys.stdin is None:
        sys.stdin = os.fdopen(INPUT, closefd=False)
    if OUTPUT in closed:
        raise unwritable("it is closed")
    try:
        os.write(OUTPUT, b"")
    except OSError as error:
        raise unwritable(error.strerror or str(error)) from error


def flush() -> None:
    """Write what is buffered.

    Raises:
        OutputLost: it can't be.

    """
    sys.stdout.flush()


def unwritable(why: str) -> GcprotoError:
    """The error of a standard output that takes nothing."""
    return GcprotoError(
        "standard output can't be written",
        why=why,
        remedy="redirect it to a file on a disk with free space, or to /dev/null",
        code=ExitCode.WRITE,
    )


def gone(error: OutputLost) -> bool:
    """Whether the reader of a pipe went away, as ``head`` does."""
    return error.errno == errno.EPIPE
