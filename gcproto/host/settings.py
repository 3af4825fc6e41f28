"""Settings of the machine: the only place that writes under /sys or /proc or changes the swap space.

All settings are restored when the ``with`` block ends by return, exception, or signal (gcproto.process.interrupts).
After SIGKILL or a crash the journal remains, and the next command restores the settings (``recover``).
"""

import os
import tempfile
import threading
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from gcproto.errors import GcprotoError
from gcproto.host import memory_group, swap_devices
from gcproto.host.journal import (
    FOLDER,
    FileUndo,
    GroupUndo,
    Journal,
    LockedElsewhereError,
    LoopUndo,
    SwapUndo,
    Undo,
    ZramUndo,
)
from gcproto.host.kernel_files import THP, chosen, mthp_files, read, read_choice
from gcproto.logs import get_logger
from gcproto.process import interrupts

KHUGEPAGED = THP / "khugepaged"
ZSWAP = Path("/sys/module/zswap/parameters/enabled")
HOUR_MS = "3600000"


def may_change() -> bool:
    """Whether this process may change settings: it is root, and /sys is writable."""
    return os.geteuid() == 0 and os.access("/sys/kernel/mm", os.W_OK)


def why_not() -> str:
    """The reason why settings can't be changed."""
    return "/sys can't be written here" if os.geteuid() == 0 else "this user is not root"


class SettingRefused(GcprotoError):  # noqa: N818 - it is an event: the machine refused
    """A setting can't be changed; no setting was."""


