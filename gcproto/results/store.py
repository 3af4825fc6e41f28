"""Result files: one for each run, written whole or not at all."""

import errno
import os
import tempfile
from pathlib import Path

import msgspec

from gcproto.errors import ExitCode, GcprotoError
from gcproto.process import interrupts
from gcproto.process.files import read_regular
from gcproto.results.schema import SCHEMA, Result
from gcproto.results.upgrade import upgraded

OLD_SCHEMA = "gcproto.result/1"

MOST_BYTES = 512 << 20
"""Of a result's file."""


class _Head(msgspec.Struct):
    """Enough of a document to tell what it is."""

    schema: str = ""


def file_name(result: Result) -> str:
    """``paths-6.18.44-20261123T203002Z-0123456789ab.json``: by producer, kernel, time and run."""
    release = str(result.environment.get("kernel", {}).get("release", "unknown"))
    when = result.producer.started.replace("-", "").replace(":", "").replace("+0000", "Z")
    kind = str(result.experiment.__struct_config__.tag)
    parts = (kind, release, when, result.run_id)
    return "-".join("".join(c if c.isalnum() or c in "._+" else "_" for c in part) for part in parts) + ".json"


@interrupts.held()
def prepare(folder: Path) -> None:
    """Make the folder and see that it can be written, before minutes are spent on measuring.

    Raises:
        GcprotoError: it can't.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".probe-"):
            pass
    except OSError as error:
        raise _cannot_write(folder, error) from error


@interrupts.held()
def save(result: Result, folder: Path) -> Path:
    """Write a result into a folder, atomically; signals wait until it is there.

    Returns:
        The new file.

    Raises:
        GcprotoError: the disk is full, or permission is missing; nothing is left behind then.
    """
    target = folder / file_name(result)
    temporary = folder / f".{target.name}.part"
    data = msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        try:
            temporary.unlink(missing_ok=True)
        except OSError as second:
            error.add_note(f"{temporary} could not be removed: {second}")
        raise _cannot_write(target, error) from error
    return target


def _cannot_write(path: Path, error: OSError) -> GcprotoError:
    remedy = "choose another folder with --out"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        remedy = "free some space, or " + remedy
    why = error.strerror or str(error)
    return GcprotoError(f"{path} can't be written", why=why, remedy=remedy, code=ExitCode.WRITE)


def load(path: Path) -> Result:
    """Read a result.

    Raises:
        GcprotoError: there is no such file, or it is no result of a version that this program knows.
    """

    def refuse(why: str, remedy: str = "") -> GcprotoError:
        return GcprotoError(f"{path} is no usable result", why=why, remedy=remedy, code=ExitCode.USAGE)

    try:
        data = read_regular(path, MOST_BYTES)
    except OSError as error:
        raise refuse(error.strerror or str(error)) from error
    try:
        head = msgspec.json.decode(data, type=_Head)
    except (msgspec.DecodeError, RecursionError) as error:
        raise refuse(f"it is not JSON of a result: {error}", "give a file that `gcproto bench` wrote") from error
    if head.schema not in {SCHEMA, OLD_SCHEMA}:
        known = f"this program knows {SCHEMA!r} and {OLD_SCHEMA!r}"
        said = f"its schema is {head.schema!r}, {known}" if head.schema else "it names no schema"
        raise refuse(said, "use the version of gcproto that wrote it, or a newer one")
    try:
        if head.schema == OLD_SCHEMA:
            return upgraded(msgspec.json.decode(data))
        return msgspec.json.decode(data, type=Result)
    except (msgspec.DecodeError, RecursionError) as error:
        raise refuse(f"a field is not as {head.schema} says: {error}") from error
