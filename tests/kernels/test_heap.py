"""The heap in a guest: this machine's files and Python under another kernel."""

import io
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from gcproto.errors import GcprotoError
from gcproto.kernels.get.fetch import LocalKernel
from gcproto.kernels.guest import host_files, machine
from gcproto.kernels.guest.script import Measure, Script
from gcproto.kernels.guest.transcript import read
from gcproto.kernels.run import cell, heap
from gcproto.report.terminal.kernels import print_guest_heaps
from gcproto.results.schema import (
    UNIT_INSTRUCTIONS,
    UNIT_INSTRUCTIONS_OPERATION,
    UNIT_OPERATION,
    UNIT_TIME,
    KernelCell,
    Measurement,
    PathScenario,
    PolicyExperiment,
    PolicyFigures,
    PolicyScenario,
    Result,
    Skip,
    WindowExperiment,
    WindowFigures,
    WindowScenario,
    WorkloadFigures,
    WorkloadScenario,
)
from tests.kernels.test_run import results
from tests.support.guests import guests
from tests.support.heap_results import heap_scenario, window_scenario
from tests.support.policy_results import policy_scenario
from tests.support.processes import run_gcproto
from tests.support.result_maker import measurement, result


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
    monkeypatch.setattr(heap, "compiled", lambda _workloads: tmp_path)
    script = heap.script(Measure(21, 2, 512, UNIT_INSTRUCTIONS, 7))
    text = script.text()
    assert text.index("root virtiofs host -") < text.index("root 9p") < text.index("job bring-compiled")
    assert text.index("job make-room") < text.index(f"/bin/cp -r {tmp_path}/")
    (window,) = (job for job in script.jobs if job.name == "window")
    assert window.mode == "host"
    assert "NUMBA_CPU_NAME=generic" in window.command
    assert window.command[-7:-2] == ("--rounds", "5", "--seed", "7", "--json")
    assert "cached" not in {job.name for job in script.jobs}


def test_a_heap_in_the_swap_cache_needs_loop_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def compiled(workloads: tuple[str, ...]) -> Path:
        asked.append(workloads)
        return tmp_path

    monkeypatch.setattr(heap, "compiled", compiled)
    for processors in (2, 8):
        jobs = heap.script(Measure(21, 2, 512, UNIT_TIME, 7), processors, loop=True).jobs
        assert [job.name for job in jobs].count("cached") == (processors == 2)
    assert ["arrays" in one for one in asked] == [True, False]


@pytest.mark.parametrize(("processors", "mutators", "compactors"), [(2, "2", False), (8, "8", True)])
def test_a_guest_has_a_mutator_for_each_processor(
    processors: int, mutators: str, compactors: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heap, "compiled", lambda _workloads: tmp_path)
    jobs = {job.name: job.command for job in heap.script(Measure(21, 2, 512, UNIT_TIME, 7), processors).jobs}
    assert ("window" in jobs) != compactors
    for name in {"window", "workload"} & jobs.keys():
        assert jobs[name][jobs[name].index("--mutators") + 1] == mutators
    assert ("--compactors" in jobs["workload"]) == compactors
    assert "--verify" in jobs["workload"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set", "heap", "--cpus", "8"], "needs --wall-clock"),
        (["--set", "paths", "--cpus", "8", "--wall-clock"], "is for --set heap"),
        (["--set", "heap", "--cpus", "17"], "--cpus"),
    ],
)
def test_processors_of_a_guest_that_make_no_sense_are_refused(words: list[str], said: str) -> None:
    done = run_gcproto("kernels", "run", *words, "6.18")
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("made", "unit"),
    [
        (measurement(window_scenario("copy"), [5.0] * 3, WindowFigures()), UNIT_INSTRUCTIONS),
        (measurement(policy_scenario("move"), [5.0] * 3, PolicyFigures()), UNIT_INSTRUCTIONS),
        (measurement(heap_scenario("move"), [5.0] * 3, WorkloadFigures(), UNIT_OPERATION), UNIT_INSTRUCTIONS_OPERATION),
    ],
    ids=["window", "policy", "workload"],
)
def test_a_result_that_comes_out_of_a_guest_is_counted_in_instructions(made: Measurement, unit: str) -> None:
    found = read([msgspec.json.encode(result([made])).decode()])
    assert found.garbled == []
    (inner,) = found.results
    (counted,) = heap.counted(inner.measurements)
    assert counted.unit == unit
    assert counted.scenario == made.scenario
    assert "instructions" in counted.notes[0]


