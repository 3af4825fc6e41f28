"""Where every worker process begins: ``python -m gcproto.host.worker MODULE PARENT``.

Before anything heavy is imported it dies with its parent and leaves signals to it.  What goes wrong from then on is
answered in words, so that the parent can say it; a traceback is for ``-v``.
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
"""An answer that begins so says in words why the worker can't go on; others are JSON."""


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
    # Threads of a run that failed may wait for ever; nothing of this process is needed any more.
    os._exit(code)


def failed(error: Exception) -> int:
    """Tell the parent why this worker can't go on.

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
