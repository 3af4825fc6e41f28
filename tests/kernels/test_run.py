"""The kernel lab through the installed command: guests that do well, and those that do not."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gcproto.kernels.architecture import AMD64
from gcproto.kernels.get.catalog import Catalog, locked
from gcproto.kernels.get.fetch import fetch
from gcproto.results.schema import KernelCell, Result
from gcproto.results.store import load
from tests.support.guests import guests
from tests.support.races import met_the_race
from tests.support.result_maker import scenario

COMMAND = [sys.executable, "-m", "gcproto.cli.main", "kernels"]
KERNEL = "6.18"
PMD = 2 << 20
NO_INIT = "rdinit=/nothing"
"""The kernel finds no init and panics."""

pytestmark = pytest.mark.needs("qemu", "guest_kernel", "static")


def run(
    *arguments: str | Path, code: int = 0, timeout: float = 110, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command of the kernel lab; once more if it met the known race of its kernel."""
    words = [*COMMAND, *map(str, arguments)]
    for last in (False, True):
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=timeout, check=False, env=os.environ | environment
        )
        if last or done.returncode == code or "--out" not in words:
            break
        out = Path(words[words.index("--out") + 1])
        if not met_the_race(out):
            break
        shutil.rmtree(out)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert guests() == []
    return done


def results(folder: Path) -> list[Result]:
    return [load(path) for path in sorted(folder.glob("*.json"))]


def vmlinuz() -> Path:
    return Path(fetch(Catalog(locked()).find(KERNEL)).vmlinuz)


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    yield
    assert list(temporary.iterdir()) == []


def test_five_scenarios_counted_in_instructions_and_the_same_in_two_boots(tmp_path: Path) -> None:
    done = run("run", KERNEL, "--set", "quick", "--rounds", "5", "--boots", "2", "--out", tmp_path / "r")
    first, second = sorted(results(tmp_path / "r"), key=lambda one: one.guest.boot if one.guest else 0)
    for one in (first, second):
        assert one.guest
        assert (one.guest.outcome, one.guest.icount) == ("done", True)
        assert one.environment["kernel"]["release"].startswith("6.18.")
        assert {measured.unit for measured in one.measurements} == {"instructions/page"}
        assert all(measured.valid for measured in one.measurements)
        assert one.environment["notes"] == []
    other = {measured.scenario: measured.median for measured in second.measurements}
    for measured in first.measurements:
        assert measured.median == pytest.approx(other[measured.scenario], rel=0.02)
    by_scenario = {m.scenario: m for m in first.measurements}
    split = by_scenario[scenario("move", PMD, "mthp", order=4, pages=512)]
    assert split.proof.folios_split == split.proof.folios == 32 * 5
    assert split.proof.order_after == {0: 512 * 5}
    batched, copied = (by_scenario[scenario(arm, PMD, pages=512)] for arm in ("move", "copy"))
    assert batched.median
    assert copied.median
    assert batched.median < copied.median / 5
    assert by_scenario[scenario("move", PMD, "swapped", order=4, pages=512)].proof.swapped_after == 512 * 5
    experiment = KernelCell("quick", rounds=5, pages=512, icount=True, cpus=1, memory_mib=1024, cpu=AMD64.cpu().model)
    assert first.experiment == second.experiment == experiment
    assert "agree to 0.3 %" in done.stdout


def test_a_kernel_that_panics_is_a_result_and_the_others_go_on(tmp_path: Path) -> None:
    bad = tmp_path / "vmlinuz-bad"
    bad.write_bytes(vmlinuz().read_bytes())
    done = run("run", bad, "--append", NO_INIT, "--out", tmp_path / "r", code=1)
    (one,) = results(tmp_path / "r")
    assert one.guest
    assert one.guest.outcome == "panic"
    assert "Kernel panic - not syncing" in one.guest.why
    assert any("Kernel panic" in line for line in one.guest.console)
    assert not one.producer.complete
    assert "panic" in done.stderr


def test_a_guest_that_runs_out_of_time_is_a_result(tmp_path: Path) -> None:
    run("run", KERNEL, "--timeout", "2", "--out", tmp_path / "r", code=1)
    (one,) = results(tmp_path / "r")
    assert one.guest
    assert one.guest.outcome in {"unbootable", "timeout", "hang"}
    assert one.guest.seconds < 10
    assert any("never reached" in skip.reason for skip in one.skips)


def test_an_image_that_is_no_kernel_but_looks_like_one(tmp_path: Path) -> None:
    """Its head and its length are right, the rest is zeroes: only booting it shows."""
    image = tmp_path / "vmlinuz"
    data = vmlinuz().read_bytes()
    image.write_bytes(data[: 64 << 10] + bytes(len(data) - (64 << 10)))
    run("run", image, "--timeout", "15", "--out", tmp_path / "r", code=1)
    (one,) = results(tmp_path / "r")
    assert one.guest
    assert one.guest.outcome in {"unbootable", "died", "hang"}


