"""Two pytest processes share the tests that take nothing of the machine; then all others run alone.

A whole session has three kinds of tests:

- ``GUESTS`` boot guests, which count instructions, or compile, or collect one heap and look at its contents, or see
  how a command ends that measures nothing. Only the first process runs them: some look for guests that were left.
- ``PURE`` need only a processor.
- All others may measure, change settings, or look at what the kernel counts: they run last, when the second process has
  ended.

Both processes take whole files from one list, the first from its start, where the guests are, the second from its end.
The first process counts and prints the reports of both, so there is one closing line. Tests that the second process did
not come to, because it died, run in the first one at the end; the test that it died in has failed.
"""

import builtins
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gcproto.host.journal import FOLDER, Journal

GUESTS = (
    "tests/cli/test_asking.py::TestUnprivileged::test_a_heap_without_a_home",
    "tests/collector/test_collector.py",
    "tests/collector/test_young.py",
    "tests/collector/test_zero_read.py",
    "tests/examples/",
    "tests/house/test_docs.py::test_extend[Add a hazard]",
    "tests/house/test_installed.py",
    "tests/kernels/",
    "tests/native/",
    "tests/process/test_signals.py::test_from_the_first_statement_on",
    "tests/process/test_streams.py::TestOutput::test_closed",
    "tests/process/test_streams.py::TestOutput::test_full",
    "tests/process/test_streams.py::TestOutput::test_messages",
)
PURE = (
    "tests/claims/test_claims_",
    "tests/cli/test_cluster.py",
    "tests/cli/test_counted.py",
    "tests/cli/test_crowded.py",
    "tests/cli/test_predict_inputs.py",
    "tests/cli/test_reference.py",
    "tests/cli/test_typed.py",
    "tests/cli/test_without_effect.py",
    "tests/collector/test_adapt.py",
    "tests/collector/test_noting.py",
    "tests/collector/test_produce.py",
    "tests/collector/test_regions.py",
    "tests/heap/test_compiled.py",
    "tests/house/test_c_files.py",
    "tests/house/test_language.py",
    "tests/house/test_packages.py",
    "tests/house/test_readme.py",
    "tests/house/test_rooms.py",
    "tests/house/test_two_processes.py",
    "tests/house/test_words.py",
    "tests/jobs/test_cluster.py",
    "tests/litmus/",
    "tests/model/",
    "tests/report/",
    "tests/results/",
)
HARMLESS = {"cc", "chromium", "cpio", "git", "herd7", "java", "perl", "static", "two_cpus"}
"""Needs of tests of ``PURE`` that take nothing of the machine."""
TAKES = {"io_uring", "loop", "memcg", "mthp", "pfn", "thp", "tlb_counts", "two_cpus", "zram"}
"""Needs of tests that run alone although they are in a folder of ``GUESTS``."""

WORTH = 500
"""Tests of ``PURE`` from which on a second process pays: it takes five seconds to collect them."""
SECOND = "GCPROTO_SECOND_PROCESS"
"""The variable that makes a process the second one: the folder that it shares with the first."""
POLL_SECONDS = 0.05
QUIET_SECONDS = 60.0
"""A process that says nothing for so much longer than any test may take hangs outside of tests."""


def needs(item: pytest.Item) -> set[str]:
    """What a test needs of the machine."""
    return {str(need) for marker in item.iter_markers("needs") for need in marker.args}


def is_pure(item: pytest.Item) -> bool:
    """Whether a test may run in either process."""
    return item.nodeid.startswith(PURE) and needs(item) <= HARMLESS


def is_guest(item: pytest.Item) -> bool:
    """Whether a test runs in the first process, beside others."""
    return item.nodeid.startswith(GUESTS) and not needs(item) & TAKES


def file_of(nodeid: str) -> str:
    """The file of a test."""
    return nodeid.partition("::")[0]


