"""Closed and full standard streams, limits of the process, files that never end: a message and a code, at once."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from gcproto.errors import ExitCode
from gcproto.results.store import load, save
from tests.support.path_results import paths_result
from tests.support.processes import COMMAND

BENCH = ("bench", "--sources", "small", "--granules", "64k", "--rounds", "3", "--size", "2m", "--out", "results")
HEAP = ("gc", "--live", "1m", "--heap", "4x", "--operations", "2000", "--rounds", "1", "--modes", "copy")
SECONDS = 20
"""What is refused at once takes less, however busy the machine is."""


def shell(
    script: str, folder: Path, *words: str, env: dict[str, str] | None = None, seconds: float = 100
) -> "subprocess.CompletedProcess[str]":
    """Run a shell script in which ``gcproto`` is the command, and ``"$@"`` are the words."""
    text = f'gcproto() {{ {" ".join(COMMAND)} "$@"; }}\n{script}'
    done = subprocess.run(
        ["bash", "-c", text, "bash", *words],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        cwd=folder,
        env={**os.environ, **(env or {})},
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr[-3000:]
    assert "Exception ignored" not in done.stderr
    return done


def result_file(folder: Path) -> Path:
    """A result to be shown."""
    return save(paths_result(), folder)


SHOWING = [
    ("--help",),
    ("contract", "--list"),
    ("doctor", "--json"),
    ("kernels", "list"),
    ("show", "RESULT"),
    ("show", "--json", "RESULT"),
]


@pytest.mark.parametrize("words", SHOWING, ids=" ".join)
class TestOutput:
    def words(self, words: tuple[str, ...], folder: Path) -> list[str]:
        return [str(result_file(folder)) if word == "RESULT" else word for word in words]

    def test_closed(self, words: tuple[str, ...], tmp_path: Path) -> None:
        done = shell('gcproto "$@" >&-', tmp_path, *self.words(words, tmp_path))
        assert done.returncode == ExitCode.WRITE
        assert done.stderr.startswith("gcproto: standard output can't be written\n  why: it is closed\n")

    def test_full(self, words: tuple[str, ...], tmp_path: Path) -> None:
        done = shell('gcproto "$@" > /dev/full', tmp_path, *self.words(words, tmp_path))
        assert done.returncode == ExitCode.WRITE
        assert "standard output can't be written\n  why: No space left on device\n" in done.stderr

    def test_messages_that_can_not_be_written_change_nothing(self, words: tuple[str, ...], tmp_path: Path) -> None:
        right = shell('gcproto "$@"', tmp_path, *self.words(words, tmp_path))
        for where in ("2>&-", "2> /dev/full", "2>&- < /dev/null", "<&- 2>&-"):
            done = shell(f'gcproto "$@" {where}', tmp_path, *self.words(words, tmp_path))
            assert done.returncode == right.returncode == ExitCode.OK
            if words[0] != "doctor":  # which says the load
                assert done.stdout == right.stdout

    def test_given_up(self, words: tuple[str, ...], tmp_path: Path) -> None:
        """The reader is gone before anything is written, so that the pipe's buffer hides nothing."""
        script = 'gcproto "$@" | true; exit ${PIPESTATUS[0]}'
        slow = shell(f"sleep() {{ :; }}; {script}", tmp_path, *self.words(words, tmp_path))
        assert slow.returncode == ExitCode.PIPE
        assert slow.stderr == "gcproto: the reader of standard output closed it; the rest was not printed\n"


def test_a_file_on_a_full_disk(tmp_path: Path) -> None:
    """The first bytes fit: what fails is a later write."""
    if os.geteuid() != 0:
        pytest.skip("needs root: a small file system is mounted")
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(small)], check=True)
    try:
        done = shell("gcproto contract --list > small/out", tmp_path)
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert done.returncode == ExitCode.WRITE
    assert "No space left on device" in done.stderr


@pytest.mark.needs("move")
class TestMeasuring:
    def test_nothing_is_measured_for_an_output_that_is_closed(self, tmp_path: Path) -> None:
        for where in (">&-", "> /dev/full"):
            done = shell(f'gcproto "$@" {where}', tmp_path, "bench", "--out", "results", seconds=SECONDS)
            assert done.returncode == ExitCode.WRITE
        assert not (tmp_path / "results").exists()

    def test_a_result_is_kept_whose_table_nobody_reads(self, tmp_path: Path) -> None:
        done = shell('gcproto "$@" | true; exit ${PIPESTATUS[0]}', tmp_path, *BENCH)
        assert done.returncode == ExitCode.PIPE
        (path,) = tmp_path.glob("results/*.json")
        assert path.name in done.stderr
        assert load(path).producer.complete

    def test_without_messages(self, tmp_path: Path) -> None:
        for where in ("2>&-", "2> /dev/full"):
            assert shell(f'gcproto "$@" {where}', tmp_path, *BENCH).returncode == ExitCode.OK
        assert len(list(tmp_path.glob("results/*.json"))) == 2

    def test_head_of_a_contract(self, tmp_path: Path) -> None:
        done = shell("gcproto contract | head -1; exit ${PIPESTATUS[0]}", tmp_path)
        assert done.stdout == "KTAP version 1\n"
        assert done.returncode == ExitCode.PIPE


