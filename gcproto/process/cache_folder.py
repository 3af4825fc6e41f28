"""The folder of compiled code between runs: the user's cache folder, or a private temporary one.

Compiled code is loaded as code, so a folder counts only if it belongs to this user and no other user can write it.
"""

import os
import stat
import tempfile
from functools import cache
from pathlib import Path

from gcproto.process import ending

VARIABLE = "NUMBA_CACHE_DIR"
"""Environment variable that names another folder. It also tells workers the choice."""

_at_exit: "list[tempfile.TemporaryDirectory[str]]" = []


@cache
def settle() -> Path:
    """The folder. If the usual one is unusable, a single message names the other one; later workers use it too."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given).expanduser()
    from platformdirs import user_cache_path

    usual = user_cache_path("gcproto")
    why = objection(usual)
    if not why:
        return usual
    folder = _temporary()
    os.environ[VARIABLE] = str(folder)
    ending.say(f"files kept between runs are in {folder}: {why}")
    return folder


def for_matplotlib() -> None:
    """Make matplotlib draw without a screen, with its list of fonts in our folder if the user's is unusable."""
    os.environ["MPLBACKEND"] = "agg"
    if VARIABLE not in os.environ and "MPLCONFIGDIR" not in os.environ:
        folder = settle()
        if VARIABLE in os.environ:
            os.environ["MPLCONFIGDIR"] = str(folder / "matplotlib")


def _temporary() -> Path:
    """A folder of this user that the next run finds again, or one for this run alone."""
    lasting = Path(tempfile.gettempdir()) / f"gcproto-{os.getuid()}"
    if not objection(lasting, private=True):
        return lasting
    _at_exit.append(tempfile.TemporaryDirectory(prefix="gcproto-cache-"))
    return Path(_at_exit[0].name)


def objection(folder: Path, *, private: bool = False) -> str:
    """The reason why a folder can't be used; "" if it can. It is made if it is missing.

    Args:
        folder: the folder.
        private: every user may write beside it, so it must have been made for this user alone.

    """
    try:
        folder.mkdir(mode=0o700, parents=not private, exist_ok=True)
        found = folder.lstat() if private else folder.stat()  # do not follow a link of another user
    except OSError as error:
        return f"{folder} can't be made ({error.strerror})"
    if not stat.S_ISDIR(found.st_mode):
        return f"{folder} is not a folder"
    if found.st_uid != os.getuid():
        return f"{folder} belongs to another user"
    if found.st_mode & (0o077 if private else 0o022):
        return f"{folder} can be {'used' if private else 'written'} by other users"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"{folder} can't be written"
    return ""
