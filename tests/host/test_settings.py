"""Settings are put back however a run ends; what SIGKILL leaves behind, the next command puts back."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gcproto.errors import GcprotoError
from gcproto.host import memory_group, swap_devices
from gcproto.host.journal import FileUndo, GroupUndo, Journal, LockedElsewhereError, SwapUndo
from gcproto.host.kernel_files import THP, chosen, mthp_files, read_choice
from gcproto.host.machine import machine
from gcproto.host.settings import SettingRefused, Settings, recover
from tests.support.processes import run_gcproto

SLEEP = THP / "khugepaged" / "scan_sleep_millisecs"
MIB = 1 << 20


@pytest.fixture(autouse=True, scope="module")
def nobody_else() -> Iterator[None]:
    """These tests keep journals of their own; the machine's lock keeps real runs away while they do."""
    if os.geteuid() != 0:
        yield
        return
    journal = Journal()
    journal.acquire()
    yield
    journal.release()


def state() -> dict[str, object]:
    """Everything that Settings may change."""
    files = [*mthp_files().values(), SLEEP, THP / "khugepaged" / "pages_to_scan", THP / "shrink_underused"]
    return {
        "files": {str(path): read_choice(path) for path in files},
        "swap": swap_devices.active(),
        "zram": swap_devices.zram_numbers(),
        "loops": subprocess.run(["losetup", "-a"], capture_output=True, text=True, check=False).stdout,
    }


def test_the_chosen_value_of_a_list() -> None:
    assert chosen("always inherit [madvise] never") == "madvise"
    assert chosen("10000") == "10000"


def test_the_place_of_a_memory_cgroup(tmp_path: Path) -> None:
    """Version 1 has a hierarchy for each controller; version 2 passes controllers on."""
    own = tmp_path / "own"
    own.write_text("4:memory:/a/b\n1:cpu:/\n0::/\n")
    assert memory_group.place(tmp_path, own) is None
    (tmp_path / "cgroup.subtree_control").write_text("cpu pids\n")
    assert memory_group.place(tmp_path, own) is None
    (tmp_path / "cgroup.subtree_control").write_text("cpu memory\n")
    assert memory_group.place(tmp_path, own) == tmp_path / "gcproto"
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory/cgroup.procs").touch()
    assert memory_group.place(tmp_path, own) == tmp_path / "memory/a/b/gcproto"
    own.write_text("4:memory:/\n")
    assert memory_group.place(tmp_path, own) == tmp_path / "memory/gcproto"


@pytest.mark.needs("root", "memcg")
def test_a_memory_cgroup_is_removed_also_after_a_process_died(tmp_path: Path) -> None:
    with Settings(tmp_path) as settings:
        with settings.memory_group() as folder:
            assert folder.is_dir()
        assert not folder.exists()
    journal = Journal(tmp_path)
    journal.acquire()
    folder.mkdir()
    journal.add(GroupUndo(str(folder)))
    journal.release()
    assert recover(tmp_path) == [f"removed the cgroup {folder}"]
    assert not folder.exists()
    assert not journal.path.exists()


@pytest.mark.needs("root", "thp")
class TestRestore:
    def test_values_are_put_back(self, tmp_path: Path) -> None:
        before = state()
        with Settings(tmp_path) as settings:
            assert settings.may_change()
            settings.quiet_khugepaged()
            settings.set(SLEEP, "54321")
            assert read_choice(SLEEP) == "54321"
        assert state() == before
        assert not (tmp_path / "journal.json").exists()

    def test_exceptions_put_back_too(self, tmp_path: Path) -> None:
        before = state()
        with pytest.raises(ZeroDivisionError), Settings(tmp_path) as settings:  # noqa: PT012
            settings.set(SLEEP, "54321")
            raise ZeroDivisionError
        assert state() == before

    def test_a_refused_value_names_the_setting(self, tmp_path: Path) -> None:
        before = state()
        with Settings(tmp_path) as settings, pytest.raises(SettingRefused, match="scan_sleep_millisecs"):
            settings.set(SLEEP, "not a number")
        with Settings(tmp_path) as settings, pytest.raises(SettingRefused, match="can't be read"):
            settings.set(THP / "no-such-setting", "1")
        assert state() == before

    @pytest.mark.needs("mthp")
    def test_exactly_one_folio_size_is_enabled(self, tmp_path: Path) -> None:
        before = state()
        page_kib = machine().page_size // 1024
        with Settings(tmp_path) as settings:
            for order in machine().anon_orders:
                settings.mthp_only(order)
                now = {size: read_choice(path) for size, path in mthp_files().items()}
                assert now == {size: "madvise" if size == page_kib << order else "never" for size in now}
            settings.mthp_only(None)
            assert {read_choice(path) for path in mthp_files().values()} == {"never"}
            with pytest.raises(SettingRefused, match="no anonymous folios"):
                settings.mthp_only(machine().pmd_order + 1)
        assert state() == before

    def test_two_runs_at_once_are_refused(self, tmp_path: Path) -> None:
        with Settings(tmp_path), pytest.raises(LockedElsewhereError, match="another gcproto process"):
            Settings(tmp_path).__enter__()


