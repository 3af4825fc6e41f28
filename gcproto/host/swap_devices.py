"""Temporary swap devices, by the machine's tools. They can be removed when only their name is known.

zram is synchronous: a folio that was swapped out leaves the swap cache at once. A loop device is not: its folios stay
in the swap cache until reclaim frees them. A block device takes large folios whole; a swap file would not.
"""

import os
import shutil
import stat
import subprocess
import time
from pathlib import Path

from gcproto.process import interrupts

ZRAM_CONTROL = Path("/sys/class/zram-control")
PRIORITY = 32767
"""The highest priority: pages only go to our device."""

COMMAND_SECONDS = 60


class CommandFailed(Exception):  # noqa: N818 - callers turn it into an error for people
    """A tool is missing or failed; the text names it and its message."""


def _run(*command: str) -> str:
    program = shutil.which(command[0], path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        raise CommandFailed(f"{command[0]} is not installed (Debian: util-linux, mount)")
    try:
        # Half a swapoff restores nothing: a signal to the process group must not end the tool.
        with interrupts.held(), interrupts.blocked():
            done = subprocess.run(
                [program, *command[1:]], capture_output=True, text=True, check=False, timeout=COMMAND_SECONDS
            )
    except subprocess.TimeoutExpired:
        raise CommandFailed(f"{' '.join(command)} took longer than {COMMAND_SECONDS} s") from None
    if done.returncode:
        raise CommandFailed(f"{' '.join(command)}: {done.stderr.strip() or f'exit code {done.returncode}'}")
    return done.stdout.strip()


def active() -> list[str]:
    """Devices and files that are swap space now."""
    lines = Path("/proc/swaps").read_text(encoding="utf-8").splitlines()[1:]
    return [line.split()[0] for line in lines]


def swapon(device: str) -> None:
    """Make a prepared device swap space of the highest priority."""
    _run("swapon", "--priority", str(PRIORITY), device)


def swapoff(device: str) -> None:
    """Take a device out of the swap space; nothing happens if it is not in it."""
    if device in active():
        _run("swapoff", device)


def zram_numbers() -> tuple[int, ...]:
    """Numbers of the existing zram devices."""
    return tuple(sorted(int(path.name[4:]) for path in Path("/sys/block").glob("zram*")))


def zram_add() -> int:
    """A new zram device; its number."""
    try:
        return int((ZRAM_CONTROL / "hot_add").read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandFailed(f"{ZRAM_CONTROL / 'hot_add'}: {error.strerror} (modprobe zram)") from error


def zram_prepare(number: int, size_bytes: int) -> str:
    """Size a fresh device and write a swap header; returns its node."""
    node = f"/dev/zram{number}"
    block = Path(f"/sys/block/zram{number}")
    (block / "disksize").write_text(str(size_bytes), encoding="utf-8")
    _wait_for_node(node, block)
    _run("mkswap", node)
    return node


def zram_remove(number: int) -> None:
    """Remove a zram device in any state; nothing happens if it is gone."""
    block = Path(f"/sys/block/zram{number}")
    if not block.exists():
        return
    swapoff(f"/dev/zram{number}")
    try:
        (block / "reset").write_text("1", encoding="utf-8")
        (ZRAM_CONTROL / "hot_remove").write_text(str(number), encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"zram{number} can't be removed: {error.strerror}") from error


def zram_is_unused(number: int) -> bool:
    """Whether a device has no size yet: it was added and is not used."""
    size = Path(f"/sys/block/zram{number}/disksize")
    return size.exists() and size.read_text(encoding="utf-8").strip() == "0"


def _wait_for_node(node: str, block: Path) -> None:
    """Without a device manager (in a container) this process makes the node."""
    for _ in range(50):
        if Path(node).exists():
            return
        time.sleep(0.01)
    major, minor = (int(part) for part in (block / "dev").read_text(encoding="utf-8").split(":"))
    os.mknod(node, stat.S_IFBLK | 0o600, os.makedev(major, minor))


def loop_prepare(backing_file: str, size_bytes: int) -> str:
    """A swap header on a loop device on a new file; returns its node."""
    descriptor = os.open(backing_file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, size_bytes)
    except OSError as error:
        raise CommandFailed(f"{backing_file}: {error.strerror} ({size_bytes >> 20} MiB are needed)") from error
    finally:
        os.close(descriptor)
    node = _run("losetup", "--find", "--show", backing_file)
    _run("mkswap", node)
    return node


def loop_remove(backing_file: str) -> None:
    """Detach every loop device on the file and delete it; nothing happens if both are gone."""
    for link in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            name = link.read_text(encoding="utf-8").strip().removesuffix(" (deleted)")
        except OSError:
            continue
        if name == str(Path(backing_file).resolve()):
            node = f"/dev/{link.parts[3]}"
            swapoff(node)
            _run("losetup", "--detach", node)
    Path(backing_file).unlink(missing_ok=True)