class Share:
    """Files of tests, of which each belongs to the process that takes it first.

    Args:
        folder: common to both processes.

    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.taken: set[str] = set()

    def take(self, file: str) -> bool:
        """Whether a file belongs to this process, now or before."""
        if file in self.taken:
            return True
        try:
            os.close(os.open(self.folder / file.replace("/", "+"), os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        self.taken.add(file)
        return True

    def mine(self, items: Iterable[pytest.Item]) -> Iterator[pytest.Item]:
        """The tests that belong to this process; a file is taken when its first test comes."""
        return (item for item in items if self.take(file_of(item.nodeid)))


def run(items: Iterable[pytest.Item], session: pytest.Session, following: pytest.Item | None = None) -> None:
    """Run tests as pytest does.

    Args:
        items: the tests.
        session: whose tests they are.
        following: the test that this process runs after them.

    """
    left = iter(items)
    item = next(left, None)
    while item:
        after = next(left, None)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=after or following)
        see_whether_to_stop(session)
        item = after


def see_whether_to_stop(session: pytest.Session) -> None:
    """End the session where an option or a plugin asks for it."""
    if session.shouldfail:
        raise session.Failed(session.shouldfail)
    if session.shouldstop:
        raise session.Interrupted(session.shouldstop)


class First:
    """The process that prints and counts."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run guests and pure tests beside the second process, then the others."""
        pure = [item for item in session.items if is_pure(item)]
        option = session.config.option
        if len(pure) < WORTH or (os.cpu_count() or 1) < 2 or option.collectonly or option.usepdb or session.testsfailed:
            return None
        guests = [item for item in session.items if is_guest(item)]
        beside = {*pure, *guests}
        alone = [item for item in session.items if item not in beside]
        with tempfile.TemporaryDirectory(prefix="gcproto-tests-") as name:
            share = Share(Path(name))
            self.process = second_process(Path(name), pure, session.config)
            try:
                run(itertools.chain(guests, share.mine(pure)), session, alone[0] if alone else None)
                left = self._reports(session, share, [item for item in pure if file_of(item.nodeid) not in share.taken])
            finally:
                self._kill()
            run([*alone, *left], session)
        return True

    def _reports(self, session: pytest.Session, share: Share, items: list[pytest.Item]) -> list[pytest.Item]:
        """Pass on what the second process reports until it ends; what is left of its tests."""
        replay = Replay(session, {item.nodeid: item for item in items})
        code = self._follow(share.folder / "reports", replay, max(seconds(item) for item in items) if items else 0.0)
        log = (share.folder / "log").read_text(errors="replace")[-3000:]
        replay.died(code, log)
        return [item for item in items if item.nodeid not in replay.ended]

    def _follow(self, path: Path, replay: "Replay", longest: float) -> int:
        assert self.process
        heard = time.monotonic()
        with path.open(encoding="utf-8") as file:
            part = ""
            while True:
                code = self.process.poll()
                while line := file.readline():
                    heard, part = time.monotonic(), part + line
                    if part.endswith("\n"):
                        replay.event(json.loads(part))
                        part = ""
                if code is not None:
                    return code
                if time.monotonic() - heard > longest + QUIET_SECONDS:
                    self._kill()
                time.sleep(POLL_SECONDS)

    def _kill(self) -> None:
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def second_process(folder: Path, items: list[pytest.Item], config: pytest.Config) -> "subprocess.Popen[bytes]":
    """Start the second process for some tests."""
    (folder / "tests").write_text(json.dumps([item.nodeid for item in items]), encoding="utf-8")
    (folder / "reports").touch()
    alike = ("--hypothesis-", "--timeout", "--tb=", "-W")
    options = [str(word) for word in config.invocation_params.args if str(word).startswith(alike)]
    files = dict.fromkeys(file_of(item.nodeid) for item in items)
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, *files],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=config.rootpath,
            env={**os.environ, SECOND: str(folder), "GCPROTO_STATE": str(folder / "state")},
            start_new_session=True,
        )


def seconds(item: pytest.Item) -> float:
    """How long a test may take."""
    marker = item.get_closest_marker("timeout")
    given = item.config.getoption("timeout")
    return float(marker.args[0] if marker else item.config.getini("timeout") if given is None else given)


