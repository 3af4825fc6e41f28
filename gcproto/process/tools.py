"""Programs that a command runs: compilers, patch, tar.

Each heads its own session. The end of the command also ends the program and all of its children, which would otherwise
write into folders that are being removed.
"""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from gcproto.process import interrupts

GRACE_SECONDS = 5
BOUND = ("setpriv", "--pdeathsig", "KILL")
"""Words before a command that ends with this process, even if that is killed."""


class Done(NamedTuple):
    """The result of a program.

    Attributes:
        code: its exit code; out, err: all of its output.

    """

    code: int
    out: str
    err: str


@contextmanager
def running(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    *,
    stdin: bool = False,
    folder: Path | None = None,
) -> "Iterator[subprocess.Popen[bytes]]":
    """A program that runs as long as the block. If the block ends early, it is ended with all of its children.

    Args:
        command: its words.
        environment: that it has; None: that of this process.
        stdin: it reads from a pipe; otherwise its input is empty.
        folder: that it runs in.

    """
    process: subprocess.Popen[bytes] | None = None
    try:
        with interrupts.held():  # no signal may come between its start and its registration
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=folder,
                env=environment,
                start_new_session=True,
            )
        yield process
    except BaseException:
        if process is not None:
            end(process)
        raise


def run(
    command: Sequence[str],
    *,
    stdin: bytes | None = None,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Done:
    """Run a program to its end.

    Args:
        command: its words.
        stdin: what it reads; nothing by default.
        folder: that it runs in.
        environment: that it has; None: that of this process.

    """
    with running(command, environment, stdin=stdin is not None, folder=folder) as process:
        out, err = process.communicate(stdin)
    return Done(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


def end(process: "subprocess.Popen[str] | subprocess.Popen[bytes]") -> None:
    """End a program that heads its session, and all of its children.

    Args:
        process: started with ``start_new_session``.

    """
    with interrupts.held():
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
                process.wait(GRACE_SECONDS)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        process.wait()