class Settings:
    """Changes of settings that last as long as the ``with`` block.

    ``with Settings() as settings: settings.mthp_only(4)``

    Raises:
        GcprotoError: on entering, while another gcproto process changes settings.

    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._journal = Journal(folder)
        self._permitted = False
        self._swap: dict[tuple[str, int], str] = {}
        self._changed: set[str] = set()
        self._handles_signals = False

    def may_change(self) -> bool:
        """Whether this process may change settings."""
        return self._permitted

    def __enter__(self) -> Self:
        self._permitted = may_change()
        if self._permitted:
            self._journal.acquire()
            _undo_all(self._journal)  # of a process that died after this one began
            if threading.current_thread() is threading.main_thread():
                self._handles_signals = interrupts.install()  # if the command has not done it
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._permitted:
            return
        # A second Ctrl-C must not interrupt the restoring, nor end the tools that it calls.
        try:
            with interrupts.held(), interrupts.blocked():
                try:
                    _undo_all(self._journal)
                finally:
                    self._journal.release()
        finally:
            if self._handles_signals:
                interrupts.uninstall()

    def set(self, path: Path | str, value: str) -> None:
        """Write a value into a file. It is restored at the end.

        Args:
            path: of a file under /sys or /proc.
            value: its new content, or the choice in a list.

        Raises:
            SettingRefused: it can't be read or written, or the kernel kept another value.

        """
        before = read_choice(path)
        if before is None:
            raise self._refused(path, value, "it can't be read")
        if before == value:
            return
        if str(path) not in self._changed:
            self._journal.add(FileUndo(str(path), before))
            self._changed.add(str(path))
        try:
            Path(path).write_text(value, encoding="utf-8")
        except OSError as error:
            raise self._refused(path, value, error.strerror or str(error)) from error
        now = read_choice(path)
        if now != value:
            raise self._refused(path, value, f"the kernel keeps {now!r}")

    @staticmethod
    def _refused(path: Path | str, value: str, why: str) -> SettingRefused:
        return SettingRefused(f"{path} can't be set to {value!r}", why=why, remedy="run as root on the host itself")

    def quiet_khugepaged(self) -> None:
        """Keep khugepaged, and the shrinker of underused THPs, from disturbing measurements."""
        for path, value in (
            (KHUGEPAGED / "pages_to_scan", "1"),
            (KHUGEPAGED / "scan_sleep_millisecs", HOUR_MS),
            (THP / "shrink_underused", "0"),
        ):
            if path.exists():
                self.set(path, value)

    def mthp_only(self, order: int | None) -> None:
        """Enable folios of one order for madvise(MADV_HUGEPAGE), and no others.

        Args:
            order: log2 of the size in base pages; None enables none.

        Raises:
            SettingRefused: there is no such size, or it can't be set.

        """
        self.folios_exactly([order] if order else [])

    def folios_exactly(self, orders: Collection[int]) -> None:
        """Enable folios of these orders for madvise(MADV_HUGEPAGE), and no others.

        Args:
            orders: log2 of each size in base pages.

        Raises:
            SettingRefused: there is no such size, or it can't be set.

        """
        wanted = {(os.sysconf("SC_PAGE_SIZE") << order) // 1024 for order in orders}
        files = mthp_files()
        if not files and (THP / "enabled").exists():
            # Before "mm: thp: introduce multi-size THP sysfs interface" (6.8) the one size is that of the PMD.
            self.set(THP / "enabled", "madvise" if wanted else "never")
            return
        for size_kib in wanted - files.keys():
            raise SettingRefused(f"this kernel has no anonymous folios of {size_kib} KiB")
        # Off precedes on, so a size that was not asked for is never enabled.
        for size, path in files.items():
            if size not in wanted:
                self.set(path, "never")
        for size in sorted(wanted):
            self.set(files[size], "madvise")

    @contextmanager
    def swap_zram(self, size_bytes: int) -> Iterator[str]:
        """A new zram device as the preferred swap space; yields its node."""
        with self._swap_on("zram", size_bytes) as node:
            yield node

    @contextmanager
    def swap_loop(self, size_bytes: int) -> Iterator[str]:
        """A loop device on a new file as the preferred swap space; yields its node."""
        with self._swap_on("loop", size_bytes) as node:
            yield node

    @contextmanager
    def memory_group(self) -> Iterator[Path]:
        """A memory cgroup without processes, for the rows of the contract that need one; yields its folder.

        Raises:
            SettingRefused: it can't be made.

        """
        if not self._permitted:
            raise SettingRefused("no memory cgroup can be made", why=why_not(), remedy="run as root")
        folder = memory_group.place()
        if folder is None:
            raise SettingRefused(
                "no memory cgroup can be made",
                why="the memory controller is not mounted below /sys/fs/cgroup",
                remedy="mount it: mount -t cgroup2 none /sys/fs/cgroup",
            )
        undo = GroupUndo(str(folder))
        self._journal.add(undo)
        try:
            folder.mkdir(exist_ok=True)  # one that a dead process left is as good
        except OSError as error:
            raise SettingRefused("no memory cgroup can be made", why=f"{folder}: {error.strerror}") from error
        try:
            yield folder
        finally:
            memory_group.remove(folder)
            self._journal.drop(undo)

    @contextmanager
    def _swap_on(self, kind: str, size_bytes: int) -> Iterator[str]:
        if not self._permitted:
            raise SettingRefused("swap devices can't be added", why=why_not(), remedy="run as root, on the host itself")
        if ZSWAP.exists():
            self.set(ZSWAP, "N")  # it would keep pages from the device, in memory of its own
        try:
            if (kind, size_bytes) not in self._swap:
                self._swap[kind, size_bytes] = self._make(kind, size_bytes)
            node = self._swap[kind, size_bytes]
            undo = SwapUndo(node)
            self._journal.add(undo)
            swap_devices.swapon(node)
        except (swap_devices.CommandFailed, OSError) as error:
            raise SettingRefused(f"a {kind} swap device is unavailable", why=str(error)) from error
        try:
            yield node
        finally:
            swap_devices.swapoff(node)
            self._journal.drop(undo)

    def _make(self, kind: str, size_bytes: int) -> str:
        if kind == "zram":
            guess = ZramUndo(swap_devices.zram_numbers())
            self._journal.add(guess)
            number = swap_devices.zram_add()
            self._journal.replace(guess, ZramUndo(guess.before, number))
            return swap_devices.zram_prepare(number, size_bytes)
        backing_file = str(Path(tempfile.gettempdir()).resolve() / f"gcproto-swap-{uuid.uuid4().hex[:12]}")
        self._journal.add(LoopUndo(backing_file))
        return swap_devices.loop_prepare(backing_file, size_bytes)


def recover(folder: Path = FOLDER) -> list[str]:
    """Restore the settings that a dead process changed.

    Returns:
        A line for each restored setting; usually empty.

    Raises:
        GcprotoError: a setting can't be restored; it stays on record.

    """
    journal = Journal(folder)
    if not journal.path.exists():
        return []
    if os.geteuid() != 0:
        if not journal.is_held():
            get_logger("settings").warning(
                "a run of root that died has left settings changed: run any gcproto command as root",
                journal=str(journal.path),
            )
        return []
    try:
        journal.acquire(patience=0)
    except LockedElsewhereError:
        return []  # they belong to a process that lives
    try:
        return _undo_all(journal)
    finally:
        journal.release()


def _undo_all(journal: Journal) -> list[str]:
    """Undo the newest first. All entries are tried before the first failure is reported."""
    done: list[str] = []
    failures: list[str] = []
    for entry in reversed(list(journal.entries)):
        try:
            text = _undo(entry)
        except (OSError, swap_devices.CommandFailed) as error:
            failures.append(str(error))
            continue
        done += [text] if text else []
        journal.drop(entry)
    if failures:
        raise GcprotoError(
            "some settings could not be restored",
            why="; ".join(failures),
            remedy=f"they stay on record in {journal.path}: remove the obstacle and run any gcproto command as root",
        )
    return done


def _undo(entry: Undo) -> str:
    """Undo one entry. Returns the action in words, "" if there was none."""
    match entry:
        case FileUndo(path, before):
            now = read(path)
            if now is not None and chosen(now) == before:
                return ""
            Path(path).write_text(before, encoding="utf-8")
            return f"{path}: {before}" + (f" (was {chosen(now)})" if now is not None else "")
        case SwapUndo(device):
            if device not in swap_devices.active():
                return ""
            swap_devices.swapoff(device)
            return f"swapoff {device}"
        case ZramUndo(before, None):
            unused = [
                number
                for number in swap_devices.zram_numbers()
                if number not in before and swap_devices.zram_is_unused(number)
            ]
            for number in unused:
                swap_devices.zram_remove(number)
            return f"removed zram devices {unused}" if unused else ""
        case ZramUndo(_, int(number)):
            if number not in swap_devices.zram_numbers():
                return ""
            swap_devices.zram_remove(number)
            return f"removed /dev/zram{number}"
        case LoopUndo(backing_file):
            existed = Path(backing_file).exists()
            swap_devices.loop_remove(backing_file)
            return f"removed the loop device on {backing_file}" if existed else ""
        case GroupUndo(folder):
            return f"removed the cgroup {folder}" if memory_group.remove(Path(folder)) else ""
    raise AssertionError(entry)