def cell_of(monkeypatch: pytest.MonkeyPatch, *inner: Result, more: tuple[str, ...] = ()) -> Result:
    """The result of a cell whose guest brought these."""
    lines = [msgspec.json.encode(one).decode() for one in inner]
    done = ['{"guest":{"done":"script"}}']
    monkeypatch.setattr(machine, "boot", lambda *_: machine.Boot("done", "", [*lines, *more, *done], [], 1.0, []))
    monkeypatch.setattr(machine, "host", lambda _row: {"cpu": "x", "qemu": "10.0.2"})
    monkeypatch.setattr(cell, "_script", lambda *_, **__: Script(()))
    monkeypatch.setattr(cell, "initramfs", lambda *_: b"")
    monkeypatch.setattr(cell, "_programs", lambda _cell: Path())
    kernel = LocalKernel("6.18.15", "/k", ("/modules/zram.ko",), "here")
    return cell.run_cell(cell.Cell(kernel, heap.HEAP, machine.Machine(cpus=2)))


def inner_results() -> list[Result]:
    window = result([measurement(window_scenario("copy"), [5.0] * 3, WindowFigures())], experiment=WindowExperiment())
    verified = PolicyExperiment(verify=True)
    policy = result([measurement(policy_scenario("move"), [6.0] * 3, PolicyFigures())], experiment=verified)
    policy.skips = [Skip("mode none", "no memory")]
    return [window, policy]


def test_what_ran_in_the_guest_is_one_result_that_says_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    one = cell_of(monkeypatch, *inner_results())
    assert isinstance(one.experiment, KernelCell)
    assert (one.experiment.set, one.experiment.cpus, one.experiment.icount) == ("heap", 2, True)
    assert one.experiment.parts == [WindowExperiment(), PolicyExperiment(verify=True)]
    assert {type(made.scenario) for made in one.measurements} == {WindowScenario, PolicyScenario}
    assert {made.unit for made in one.measurements} == {UNIT_INSTRUCTIONS}
    assert one.skips == [Skip("mode none", "no memory"), *heap.left_out(2, loop=False)]
    assert one.producer.complete
    assert msgspec.json.decode(msgspec.json.encode(one), type=Result) == one


def test_a_part_that_was_interrupted_or_not_understood_makes_no_complete_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    window, policy = inner_results()
    window.producer.complete = False
    assert not cell_of(monkeypatch, window, policy).producer.complete
    lost = cell_of(monkeypatch, policy, more=('{"scenario":{"kind":"dance"}}',))
    assert not lost.producer.complete
    assert lost.skips[-1] == Skip("a result of the guest", 'not understood: {"scenario":{"kind":"dance"}}')


@pytest.mark.needs("qemu", "guest_kernel", "static", "virtiofsd", "root")
@pytest.mark.timeout(300)
def test_the_window_and_a_verified_workload_under_another_kernel(tmp_path: Path) -> None:
    words = ["kernels", "run", "6.18", "--set", "heap", "--rounds", "3", "--out", str(tmp_path / "r")]
    done = run_gcproto(*words, timeout=280, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    (one,) = results(tmp_path / "r")
    assert one.environment["kernel"]["release"].startswith("6.18.")
    assert all(m.valid for m in one.measurements)
    kinds: set[type] = set()
    for measured in one.measurements:
        kinds.add(type(measured.scenario))
        match measured.scenario, measured.figures:
            case WorkloadScenario(mode="move"), WorkloadFigures() as figures:
                assert measured.unit == UNIT_INSTRUCTIONS_OPERATION
                assert figures.verified > 0
            case PolicyScenario(order=4), PolicyFigures() as figures:
                assert figures.folios_split > 0
            case WindowScenario(way="move"), _:
                assert measured.proof.path == "moved"
    assert [skip.what for skip in one.skips] == ["heaps with folios in the swap cache"]  # no loop device is built in
    assert kinds == {PathScenario, WindowScenario, PolicyScenario, WorkloadScenario}  # the path is the canary
    assert isinstance(one.experiment, KernelCell)
    assert len(one.experiment.parts) == 3
    out = io.StringIO()
    print_guest_heaps([one], Console(file=out, width=160))
    assert "The window after the flip" in out.getvalue()
    assert "Heaps: trees, 2 mutators, 2 MiB live" in out.getvalue()
    assert guests() == []


def test_what_a_guest_leaves_out_is_said() -> None:
    """It had no heap with folios in the swap cache, and did not say so."""
    assert heap.left_out(2, loop=True) == []
    assert "loop device" in heap.left_out(2, loop=False)[0].reason
    assert "the workload alone" in heap.left_out(8, loop=True)[0].reason
