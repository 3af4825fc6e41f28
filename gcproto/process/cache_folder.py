"""Where compiled code and the like are kept between runs: the user's cache folder, or a private temporary one.

Compiled code is loaded as code, so a folder counts only if it belongs to this user and nobody else can write it.
"""

import os
import stat
import tempfile
from functools import cache
from pathlib import Path

from gcproto.process import ending

VARIABLE = "NUMBA_CACHE_DIR"
"""Environment variable that names another folder; workers learn from it what was chosen."""

_at_exit: "list[tempfile.TemporaryDirectory[str]]" = []


@cache
def settle() -> Path:
    """The folder; what it is where the usual one can't be used is said once, also to workers that begin later."""
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
    ending.say(f"what is kept between runs is in {folder}: {why}")
    return folder


def for_matplotlib() -> None:
    """Have matplotlib draw without a screen, its list of fonts with us where the user's folders can't be used."""
    os.environ["MPLBACKEND"] = "agg"
    if VARIABLE not in os.environ and "MPLCONFIGDIR" not in os.environ:
        folder = settle()
        if VARIABLE in os.environ:
            os.environ["MPLCONFIGDIR"] = str(folder / "matplotlib")


def _temporary() -> Path:
    """A folder of this user that the next run finds again, or else one for this run alone."""
    lasting = Path(tempfile.gettempdir()) / f"gcproto-{os.getuid()}"
    if not objection(lasting, private=True):
        return lasting
    _at_exit.append(tempfile.TemporaryDirectory(prefix="gcproto-cache-"))
    return Path(_at_exit[0].name)


def objection(folder: Path, *, private: bool = False) -> str:
    """Why a folder, which is made if it is not there, can't be used; "" if it can.

    Args:
        folder: the folder.
        private: it stands where everybody may write, and must have been made for this user alone.

    """
    try:
        folder.mkdir(mode=0o700, parents=not private, exist_ok=True)
        found = folder.lstat() if private else folder.stat()  # not where a link of another user leads
    except OSError as error:
        return f"{folder} can't be made ({error.strerror})"
    if not stat.S_ISDIR(found.st_mode):
        return f"{folder} is no folder"
    if found.st_uid != os.getuid():
        return f"{folder} belongs to another user"
    if found.st_mode & (0o077 if private else 0o022):
        return f"{folder} can be {'used' if private else 'written'} by other users"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"{folder} can't be written"
    return ""
