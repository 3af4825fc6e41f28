"""Memory that a run may use: what the machine has available, and the limits that apply to this process.

A memory cgroup below the machine's size would end a run by the OOM killer.  So the limits of all levels are
read: ``memory.max`` and ``memory.high`` of cgroup v2, ``memory.limit_in_bytes`` of v1, from this process's group up to
the root that is mounted here.  Page cache that a group can drop counts as available, as in MemAvailable.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gcproto.errors import GcprotoError
from gcproto.host.kernel_files import read
from gcproto.process.limits import address_space

PROGRAM = 512 << 20
"""Bytes of addresses of a process without compiled code, in addition to what it measures; 430 MiB were seen."""
UNLIMITED = 1 << 62
"""cgroup v1 reports the largest number if there is no limit."""
HEAP_PROGRAM = 1280 << 20
"""The same with compiled code."""
THREAD = 72 << 20
"""The same per thread: a stack, and 64 MiB for its allocator."""
RESIDENT = 192 << 20
"""Bytes of memory of a command and its worker, in addition to what they measure; 180 MiB were seen."""


@dataclass(frozen=True)
class Room:
    """Memory that can be used.

    Attributes:
        bytes: of it;  limit: the limit, in words.

    """

    bytes: int
    limit: str


def available() -> Room | None:
    """The least of what the machine and the memory cgroups allow; None if the kernel does not report it."""
    rooms = [*_machine(), *cgroups()]
    return min(rooms, key=lambda one: one.bytes, default=None)


def need(what: str, count: int, remedy: str, *, program: int = PROGRAM, threads: int = 0, why: str = "") -> None:
    """Check that memory suffices, before anything is measured.

    Args:
        what: subject of the message: ``a heap of 12 MiB``.
        count: bytes that it needs.
        remedy: remedy if memory is missing.
        program: bytes of addresses of its worker.
        threads: further threads of the worker, each with its own addresses.
        why: reason for the size, in words, or "".

    Raises:
        GcprotoError: the machine, a cgroup or ``ulimit -v`` does not allow it.

    """
    rooms = [(room, RESIDENT) for room in (*_machine(), *cgroups())]
    addresses = address_space()
    if addresses is not None:
        rooms.append((Room(addresses, f"ulimit -v is {addresses >> 20} MiB"), program + threads * THREAD))
    for room, itself in sorted(rooms, key=lambda one: one[0].bytes - one[1]):
        if count + itself > room.bytes:
            needed = f"{_mib(count)} MiB are needed{f' ({why})' if why else ''} and {itself >> 20} MiB for the program"
            raise GcprotoError(
                f"{what} does not fit",
                why=f"{needed}, {room.bytes >> 20} MiB are available: {room.limit}",
                remedy=remedy,
            )


def _mib(count: int) -> int:
    return -(-count >> 20)


def _machine() -> Iterator[Room]:
    found = re.search(r"^MemAvailable: +(\d+) kB", read("/proc/meminfo") or "", re.M)
    if found:
        yield Room(int(found[1]) * 1024, "MemAvailable of this machine")


def cgroups(proc: Path = Path("/proc/self")) -> Iterator[Room]:
    """Memory that each cgroup above this process still allows, if it has a limit.

    Args:
        proc: folder with ``cgroup`` and ``mountinfo`` of the process.

    """
    mounts = list(_mounts(read(proc / "mountinfo") or ""))
    for line in (read(proc / "cgroup") or "").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0":
            kind, files, usage = "cgroup2", ["memory.max", "memory.high"], "memory.current"
        elif "memory" in controllers.split(","):
            kind, files, usage = "memory", ["memory.limit_in_bytes"], "memory.usage_in_bytes"
        else:
            continue
        for folder in _levels(path, kind, mounts):
            for name in files:
                limit = (read(folder / name) or "").strip()
                if limit.isdigit() and int(limit) < UNLIMITED:  # v2 says "max"
                    text = f"{folder / name} is {int(limit) >> 20} MiB"
                    yield Room(max(0, int(limit) - _unreclaimable(folder, usage)), text)


def limits() -> list[str]:
    """The limits of all memory cgroups above this process, for the record of a run."""
    return [one.limit for one in cgroups()]


def _mounts(mountinfo: str) -> Iterator[tuple[str, str, Path]]:
    """Kind (``cgroup2``, or ``memory`` of v1), root and place of each mounted hierarchy."""
    for line in mountinfo.splitlines():
        front, _, back = line.partition(" - ")
        fields, kind = front.split(), back.split()
        if kind[:1] == ["cgroup2"]:
            yield "cgroup2", _plain(fields[3]), Path(_plain(fields[4]))
        elif kind[:1] == ["cgroup"] and "memory" in kind[-1].split(","):
            yield "memory", _plain(fields[3]), Path(_plain(fields[4]))


def _plain(field: str) -> str:
    """A field of mountinfo without its octal escapes, as of a space."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field)


def _levels(path: str, kind: str, mounts: list[tuple[str, str, Path]]) -> Iterator[Path]:
    """Folders of a group and of its parents, as far as they are visible here."""
    for mounted, root, place in mounts:
        if mounted != kind:
            continue
        # If only a part of the hierarchy is mounted, as in a container, names begin with the part's root.
        below = path.removeprefix(root) if root != "/" and path.startswith(root) else path
        folder = place / below.strip("/")
        while True:
            if folder.is_dir():
                yield folder
            if folder == place or place not in folder.parents:
                return
            folder = folder.parent


def _unreclaimable(folder: Path, usage: str) -> int:
    """Bytes of a group that it can't drop at once."""
    used = read(folder / usage)
    found = dict(re.findall(r"^(\w+) (\d+)$", read(folder / "memory.stat") or "", re.M))
    total = "total_" if usage == "memory.usage_in_bytes" else ""  # v1 counts child groups separately
    cache = sum(int(found.get(f"{total}{name}", 0)) for name in ("inactive_file", "active_file"))
    return max(0, int(used) - cache) if used and used.strip().isdigit() else 0
