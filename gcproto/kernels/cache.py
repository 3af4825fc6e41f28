"""The folder of kernels and programs for guests: ``GCPROTO_CACHE``, or the user's cache folder."""

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from gcproto.errors import ExitCode, GcprotoError

FULL = tuple(map(os.strerror, (errno.ENOSPC, errno.EDQUOT)))
"""What programs say of a full disk."""
ELSEWHERE = "GCPROTO_CACHE names another folder for kernels"


def folder(name: str = "") -> Path:
    """The cache, or a folder in it, which may not exist yet."""
    from platformdirs import user_cache_path

    root = os.environ.get("GCPROTO_CACHE")
    return (Path(root) if root else user_cache_path("gcproto")) / "kernels" / name


@contextmanager
def writing(what: str) -> Iterator[None]:
    """Turn errors of the disk into messages.

    Raises:
        GcprotoError: the disk is full, or permission is missing.

    """
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR}:
            raise
        remedy = f"{ELSEWHERE}, TMPDIR one for what a guest needs while it runs"
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            remedy = "free some space; " + remedy
        raise GcprotoError(
            f"{what} can't be written",
            why=f"{error.strerror}: {error.filename}" if error.filename else str(error.strerror),
            remedy=remedy,
            code=ExitCode.WRITE,
        ) from error


def see_that_space_was_left(what: str, said: str, place: Path) -> None:
    """See that a program which failed did not fail for lack of space.

    Args:
        what: could not be done.
        said: all that the program said.
        place: that it wrote into.

    Raises:
        GcprotoError: the disk is full.

    """
    full = next((text for text in FULL if text in said), "")
    if full:
        raise GcprotoError(
            what,
            why=f"{full}: {place}",
            remedy=f"free some space (the build of a kernel takes 2 GiB); {ELSEWHERE}",
            code=ExitCode.WRITE,
        )


@contextmanager
def whole(target: Path, *, replace: bool = False) -> Iterator[Path]:
    """A folder that appears at `target` only when it is complete.

    Args:
        target: where.
        replace: replaces an existing one; otherwise the existing one stays, because another process made an equal copy.

    """
    with writing(str(target)):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            yield temporary
            if target.exists() and not replace:
                shutil.rmtree(temporary)
                return
            temporary.chmod(0o755)
            if target.exists():
                aside = Path(tempfile.mkdtemp(prefix=f".old-{target.name}-", dir=target.parent))
                target.rename(aside / "old")
                temporary.rename(target)
                shutil.rmtree(aside, ignore_errors=True)
            else:
                temporary.rename(target)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


@contextmanager
def alone(target: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Lock a folder for one process. It is made if it is missing.

    Args:
        target: the folder.
        waiting: is called if another process is in it.

    """
    with writing(str(target)):
        target.mkdir(parents=True, exist_ok=True)
        lock = FileLock(target / "lock", mode=0o644)
    try:
        with writing(str(target)):
            lock.acquire(timeout=0)
    except Timeout:
        waiting()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
