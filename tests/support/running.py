"""A gcproto command that runs on its own, to be sent signals: in a session and a temporary folder of its own."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.processes import COMMAND

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def _plain_signals() -> None:
    """As a terminal's shell begins commands; these tests may run where signals are ignored."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


@dataclass
class Ended:
    """How a command ended.

    Attributes:
        code: exit code;  out, err: all that it said.
        left: names in its temporary folder;  results: files of results.
        processes: that are still there of its session.

    """

    code: int
    out: str
    err: str
    left: list[str]
    results: list[Path]
    processes: list[str]


@dataclass
class Running:
    """A command that runs.

    Args:
        words: of the command line.
        folder: to run in; results go to ``results`` in it.
        env: more variables.

    """

    words: Sequence[str]
    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    before: Callable[[], None] = _plain_signals

    def __post_init__(self) -> None:
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir(exist_ok=True)
        self._err = self.folder / "stderr"
        with self._err.open("wb") as err, (self.folder / "stdout").open("wb") as out:
            self.process = subprocess.Popen(
                [*COMMAND, *self.words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**os.environ, "TMPDIR": str(self.temporary), **self.env},
                cwd=self.folder,
                start_new_session=True,
                preexec_fn=self.before,
            )

    def said(self) -> str:
        """What it has said on standard error so far."""
        return self._err.read_text(errors="replace")

    def wait_for(self, reached: Callable[["Running"], bool], seconds: float = 60) -> None:
        """Wait until it has come to some point.

        Args:
            reached: whether it has.
            seconds: after which the test fails.

        """
        deadline = time.monotonic() + seconds
        while not reached(self):
            assert self.process.poll() is None, f"it ended before: {self.said()[-2000:]}"
            assert time.monotonic() < deadline, f"it did not get there: {self.said()[-2000:]}"
            time.sleep(0.005)

    def send(self, *numbers: signal.Signals, gap: float = 0.05, alone: bool = False) -> None:
        """Send signals to its whole process group, as a terminal does, or to the command alone."""
        for number in numbers:
            if alone:
                self.process.send_signal(number)
            else:
                os.killpg(self.process.pid, number)
            time.sleep(gap)

    def end(self, seconds: float = 60) -> Ended:
        """Wait for its end."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        found = Ended(
            code,
            (self.folder / "stdout").read_text(errors="replace"),
            self.said(),
            sorted(path.name for path in self.temporary.iterdir()),
            sorted(self.folder.glob("results/*.json")),
            alive(self.process.pid),
        )
        assert "Traceback" not in found.out + found.err, found.err[-3000:]
        return found


def alive(session: int, seconds: float = 5) -> list[str]:
    """Names of processes of a session that don't end by themselves."""
    deadline = time.monotonic() + seconds
    while True:
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                fields = (folder / "stat").read_text().rpartition(")")
            except OSError:
                continue
            state, _, _, its_session = fields[2].split()[:4]
            if int(its_session) == session and state not in "ZX":
                found.append(fields[0].partition("(")[2])
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def workers(running: Running) -> list[Path]:
    """Folders in /proc of its workers."""
    children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text().split()
    found = []
    for child in children:
        folder = Path("/proc") / child
        try:
            if b"gcproto.host.worker" in (folder / "cmdline").read_bytes():
                found.append(folder)
        except OSError:
            continue
    return found


def has_worker(running: Running) -> bool:
    """Whether a worker of it has begun: it may be anywhere in its start-up."""
    return bool(workers(running))


def worker_answers(running: Running) -> int:
    """Answers of its workers so far: each is one write, and a worker writes little else."""
    answers = 0
    for folder in workers(running):
        try:
            answers += int((folder / "io").read_text().split("syscw:")[1].split()[0])
        except OSError:
            continue
    return answers


def handles_signals(running: Running) -> bool:
    """Whether it has come to the first statement of ``main``."""
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    caught = int(status.split("SigCgt:")[1].split()[0], 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1)