class Replay:
    """Reports of the second process, made known in the first one.

    Args:
        session: of the first process.
        items: the tests of the second process.

    """

    def __init__(self, session: pytest.Session, items: dict[str, pytest.Item]) -> None:
        self.session = session
        self.hook = session.config.hook
        self.items = items
        self.ended: set[str] = set()
        self.running = ""

    def event(self, said: dict[str, Any]) -> None:
        """Make one event known."""
        match said:
            case {"start": nodeid}:
                self.running = nodeid
                self.hook.pytest_runtest_logstart(nodeid=nodeid, location=self.items[nodeid].location)
            case {"report": data}:
                report = self.hook.pytest_report_from_serializable(config=self.session.config, data=data)
                if isinstance(report.longrepr, list):  # of a skip; JSON has no tuples
                    report.longrepr = tuple(report.longrepr)
                self.hook.pytest_runtest_logreport(report=report)
            case {"end": nodeid}:
                self._end(nodeid)
            case {"warning": text, "category": category, "place": (file, line), "when": when, "nodeid": nodeid}:
                kind = getattr(builtins, category, UserWarning)
                message = warnings.WarningMessage(kind(text), kind, file, line)
                self.hook.pytest_warning_recorded.call_historic(
                    kwargs={"warning_message": message, "when": when, "nodeid": nodeid, "location": None}
                )
        see_whether_to_stop(self.session)

    def died(self, code: int, log: str) -> None:
        """Fail the test in which the process died, or say that it ended badly outside of tests."""
        why = f"the second process of tests ended with {code}; the end of its output:\n{log}"
        if nodeid := self.running:
            self._failed(nodeid, self.items[nodeid].location, why)
            self._end(nodeid)
        elif code not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED}:
            self._failed("the second process", ("", None, "the second process"), why)
        see_whether_to_stop(self.session)

    def _failed(self, nodeid: str, location: tuple[str, int | None, str], why: str) -> None:
        report = pytest.TestReport(nodeid, location, {}, "failed", why, "call")
        self.hook.pytest_runtest_logreport(report=report)

    def _end(self, nodeid: str) -> None:
        self.ended.add(nodeid)
        self.running = ""
        self.hook.pytest_runtest_logfinish(nodeid=nodeid, location=self.items[nodeid].location)


class Second:
    """The process that reports to the first one.

    It keeps the settings' lock of a folder of its own: a test that changes settings of the machine fails in it.
    """

    def __init__(self, folder: Path) -> None:
        self.share = Share(folder)
        self.first = os.getppid()
        self.lock = Journal(FOLDER)
        self.file = (folder / "reports").open("a", buffering=1, encoding="utf-8")
        self.config: pytest.Config | None = None

    def pytest_configure(self, config: pytest.Config) -> None:
        """Take the lock."""
        self.config = config
        if os.geteuid() == 0:
            self.lock.acquire()

    def pytest_unconfigure(self) -> None:
        """Release the lock."""
        self.lock.release()

    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run the tests that the first process chose, the last file first."""
        if session.testsfailed:
            return None
        chosen = set(json.loads((self.share.folder / "tests").read_text(encoding="utf-8")))
        files: dict[str, list[pytest.Item]] = {}
        for item in session.items:
            if item.nodeid in chosen:
                files.setdefault(file_of(item.nodeid), []).append(item)
        run(self.share.mine(item for some in reversed(files.values()) for item in some), session)
        return True

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Report that a test begins."""
        if os.getppid() != self.first:
            pytest.exit("the first process has ended", returncode=1)
        self._say({"start": nodeid})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Report what a test did."""
        assert self.config
        data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
        self._say({"report": data})

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Report that a test has ended."""
        self._say({"end": nodeid})

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, when: str, nodeid: str) -> None:
        """Report a warning of a test; those of collecting the first process has as well."""
        if when == "runtest":
            place = (warning_message.filename, warning_message.lineno)
            category = warning_message.category.__name__
            text = str(warning_message.message)
            self._say({"warning": text, "category": category, "place": place, "when": when, "nodeid": nodeid})

    def _say(self, event: dict[str, Any]) -> None:
        self.file.write(json.dumps(event) + "\n")


def plugin() -> First | Second:
    """The part of this process."""
    folder = os.environ.pop(SECOND, None)  # processes that tests start are no second ones
    return Second(Path(folder)) if folder else First()
