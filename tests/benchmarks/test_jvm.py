"""The comparison with HotSpot: the same work on both sides, strict accounts, figures by the project's definitions."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from benchmarks.jvm import java, ours
from benchmarks.jvm.document import Document, Full, Run, Subject, load, save
from benchmarks.jvm.figures import lower_bound_overheads, rows
from benchmarks.jvm.java import Spent, Times, Told, spent
from benchmarks.jvm.rounds import Comparison, agreed, asked
from benchmarks.jvm.table import show
from gcproto.errors import ExitCode, GcprotoError
from gcproto.experiments.session.request import SessionLab
from gcproto.experiments.workloads import run as workloads
from gcproto.results.schema import (
    Collection,
    ModeOptions,
    Pause,
    Producer,
    WorkloadFigures,
    WorkloadScenario,
)
from tests.support.result_maker import measurement

MIB = 1 << 20
SMALL = asked(2 * MIB, 6, 1500, 3, 1, 60.0)
SERIAL = java.SUBJECTS[0]
MEMMOVE = ours.SUBJECTS[3]


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classes")
    java.compile_program(folder)
    return folder


@pytest.mark.needs("java", "two_cpus")
@pytest.mark.parametrize("changed", [{}, {"mutation": 900, "fragmentation": 9000}, {"live_bytes": 4 * MIB}])
def test_the_same_work_has_the_same_digest(changed: dict[str, int], classes: Path) -> None:
    wanted = msgspec.structs.replace(SMALL, **changed)
    heap = 12 * wanted.live_bytes
    with SessionLab() as lab:
        mine = ours.run(lab, MEMMOVE, wanted, heap, 3, 1)
        other = ours.run(lab, MEMMOVE, wanted, heap, 4, 1)
    theirs = java.run(SERIAL, wanted, heap, 3 * 64, 1, classes)
    assert (mine.invalid, theirs.invalid) == ("", "")
    assert theirs.digest == mine.digest != other.digest
    assert theirs.objects == mine.objects
    assert theirs.fulls[0].pauses


@pytest.mark.needs("java")
@pytest.mark.parametrize("subject", java.SUBJECTS, ids=lambda one: one.name)
def test_every_collector_of_this_jvm_runs_and_its_accounts_add_up(subject: Subject, classes: Path) -> None:
    if subject not in java.available()[0]:
        pytest.skip(f"this JVM has no {subject.name}")
    heap = 64 * MIB if subject.collects else 512 * MIB
    found = java.run(subject, SMALL, heap, 1, 1, classes)
    assert not found.invalid
    assert found.wall_ns > 0
    assert found.mutator_cpu_ns > 0
    assert len(found.fulls) == (SMALL.fulls if subject.collects else 0)
    assert all(one.pauses and one.cpu_ns > 0 for one in found.fulls)
    assert (found.held_bytes > 32 * SMALL.live_objects) == subject.collects


@pytest.mark.needs("java")
def test_a_heap_that_is_too_small_is_an_invalid_run(classes: Path) -> None:
    found = java.run(SERIAL, msgspec.structs.replace(SMALL, live_bytes=64 * MIB), 16 * MIB, 1, 1, classes)
    assert "OutOfMemoryError" in found.invalid


@pytest.mark.needs("java")
def test_a_collector_that_the_jvm_has_not_is_skipped_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "SUBJECTS", (SERIAL, Subject("Other", "hotspot", "-XX:+UseOtherGC")))
    found, skips = java.available()
    assert found == [SERIAL]
    assert skips[0].what == "Other"
    assert "UseOtherGC" in skips[0].reason


def test_without_a_jdk_it_says_why_and_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GcprotoError) as caught:
        Comparison(SMALL, lambda _text: None)
    assert caught.value.code == ExitCode.UNABLE
    assert "no java and no javac" in caught.value.why
    assert caught.value.remedy == "sudo apt-get install default-jdk-headless"


def test_cpu_time_is_told_apart_by_threads() -> None:
    before = Times(0, 100, {1: ("java", 10), 2: ("VM Thread", 5), 3: ("C2 CompilerThre", 7)})
    after = Times(
        9, 200, {1: ("java", 40), 2: ("VM Thread", 25), 3: ("C2 CompilerThre", 17), 4: ("GC Thread#1", 8), 5: ("x", 2)}
    )
    assert spent(before, after, 1) == Spent(mutator=30, collector=28, compiler=10, other=2, lost=30)


def test_a_program_that_says_something_else_is_found_out() -> None:
    with pytest.raises(GcprotoError, match="not expected"):
        Told().line(["hello"], 1)


def run_of(name: str, number: int, **changed: object) -> Run:
    made = Run(name, number, wall_ns=10_000_000, mutator_cpu_ns=8_000_000, collector_cpu_ns=1_000_000, digest=1)
    return msgspec.structs.replace(made, **changed)


def test_runs_that_did_other_work_are_void() -> None:
    runs = agreed([run_of("a", 1), run_of("b", 1, digest=2), run_of("c", 1, digest=3, invalid="killed")])
    assert all("digests differ" in one.invalid for one in runs[:2])
    assert runs[2].invalid == "killed"
    assert not any(one.invalid for one in agreed([run_of("a", 1), run_of("b", 1)]))


def document(runs: Sequence[Run], subjects: Sequence[Subject]) -> Document:
    return Document(
        run_id="0123456789ab",
        asked=SMALL,
        jvm="a JVM",
        producer=Producer("0.1.0", [], 1, "2026-11-26T19:00:00+00:00", 1.0, "0" * 16),
        environment={},
        subjects=list(subjects),
        skips=[],
        runs=list(runs),
    )


def full(pause_ns: int, cpu_ns: int) -> Full:
    return Full([Pause("full", 1000, pause_ns - 1000)], cpu_ns, 1000)


def test_ratios_are_paired_by_rounds_and_warm_up_is_not_counted(capsys: pytest.CaptureFixture[str]) -> None:
    runs = []
    for number, speed in enumerate((50, 1, 3, 2, 1)):
        runs.append(run_of("memmove", number, fulls=[full(1_000_000 * speed, 2_000_000 * speed)]))
        runs.append(run_of("Serial", number, fulls=[full(3_000_000 * speed, 3_000_000 * speed)] * 2, held_bytes=99))
    made = document(runs, [SERIAL, MEMMOVE])
    serial, memmove = rows(made)
    assert serial.rounds == 4
    assert serial.cpu_ratio is not None
    assert (serial.cpu_ratio.value, serial.cpu_ratio.low, serial.cpu_ratio.high) == pytest.approx((1.5, 1.5, 1.5))
    assert serial.pause_ratio is not None
    assert serial.pause_ratio.value == pytest.approx(3)
    assert memmove.cpu_ratio is None
    assert memmove.full_ns_object == pytest.approx(3000)
    assert memmove.full_us_mib == pytest.approx(3000 * 32768 / 1000)
    show(made)
    said = capsys.readouterr().out
    assert said.index("Not comparable") < said.index("Serial ")
    assert "1.50x" in said


def test_lbo_is_that_of_gcproto_gc() -> None:
    """The same costs, once as results of ``gcproto gc`` and once as runs of a comparison."""
    costs = {"memmove": (100, 80, 20, 15), "stw": (90, 70, 30, 5), "none": (85, 84, 0, 0)}
    known = []
    for mode, (wall, mutator, collector, paused) in costs.items():
        scenario = WorkloadScenario("trees", mode, ModeOptions(), "", "small", 0, 1, 1, 1)
        cycle = Collection(1, pauses=[Pause("all", 1_000_000, (paused - 1) * 1_000_000)] if paused else [])
        figures = WorkloadFigures(
            wall_ms=wall, mutator_cpu_ms=mutator, collector_cpu_ms=collector, collections=[[cycle]]
        )
        known.append(msgspec.structs.replace(measurement(scenario, [1.0] * 3), figures=figures))
    workloads.lower_bound(known)
    ms = 1_000_000
    runs = [
        run_of(
            mode,
            number,
            wall_ns=wall * ms,
            mutator_cpu_ns=mutator * ms,
            collector_cpu_ns=collector * ms,
            pauses=[Pause("all", ms, (paused - 1) * ms)] if paused else [],
        )
        for number in (1, 2, 3)
        for mode, (wall, mutator, collector, paused) in costs.items()
    ]
    subjects = [Subject(mode, "gcproto", mode) for mode in costs]
    made = document(runs, subjects)
    for one, subject in zip(known, subjects, strict=True):
        assert isinstance(one.figures, WorkloadFigures)
        assert lower_bound_overheads(made, subject) == pytest.approx((one.figures.lbo_wall, one.figures.lbo_cpu))


def test_lbo_is_taken_within_a_runtime() -> None:
    runs = [run_of("memmove", 1), run_of("Serial", 1, wall_ns=2_000_000, mutator_cpu_ns=1_000_000)]
    made = document(runs, [SERIAL, MEMMOVE])
    assert lower_bound_overheads(made, MEMMOVE) == pytest.approx((1.0, 9 / 8))


def test_a_file_is_read_as_it_was_written_and_nothing_else_is(tmp_path: Path) -> None:
    made = document([run_of("Serial", 1, fulls=[full(5000, 7)])], [SERIAL])
    path = save(made, tmp_path)
    assert load(path) == made
    for text in (b"{}", path.read_bytes().replace(b"gcproto.jvm/1", b"gcproto.jvm/2"), b"not JSON"):
        other = tmp_path / "other.json"
        other.write_bytes(text)
        with pytest.raises(GcprotoError, match=r"is not a gcproto\.jvm/1 file"):
            load(other)


def test_an_invalid_run_is_in_no_figure() -> None:
    runs = [run_of("Serial", 1), run_of("Serial", 2, wall_ns=1, invalid="killed")]
    (serial,) = rows(document(runs, [SERIAL]))
    assert (serial.rounds, serial.invalid, serial.wall_ms) == (1, 1, 10.0)
