"""The end of a command: a documented exit code, a message, and no traceback unless it was asked for.

A user's mistake has its own message at its place. Other exceptions are a shortage of this process (descriptors,
addresses, threads, disk), which is reported as such, or a fault of gcproto, with a request to report it.
"""

import errno
import os
import sys
import traceback
from collections.abc import Callable

from gcproto.errors import ExitCode, GcprotoError
from gcproto.process import interrupts, limits, streams
from gcproto.process.streams import OutputLost

TRACEBACKS = "GCPROTO_TRACEBACKS"
"""Environment variable that makes workers print tracebacks (``gcproto -v``)."""

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO}
FILES = {errno.EMFILE, errno.ENFILE}
MEMORY = {errno.ENOMEM, errno.EAGAIN}  # fork() returns EAGAIN if no process can be added
SHORT = ("failed to map segment", "cannot allocate memory", "can't start new thread", "out of memory")
"""Messages of libraries without memory, in lower case."""


def say(text: str) -> None:
    """A message on standard error, with control characters as escapes."""
    plain = "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)
    sys.stderr.write(f"gcproto: {plain}\n")
    sys.stderr.flush()


def show_tracebacks() -> None:
    """Print tracebacks of unexpected exceptions, here and in workers."""
    os.environ[TRACEBACKS] = "1"


def run(command: Callable[[], int]) -> int:
    """Check streams and limits, run a command, and report its end.

    Args:
        command: returns its exit code.

    Returns:
        The exit code (gcproto.errors).

    """
    try:
        streams.guard()
        limits.check()
        code = command()
        streams.flush()
    except BaseException as error:
        code = told(error)
    return code


def told(error: BaseException) -> int:
    """Report the end of a command.

    Returns:
        The exit code.

    """
    signal = interrupts.noted()
    if signal is not None or isinstance(error, KeyboardInterrupt):
        return _interrupted(error)
    if isinstance(error, GcprotoError):
        say(str(error))
        return error.code
    if isinstance(error, OutputLost):
        return _output_lost(error)
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else ExitCode.OK
    return _unexpected(error)


def _interrupted(error: BaseException) -> int:
    """A signal ended it. An error that follows from the signal is not reported, unless it concerns kept data."""
    signal = interrupts.noted()
    if isinstance(error, GcprotoError) and error.code == ExitCode.WRITE:
        say(str(error))
        return error.code
    say(f"interrupted by {signal.name if signal else 'SIGINT'}")
    return interrupts.exit_code()


def _output_lost(error: OutputLost) -> int:
    if streams.gone(error):
        say("the reader of standard output closed it; the rest was not printed")
        return ExitCode.PIPE
    say(str(streams.unwritable(error.strerror or str(error))))
    return ExitCode.WRITE


def _unexpected(error: BaseException) -> int:
    if os.environ.get(TRACEBACKS):
        traceback.print_exception(error, file=sys.stderr)
    found = shortage(error)
    if found is not None:
        say(str(found))
        return found.code
    where = ""
    for frame in traceback.extract_tb(error.__traceback__):
        where = f" at {os.path.basename(frame.filename)}:{frame.lineno}"  # noqa: PTH119 - pathlib takes its time
    say(
        f"this is a fault of gcproto: {type(error).__name__}: {error}{where}\n"
        "  what to do: run it again as `gcproto -v ...` and report the traceback with the command line; "
        "`gcproto doctor` says what it ran on"
    )
    return ExitCode.FAULT


def shortage(error: BaseException) -> GcprotoError | None:
    """The error if a resource of this process ran out; None otherwise."""
    number = error.errno if isinstance(error, OSError) else None
    text = str(error).lower()
    addresses = limits.address_space()
    cramped = addresses is not None and addresses < 4 * limits.ADDRESSES
    if number in FILES:
        return GcprotoError(
            "no more files can be opened", why=os.strerror(number or 0), remedy=f"ulimit -n {limits.ENOUGH}"
        )
    if isinstance(error, MemoryError) or number in MEMORY or any(word in text for word in SHORT) or cramped:
        limit = f"; ulimit -v allows {addresses >> 20} MiB" if addresses is not None else ""
        return GcprotoError(
            "there is not enough memory, or too few processes or threads are allowed",
            why=f"{type(error).__name__}: {error}{limit}",
            remedy="check ulimit -a, memory.max of the cgroup and other programs; smaller sizes need less",
        )
    if number in FULL and isinstance(error, OSError):
        place = f"{error.filename} " if error.filename else "a file "
        return GcprotoError(
            f"{place}can't be written",
            why=error.strerror or str(error),
            remedy="free some space, or choose another folder (--out, TMPDIR)",
            code=ExitCode.WRITE,
        )
    return None
