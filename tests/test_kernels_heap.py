"""The heap in a guest: this machine's files and Python under another kernel."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from gcproto.errors import GcprotoError
from gcproto.kernels import heap, host_files
from gcproto.kernels.plan import Measure
from gcproto.kernels.transcript import read
from gcproto.report.kernels import print_guest_heaps
from gcproto.results.schema import UNIT_INSTRUCTIONS, UNIT_OPERATION, UNIT_TIME, Scenario
from tests.kernel_results import guest_result
from tests.test_kernels_run import results, run


def test_without_the_daemon_qemu_serves_the_files_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_files, "daemon", lambda: None)
    with host_files.shared(tmp_path, 512) as words:
        assert "virtio-9p-pci,fsdev=host9p,mount_tag=host9p" in words
        assert not any("vhost-user-fs" in word for word in words)


def test_a_daemon_that_does_not_start_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "virtiofsd"
    broken.write_text("#!/bin/sh\necho no permission >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(host_files, "daemon", lambda: broken)
    with pytest.raises(GcprotoError, match="does not start") as caught, host_files.shared(tmp_path, 512):
        pass
    assert "no permission" in str(caught.value)


def test_the_plan_mounts_before_it_runs_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap, "compiled", lambda: tmp_path)
    plan = heap.plan(Measure(21, 2, 512, UNIT_INSTRUCTIONS, 7))
    text = plan.text()
    assert text.index("root virtiofs host -") < text.index("root 9p") < text.index("job bring-compiled")
    assert text.index("job make-room") < text.index(f"/bin/cp -r {tmp_path}/")
    (window,) = (job for job in plan.jobs if job.name == "window")
    assert window.mode == "host"
    assert "NUMBA_CPU_NAME=generic" in window.command
    assert window.command[-7:-2] == ("--runs", "5", "--seed", "7", "--json")


def test_a_result_that_comes_out_of_a_guest_is_counted_in_instructions() -> None:
    import msgspec

    scenario = Scenario("window", 0, "copy", 1 << 24, "congruent", 3, 4096)
    inner = guest_result("6.18.15", {scenario: 5.0})
    inner.measurements[0].unit = UNIT_TIME
    found = read([msgspec.json.encode(inner).decode()])
    assert found.garbled == []
    (result,) = found.results
    (counted,) = heap.counted(result.measurements)
    assert counted.unit == UNIT_INSTRUCTIONS
    assert "instructions" in counted.notes[0]
    counted.unit = UNIT_OPERATION
    assert heap.counted([counted])[0].unit == "instructions/operation"


@pytest.mark.needs("qemu", "guest_kernel", "static", "virtiofsd", "root")
@pytest.mark.timeout(300)
def test_the_window_and_a_verified_workload_under_another_kernel(tmp_path: Path) -> None:
    run("run", "6.18", "--set", "heap", "--rounds", "3", "--out", tmp_path / "r", timeout=280)
    (one,) = results(tmp_path / "r")
    by_name = {(m.scenario.source, m.scenario.arm): m for m in one.measurements}
    assert one.environment["kernel"]["release"].startswith("6.18.")
    assert {"none", "window", "evacuate-prefix", "heap-trees"} == {source for source, _ in by_name}  # none: the canary
    assert all(m.valid for m in one.measurements)
    assert by_name["window", "move"].proof.path == "moved"
    (mthp,) = (m for m in one.measurements if m.scenario.source == "evacuate-prefix" and m.scenario.order == 4)
    assert mthp.figures["folios split"] > 0
    assert "collections verified" in by_name["heap-trees", "move"].notes[0]
    assert not by_name["heap-trees", "move"].notes[0].startswith("0 ")
    out = io.StringIO()
    print_guest_heaps([one], Console(file=out, width=160))
    assert "The window after the flip" in out.getvalue()
    assert "Heaps: trees, 2 mutators, 2 MiB live" in out.getvalue()