@pytest.mark.needs("root")
class TestSwap:
    @pytest.mark.needs("zram")
    def test_zram_comes_and_goes(self, tmp_path: Path) -> None:
        before = state()
        with Settings(tmp_path) as settings:
            with settings.swap_zram(64 * MIB) as node:
                assert node in swap_devices.active()
            assert node not in swap_devices.active()
            with settings.swap_zram(64 * MIB) as again:
                assert again == node
        assert state() == before

    @pytest.mark.needs("loop")
    def test_loop_comes_and_goes(self, tmp_path: Path) -> None:
        before = state()
        with Settings(tmp_path) as settings, settings.swap_loop(64 * MIB) as node:
            assert node in swap_devices.active()
        assert state() == before

    @pytest.mark.needs("loop")
    def test_a_disk_without_room_is_said(self, tmp_path: Path) -> None:
        before = state()
        with (
            Settings(tmp_path) as settings,
            pytest.raises(SettingRefused, match="loop swap device"),
            settings.swap_loop(1 << 60),
        ):
            pass
        assert state() == before


HOLDER = """
import sys, time
from pathlib import Path
from gcproto.host.settings import Settings
try:
    with Settings(Path(sys.argv[1])) as settings:
        settings.quiet_khugepaged()
        settings.mthp_only(None)
        with settings.swap_zram(64 << 20), settings.swap_loop(64 << 20):
            print("ready", flush=True)
            time.sleep(60)
except KeyboardInterrupt:
    sys.exit(130)
"""


def hold(folder: Path) -> "subprocess.Popen[str]":
    """A process that has changed everything there is to change."""
    # Under nohup hang-ups are ignored, by this process and so by its children.
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.needs("root", "thp", "zram", "loop")
class TestSignals:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_signals_put_back_before_the_end(self, tmp_path: Path, number: signal.Signals) -> None:
        before = state()
        process = hold(tmp_path)
        assert state() != before
        process.send_signal(number)
        assert process.wait(timeout=30) == 130
        assert state() == before

    def test_after_sigkill_the_next_command_puts_back_and_says_so(self, tmp_path: Path) -> None:
        before = state()
        process = hold(tmp_path)
        process.kill()
        process.wait()
        assert state() != before
        done = run_gcproto("doctor", env={"GCPROTO_STATE": str(tmp_path)})
        assert done.returncode == 0
        assert "an earlier run was killed; its settings are put back" in done.stderr
        assert "swapoff /dev/zram" in done.stderr
        assert "removed the loop device" in done.stderr
        assert "scan_sleep_millisecs" in done.stderr
        assert state() == before
        again = run_gcproto("doctor", env={"GCPROTO_STATE": str(tmp_path)})
        assert "put back" not in again.stderr

    def test_a_living_run_is_left_alone(self, tmp_path: Path) -> None:
        before = state()
        process = hold(tmp_path)
        during = state()
        assert recover(tmp_path) == []
        assert state() == during
        process.terminate()
        process.wait(timeout=30)
        assert state() == before

    @pytest.mark.timeout(150)
    def test_bench_killed_in_the_middle(self, tmp_path: Path) -> None:
        before = state()
        env = {**os.environ, "GCPROTO_STATE": str(tmp_path)}
        command = [sys.executable, "-m", "gcproto.cli.main", "bench", "--swap", "--quick", "--out", str(tmp_path / "r")]
        process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while swap_devices.active() == before["swap"] and time.monotonic() < deadline:
            time.sleep(0.005)
        process.kill()
        process.wait()
        time.sleep(0.2)  # its worker dies with it
        assert state() != before
        done = run_gcproto("doctor", "--json", env={"GCPROTO_STATE": str(tmp_path)})
        assert done.returncode == 0
        assert "put back" in done.stderr
        assert state() == before