def test_a_truncated_image_is_refused_at_once(tmp_path: Path) -> None:
    image = tmp_path / "vmlinuz"
    image.write_bytes(vmlinuz().read_bytes()[: 1 << 20])
    done = run("run", image, "--out", tmp_path / "r", code=2)
    assert "truncated" in done.stderr


def test_without_modules_the_swapped_pages_are_skipped_with_the_reason(tmp_path: Path) -> None:
    image = tmp_path / "vmlinuz"
    image.write_bytes(vmlinuz().read_bytes())
    run("run", image, "--set", "quick", "--rounds", "3", "--out", tmp_path / "r")
    (one,) = results(tmp_path / "r")
    assert one.producer.complete
    assert [skip.reason for skip in one.skips] == ["no zram module was found"]
    assert "--modules" in one.skips[0].remedy


def test_a_folder_that_can_not_be_written_is_said_before_anything_is_booted() -> None:
    done = run("run", KERNEL, "--out", "/dev/full/x", code=4)
    assert "can't be written" in done.stderr


@pytest.mark.needs("root")
def test_a_disk_that_is_full_for_guests_is_the_result_of_the_cell(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(small)], check=True)
    try:
        run("run", KERNEL, "--out", tmp_path / "r", code=1, TMPDIR=str(small))
    finally:
        subprocess.run(["umount", str(small)], check=True)
    (one,) = results(tmp_path / "r")
    assert one.guest
    assert one.guest.outcome == "unbootable"
    assert "No space left" in one.guest.why


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_ctrl_c_and_kill_leave_no_guest(tmp_path: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [*COMMAND, "run", KERNEL, "--boots", "4", "--out", str(tmp_path / "r")], stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not guests() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert guests()
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    for _ in range(50):
        if not guests():
            break
        time.sleep(0.1)
    assert guests() == []
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert "interrupted by SIGINT; kept in " in errors
        assert "Traceback" not in errors
    else:  # no process was left to clean up
        for path in (tmp_path / "tmp").iterdir():
            subprocess.run(["rm", "-r", str(path)], check=True)


def test_a_worker_that_dies_has_its_cells_run_again(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "run", KERNEL, "--set", "quick", "--rounds", "3", "--boots", "2", "--out", str(tmp_path / "r")],
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while len(guests()) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    worker = Path(f"/proc/{guests()[0]}/status").read_text().split("PPid:")[1].split()[0]
    assert int(worker) != process.pid
    os.kill(int(worker), signal.SIGKILL)
    _, errors = process.communicate(timeout=100)
    assert process.returncode == 0, errors
    assert sorted(one.guest.boot for one in results(tmp_path / "r") if one.guest) == [1, 2]


def test_a_cluster_with_a_worker_that_dies(tmp_path: Path) -> None:
    from distributed import LocalCluster

    make: Any = LocalCluster
    with make(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        process = subprocess.Popen(
            [
                *(*COMMAND, "run", KERNEL, "--set", "quick", "--rounds", "3", "--boots", "3"),
                *("--out", str(tmp_path / "r"), "--dask", cluster.scheduler_address),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 60
        while len(guests()) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert len(guests()) == 2
        os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
        _, errors = process.communicate(timeout=100)
    assert process.returncode == 0, errors
    assert sorted(one.guest.boot for one in results(tmp_path / "r") if one.guest) == [1, 2, 3]
    assert guests() == []
    shutil.rmtree(tmp_path / "tmp")  # the killed worker's; the cluster is not ours to clean
    (tmp_path / "tmp").mkdir()


def test_no_scheduler_is_said(tmp_path: Path) -> None:
    done = run("run", KERNEL, "--dask", "tcp://127.0.0.1:1", "--out", tmp_path / "r", code=3)
    assert "there is no Dask scheduler" in done.stderr


def test_the_list_says_what_is_here_and_what_each_is_good_for() -> None:
    vmlinuz()
    rows = [json.loads(line) for line in run("list", "--json").stdout.splitlines()]
    by_release = {row["release"]: row for row in rows}
    assert len(rows) > 50
    assert not by_release["6.1.0-56-cloud-amd64"]["move"]
    assert by_release["6.18.15+deb13-cloud-amd64"]["state"] == "here"
    assert "huge-zero-pfn" in by_release["6.18.15+deb13-cloud-amd64"]["bugs"]
    assert "livelock-references" not in by_release["7.3.4+deb13-cloud-amd64"]["bugs"]
    assert not by_release["7.0.13+deb13-cloud-amd64"]["swap"]
    table = run("list", "--here").stdout
    assert "6.18.15+deb13" in table


@pytest.mark.parametrize("arguments", [["run"], ["run", "5.4"], ["fetch"], ["run", "/nowhere/vmlinuz"]])
def test_what_can_not_be_meant_is_usage(arguments: list[str]) -> None:
    run(*arguments, code=2)
