"""The journal of changed settings: each undo is recorded before its change, so SIGKILL leaves no changed setting.

The journal is under /run, which a reboot empties like the settings. A process that changes settings holds the lock
beside it. A journal with a free lock belongs to a process that died.
"""

import fcntl
import os
import time
from pathlib import Path

import msgspec

from gcproto.errors import GcprotoError
from gcproto.process.outputs import replace_with

FOLDER = Path(os.environ.get("GCPROTO_STATE", "/run/gcproto"))

PATIENCE_SECONDS = 1.0
"""How long a process waits for the lock. A command that starts takes it for a moment, to look for a dead process."""
RETRY_SECONDS = 0.01


class FileUndo(msgspec.Struct, frozen=True, tag="file"):
    """Write ``before`` into a file under /sys or /proc."""

    path: str
    before: str


class SwapUndo(msgspec.Struct, frozen=True, tag="swap"):
    """Take a device out of the swap space."""

    device: str


class ZramUndo(msgspec.Struct, frozen=True, tag="zram"):
    """Remove the zram devices that did not exist before (number None: it died before it recorded one)."""

    before: tuple[int, ...]
    number: int | None = None


class LoopUndo(msgspec.Struct, frozen=True, tag="loop"):
    """Detach the loop devices on a file, and delete the file."""

    backing_file: str


class GroupUndo(msgspec.Struct, frozen=True, tag="group"):
    """Remove a memory cgroup."""

    folder: str


Undo = FileUndo | SwapUndo | ZramUndo | LoopUndo | GroupUndo


class _Document(msgspec.Struct):
    pid: int
    undo: list[Undo]


class LockedElsewhereError(GcprotoError):
    """Another process is changing settings."""


def _flock(lock: int, kind: int) -> bool:
    """Whether the lock was free: it is held now."""
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Journal:
    """The list of undo entries, newest last.

    Raises:
        LockedElsewhereError: on entering, while another process holds the journal.
        GcprotoError: the folder can't be written.

    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder
        self.path = folder / "journal.json"
        self.entries: list[Undo] = []
        self._lock: int | None = None

    def acquire(self, patience: float = PATIENCE_SECONDS) -> None:
        """Take the lock and read the entries of a dead process.

        Args:
            patience: seconds to wait for a process that holds the lock.

        Raises:
            LockedElsewhereError: it still holds the lock then.
            GcprotoError: the folder can't be written, or the journal can't be read.

        """
        try:
            self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise GcprotoError(
                f"the journal of changed settings can't be kept in {self.folder}",
                why=error.strerror or str(error),
                remedy="set GCPROTO_STATE to a writable folder",
            ) from error
        deadline = time.monotonic() + patience
        while not _flock(self._lock, fcntl.LOCK_EX):
            if time.monotonic() >= deadline:
                os.close(self._lock)
                self._lock = None
                raise LockedElsewhereError(
                    "another gcproto process is changing settings of this machine",
                    why=f"{self.folder / 'lock'} is locked",
                    remedy="wait until it ends: two runs at once would also disturb each other's figures",
                )
            time.sleep(RETRY_SECONDS)
        self.entries = self._read()

    def is_held(self) -> bool:
        """Whether a live process holds the lock; needs no privilege."""
        try:
            lock = os.open(self.folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            return not _flock(lock, fcntl.LOCK_SH)
        finally:
            os.close(lock)

    def release(self) -> None:
        """Release the lock. Remaining entries stay on record for the next process."""
        if self._lock is not None:
            # Closing is not enough: a live child of fork(2) (a row of the contract) also has it open.
            fcntl.flock(self._lock, fcntl.LOCK_UN)
            os.close(self._lock)
            self._lock = None

    def add(self, entry: Undo) -> None:
        """Record how to undo the next change. It is on record when this returns."""
        self.entries.append(entry)
        self._write()

    def drop(self, entry: Undo) -> None:
        """Remove an entry that was undone."""
        self.entries.remove(entry)
        self._write()

    def replace(self, old: Undo, new: Undo) -> None:
        """Replace an entry by a more exact one."""
        self.entries[self.entries.index(old)] = new
        self._write()

    def _read(self) -> list[Undo]:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return []
        try:
            return msgspec.json.decode(data, type=_Document).undo
        except msgspec.DecodeError as error:
            raise GcprotoError(
                f"{self.path} is damaged, so the settings to restore are unknown",
                why=str(error),
                remedy="check the settings (gcproto doctor lists them), then delete the file",
            ) from error

    def _write(self) -> None:
        if not self.entries:
            self.path.unlink(missing_ok=True)
            return
        replace_with(self.path, msgspec.json.encode(_Document(os.getpid(), self.entries)))
