"""A build tree's copy of its source: only files that differ are written.

make rebuilds what is newer than its objects.  So a file that a patch changed, or that loses its patch, is written, and
every other file keeps its time. Between two patches of mm/userfaultfd.c one object is compiled.
"""

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec

from gcproto.kernels import cache
from gcproto.kernels.build import source
from gcproto.kernels.build.source import Origin
from gcproto.process.outputs import replace_with


class State(msgspec.Struct):
    """The contents of a copy.

    Attributes:
        origin: identity of the source; "" if it may change.
        files: by path: size and time of the source's file, or the SHA256 of what a patch made.
        patched: paths whose contents are of a patch, or that a patch deleted.

    """

    origin: str = ""
    files: dict[str, str] = {}
    patched: list[str] = []


def sync(origin: Origin, overlay: Mapping[str, bytes | None], folder: Path, record: Path) -> tuple[str, list[str]]:
    """Bring a copy of a source with patches up to date.

    Args:
        origin: the source.
        overlay: contents by path that differ from it; None: deleted.
        folder: the copy, made if it is missing.
        record: file that remembers what the copy holds.

    Returns:
        A digest of the contents, and the paths that were written or deleted (all of them, in a new copy).

    Raises:
        GcprotoError: the disk is full, or permission is missing.

    """
    state = _load(record)
    # A source that never changes is not scanned again.
    if origin.fixed and state.origin == origin.identity:
        base = {name: mark for name, mark in state.files.items() if name not in state.patched}
        for name in state.patched:
            path = Path(origin.folder) / name
            if path.is_symlink() or path.exists():
                base[name] = _mark(path.lstat())
    else:
        base = {name: _mark(found) for name, found in source.files(origin)}
    wanted = dict(base)
    for name, data in overlay.items():
        wanted.pop(name, None)
        if data is not None:
            wanted[name] = hashlib.sha256(data).hexdigest()
    changed = [name for name, mark in wanted.items() if state.files.get(name) != mark]
    gone = [name for name in state.files if name not in wanted]
    if changed or gone or not folder.exists():
        with cache.writing(str(folder)):
            folder.mkdir(parents=True, exist_ok=True)
            # If this is interrupted, the state of files about to change is unknown.
            unsure = {name: mark for name, mark in state.files.items() if name not in {*changed, *gone}}
            _save(record, State("", unsure | dict.fromkeys(gone, "?"), list(overlay)))
            for name in gone:
                (folder / name).unlink(missing_ok=True)
            for name in changed:
                _write(origin, name, overlay.get(name), folder)
            _save(record, State(origin.identity, wanted, list(overlay)))
    if origin.fixed:
        contents = origin.identity + repr(sorted((name, wanted.get(name)) for name in overlay))
    else:
        contents = repr(sorted(wanted.items()))
    return hashlib.sha256(contents.encode()).hexdigest(), [*changed, *gone]


def _mark(found: os.stat_result) -> str:
    return f"{found.st_size} {found.st_mtime_ns}"


def _write(origin: Origin, name: str, data: bytes | None, folder: Path) -> None:
    """Write one file, never in place: it may be a link into a source that must not change."""
    target, base = folder / name, Path(origin.folder) / name
    if data is None and origin.fixed and target.exists() and target.samefile(base) and not target.is_symlink():
        return  # already a link to it
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.gcproto")
    temporary.unlink(missing_ok=True)
    if data is not None:
        temporary.write_bytes(data)
        if base.exists():
            shutil.copymode(base, temporary)
        elif name.endswith(".sh"):
            temporary.chmod(0o755)
    elif base.is_symlink():
        temporary.symlink_to(base.readlink())
    elif origin.fixed and not target.exists():
        os.link(base, temporary)
    else:  # a copy with the current time: make must see the change even if the source's file is older
        shutil.copyfile(base, temporary)
        shutil.copymode(base, temporary)
    temporary.replace(target)


def _load(record: Path) -> State:
    try:
        return msgspec.json.decode(record.read_bytes(), type=State)
    except (OSError, msgspec.DecodeError):
        return State()


def _save(record: Path, state: State) -> None:
    replace_with(record, msgspec.json.encode(state))
