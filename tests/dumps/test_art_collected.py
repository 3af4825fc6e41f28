"""A heap of ART's is inspected, rebuilt and collected in all modes, verified: as its writer and hprof-conv write it."""

import gzip
import json
from pathlib import Path

import pytest

from tests.support.art_heap import app
from tests.support.processes import run_gcproto as gcproto

MODES = "move,copy,young-move,young-copy,auto"


@pytest.fixture(scope="module", params=[False, True], ids=["art", "converted"])
def dump(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("art") / "app.hprof.gz"
    path.write_bytes(gzip.compress(app(5, 12_000).dump(converted=request.param), 1))
    return path


def test_inspected(dump: Path, tmp_path: Path) -> None:
    done = gcproto("heap", "inspect", str(dump), "--no-predict", "--json", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["inspection"]
    assert found["source"] == "HPROF of ART"
    assert 0 < found["live_objects"] < found["objects"]


@pytest.mark.needs("move")
@pytest.mark.timeout(300)
def test_collected_while_mutators_run(dump: Path, tmp_path: Path) -> None:
    words = ("--workload", "dump", "--recording", str(dump), "--modes", MODES, "--mutators", "2", "--verify")
    sizes = ("--rounds", "1", "--operations", "60000", "--mutation", "500", "--heap", "1.6x")
    done = gcproto("gc", *words, *sizes, "--json", "--out", str(tmp_path))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert {one["scenario"]["mode"] for one in found["measurements"]} == set(MODES.split(","))
    assert all(one["valid"] and not one["invalid_rounds"] for one in found["measurements"])


@pytest.mark.needs("move")
@pytest.mark.timeout(300)
def test_collected_standing(dump: Path, tmp_path: Path) -> None:
    words = ("--workloads", "dump", "--recording", str(dump), "--memory", "small", "--policies", MODES)
    done = gcproto("gc", "policies", *words, "--rounds", "1", "--verify", "--json", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert len(found["measurements"]) == len(MODES.split(","))
    assert all(one["valid"] for one in found["measurements"])
    assert found["measurements"][0]["figures"]["collections"][0][0]["objects"] > 1000
