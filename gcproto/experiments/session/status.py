"""The status of a run, from its process to the command that watches: a small file that is replaced as a whole."""

import contextlib
import os
from pathlib import Path

import msgspec

EVERY_SECONDS = 0.2


class Status(msgspec.Struct):
    """A run so far.

    Attributes:
        label: mode and heap.
        seconds: since it began.
        phase: of the collection that is under way; "" between collections.
        collections: finished.
        moved, copied, after_ebusy, zeroed: pages by what became of them, in all collections; faults of the one under
            way are in it already.
        ebusy: refusals.
        faults: served by mutators.
        last_pause_ms, longest_pause_ms: with the time to stop.

    """

    label: str = ""
    seconds: float = 0.0
    phase: str = ""
    collections: int = 0
    moved: int = 0
    copied: int = 0
    after_ebusy: int = 0
    zeroed: int = 0
    ebusy: int = 0
    faults: int = 0
    last_pause_ms: float = 0.0
    longest_pause_ms: float = 0.0

    @property
    def faults_per_second(self) -> float:
        """Since the run began."""
        return self.faults / self.seconds if self.seconds else 0.0


def write(path: str, status: Status) -> None:
    """Replace the file; a process that can't write it goes on."""
    temporary = f"{path}.{os.getpid()}"
    with contextlib.suppress(OSError):
        Path(temporary).write_bytes(msgspec.json.encode(status))
        Path(temporary).replace(path)


def read(path: str) -> Status | None:
    """The last one; None if there is none yet."""
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=Status)
    except (OSError, msgspec.DecodeError):
        return None
