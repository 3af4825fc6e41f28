"""``gcproto heap inspect``, and heaps that are rebuilt from a dump and collected."""

import json
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from gcproto.collector.modes import MODES
from gcproto.model.standing import Load, times
from gcproto.report.terminal.tables import print_result
from gcproto.results.schema import Collection, Measurement, PolicyFigures, PolicyScenario, with_fields
from tests.support.dump_results import dump_result
from tests.support.policy_results import policy_result
from tests.support.processes import ROOT
from tests.support.processes import run_gcproto as gcproto

DUMP = ROOT / "tests" / "data" / "dumps" / "service.hprof.gz"


def test_on_a_terminal() -> None:
    console = Console(record=True, width=100)
    print_result(dump_result(), console)
    text = console.export_text()
    assert "400 of them live in 2.0 MiB (25.0%)" in text
    assert "On small folios the model would choose move: 1.25 ms" in text.replace("\n", " ")


def test_the_command(tmp_path: Path) -> None:
    done = gcproto("heap", "inspect", str(DUMP), "--no-predict", "--json", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["schema"] == "gcproto.result/2"
    assert found["inspection"]["source"] == "HPROF of HotSpot"
    assert sum(found["inspection"]["histogram"]) == found["inspection"]["pages"]
    assert found["inspection"]["unpredicted"] == "--no-predict"


def test_a_file_that_is_not_a_dump(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"nothing")
    done = gcproto("heap", "inspect", str(file), "--out", str(tmp_path))
    assert done.returncode == 2
    assert "at byte 0" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_prediction_is_a_fit_to_other_heaps() -> None:
    """Collections whose time is 1000 ns for a page in place, 3000 for one that is built."""
    made = policy_result()
    one = next(each for each in made.measurements if isinstance(each.scenario, PolicyScenario))
    assert isinstance(one.scenario, PolicyScenario)
    found = []
    for number, workload in enumerate(("a", "b", "c", "d")):
        copy = json_copy(one)
        copy.scenario = with_fields(one.scenario, workload=workload, threads=1, swapped_permille=0, collections=1)
        assert isinstance(copy.figures, PolicyFigures)
        each = Collection(1, live_bytes=1 << 20)
        each.collector.updated, each.collector.built = 100 * number, 500 - 50 * number
        each.phases.compact = 1000 * each.collector.updated + 3000 * each.collector.built
        copy.figures.collections = [[each]]
        found.append(copy)
    made.measurements = found
    (time,) = times([made], Load(200, 100, 0))
    assert time.ms == pytest.approx(0.5)
    assert time.error < 1e-6
    made.measurements = found[:2]
    assert times([made], Load(200, 100, 0)) == []


def json_copy(one: Measurement) -> Measurement:
    return msgspec.convert(msgspec.to_builtins(one), Measurement)


@pytest.mark.needs("move")
@pytest.mark.timeout(300)
def test_every_mode_collects_it(tmp_path: Path) -> None:
    modes = ",".join(name for name, mode in MODES.items() if mode.collects)
    words = ("--workload", "dump", "--recording", str(DUMP), "--modes", modes, "--mutators", "2", "--verify")
    sizes = ("--rounds", "1", "--operations", "150000", "--mutation", "500", "--heap", "1.6x")
    done = gcproto("gc", *words, *sizes, "--json", "--out", str(tmp_path))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert {one["scenario"]["mode"] for one in found["measurements"]} == set(modes.split(","))
    assert all(one["valid"] and not one["invalid_rounds"] for one in found["measurements"])
    cycles = [cycle for one in found["measurements"] for some in one["figures"]["collections"] for cycle in some]
    assert len(cycles) >= len(found["measurements"])
    assert all(cycle["measured"] for cycle in cycles), "nothing is collected before mutators run"
    assert "of them live" in done.stderr


@pytest.mark.needs("move")
@pytest.mark.timeout(300)
def test_standing(tmp_path: Path) -> None:
    words = ("--workloads", "dump", "--recording", str(DUMP), "--memory", "small", "--policies", "move,copy,auto")
    done = gcproto("gc", "policies", *words, "--rounds", "1", "--verify", "--json", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert all(one["valid"] for one in found["measurements"])
    assert found["measurements"][0]["figures"]["collections"][0][0]["objects"] > 1000
