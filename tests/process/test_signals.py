"""Signals at every moment of every command: what was measured is kept, and the exit code says which signal it was."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gcproto.errors import ExitCode
from gcproto.process import interrupts
from gcproto.process.interrupts import Interrupted
from gcproto.results.store import load
from tests.support.running import SIGNALS, Running, handles_signals, has_worker, worker_answers
from tests.support.tree_maker import tree

pytestmark = pytest.mark.timeout(180)

SMALL_HEAP = ("--live", "1m", "--heap", "4x", "--operations", "2000")
BENCH = ("bench", "--sources", "small", "--granules", "64k", "--size", "2m", "--rounds", "100000")
GC = ("gc", *SMALL_HEAP, "--modes", "move,copy", "--rounds", "10000")
WINDOW = ("gc", "window", "--size", "1m", "--rounds", "10000")
POLICIES = (
    *("gc", "policies", "--live", "2m", "--memory", "small", "--workloads", "sparse"),
    *("--policies", "move,whole", "--rounds", "10000"),
)


def rounds_done(count: int) -> Callable[[Running], bool]:
    """So many rounds of a heap are done."""
    return lambda running: f"gcproto: {count} of " in running.said()


def measuring(running: Running) -> bool:
    """Its worker has answered more often than all rounds of warm-up ask it to: something is measured."""
    return worker_answers(running) > 60


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Workloads are compiled, which takes longer than all that is measured here."""
    for words in (GC, POLICIES):
        Running((*words[:-1], "1"), tmp_path_factory.mktemp("compiled")).end(170)


MEASURED = [
    (BENCH, measuring, signal.SIGTERM),
    (BENCH, measuring, signal.SIGINT),
    (GC, rounds_done(6), signal.SIGHUP),
    (GC, rounds_done(6), signal.SIGQUIT),
    (WINDOW, measuring, signal.SIGTERM),
    (WINDOW, measuring, signal.SIGHUP),
    (POLICIES, measuring, signal.SIGTERM),
    (POLICIES, measuring, signal.SIGINT),
]


@pytest.mark.needs("move")
@pytest.mark.usefixtures("compiled")
class TestWhatWasMeasured:
    @pytest.mark.parametrize(
        ("words", "reached", "number"),
        MEASURED,
        ids=[f"{words[1] if words[0] == 'gc' else 'bench'} {number.name}" for words, _, number in MEASURED],
    )
    def test_is_kept(
        self, words: tuple[str, ...], reached: Callable[[Running], bool], number: signal.Signals, tmp_path: Path
    ) -> None:
        running = Running(words, tmp_path)
        running.wait_for(reached)
        running.send(number)
        ended = running.end()
        assert ended.code == 128 + number
        assert f"gcproto: interrupted by {number.name}; the result holds the rounds measured until then" in ended.err
        (path,) = ended.results
        result = load(path)
        assert not result.producer.complete
        assert any(one.samples for one in result.measurements)
        assert str(path.name) in ended.err
        assert ended.left == []
        assert ended.processes == []

    @pytest.mark.parametrize(
        "numbers",
        [(signal.SIGTERM,) * 5, (signal.SIGINT, signal.SIGTERM), (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)],
        ids=["five SIGTERM", "SIGINT, SIGTERM", "three kinds"],
    )
    @pytest.mark.parametrize("gap", [0.02, 0.2])
    def test_is_kept_whatever_follows(self, numbers: tuple[signal.Signals, ...], gap: float, tmp_path: Path) -> None:
        running = Running(GC, tmp_path)
        running.wait_for(rounds_done(4))
        running.send(*numbers, gap=gap)
        ended = running.end()
        assert ended.code == 128 + numbers[0]
        assert len(ended.results) == 1
        assert ended.left == []

    def test_is_kept_when_the_command_alone_is_told(self, tmp_path: Path) -> None:
        running = Running(WINDOW, tmp_path)
        running.wait_for(measuring)
        running.send(signal.SIGTERM, alone=True)
        ended = running.end()
        assert ended.code == ExitCode.TERMINATED
        assert len(ended.results) == 1
        assert ended.processes == []

    def test_of_claims_too(self, tmp_path: Path) -> None:
        """A part that a signal cuts short ends the judging: the next part is not begun."""
        running = Running(("claims", "T6", "T10", "T12"), tmp_path)
        running.wait_for(measuring)
        running.send(signal.SIGTERM)
        ended = running.end()
        assert ended.code == ExitCode.TERMINATED
        assert "interrupted by SIGTERM; judged: 0 of 3 claims" in ended.err
        assert ended.err.count("measuring ") == 1
        (path,) = ended.results
        assert not load(path).producer.complete


