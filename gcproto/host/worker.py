"""Start of every worker process: ``python -m gcproto.host.worker MODULE PARENT``.

Before large imports, it arranges to die with its parent and leaves signals to it. Later errors are answered in words,
so that the parent can report them; a traceback needs ``-v``.
"""

import ctypes
import os
import signal
import sys
from importlib import import_module

from gcproto.errors import ExitCode
from gcproto.process import ending, interrupts, streams

PR_SET_PDEATHSIG = 1
FAILED = "!"
"""Start of an answer that tells in words why the worker must end; others are JSON."""


def begin(parent: int) -> None:
    """Ignore signals, which reach whole process groups, and end when the parent does.

    Args:
        parent: its process ID.

    """
    interrupts.ignore()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def main() -> None:
    """Run a worker to its end."""
    begin(int(sys.argv[2]))
    streams.forgive_messages()
    try:
        import_module(sys.argv[1]).main()
    except Exception as error:
        code = failed(error)
    else:
        code = 0
    # Threads of a failed run may never end, and nothing of this process is needed any more.
    os._exit(code)


def failed(error: Exception) -> int:
    """Tell the parent why this worker must end.

    Returns:
        The exit code.

    """
    if os.environ.get(ending.TRACEBACKS):
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    found = ending.shortage(error)
    text = str(found) if found else f"{type(error).__name__}: {error}"
    sys.stdout.write(f"{FAILED}{' '.join(text.split())}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    return found.code if found else ExitCode.FAULT


if __name__ == "__main__":
    main()
