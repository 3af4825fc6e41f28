"""How a command ends: an exit code that is documented, a message for people, and no traceback unless one is asked for.

A user's mistake has a message of its own where it is made.  What comes here without one is a shortage of this process
(descriptors, addresses, threads, disk), which is said as such, or a fault of gcproto, which is asked to be reported.
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
"""Environment variable by which workers know that tracebacks are wanted (``gcproto -v``)."""

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO}
FILES = {errno.EMFILE, errno.ENFILE}
MEMORY = {errno.ENOMEM, errno.EAGAIN}  # fork() without room for a process says EAGAIN
SHORT = ("failed to map segment", "cannot allocate memory", "can't start new thread", "out of memory")
"""What libraries say that have no memory, in lower case."""


def say(text: str) -> None:
    """A message for people on standard error; control characters, which a terminal would obey, are shown as escapes."""
    plain = "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)
    sys.stderr.write(f"gcproto: {plain}\n")
    sys.stderr.flush()


def show_tracebacks() -> None:
    """Print the traceback of what is not expected, here and in workers."""
    os.environ[TRACEBACKS] = "1"


def run(command: Callable[[], int]) -> int:
    """Run a command, with its streams and limits looked at first, and say what ended it.

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
    """Say what ended a command.

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
    """A signal ended it; an error that came of it adds nothing, unless it is about what should be kept."""
    signal = interrupts.noted()
    if isinstance(error, GcprotoError) and error.code == ExitCode.WRITE:
        say(str(error))
        return error.code
    say(f"interrupted by {signal.name if signal else 'SIGINT'}")
    return interrupts.exit_code()


def _output_lost(error: OutputLost) -> int:
    if streams.gone(error):
        say("the reader of standard output went away; the rest was not printed")
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
    """The error for people where something of this process ran out; None where it is another matter."""
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
            remedy="see ulimit -a, memory.max of the cgroup and what else runs; smaller sizes need less",
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