def test_while_the_command_is_imported_there_is_no_traceback() -> None:
    code = """
import sys
class Finder:
    def find_spec(name, path, target=None):
        if name == "gcproto.process.interrupts":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Finder)
from gcproto.cli.main import main
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (ExitCode.INTERRUPTED, "gcproto: interrupted by SIGINT\n")


TRIES = 3

NOTHING_YET = [
    ("bench",),
    ("claims",),
    ("contract",),
    ("doctor",),
    ("gc",),
    ("gc", "policies"),
    ("gc", "window"),
    ("kernels", "list"),
    ("predict",),
    ("report", "results"),
]


@pytest.mark.parametrize("words", NOTHING_YET, ids=" ".join)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_from_the_first_statement_on(words: tuple[str, ...], number: signal.Signals, tmp_path: Path) -> None:
    """Libraries are being imported.  If this process was kept waiting until rounds were measured, it is done again."""
    for number_of_try in range(TRIES):
        folder = tmp_path / str(number_of_try)
        folder.mkdir()
        running = Running(words, folder)
        running.wait_for(handles_signals)
        running.send(number)
        ended = running.end()
        if not ended.err.startswith("result: "):
            break
    assert ended.code == 128 + number
    assert ended.err == f"gcproto: interrupted by {number.name}\n"
    assert ended.out == ""
    assert ended.left == []
    assert ended.processes == []


def test_help_ends_as_it_should_or_as_the_signal_says(tmp_path: Path) -> None:
    seen = set()
    for _ in range(10):
        running = Running(("--help",), tmp_path)
        running.wait_for(lambda one: one.process.poll() is None and handles_signals(one))
        running.send(signal.SIGTERM, gap=0)
        seen.add(running.end().code)
    assert seen <= {ExitCode.OK, ExitCode.TERMINATED}


@pytest.mark.needs("move")
@pytest.mark.parametrize("words", [BENCH, GC, WINDOW, POLICIES], ids=["bench", "gc", "window", "policies"])
@pytest.mark.parametrize("wait", [0.0, 0.1, 0.4])
def test_while_a_worker_begins(words: tuple[str, ...], wait: float, tmp_path: Path) -> None:
    """A worker must neither die of the group's signal before the command decides, nor print a traceback."""
    running = Running(words, tmp_path)
    running.wait_for(has_worker)
    time.sleep(wait)
    running.send(signal.SIGINT, signal.SIGHUP)
    ended = running.end()
    assert ended.code == ExitCode.INTERRUPTED
    assert "interrupted by SIGINT" in ended.err
    assert "worker" not in ended.err
    assert ended.left == []
    assert ended.processes == []


@pytest.mark.needs("move")
@pytest.mark.usefixtures("compiled")
def test_a_hang_up_that_nohup_ignores_stays_ignored(tmp_path: Path) -> None:
    def nohup() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    running = Running(GC, tmp_path, before=nohup)
    running.wait_for(rounds_done(1))
    running.send(signal.SIGHUP)
    time.sleep(1)
    assert running.process.poll() is None
    running.send(signal.SIGTERM)
    assert running.end().code == ExitCode.TERMINATED


@pytest.mark.needs("root", "move", "mthp", "zram")
def test_settings_are_put_back(tmp_path: Path) -> None:
    from gcproto.host import swap_devices
    from gcproto.host.kernel_files import mthp_files, read_choice

    def state() -> tuple[object, ...]:
        return tuple(map(read_choice, mthp_files().values())), swap_devices.active(), swap_devices.zram_numbers()

    before = state()
    running = Running(("bench", "--swap", "--sources", "swapped,mthp-64k", "--rounds", "100000"), tmp_path)
    running.wait_for(lambda _: swap_devices.active() != before[1])
    running.send(*(signal.SIGTERM, signal.SIGINT) * 3, gap=0.02)
    ended = running.end()
    assert ended.code == ExitCode.TERMINATED
    assert state() == before
    assert ended.left == []


class TestContract:
    @pytest.mark.needs("move")
    def test_a_row_that_runs_is_ended(self, tmp_path: Path) -> None:
        running = Running(("contract",), tmp_path)
        running.wait_for(lambda one: (one.folder / "stdout").read_text().count("\n") > 3)
        running.send(signal.SIGHUP)
        ended = running.end(10)
        assert ended.code == ExitCode.HUNG_UP
        assert ended.out.startswith("KTAP version 1\n")
        assert "not ok" not in ended.out, "the row that the signal ended is not a finding"
        assert ended.processes == []

    def test_a_row_that_hangs_is_ended_at_once(self) -> None:
        script = "from gcproto.process import interrupts\nfrom gcproto.contract import run_drill\n"
        script += "interrupts.install()\nprint('ready', flush=True)\n"
        script += "try:\n    run_drill('hangs', 60000)\nexcept KeyboardInterrupt as signal:\n    print(signal)\n"
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.5)
        process.terminate()
        out, _ = process.communicate(timeout=10)
        assert out == "SIGTERM\n"