class TestLimits:
    @pytest.mark.parametrize("words", [("doctor",), BENCH, ("report", "results")], ids=["doctor", "bench", "report"])
    def test_few_files(self, words: tuple[str, ...], tmp_path: Path) -> None:
        done = shell('ulimit -n 8; gcproto "$@"', tmp_path, *words, seconds=SECONDS)
        assert done.returncode == ExitCode.UNABLE
        assert done.stderr.startswith("gcproto: this process may open 8 files only\n")
        assert "ulimit -n" in done.stderr

    @pytest.mark.needs("move")
    def test_a_soft_limit_is_raised(self, tmp_path: Path) -> None:
        assert shell('ulimit -S -n 20; gcproto "$@"', tmp_path, *BENCH).returncode == ExitCode.OK

    @pytest.mark.parametrize("kib", [50_000, 200_000, 400_000])
    @pytest.mark.parametrize("words", [BENCH, HEAP, ("report", "results")], ids=["bench", "gc", "report"])
    def test_few_addresses(self, kib: int, words: tuple[str, ...], tmp_path: Path) -> None:
        done = shell(f'ulimit -v {kib}; gcproto "$@"', tmp_path, *words, seconds=SECONDS)
        assert done.returncode == ExitCode.UNABLE
        assert f"this process may have {kib >> 10} MiB of addresses only" in done.stderr

    @pytest.mark.needs("move")
    def test_a_heap_beyond_the_addresses(self, tmp_path: Path) -> None:
        done = shell('ulimit -v 800000; gcproto "$@"', tmp_path, *HEAP, seconds=SECONDS)
        assert done.returncode == ExitCode.UNABLE
        assert "a heap of 4 MiB does not fit" in done.stderr
        assert "ulimit -v is 781 MiB" in done.stderr

    @pytest.mark.needs("nobody", "move")
    def test_no_more_processes(self) -> None:
        """A worker that can't be started is said in words."""
        from tests.support.processes import SETPRIV, unprivileged_python

        found = unprivileged_python()
        assert found
        script = 'ulimit -u 1; exec "$@"'
        command = [*SETPRIV, "bash", "-c", script, "bash", found[0], "-m", "gcproto.cli.main", *BENCH]
        with tempfile.TemporaryDirectory() as out:  # pytest's folders are for this user only
            Path(out).chmod(0o777)
            command[-1] = out
            env = {**os.environ, **found[1], "HOME": "/"}
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", env=env)
        assert done.returncode == ExitCode.UNABLE, done.stderr
        assert "too few processes or threads are allowed" in done.stderr
        assert "Traceback" not in done.stderr


class TestFiles:
    """What is not a regular file is refused before it is read."""

    def others(self, folder: Path) -> list[Path]:
        pipe, sparse, place = folder / "pipe", folder / "sparse", folder / "folder"
        os.mkfifo(pipe)
        place.mkdir()
        with sparse.open("wb") as file:
            file.truncate(1 << 40)
        return [Path("/dev/zero"), Path("/dev/tty"), pipe, sparse, place, folder / "missing"]

    @pytest.mark.parametrize(
        "words",
        [
            ("gc", "--workload", "replay", "--recording"),
            ("show",),
            ("compare", "RESULT"),
            ("predict",),
            ("predict", "RESULT", "--proposal"),
            ("kernels", "ab", "--patch"),
            ("kernels", "build", "--config"),
            ("report",),
            ("export", "--csv", "out.csv"),
        ],
        ids=" ".join,
    )
    def test_others_than_regular_ones(self, words: tuple[str, ...], tmp_path: Path) -> None:
        good = str(result_file(tmp_path))
        env = {"GCPROTO_CACHE": str(tmp_path / "cache")}
        for path in self.others(tmp_path):
            if path.is_dir() and words[0] in {"report", "export"}:
                continue  # its results are read
            given = [good if word == "RESULT" else word for word in words]
            done = shell('gcproto "$@"', tmp_path, *given, str(path), seconds=SECONDS, env=env)
            assert done.returncode == ExitCode.USAGE, (path, done.stderr)
            assert str(path) in done.stderr

    @pytest.mark.needs("qemu")
    def test_a_kernel_that_is_a_pipe(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "vmlinuz")
        done = shell('gcproto "$@"', tmp_path, "kernels", "run", str(tmp_path / "vmlinuz"), seconds=SECONDS)
        assert done.returncode == ExitCode.USAGE
        assert "is a pipe" in done.stderr


