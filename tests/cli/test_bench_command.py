"""gcproto as its users run it: the installed command from end to end."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

from gcproto.report.words.kinds import paths
from gcproto.results import json_schema
from gcproto.results.schema import PathScenario
from gcproto.results.store import load
from tests.support.processes import COMMAND, run_gcproto, run_unprivileged

SMALL = ("--sources", "small", "--granules", "64k", "--rounds", "3", "--size", "2m")


def only_file(folder: Path) -> Path:
    (found,) = folder.glob("*.json")
    return found


def test_help_is_there_at_once() -> None:
    """Answered without importing what measures; the time itself is a benchmark's business."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "gcproto.cli.main", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    for heavy in ("scipy", "numpy", "rich", "structlog", "msgspec", "gcproto._native"):
        assert f" {heavy}\n" not in done.stderr, heavy
    for name in ("bench", "compare", "contract", "doctor", "show"):
        assert name in done.stdout
        assert run_gcproto(name, "--help").returncode == 0


@pytest.mark.needs("move")
class TestBench:
    def test_a_run_is_shown_and_kept(self, tmp_path: Path) -> None:
        done = run_gcproto("bench", *SMALL, "--out", str(tmp_path / "results"))
        assert done.returncode == 0, done.stderr
        assert "Small folios: " in done.stdout
        assert "copy_discard" in done.stdout
        assert "\x1b[" not in done.stdout, "no colours and no progress bar without a terminal"
        path = only_file(tmp_path / "results")
        assert str(path) in done.stderr
        jsonschema.validate(json.loads(path.read_text()), json_schema.document())
        again = run_gcproto("show", str(path))
        assert again.stdout == done.stdout

    def test_every_measurement_is_proven(self, tmp_path: Path) -> None:
        done = run_gcproto("bench", *SMALL, "--out", str(tmp_path))
        assert done.returncode == 0, done.stderr
        run = load(only_file(tmp_path))
        assert run.environment["kernel"]["release"] == os.uname().release
        for one in run.measurements:
            assert one.valid
            assert len(one.samples) + len(one.invalid_rounds) == 3
            assert one.proof.rounds == len(one.samples)
            assert isinstance(one.scenario, PathScenario)
            assert one.proof.contents == one.scenario.pages * len(one.samples)
            account = one.outcome
            parts = (account.moved, account.copied, account.copied_after_ebusy, account.zeroed)
            assert sum(parts) + account.already + account.left == account.asked

    def test_json_is_the_result(self, tmp_path: Path) -> None:
        done = run_gcproto("bench", *SMALL, "--json", "--out", str(tmp_path))
        assert json.loads(done.stdout) == json.loads(only_file(tmp_path).read_text())

    def test_the_seed_decides_the_order_only(self, tmp_path: Path) -> None:
        for seed in ("1", "2"):
            assert run_gcproto("bench", *SMALL, "--seed", seed, "--out", str(tmp_path)).returncode == 0
        one, two = (load(path) for path in sorted(tmp_path.glob("*.json")))
        assert {m.scenario for m in one.measurements} == {m.scenario for m in two.measurements}

    def test_logs_are_json_lines_bound_to_the_run(self, tmp_path: Path) -> None:
        done = run_gcproto("--log-json", "-v", "bench", *SMALL, "--out", str(tmp_path))
        lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
        assert {line["event"] for line in lines} >= {"start", "done"}
        assert {line["run_id"] for line in lines} == {load(only_file(tmp_path)).run_id}

    def test_ctrl_c_keeps_what_was_measured(self, tmp_path: Path) -> None:
        command = [*COMMAND, "bench", "--quick", "--rounds", "5000", "--out", str(tmp_path)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        time.sleep(6)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the worker gets it too
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert "Traceback" not in err
        assert "interrupted" in err
        run = load(only_file(tmp_path))
        assert not run.producer.complete
        assert all(one.samples for one in run.measurements)
        assert "INTERRUPTED" in out


@pytest.mark.needs("root", "move")
def test_a_kernel_without_large_folios(tmp_path: Path) -> None:
    """As far as files tell: an empty folder over that of THP, in a mount namespace of its own."""
    script = 'mount -t tmpfs tmpfs /sys/kernel/mm && exec "$0" "$@"'
    command = ["unshare", "-m", "sh", "-c", script, *COMMAND, "bench", "--quick", "--rounds", "3"]
    done = subprocess.run([*command, "--out", str(tmp_path)], capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    run = load(only_file(tmp_path))
    assert {skip.what for skip in run.skips} >= {"thp", "mthp"}
    assert {one.scenario.order for one in run.measurements if isinstance(one.scenario, PathScenario)} == {0}


class TestMistakes:
    @pytest.mark.parametrize(
        ("args", "said"),
        [
            (("bench", "--sources", "cheese"), "unknown source 'cheese'"),
            (("bench", "--arms", "cheese"), "unknown arm 'cheese'"),
            (("bench", "--granules", "3k"), "not a multiple of the base page"),
            (("bench", "--granules", "big"), "is not a size"),
            (("bench", "--size", "x"), "is not a size"),
            (("bench", "--rounds", "0"), "--rounds"),
            (("bench", "--sources", "swapped"), "add --swap"),
            (("bench", "--sources", "zero-64k"), "one size only"),
            (("bench", "--sources", "none"), "unknown source 'none'"),
            (("bench", "--sources", "small", "--arms", "zeropage"), "has no meaning for small"),
            (("bench", "--arms", "move_holes", "--sources", "thp"), "has no meaning for thp"),
            (("bench", "--nonsense"), "--nonsense"),
            (("nonsense",), "nonsense"),
            (("show", "/no/such/file"), "not a usable result"),
            (("show",), "Missing argument"),
        ],
    )
    def test_usage(self, tmp_path: Path, args: tuple[str, ...], said: str) -> None:
        done = run_gcproto(*args, cwd=tmp_path)
        assert done.returncode == 2, done.stderr
        assert said in done.stderr
        assert "Traceback" not in done.stderr

    def test_more_memory_than_there_is(self, tmp_path: Path) -> None:
        done = run_gcproto("bench", "--sources", "small", "--size", "9000g", "--out", str(tmp_path))
        assert done.returncode == 3
        assert "does not fit" in done.stderr
        assert "smaller --size" in done.stderr

    def test_a_folder_that_can_not_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        done = run_gcproto("bench", *SMALL, "--out", str(tmp_path / "file" / "folder"))
        assert done.returncode == 4
        assert "can't be written" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.needs("nobody", "move")
class TestUnprivileged:
    """With nothing but user-mode-only userfaultfd: what can be run is run, the rest is skipped with its reason."""

    def test_bench(self, tmp_path: Path) -> None:
        out = tmp_path / "results"
        out.mkdir(mode=0o777)
        for folder in (tmp_path, *tmp_path.parents):
            if folder.owner() == "root" and folder.stat().st_mode & 0o1 == 0:
                folder.chmod(folder.stat().st_mode | 0o1)
        out.chmod(0o777)
        done = run_unprivileged("bench", "--quick", "--rounds", "3", "--out", str(out), cwd=Path("/"))
        assert done.returncode == 0, done.stderr
        run = load(only_file(out))
        measured = {(one.at.source, one.at.arm) for one in paths(run.measurements)}
        assert {("small", "move"), ("small", "copy"), ("zero", "move"), ("forked", "move")} <= measured
        assert {one.proof.level for one in run.measurements} == {"state"}
        assert run.environment["uffd"]["via"] != "none"
        for skip in run.skips:
            assert skip.reason
        assert not {"mthp"} & {one.at.source for one in paths(run.measurements)}
        assert "mTHP" in done.stdout or "mthp" in done.stdout

    def test_swap_is_refused_with_the_remedy(self, tmp_path: Path) -> None:
        done = run_unprivileged("bench", "--quick", "--swap", "--out", "/tmp/gcproto-nobody-results", cwd=Path("/"))
        assert done.returncode == 3
        assert "what to do: run it as root" in done.stderr
        assert "Traceback" not in done.stderr