MOMENT = """
import sys
from pathlib import Path
from gcproto.host.journal import Journal
journal = Journal(Path(sys.argv[1]))
journal.acquire()
print("held", flush=True)
sys.stdin.read()
journal.release()
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A command that holds the lock until its input is closed."""
    with subprocess.Popen(
        [sys.executable, "-c", MOMENT, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process


class TestStartAtOnce:
    """A command that starts holds the lock for a moment, to see whether a dead process left changes."""

    def test_the_other_waits_for_a_moment(self, tmp_path: Path, other: "subprocess.Popen[str]") -> None:
        assert other.stdin
        let_go = threading.Timer(0.2, other.stdin.close)
        let_go.start()
        journal = Journal(tmp_path)
        assert journal.is_held()
        journal.acquire()
        journal.release()
        let_go.join()
        assert other.wait(30) == 0

    def test_for_one_that_keeps_the_lock_only_a_change_of_settings_waits(
        self, tmp_path: Path, other: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch
    ) -> None:
        slept: list[float] = []
        monkeypatch.setattr(time, "sleep", slept.append)
        (tmp_path / "journal.json").write_text('{"pid":1,"undo":[]}')
        assert recover(tmp_path) == []
        assert slept == []
        with pytest.raises(LockedElsewhereError):
            Journal(tmp_path).acquire(patience=0.01)
        assert slept


class TestJournal:
    def test_entries_survive_their_process(self, tmp_path: Path) -> None:
        journal = Journal(tmp_path)
        journal.acquire()
        journal.add(FileUndo("/sys/a", "1"))
        journal.add(SwapUndo("/dev/b"))
        journal.release()
        later = Journal(tmp_path)
        later.acquire()
        assert later.entries == [FileUndo("/sys/a", "1"), SwapUndo("/dev/b")]
        later.drop(SwapUndo("/dev/b"))
        later.drop(FileUndo("/sys/a", "1"))
        later.release()
        assert not later.path.exists()

    def test_a_child_that_lives_on_does_not_keep_the_lock(self, tmp_path: Path) -> None:
        """Rows of the contract are children of fork(2); what they forked themselves may end a moment later."""
        journal = Journal(tmp_path)
        journal.acquire()
        ends, tells = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(tells)
            os.read(ends, 1)
            os._exit(0)
        try:
            journal.release()
            later = Journal(tmp_path)
            later.acquire()
            later.release()
        finally:
            os.close(tells)
            os.waitpid(child, 0)
            os.close(ends)

    def test_a_damaged_journal_is_an_error_with_a_remedy(self, tmp_path: Path) -> None:
        (tmp_path / "journal.json").write_text("{")
        journal = Journal(tmp_path)
        with pytest.raises(GcprotoError, match="damaged") as caught:
            journal.acquire()
        journal.release()
        assert "gcproto doctor" in caught.value.remedy

    @pytest.mark.needs("root")
    def test_what_can_not_be_put_back_stays_on_record(self, tmp_path: Path) -> None:
        target = tmp_path / "setting"
        target.mkdir()  # writing "into" a folder fails
        journal = Journal(tmp_path / "state")
        journal.acquire()
        journal.add(FileUndo(str(target), "1"))
        journal.release()
        with pytest.raises(GcprotoError, match="could not be restored"):
            recover(tmp_path / "state")
        target.rmdir()
        target.write_text("2")
        assert recover(tmp_path / "state") == [f"{target}: 1 (was 2)"]
        assert target.read_text() == "1"
