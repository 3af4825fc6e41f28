"""Verdicts: hazards refuse to run on a host, and what becomes of a guest that goes down in the middle."""

import io
import json
import re
import subprocess
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from rich.console import Console

from gcproto import contract
from gcproto.kernels.get.fetch import LocalKernel
from gcproto.kernels.guest import machine as vm
from gcproto.kernels.guest import programs
from gcproto.kernels.guest.console import WARNED
from gcproto.kernels.guest.machine import Boot
from gcproto.kernels.guest.transcript import read
from gcproto.kernels.run import check
from gcproto.kernels.run.check import HAZARDS, SEVERITY, best, script
from gcproto.known.bugs import State
from gcproto.report.terminal.verdicts import agrees, print_verdicts, races, remembered
from gcproto.results.schema import Console as KernelConsole
from gcproto.results.schema import ContractRow, Hazard, KernelCell, Subject, Verdict, Word
from gcproto.results.upgrade import upgraded
from tests.support.kernel_results import guest_result
from tests.support.result_maker import result

KERNEL = LocalKernel("6.18.15", "/k", ("/modules/zram.ko",), "here")


@pytest.fixture(scope="module")
def gcprobe() -> Path:
    return programs.build() / "gcprobe"


@pytest.mark.needs("static")
def test_hazards_are_those_of_the_program(gcprobe: Path) -> None:
    listed = subprocess.run([gcprobe, "hazard", "--list"], capture_output=True, text=True, check=True).stdout.split()
    assert tuple(listed) == HAZARDS
    asked = [job.subject for job in script(swap=True).jobs if isinstance(job.subject, Hazard)]
    assert asked == [Hazard(name) for name in listed]


