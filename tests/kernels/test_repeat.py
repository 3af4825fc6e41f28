"""A corruption, panic or hang that no known bug explains is retried in fresh guests."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from gcproto.cli.app import cli
from gcproto.jobs.pool import Place
from gcproto.kernels.get.fetch import LocalKernel
from gcproto.kernels.guest import machine as vm
from gcproto.kernels.guest.machine import Boot
from gcproto.kernels.run.repeat import FreshGuest, confirm, explained
from gcproto.report.terminal.verdicts import print_verdicts
from gcproto.results.schema import Console as KernelConsole
from gcproto.results.schema import ContractRow, Hazard, Verdict, Word
from tests.support.kernel_results import guest_result

RELEASE = "6.12.118+deb13-cloud-amd64"
FORKED = Verdict(Hazard("whole-forked"), "corruption", "0 of 16 moved pages can be swapped out", 2.0)


def _words(*words: Word | None) -> Iterator[Verdict | None]:
    yield from (Verdict(FORKED.subject, word, "x") if word else None for word in words)


@pytest.mark.parametrize(
    ("one", "release", "known"),
    [
        (FORKED, RELEASE, False),
        (Verdict(Hazard("huge-zero-pfn"), "panic", ""), "6.18.15+deb13", True),
        (Verdict(Hazard("huge-zero-pfn"), "panic", ""), "7.3.4+deb13", False),
        (Verdict(Hazard("whole-forked"), "differs", ""), RELEASE, True),
        (Verdict(ContractRow("mthp-whole"), "hang", ""), RELEASE, False),
        (Verdict(KernelConsole(), "panic", ""), RELEASE, False),
        (Verdict(Hazard("huge-zero-pfn"), "panic", ""), "custom", False),
    ],
)
def test_what_a_known_bug_explains(one: Verdict, release: str, *, known: bool) -> None:
    assert explained(one, release) is known


def test_what_stays_is_marked_and_says_how_often() -> None:
    seen = _words("fine", "corruption", "panic")
    fine = Verdict(Hazard("ksm"), "ebusy", "y")
    kept, marked = confirm([fine, FORKED], RELEASE, lambda _one: next(seen))
    assert kept is fine
    assert (marked.verdict, marked.unexplained, marked.seconds) == ("corruption", True, 2.0)
    assert marked.text == "unexplained, again in 2 of 3 fresh guests: 0 of 16 moved pages can be swapped out"
    assert next(seen, "asked three times") == "asked three times"


def test_what_no_other_guest_shows_is_not_dropped() -> None:
    seen = _words("fine", None, "fine")
    (one,) = confirm([FORKED], RELEASE, lambda _one: next(seen))
    assert (one.verdict, one.unexplained) == ("differs", False)
    assert one.text == "corruption once, then fine, unavailable, fine in fresh guests: " + FORKED.text


@pytest.mark.parametrize("subject", [Hazard("whole-forked"), ContractRow("swapped-small"), KernelConsole()])
def test_a_fresh_guest_runs_the_subject_alone(
    monkeypatch: pytest.MonkeyPatch, subject: Hazard | ContractRow | KernelConsole
) -> None:
    scripts: list[list[str]] = []

    def boot(_machine: object, _vmlinuz: str, image: bytes, *, jobs: object) -> Boot:  # noqa: ARG001 - as vm.boot
        names = image.decode().split()
        scripts.append(names)
        fallen = next((name for name in names if name != "info"), None)
        if fallen is None:
            return Boot("done", "", [], [], 1.0, [])
        return Boot("panic", "Kernel panic", [f'{{"guest":{{"begin":"{fallen}"}}}}'], [], 1.0, [])

    monkeypatch.setattr(vm, "boot", boot)
    kernel = LocalKernel(RELEASE, "/k", ("/modules/zram.ko",), "here")
    again = FreshGuest(vm.Machine(), kernel, lambda left: " ".join(job.name for job in left.jobs).encode())
    found = again(Verdict(subject, "panic", ""))
    if isinstance(subject, KernelConsole):
        assert found is None, "the kernel's console said nothing"
        assert len(scripts[0]) > 10
        return
    assert found
    assert (found.subject, found.verdict) == (subject, "panic")
    wanted = {
        "whole-forked": ["info", "hazard-whole-forked"],
        "swapped-small": ["info", "row-zram-swapped-small", "row-loop-swapped-small"],
    }
    assert scripts[0] == wanted[subject.name]


def test_the_table_marks_it() -> None:
    marked = Verdict(Hazard("whole-forked"), "corruption", "unexplained, again in 3 of 3", 1.0, unexplained=True)
    out = io.StringIO()
    print_verdicts([guest_result(RELEASE, {}, verdicts=[marked])], Console(file=out, width=160))
    assert "corruption ?" in out.getvalue()
    assert "? no known bug explains" in out.getvalue()


@pytest.mark.parametrize(("marked", "code"), [(True, 1), (False, 0)])
def test_the_command_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Any, *, marked: bool, code: int) -> None:
    """Only an unexplained verdict does that: a kernel with a known bug is a finding."""
    one = Verdict(Hazard("whole-forked"), "corruption", "x", 1.0, unexplained=marked)

    def run(jobs: list[Any], _pool: object, done: Any, **_options: object) -> list[Any]:
        assert [job.work.args[0].repeats for job in jobs] == [3]
        done(jobs[0], guest_result(RELEASE, {}, verdicts=[one]), Place("", "", 1))
        return []

    kernel = LocalKernel(RELEASE, "/k", (), "here")
    monkeypatch.setattr("gcproto.cli.kernels.check.chosen", lambda _options: [kernel])
    monkeypatch.setattr("gcproto.cli.kernels.check.ready", lambda *_: "")
    monkeypatch.setattr("gcproto.jobs.run.run", run)
    done = CliRunner().invoke(cli, ["kernels", "check", "6.12", "--out", str(tmp_path)])
    assert done.exit_code == code, done.output
    assert ("1 verdict that no known bug explains" in done.output) is marked
