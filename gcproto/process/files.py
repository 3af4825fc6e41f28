"""Files of users: read at once or refused at once, for any kind of file.

A device never ends, a pipe without a writer blocks, and a file as large as memory ends the process.
"""

import os
import stat
from pathlib import Path

from gcproto.errors import ExitCode, GcprotoError

KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def read_regular(path: Path, most: int) -> bytes:
    """Contents of a regular file.

    Args:
        path: of it.
        most: limit of its bytes.

    Raises:
        OSError: it does not exist, or it is not readable.
        GcprotoError: it is something else than a regular file, or larger.

    """
    # Without O_NONBLOCK opening a pipe waits for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        _refuse_others(path, found.st_mode)
        data = b"" if found.st_size > most else file.read(most + 1)
    if found.st_size > most or len(data) > most:
        raise GcprotoError(
            f"{path} is too large", why=f"files of at most {most >> 20} MiB are read here", code=ExitCode.USAGE
        )
    return data


def see_that_it_is_regular(path: Path) -> None:
    """Check that a file which other libraries read ends.

    Args:
        path: of it.

    Raises:
        OSError: there is none.
        GcprotoError: it is something else than a regular file.

    """
    _refuse_others(path, path.stat().st_mode)


def _refuse_others(path: Path, mode: int) -> None:
    kind = next((text for is_kind, text in KINDS if is_kind(mode)), "")
    if kind:
        raise GcprotoError(f"{path} is {kind}", why="a regular file is read here", code=ExitCode.USAGE)


def see_that_it_can_be_made(path: Path, remedy: str) -> None:
    """Check that a file is writable, before its content is measured.

    Args:
        path: of the file, which may exist.
        remedy: remedy if it is not writable.

    Raises:
        GcprotoError: there is no such folder, or permission is missing.

    """
    folder = path.absolute().parent
    if path.is_dir():
        why = "it is a folder"
    elif not folder.is_dir():
        why = f"there is not a folder {folder}"
    elif not os.access(path if path.exists() else folder, os.W_OK):
        why = "permission is missing, or the file system is read-only"
    else:
        return
    raise GcprotoError(f"{path} can't be written", why=why, remedy=remedy, code=ExitCode.WRITE)