@pytest.mark.needs("static")
def test_hazards_do_not_run_on_a_host(gcprobe: Path) -> None:
    for arguments in ([], ["livelock-references"], ["end-crash"]):
        done = subprocess.run([gcprobe, "hazard", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 3
        assert "this is not a guest" in done.stderr
        assert done.stdout == ""


@pytest.mark.needs("static", "move")
def test_a_harmless_one_by_name(gcprobe: Path) -> None:
    allowed = {"GCPROTO_HAZARDS": "yes"}
    done = subprocess.run(
        [gcprobe, "hazard", "zeropage-ebusy"], capture_output=True, text=True, check=True, env=allowed
    )
    verdict = read(done.stdout.splitlines()).verdicts[0]
    assert (verdict.subject, verdict.verdict) == (Hazard("zeropage-ebusy"), "fine")
    for name in ("no-such", "end-crash"):  # the latter only where a guest's file says so
        done = subprocess.run([gcprobe, "hazard", name], capture_output=True, text=True, check=False, env=allowed)
        assert done.returncode == 2


ROWS = [ContractRow(row.name) for row in contract.rows()]
ON_ZRAM = [ContractRow(row.name) for row in contract.rows() if "zram" in row.needs]


def _begin(job: str) -> str:
    return f'{{"guest":{{"begin":"{job}"}}}}'


def _end(job: str, how: str = "exit 0 1") -> str:
    return f'{{"guest":{{"end":"{job} {how}"}}}}'


def _hazard(name: str, verdict: str = "fine") -> list[str]:
    subject = f'{{"kind":"hazard","name":"{name}"}}'
    said = f'{{"verdict":{{"subject":{subject},"verdict":"{verdict}","text":"x","seconds":0.1}}}}'
    return [_begin(f"hazard-{name}"), said, _end(f"hazard-{name}")]


def _contract(job: str, rows: int = len(ROWS)) -> list[str]:
    """A job that told of so many rows, and ended if these are all."""
    told = [f"ok {number} {row.name} # rule" for number, row in enumerate(ROWS[:rows], 1)]
    return [_begin(job), "KTAP version 1", f"1..{len(ROWS)}", *told, *([_end(job)] * (rows == len(ROWS)))]


def _followed(
    monkeypatch: pytest.MonkeyPatch, falls: dict[str, list[str]], kills: dict[str, str] | None = None
) -> tuple[list[list[str]], Boot, dict[Subject, Verdict]]:
    """What becomes of a check whose guest goes down in some jobs, after these lines, once each."""
    scripts: list[list[str]] = []
    left = dict(falls)

    def boot(_machine: object, _vmlinuz: str, image: bytes, *, jobs: object) -> Boot:  # noqa: ARG001 - as vm.boot
        names = image.decode().split()
        scripts.append(names)
        lines: list[str] = []
        for name in names:
            if name in left:
                lines += [_begin(name), *left.pop(name)]
                return Boot("panic", "Kernel panic", lines, ["RIP: 0010:zap_huge_pmd+0x1"], 1.0, [])
            if name in (kills or {}):
                lines += [_begin(name), _end(name, (kills or {})[name])]
            elif name.startswith("hazard-"):
                lines += _hazard(name.removeprefix("hazard-"))
            elif name.startswith("row-zram-"):
                row = name.removeprefix("row-zram-")
                lines += [_begin(name), "KTAP version 1", "1..1", f"ok 1 {row} # rule", _end(name)]
            elif name != "info":
                lines += _contract(name)
        return Boot("done", "", lines, [f"[    1.0] {WARNED}"], 1.0, [])

    monkeypatch.setattr(vm, "boot", boot)
    booted, _, verdicts = check.run(vm.Machine(), KERNEL, lambda left: " ".join(job.name for job in left.jobs).encode())
    by_subject = {one.subject: one for one in verdicts}
    assert len(by_subject) == len(verdicts), "each subject once"
    return scripts, booted, by_subject


def test_what_takes_the_guest_down_is_a_verdict_and_the_rest_runs_in_another_boot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scripts, booted, found = _followed(monkeypatch, {"hazard-livelock-threads": [], "hazard-ksm": []})
    assert set(found) == {*ROWS, *map(Hazard, HAZARDS)}
    assert found[Hazard("ksm")].verdict == found[Hazard("livelock-threads")].verdict == "panic"
    assert found[Hazard("ksm")].text == "Kernel panic in zap_huge_pmd"
    assert sum(one.verdict == "fine" for one in found.values()) == len(HAZARDS) - 2 + len(ROWS)
    assert len(scripts) == 3
    assert booted.outcome == "done"
    assert booted.seconds == 3.0


def test_a_row_that_takes_the_guest_down_has_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The row after the last that was told. Those after it were not tried, but for those that need zram."""
    scripts, _, found = _followed(monkeypatch, {"contract": _contract("contract", 40)[1:]})
    assert found[ROWS[40]] == Verdict(ROWS[40], "panic", "Kernel panic in zap_huge_pmd")
    assert "contract" not in scripts[1]
    later = set(ROWS[41:])
    assert {found[row].verdict for row in later.difference(ON_ZRAM)} == {"unavailable"}
    assert {found[row].verdict for row in later.intersection(ON_ZRAM)} == {"fine"}
    assert ROWS[40].name in found[ROWS[41]].text


def test_a_row_on_zram_that_takes_the_guest_down_is_not_repeated_there(monkeypatch: pytest.MonkeyPatch) -> None:
    row = ON_ZRAM[2]
    scripts, _, found = _followed(monkeypatch, {f"row-zram-{row.name}": []})
    assert found[row] == Verdict(row, "panic", "Kernel panic in zap_huge_pmd")
    assert {one.verdict for subject, one in found.items() if subject != row} == {"fine"}
    assert [f"row-zram-{one.name}" in scripts[1] for one in ON_ZRAM[:4]] == [False, False, False, True]


def test_the_contract_runs_once_and_its_rows_on_zram_first() -> None:
    names = [job.name for job in script(swap=True).jobs]
    assert names.count("contract") == 1
    assert len(ON_ZRAM) > 5
    assert names[1 : 1 + len(ON_ZRAM)] == [f"row-zram-{row.name}" for row in ON_ZRAM]
    assert not [name for name in (job.name for job in script(swap=False).jobs) if name.startswith("row-")]


def test_a_job_that_had_to_be_killed_is_a_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, found = _followed(monkeypatch, {}, {"hazard-ksm": "killed 9 1", "contract": "killed 9 1"})
    assert found[Hazard("ksm")].verdict == "hang"
    assert found[ROWS[0]].verdict == "hang"
    assert found[ROWS[1]].verdict == "unavailable"
    assert found[ON_ZRAM[0]].verdict == "fine", "on zram it came to its end"


def test_what_was_never_reached_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def boot(_machine: object, _vmlinuz: str, _image: bytes, *, jobs: object) -> Boot:  # noqa: ARG001 - as vm.boot
        return Boot("unbootable", "no sign of life", [], [], 1.0, [])

    monkeypatch.setattr(vm, "boot", boot)
    _, _, verdicts = check.run(vm.Machine(), KERNEL, lambda _left: b"")
    assert {one.subject for one in verdicts} == {*ROWS, *map(Hazard, HAZARDS)}
    assert {one.verdict for one in verdicts} == {"unavailable"}
    assert "no sign of life" in verdicts[-1].text


def test_what_the_kernel_says_on_its_console_is_a_verdict_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line for name in HAZARDS for line in _hazard(name)]
    lines += _contract("contract")
    lines += [line for row in ON_ZRAM for line in (_begin(f"row-zram-{row.name}"), _end(f"row-zram-{row.name}"))]
    console = ["[    1.0] BUG: KASAN: use-after-free in x"]
    monkeypatch.setattr(vm, "boot", lambda *_, **__: Boot("done", "", lines, console, 1.0, []))
    _, _, verdicts = check.run(vm.Machine(), KERNEL, lambda _left: b"")
    assert [one for one in verdicts if one.verdict != "fine"] == [
        Verdict(KernelConsole(), "differs", "BUG: KASAN: use-after-free in x")
    ]


def test_a_console_that_keeps_warnings_back_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guests booted with ``quiet``, which hid lockdep's reports, and an empty console counted as no report."""
    monkeypatch.setattr(vm, "boot", lambda *_, **__: Boot("done", "", [], [], 1.0, []))
    _, _, verdicts = check.run(vm.Machine(), KERNEL, lambda _left: b"")
    (console,) = (one for one in verdicts if one.subject == KernelConsole())
    assert console.verdict == "unavailable"
    assert "warnings of this kernel did not reach its console" in console.text


def test_guests_of_a_check_show_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller does not matter: the command, or the claims that need a changed kernel."""
    words: list[str] = []

    def boot(machine: vm.Machine, *_: object, **__: object) -> Boot:
        words.extend(machine.command("k", "i", "c"))
        return Boot("done", "", [], [], 1.0, [])

    monkeypatch.setattr(vm, "boot", boot)
    check.run(vm.Machine(command_line="maxcpus=1"), KERNEL, lambda _left: b"")
    line = words[words.index("-append") + 1].split()
    assert line.index("loglevel=5") > line.index("quiet")
    assert line[-1] == "maxcpus=1", "what the user says comes last"


def test_every_word_has_its_place() -> None:
    assert set(SEVERITY) == set(get_args(Word))


def test_the_gravest_verdict_counts() -> None:
    words: list[Word] = ["unavailable", "fine", "corruption", "fine"]
    one, other = Hazard("x"), ContractRow("x")
    assert best([Verdict(one, word, "") for word in words]) == [Verdict(one, "corruption", "")]
    assert len(best([Verdict(one, "fine", ""), Verdict(other, "fine", ""), Verdict(Hazard("x", 2), "fine", "")])) == 3


def test_measured_beside_remembered() -> None:
    assert remembered("huge-zero-pfn", "6.18.15+deb13-cloud-amd64") is State.BY_VERSION
    assert remembered("huge-zero-pfn", "7.3.4+deb13-cloud-amd64") is State.FIXED
    assert remembered("ksm", "7.3.4") is None
    assert agrees("panic", State.BY_VERSION)
    assert not agrees("panic", State.FIXED)
    assert not agrees("fine", State.BY_VERSION)
    assert agrees("unavailable", State.BY_VERSION)
    assert races("retry-eexist")
    assert not races("huge-zero-pfn")
    assert agrees("fine", State.BY_VERSION, race=True)
    assert not agrees("differs", State.FIXED, race=True)
    results = [
        guest_result("6.18.15+deb13-cloud-amd64", {}, verdicts=[Verdict(Hazard("huge-zero-pfn"), "panic", "[/bold]")]),
        guest_result("7.3.4+deb13-cloud-amd64", {}, verdicts=[Verdict(Hazard("huge-zero-pfn"), "hang", "oh")]),
    ]
    results[1].verdicts.append(Verdict(Hazard("ksm"), "unavailable", "no KSM"))
    out = io.StringIO()
    print_verdicts(results, Console(file=out, width=200))
    assert re.search(r"^ksm +- +-$", out.getvalue(), re.M)
    assert "unavailable: no KSM (7.3.4" in out.getvalue()
    assert re.search(r"^huge-zero-pfn +panic +hang !$", out.getvalue(), re.M)
    assert "contract" not in out.getvalue(), "no row was tried"
    assert "[/bold]" in out.getvalue()


@pytest.mark.needs("qemu", "guest_kernel", "static")
@pytest.mark.timeout(300)
def test_a_real_kernel_with_real_bugs(tmp_path: Path) -> None:
    """6.18.15 has the bogus huge zero page, which takes its guest down; the lab goes on."""
    from tests.kernels.test_run import results, run

    hazards = ("huge-zero-pfn", "livelock-references", "ksm", "swapcache-mthp")
    asked = [word for name in hazards for word in ("--hazard", name)]
    run("check", "6.18", *asked, "--out", tmp_path / "r", timeout=280)
    (one,) = results(tmp_path / "r")
    assert isinstance(one.experiment, KernelCell)
    assert (one.experiment.set, one.experiment.icount, one.experiment.cpus) == ("check", False, 2)
    by_subject = {verdict.subject: verdict.verdict for verdict in one.verdicts}
    assert by_subject == {
        Hazard("huge-zero-pfn"): "panic",
        Hazard("livelock-references"): "hang",
        Hazard("ksm"): "ebusy",
        Hazard("swapcache-mthp"): "ebusy",
    }


def test_a_stress_of_version_one_is_read() -> None:
    old = json.loads(msgspec.json.encode(result([])))
    old |= {"schema": "gcproto.result/1"}
    del old["experiment"], old["claims"]
    old["producer"] |= {"name": "kernels", "options": {"set": "stress"}}
    names = ["stress/3", "hazard/ksm", "contract/result-moved", "console", "stress"]
    old["verdicts"] = [{"name": name, "verdict": "fine", "text": "x", "seconds": 1.0} for name in names]
    verdicts: list[Verdict] = upgraded(old).verdicts
    subjects = [msgspec.to_builtins(one.subject) for one in verdicts]
    assert subjects == [
        {"kind": "hazard", "name": "stress", "seed": 3},
        {"kind": "hazard", "name": "ksm"},
        {"kind": "contract", "name": "result-moved"},
        {"kind": "console"},
        {"kind": "hazard", "name": "stress"},
    ]