@pytest.mark.needs("kernel_tools", "qemu")
def test_patches_are_looked_at_before_another_build_is_waited_for(tmp_path: Path) -> None:
    from tests.support.tree_maker import tree

    top = tree(tmp_path / "tree")
    series = tmp_path / "series-folder"
    series.mkdir()
    (series / "series").write_text("0001-not-there.patch\n")
    bad = tmp_path / "bad.patch"
    bad.write_text("--- a/one.c\n+++ b/one.c\n@@ -1,2 +1,2 @@\n-int absent;\n+int other;\n int more;\n")
    env = {"GCPROTO_CACHE": str(tmp_path / "cache")}
    hold = "import fcntl, pathlib, sys, time\n"
    hold += "for tree in map(pathlib.Path, sys.argv[1:]):\n"
    hold += "    tree.mkdir(parents=True)\n    file = (tree / 'lock').open('w')\n    fcntl.flock(file, fcntl.LOCK_EX)\n"
    hold += "    print('held', flush=True)\n    time.sleep(600)\n"
    from gcproto.kernels.build import kconfig, source

    place = tmp_path / f"cache/kernels/trees/{source.given(top).key}-{kconfig.chosen([]).key}"
    holder = subprocess.Popen([sys.executable, "-c", hold, str(place)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        for patch, said in ((series, "0001-not-there.patch can't be read"), (bad, "does not apply")):
            words = ("kernels", "ab", "--source", str(top), "--patch", str(patch))
            done = shell('gcproto "$@"', tmp_path, *words, seconds=SECONDS, env=env)
            assert done.returncode == ExitCode.USAGE, done.stderr
            assert said in done.stderr
            assert "waiting for another build" not in done.stderr
        missing = ("kernels", "ab", "--source", str(top), "--patch", str(tmp_path / "missing"))
        assert shell('gcproto "$@"', tmp_path, *missing, seconds=SECONDS, env=env).returncode == ExitCode.USAGE
    finally:
        holder.kill()
        holder.wait()


class TestNet:
    """An unexpected error: one line, a code of its own, and the traceback only where it is asked for."""

    BROKEN = "import gcproto.host.doctor as doctor\ndef broken():\n    raise {}\ndoctor.survey = broken\n"

    def run(self, folder: Path, error: str, *words: str) -> "subprocess.CompletedProcess[str]":
        (folder / "sitecustomize.py").write_text(self.BROKEN.format(error))
        return subprocess.run(
            [*COMMAND, *words],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(folder)},
        )

    def test_a_fault_is_a_line(self, tmp_path: Path) -> None:
        done = self.run(tmp_path, "ValueError('unforeseen')", "doctor")
        assert done.returncode == ExitCode.FAULT
        assert done.stderr.startswith(
            "gcproto: this is a fault of gcproto: ValueError: unforeseen at sitecustomize.py:3"
        )
        assert "gcproto -v" in done.stderr
        assert "Traceback" not in done.stderr

    def test_its_traceback_is_for_those_who_ask(self, tmp_path: Path) -> None:
        done = self.run(tmp_path, "ValueError('unforeseen')", "-v", "doctor")
        assert done.returncode == ExitCode.FAULT
        assert "Traceback (most recent call last)" in done.stderr

    @pytest.mark.parametrize(
        ("error", "code", "said"),
        [
            ("MemoryError", ExitCode.UNABLE, "not enough memory"),
            ("OSError(24, 'x')", ExitCode.UNABLE, "no more files can be opened"),
            ("OSError(28, 'No space left on device', '/tmp/x')", ExitCode.WRITE, "/tmp/x can't be written"),
            ("OSError(11, 'x')", ExitCode.UNABLE, "too few processes"),
            ('RuntimeError("can\'t start new thread")', ExitCode.UNABLE, "too few processes or threads"),
            ("SystemExit(7)", 7, ""),
        ],
    )
    def test_shortages_have_messages(self, error: str, code: int, said: str, tmp_path: Path) -> None:
        done = self.run(tmp_path, error, "doctor")
        assert done.returncode == code
        assert said in done.stderr
        assert "fault of gcproto" not in done.stderr
        assert "Traceback" not in done.stderr

    @pytest.mark.needs("move")
    @pytest.mark.parametrize("verbose", [False, True])
    def test_a_fault_of_a_worker_is_the_reason_of_the_round(self, verbose: bool, tmp_path: Path) -> None:
        broken = (
            "import gcproto.experiments.paths.round as round\n"
            "def broken(prover, request):\n    raise ValueError('unforeseen')\n"
        )
        (tmp_path / "sitecustomize.py").write_text(broken + "round.run = broken\n")
        done = subprocess.run(
            [*COMMAND, *(["-v"] if verbose else []), *BENCH],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
        )
        assert done.returncode != ExitCode.OK
        assert ("Traceback" in done.stderr) == verbose
        (path,) = tmp_path.glob("results/*.json")
        assert "the worker process failed: ValueError: unforeseen" in path.read_text()
