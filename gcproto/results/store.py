"""Result files: one for each run, written atomically."""

import contextlib
import errno
import os
import tempfile
from pathlib import Path

import msgspec

from gcproto.errors import ExitCode, GcprotoError
from gcproto.process import interrupts
from gcproto.process.files import read_regular
from gcproto.process.outputs import replace_with
from gcproto.results.reading.document import Unsound, neutral
from gcproto.results.reading.sound import faults
from gcproto.results.reading.text import clean, short_enough
from gcproto.results.schema import SCHEMA, Result
from gcproto.results.upgrade import upgraded

OLD_SCHEMA = "gcproto.result/1"
LARGEST = 1 << 28
"""Limit of bytes of a file. The largest results (heaps with a map of every collection) have a tenth of that."""
PROBE = 16384
"""Bytes that a folder for outputs must take before the work begins; a small result has as many."""
WHY = 500
"""Limit of characters of an error about a file."""
NOT_OURS = "give a file that `gcproto bench` or another command wrote"
DAMAGED = "the file was changed or damaged after it was written: measure again, or restore it"


class _Head(msgspec.Struct):
    """The part of a document that identifies it."""

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
    """Make the folder of --out and check that it is writable, and not full, before a work of minutes begins.

    Raises:
        GcprotoError: it is not writable.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".probe-") as probe:
            probe.write(bytes(PROBE))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        raise cannot_write(folder, error) from error


@interrupts.held()
def save(result: Result, folder: Path) -> Path:
    """Write a result into a folder, atomically; signals are delayed until it exists.

    Returns:
        The new file.

    Raises:
        GcprotoError: the disk is full, or permission is missing. No partial file remains, and the result is kept in the
            folder for temporary files if it can be.
    """
    name = file_name(result)
    data = msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n"
    try:
        return _write(data, folder / name)
    except OSError as error:
        raise cannot_write(folder / name, error, _keep_elsewhere(data, name)) from error


def _write(data: bytes, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    replace_with(target, data)
    descriptor = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return target


def _keep_elsewhere(data: bytes, name: str) -> Path | None:
    """What was measured is not lost because a disk has become full meanwhile."""
    with contextlib.suppress(OSError):
        folder = Path(tempfile.mkdtemp(prefix="gcproto-"))
        try:
            return _write(data, folder / name)
        except OSError:
            folder.rmdir()
    return None


def cannot_write(path: Path, error: OSError, kept: Path | None = None) -> GcprotoError:
    """The error for users of a file or folder that --out names.

    Args:
        path: that can't be written.
        error: why.
        kept: where its contents are now, if they were saved elsewhere.

    """
    remedy = "choose another folder with --out"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        remedy = "free some space, or " + remedy
    if kept:
        remedy = f"the result is in {kept}: move it from there"
    why = error.strerror or str(error)
    return GcprotoError(f"{path} can't be written", why=why, remedy=remedy, code=ExitCode.WRITE)


def load(path: Path) -> Result:
    """Read a result, of this version or the one before it, and check that it is sound.

    Everything that reads results does it by this: the texts can be printed, the numbers are in bounds, and nothing
        contradicts itself (gcproto.results.reading.document, gcproto.results.reading.sound).

    Raises:
        GcprotoError: there is no such file, or it is not a usable result. No other exception is raised for any content.
    """
    name = clean(str(path))

    def refuse(why: str, remedy: str = "") -> GcprotoError:
        return GcprotoError(
            f"{name} is not a usable result", why=clean(short_enough(why, WHY)), remedy=remedy, code=ExitCode.USAGE
        )

    try:
        data = read_regular(path, LARGEST)
    except GcprotoError as error:
        raise refuse(f"{error.what}; {error.why}", NOT_OURS) from error
    except (OSError, ValueError) as error:
        raise refuse(getattr(error, "strerror", None) or str(error)) from error
    try:
        document = msgspec.json.decode(data)
        head = msgspec.convert(document, _Head)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise refuse(f"it is not the JSON of a result: {error}", NOT_OURS) from error
    if head.schema not in {SCHEMA, OLD_SCHEMA}:
        known = f"this program knows {SCHEMA!r} and {OLD_SCHEMA!r}"
        said = f"its schema is {head.schema!r}, {known}" if head.schema else "it names no schema"
        raise refuse(said, "use the version of gcproto that wrote it, or a newer one")
    try:
        document = neutral(document)
        result = upgraded(document) if head.schema == OLD_SCHEMA else msgspec.convert(document, Result, str_keys=True)
        why = next(faults(result), "")
    except Unsound as error:
        raise refuse(str(error), DAMAGED) from error
    except msgspec.ValidationError as error:
        raise refuse(f"a field does not match {head.schema}: {error}", DAMAGED) from error
    if why:
        raise refuse(why, DAMAGED)
    return result
