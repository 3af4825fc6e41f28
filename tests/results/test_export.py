"""Exports, read by the tools that they are for."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyperf
import pytest

from gcproto.results.exports import pyperf as for_pyperf
from gcproto.results.exports import pytest_benchmark as for_pytest
from gcproto.results.exports.names import named
from gcproto.results.names import arm
from gcproto.results.schema import InvalidRound, Result
from gcproto.results.store import save
from tests.support.heap_results import heap_result, window_result
from tests.support.kernel_results import stock
from tests.support.path_results import paths_result
from tests.support.processes import run_gcproto
from tests.support.result_maker import noisy_run

ALL = [paths_result(), heap_result(rounds=3), window_result(), *stock(boots=1)]


def tool(*command: str) -> str:
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_names_are_unique() -> None:
    for results in (ALL, [*ALL, *stock(boots=2)], [noisy_run(1), noisy_run(2)]):
        names = [name for name, _, _ in named(results, lambda _: True)]
        assert len(set(names)) == len(names)
    assert "mthp-16/move/2M" in [name for name, _, _ in named([paths_result()], lambda _: True)]


def test_pyperf_reads_it(tmp_path: Path) -> None:
    files = []
    for number, factor in enumerate((1.0, 2.0)):
        run = noisy_run(1, arms={"move": factor})
        files.append(tmp_path / f"{number}.json")
        files[-1].write_text(json.dumps(for_pyperf.document([run])))
    suite = pyperf.BenchmarkSuite.load(str(files[0]))
    benchmark = suite.get_benchmark("small/move/64K")
    move = next(one for one in noisy_run(1).measurements if arm(one.scenario) == "move")
    assert benchmark.get_nvalue() == 40
    assert benchmark.get_unit() == "second"
    assert benchmark.median() == pytest.approx(80e-9, rel=0.1)
    assert move.median is not None
    assert "2.00x slower" in tool("pyperf", "compare_to", *map(str, files), "--table")
    assert "small/move/64K" in tool("pyperf", "show", str(files[0]))


def test_pyperf_has_instructions_as_numbers() -> None:
    suite = for_pyperf.document(stock(boots=1))
    found = suite["benchmarks"][0]
    assert found["metadata"]["unit"] == "integer"
    loaded = pyperf.BenchmarkSuite.loads(json.dumps(suite))
    assert len(loaded.get_benchmarks()) == len(suite["benchmarks"])


def test_pytest_benchmark_compares_it(tmp_path: Path) -> None:
    for number, factor in enumerate((1.0, 2.0)):
        run = noisy_run(1, arms={"move": factor})
        (tmp_path / f"000{number}_x.json").write_text(json.dumps(for_pytest.document([run])))
    command = ("pytest_benchmark", "compare", *map(str, sorted(tmp_path.glob("*.json"))), "--columns=median,rounds")
    said = tool(*command)
    assert "small/move/64K" in said
    assert "80." in said


def test_pytest_benchmark_statistics_are_its_own() -> None:
    from pytest_benchmark.stats import Stats

    run = noisy_run(3)
    theirs: Any = Stats()  # type: ignore[no-untyped-call]
    for value in run.measurements[0].samples:
        theirs.update(value * 1e-9)
    ours = for_pytest.document([run])["benchmarks"][0]["stats"]
    for name in ("min", "max", "mean", "stddev", "median", "rounds", "total", "ops"):
        assert ours[name] == pytest.approx(theirs.as_dict()[name]), name
    assert set(theirs.as_dict()) <= set(ours)


def test_void_measurements_and_instructions_are_left_out_aloud(tmp_path: Path) -> None:
    void = paths_result()
    void.measurements[0].valid = False
    path = save(void, tmp_path)
    out = tmp_path / "out.json"
    done = run_gcproto("export", str(path), "--pyperf", str(out))
    assert done.returncode == 0
    assert "omitted for pyperf: 1 measurement, void" in done.stderr
    guest = save(stock(boots=1)[0], tmp_path / "guest")
    done = run_gcproto("export", str(guest), "--pytest-benchmark", str(out))
    assert done.returncode == 2
    assert "knows times only" in done.stderr


def test_csv_has_every_round(tmp_path: Path) -> None:
    run = paths_result()
    run.measurements[0].invalid_rounds = [InvalidRound(9, 5.0, "=cmd|' /C calc'!A0")]
    out = tmp_path / "all.csv"
    done = run_gcproto("export", str(save(run, tmp_path)), "--csv", str(out))
    assert done.returncode == 0
    rows = list(csv.DictReader(out.open()))
    assert len(rows) == _rounds(run)
    assert {row["kind"].split(":")[0] for row in rows} == {"sample", "warmup", "invalid"}
    assert not any(cell.startswith("=") for row in rows for cell in row.values())


def test_csv_has_the_fields_of_every_kind(tmp_path: Path) -> None:
    out = tmp_path / "all.csv"
    for number, run in enumerate((paths_result(), heap_result(rounds=3), window_result())):
        run.run_id = f"{number:012x}"
        save(run, tmp_path)
    assert run_gcproto("export", str(tmp_path), "--csv", str(out)).returncode == 0
    by_kind = {row["scenario"]: row for row in csv.DictReader(out.open())}
    path, heap, window = by_kind["path"], by_kind["workload"], by_kind["window"]
    assert (path["source"], path["working_set"], path["frames"]) == ("pinned", "any", "any")
    assert (heap["workload"], heap["memory"], heap["mutators"], heap["source"]) == ("trees", "small", "2", "")
    assert (window["size_bytes"], window["handler"], window["placement"]) == ("67108864", "sigbus", "own")
    assert heap["name"].startswith("heap-trees-small/")


def test_groups_of_pytest_benchmark_are_the_same_work() -> None:
    found = for_pytest.document([paths_result()])["benchmarks"]
    groups = {one["name"]: one["group"] for one in found}
    assert groups["small/move/64K"] == groups["small/copy_discard/64K"] == "small/copy/64K"
    assert groups["mthp-16/move/2M"] == "mthp-16/copy/2M"


def _rounds(run: Result) -> int:
    return sum(len(one.samples) + len(one.warmup) + len(one.invalid_rounds) for one in run.measurements)


def test_mistakes_have_messages(tmp_path: Path) -> None:
    path = save(paths_result(), tmp_path)
    for arguments, code, said in (
        ([str(path)], 2, "no format was chosen"),
        ([str(tmp_path / "none"), "--csv", "x"], 2, "there is no result to export"),
        ([str(path), "--csv", str(tmp_path / "no" / "x.csv")], 4, "can't be written"),
    ):
        done = run_gcproto("export", *arguments)
        assert done.returncode == code
        assert said in done.stderr
        assert "Traceback" not in done.stderr
