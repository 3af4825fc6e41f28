"""Files that commands write for users: atomically, never over an input, never in place of a device."""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gcproto.errors import ExitCode, GcprotoError


def see_that_outputs_are_new(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Check that no output is an input or another output.

    Args:
        outputs: files that will be written.
        inputs: files and folders that are read.

    Raises:
        GcprotoError: one of them is; nothing was written.

    """
    read = {place.resolve() for given in inputs for place in _files(given)}
    seen: set[Path] = set()
    for output in outputs:
        if output.name in {"", ".."}:
            raise GcprotoError(f"{str(output)!r} is not the name of a file", code=ExitCode.USAGE)
        real = output.resolve()
        if real in read:
            raise GcprotoError(
                f"{output} is one of the results that are read",
                why="writing it would lose the measurements",
                remedy="choose another file",
                code=ExitCode.USAGE,
            )
        if real in seen:
            raise GcprotoError(f"{output} is to be written twice", remedy="name two files", code=ExitCode.USAGE)
        seen.add(real)


def _files(place: Path) -> list[Path]:
    return sorted(place.glob("*.json")) if place.is_dir() else [place]


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A file beside `target`, which takes its place when it is complete and is removed otherwise.

    Args:
        target: the file to write, in a folder that exists.

    Raises:
        OSError: it can't be written.

    """
    part = target.with_name(f".{target.name}.part")
    try:
        yield part
        part.replace(target)
    except BaseException as error:
        try:
            part.unlink(missing_ok=True)
        except OSError as second:
            error.add_note(f"{part} could not be removed: {second}")
        raise


def replace_with(target: Path, data: bytes) -> None:
    """Write a file, whole or not at all.

    Args:
        target: the file, in a folder that exists.
        data: its contents.

    Raises:
        OSError: it can't be written; it is then unchanged.

    """
    with replacing(target) as part, part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def write_whole(path: Path, text: str) -> None:
    """Write a text: a regular file is replaced when it is complete, a device or a pipe is written into.

    Args:
        path: of the file; links are followed.
        text: its contents.

    Raises:
        GcprotoError: it can't be written; a regular file is then unchanged.

    """
    data = text.encode("utf-8", errors="replace")
    target = path.resolve()
    try:
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):
            target.write_bytes(data)
        else:
            replace_with(target, data)
    except OSError as error:
        why = error.strerror or str(error)
        raise GcprotoError(
            f"{path} can't be written", why=why, remedy="choose another file", code=ExitCode.WRITE
        ) from error
