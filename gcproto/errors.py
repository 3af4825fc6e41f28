"""What goes wrong on purpose: errors with a message for people, a remedy and an exit code.

Exit codes of every command:

====  =====================================================================================
0     done
1     the answer is "no": a regression, too many invalid rounds, a contract row that differs
2     wrong usage or unusable input (a flag, a file that is no result)
3     this machine cannot do it (no UFFDIO_MOVE, a permission, a missing tool)
4     the result could not be written (disk full, no permission)
130   interrupted (Ctrl-C); settings are restored and what was measured is kept
====  =====================================================================================
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the ``gcproto`` command."""

    OK = 0
    NO = 1
    USAGE = 2
    UNABLE = 3
    WRITE = 4
    INTERRUPTED = 130


class GcprotoError(Exception):
    """A failure that a person can act on.

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
