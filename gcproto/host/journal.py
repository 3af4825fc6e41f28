"""The journal: what has to be undone is on record before it is done, so that SIGKILL can't leave a setting behind.

The journal lies under /run, which a reboot empties like the settings themselves.  Whoever changes settings holds the
lock beside it for as long; a journal with a free lock belongs to a process that died.
"""

import fcntl
import os
from pathlib import Path

import msgspec

from gcproto.errors import GcprotoError

FOLDER = Path(os.environ.get("GCPROTO_STATE", "/run/gcproto"))


class FileUndo(msgspec.Struct, frozen=True, tag="file"):
    """Write ``before`` into a file under /sys or /proc."""

    path: str
    before: str


class SwapUndo(msgspec.Struct, frozen=True, tag="swap"):
    """Take a device out of the swap space."""

    device: str


class ZramUndo(msgspec.Struct, frozen=True, tag="zram"):
    """Remove the zram devices that were not there before (number None: it died between making one and noting which)."""

    before: tuple[int, ...]
    number: int | None = None


class LoopUndo(msgspec.Struct, frozen=True, tag="loop"):
    """Detach the loop devices on a file, and delete the file."""

    backing_file: str


Undo = FileUndo | SwapUndo | ZramUndo | LoopUndo


class _Document(msgspec.Struct):
    pid: int
    undo: list[Undo]


class LockedElsewhereError(GcprotoError):
    """Another process is changing settings now."""


class Journal:
    """The list of what is to be undone, newest last.

    Raises:
        LockedElsewhereError: on entering, while another process holds the journal.
        GcprotoError: the folder can't be written.

    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder
        self.path = folder / "journal.json"
        self.entries: list[Undo] = []
        self._lock: int | None = None

    def acquire(self) -> None:
        """Take the lock and read what a dead process may have left."""
        try:
            self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise GcprotoError(
                f"the journal of changed settings can't be kept in {self.folder}",
                why=error.strerror or str(error),
                remedy="set GCPROTO_STATE to a folder that can be written",
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            self._lock = None
            raise LockedElsewhereError(
                "another gcproto process is changing settings of this machine",
                why=f"{self.folder / 'lock'} is locked",
                remedy="wait until it ends: two runs at once would also disturb each other's figures",
            ) from None
        self.entries = self._read()

    def is_held(self) -> bool:
        """Whether a process that lives holds the lock; needs no privilege."""
        try:
            lock = os.open(self.folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def release(self) -> None:
        """Give the lock back; entries that are left stay on record for the next process."""
        if self._lock is not None:
            # Closing is not enough: a child of fork(2) that still lives (a row of the contract) has it open, too.
            fcntl.flock(self._lock, fcntl.LOCK_UN)
            os.close(self._lock)
            self._lock = None

    def add(self, entry: Undo) -> None:
        """Record how to undo what comes next; it is on record when this returns."""
        self.entries.append(entry)
        self._write()

    def drop(self, entry: Undo) -> None:
        """Forget what was undone."""
        self.entries.remove(entry)
        self._write()

    def replace(self, old: Undo, new: Undo) -> None:
        """Say more exactly how to undo something."""
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
                f"{self.path} is damaged, so it is not known which settings to put back",
                why=str(error),
                remedy="check the settings by hand (gcproto doctor lists them), then delete the file",
            ) from error

    def _write(self) -> None:
        if not self.entries:
            self.path.unlink(missing_ok=True)
            return
        temporary = self.path.with_suffix(".part")
        with temporary.open("wb") as file:
            file.write(msgspec.json.encode(_Document(os.getpid(), self.entries)))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path)
