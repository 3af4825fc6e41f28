"""Expected errors: each with a message, a remedy and an exit code.

Exit codes of every command:

====  =====================================================================================
0     done
1     the answer is "no": a regression, too many invalid rounds, a contract row that differs
2     wrong usage or unusable input (a flag, a file that is no result)
3     this machine cannot do it (no UFFDIO_MOVE, a permission, a missing tool, a limit)
4     a result, or standard output, could not be written (disk full, no permission, closed)
70    a fault of gcproto itself: one line says what to report, ``-v`` prints the traceback
129   ended by SIGHUP, 130 by SIGINT (Ctrl-C), 131 by SIGQUIT, 143 by SIGTERM: 128 and the
      signal's number; settings are restored and what was measured is kept
141   the reader of standard output went away (``| head``); results are kept
====  =====================================================================================

SIGHUP that was ignored when the command began (``nohup``) stays ignored, and so does each other of these signals.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the ``gcproto`` command."""

    OK = 0
    NO = 1
    USAGE = 2
    UNABLE = 3
    WRITE = 4
    FAULT = 70
    HUNG_UP = 129
    INTERRUPTED = 130
    QUIT = 131
    PIPE = 141
    TERMINATED = 143


class GcprotoError(Exception):
    """A failure that the user can act on.

    Args:
        what: what went wrong, one sentence.
        why: the reason as far as known, or "".
        remedy: what to do about it, or "".
        code: exit code of the command that lets this through.

    """

    def __init__(self, what: str, *, why: str = "", remedy: str = "", code: ExitCode = ExitCode.UNABLE) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.remedy = remedy
        self.code = code

    def __str__(self) -> str:
        parts = [self.what]
        if self.why:
            parts.append(f"why: {self.why}")
        if self.remedy:
            parts.append(f"what to do: {self.remedy}")
        return "\n  ".join(parts)
