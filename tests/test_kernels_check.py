"""Verdicts: hazards refuse to run on a host, and what becomes of a guest that goes down in the middle."""

import io
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from gcproto.host.known_bugs import State
from gcproto.kernels import check, programs
from gcproto.kernels import machine as vm
from gcproto.kernels.check import HAZARDS, best, plan
from gcproto.kernels.fetch import LocalKernel
from gcproto.kernels.machine import Boot
from gcproto.report.verdicts import agrees, print_verdicts, remembered
from gcproto.results.schema import Verdict
from tests.kernel_results import guest_result

KERNEL = LocalKernel("6.18.15", "/k", ("/modules/zram.ko",), "here")


@pytest.fixture(scope="module")
def gcprobe() -> Path:
    return programs.build() / "gcprobe"


@pytest.mark.needs("static")
def test_hazards_are_those_of_the_program(gcprobe: Path) -> None:
    listed = subprocess.run([gcprobe, "hazard", "--list"], capture_output=True, text=True, check=True).stdout.split()
    assert tuple(listed) == HAZARDS
    assert [job.name for job in plan(swap=True).jobs if job.name.startswith("hazard")] == [
        f"hazard-{x}" for x in listed
    ]


@pytest.mark.needs("static")
def test_hazards_do_not_run_on_a_host(gcprobe: Path) -> None:
    for arguments in ([], ["livelock-references"], ["end-crash"]):
        done = subprocess.run([gcprobe, "hazard", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 3
        assert "this is no guest" in done.stderr
        assert done.stdout == ""


@pytest.mark.needs("static", "move")
def test_a_harmless_one_by_name(gcprobe: Path) -> None:
    allowed = {"GCPROTO_HAZARDS": "yes"}
    done = subprocess.run(
        [gcprobe, "hazard", "zeropage-ebusy"], capture_output=True, text=True, check=True, env=allowed
    )
    assert '"name":"hazard/zeropage-ebusy","verdict":"fine"' in done.stdout
    for name in ("no-such", "end-crash"):  # the latter only where a guest's file says so
        done = subprocess.run([gcprobe, "hazard", name], capture_output=True, text=True, check=False, env=allowed)
        assert done.returncode == 2


def _said(name: str, verdict: str = "fine") -> list[str]:
    said = f'{{"verdict":{{"name":"hazard/{name}","verdict":"{verdict}","text":"x","seconds":0.1}}}}'
    return [f'{{"guest":{{"begin":"hazard-{name}"}}}}', said, f'{{"guest":{{"end":"hazard-{name} exit 0 1"}}}}']


def test_what_takes_the_guest_down_is_a_verdict_and_the_rest_runs_in_another_boot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plans: list[list[str]] = []

    def boot(_machine: object, _vmlinuz: str, image: bytes) -> Boot:
        names = image.decode().split()
        plans.append(names)
        lines: list[str] = []
        for name in names:
            hazard = name.removeprefix("hazard-")
            if hazard == "livelock-threads" or (hazard == "ksm" and len(plans) == 1):
                lines.append(f'{{"guest":{{"begin":"{name}"}}}}')
                return Boot("panic", "Kernel panic", lines, ["RIP: 0010:zap_huge_pmd+0x1"], 1.0, [])
            lines += _said(hazard) if name.startswith("hazard-") else []
        return Boot("done", "", lines, [], 1.0, [])

    monkeypatch.setattr(vm, "boot", boot)
    booted, _, verdicts = check.run(vm.Machine(), KERNEL, lambda left: " ".join(job.name for job in left.jobs).encode())
    by_name = {one.name: one for one in verdicts}
    assert set(by_name) == {f"hazard/{name}" for name in HAZARDS}
    assert by_name["hazard/ksm"].verdict == by_name["hazard/livelock-threads"].verdict == "panic"
    assert by_name["hazard/ksm"].text == "Kernel panic in zap_huge_pmd"
    assert sum(one.verdict == "fine" for one in verdicts) == len(HAZARDS) - 2
    assert len(plans) == 3
    assert booted.outcome == "done"
    assert booted.seconds == 3.0


def test_the_gravest_verdict_counts() -> None:
    words = ["unavailable", "fine", "corruption", "fine"]
    assert [one.verdict for one in best([Verdict("hazard/x", word, "") for word in words])] == ["corruption"]


def test_measured_beside_remembered() -> None:
    assert remembered("huge-zero-pfn", "6.18.15+deb13-cloud-amd64") is State.BY_VERSION
    assert remembered("huge-zero-pfn", "7.3.4+deb13-cloud-amd64") is State.FIXED
    assert remembered("ksm", "7.3.4") is None
    assert agrees("panic", State.BY_VERSION)
    assert not agrees("panic", State.FIXED)
    assert not agrees("fine", State.BY_VERSION)
    assert agrees("unavailable", State.BY_VERSION)
    results = [
        guest_result("6.18.15+deb13-cloud-amd64", {}, verdicts=[Verdict("hazard/huge-zero-pfn", "panic", "[/bold]")]),
        guest_result("7.3.4+deb13-cloud-amd64", {}, verdicts=[Verdict("hazard/huge-zero-pfn", "hang", "oh")]),
    ]
    out = io.StringIO()
    print_verdicts(results, Console(file=out, width=200))
    assert "huge-zero-pfn     panic    hang !" in out.getvalue()
    assert "[/bold]" in out.getvalue()


@pytest.mark.needs("qemu", "guest_kernel", "static")
@pytest.mark.timeout(300)
def test_a_real_kernel_with_real_bugs(tmp_path: Path) -> None:
    """6.18.15 has the bogus huge zero page, which takes its guest down; the lab goes on."""
    from tests.test_kernels_run import results, run

    hazards = ("huge-zero-pfn", "livelock-references", "ksm", "swapcache-mthp")
    asked = [word for name in hazards for word in ("--hazard", name)]
    run("check", "6.18", *asked, "--out", tmp_path / "r", timeout=280)
    (one,) = results(tmp_path / "r")
    by_name = {verdict.name: verdict for verdict in one.verdicts}
    assert by_name["hazard/huge-zero-pfn"].verdict == "panic"
    assert by_name["hazard/livelock-references"].verdict == "hang"
    assert by_name["hazard/ksm"].verdict == "ebusy"
    assert by_name["hazard/swapcache-mthp"].verdict == "ebusy"
    assert set(by_name) == {f"hazard/{name}" for name in hazards}