class TestKernels:
    @pytest.mark.needs("kernel_tools", "cc")
    @pytest.mark.parametrize("command", ["build", "ab"])
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_build_ends_with_its_command(self, command: str, number: signal.Signals, tmp_path: Path) -> None:
        top = tree(tmp_path / "tree")
        makefile = top / "Makefile"
        makefile.write_text(makefile.read_text().replace('\t@echo "  CC', '\t@sleep 60\n\t@echo "  CC'))
        patch = tmp_path / "x.patch"
        patch.write_text("--- a/one.c\n+++ b/one.c\n@@ -1,2 +1,2 @@\n-int one;\n+int other;\n int more;\n")
        words = ("kernels", command, "--source", str(top), "--patch", str(patch))
        running = Running(words, tmp_path, {"GCPROTO_CACHE": str(tmp_path / "cache")})
        making = f"{tmp_path}/cache"
        running.wait_for(lambda _: any("bzImage" in line for line in _with_word(making)))
        running.send(number)
        ended = running.end()
        assert ended.code == 128 + number
        assert f"interrupted by {number.name}" in ended.err
        assert _gone(making)
        assert ended.left == []

    @pytest.mark.needs("qemu", "guest_kernel", "static")
    @pytest.mark.parametrize(
        "words", [("run", "--set", "quick"), ("check",), ("stress",)], ids=["run", "check", "stress"]
    )
    @pytest.mark.parametrize("numbers", [(signal.SIGTERM,), (signal.SIGHUP,), (signal.SIGINT, signal.SIGTERM)])
    def test_guests_end_with_their_command(
        self, words: tuple[str, ...], numbers: tuple[signal.Signals, ...], tmp_path: Path
    ) -> None:
        running = Running(("kernels", words[0], "6.18", *words[1:]), tmp_path)
        running.wait_for(lambda one: any(one.temporary.glob("gcproto-matrix-*/gcproto-guest-*/console")), 120)
        running.send(*numbers)
        ended = running.end()
        assert ended.code == 128 + numbers[0]
        assert f"interrupted by {numbers[0].name}; kept in results: 0 of " in ended.err
        assert ended.left == []
        assert ended.processes == []
        assert _gone(str(running.temporary))


def _with_word(word: str) -> list[str]:
    """Command lines of processes that have a word in them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if word in text:
            found.append(text)
    return found


def _gone(word: str) -> bool:
    """Whether no process has a word in its command line, a moment later."""
    deadline = time.monotonic() + 10
    while _with_word(word) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not _with_word(word)


@pytest.fixture
def handled() -> Iterator[None]:
    """Signals are handled in this process."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    assert interrupts.install()
    yield
    interrupts.uninstall()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handled")
class TestDelay:
    def test_the_first_signal_is_raised_once(self) -> None:
        with pytest.raises(Interrupted) as caught:
            os.kill(os.getpid(), signal.SIGHUP)
        assert caught.value.number is signal.SIGHUP
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupts.noted() is signal.SIGHUP
        assert interrupts.exit_code() == ExitCode.HUNG_UP

    def test_a_block_that_is_held_is_whole(self) -> None:
        done = []

        @interrupts.held()
        def write() -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("written")

        with pytest.raises(Interrupted):
            write()
        assert done == ["written"]

    def test_an_error_in_a_held_block_is_not_replaced(self) -> None:
        @interrupts.held()
        def write() -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            raise OSError("disk")

        with pytest.raises(OSError, match="disk"):
            write()
        assert interrupts.noted() is signal.SIGTERM

    def test_what_follows_the_last_round_is_not_lost(self) -> None:
        interrupts.defer()
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Interrupted):
            interrupts.resume()

    def test_a_result_is_shown_that_was_complete(self) -> None:
        interrupts.defer()
        os.kill(os.getpid(), signal.SIGTERM)
        interrupts.allow()
        assert interrupts.noted() is signal.SIGTERM

    def test_what_a_callback_swallowed_is_raised_again(self) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Interrupted):
            interrupts.check()

    def test_children_begin_with_signals_blocked(self) -> None:
        with interrupts.blocked():
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        child.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.5)
        child.kill()
        child.wait()


def test_patience_ends() -> None:
    """A command that does not end after signals for a long time is ended by one more, at once."""
    script = "import time\nfrom gcproto.process import interrupts\ninterrupts.PATIENCE_SECONDS = 0.5\n"
    script += "interrupts.install()\ninterrupts.defer()\nprint('ready', flush=True)\ntime.sleep(60)\nprint('never')\n"
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    for wait in (0.1, 0.1, 0.6, 0.1):
        process.terminate()
        time.sleep(wait)
    out, _ = process.communicate(timeout=10)
    assert out == ""
    assert process.returncode == ExitCode.TERMINATED
