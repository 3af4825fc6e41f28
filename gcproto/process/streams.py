"""Standard streams that may be closed, full, or given up by their reader.

Lost output is an error (``OutputLost``): the command reports it and ends with a documented code. Lost messages can't be
reported, so the command continues without them.
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
    """Standard output accepts no more. Not a ``BrokenPipeError``: libraries end a process with code 1 for that."""


class _Output(io.RawIOBase):
    """Standard output. After the first failure no write is retried, so closing it is quiet."""

    def __init__(self) -> None:
        self._lost = False

    def write(self, data: "ReadableBuffer") -> int:
        """Write a part."""
        size = len(memoryview(data).cast("B"))
        while not self._lost:
            try:
                return os.write(OUTPUT, data)
            except BlockingIOError:  # another process made the pipe non-blocking
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
        """Write all, a part, or nothing if that is impossible."""
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
    """A text stream with the encoding of the old one; characters that can't be encoded are escaped."""
    encoding = getattr(old, "encoding", None) or "utf-8"
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=line_buffering)


def open_missing() -> set[int]:
    """Open descriptors 0 to 2, so that no later file becomes one of them.

    Returns:
        The descriptors that were closed.

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
    """Standard error drops characters that it can't write."""
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
        OutputLost: it can't be written.

    """
    sys.stdout.flush()


def unwritable(why: str) -> GcprotoError:
    """The error of a standard output that accepts nothing."""
    return GcprotoError(
        "standard output can't be written",
        why=why,
        remedy="redirect it to a file on a disk with free space, or to /dev/null",
        code=ExitCode.WRITE,
    )


def gone(error: OutputLost) -> bool:
    """Whether the reader of a pipe went away, as ``head`` does."""
    return error.errno == errno.EPIPE
