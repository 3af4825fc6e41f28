"""The benchmarks under pytest-benchmark: C's time is what it reports, and its comparison works across kernels."""

import json
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.kernel_clock import KernelClock
from tests.support.processes import ROOT

pytestmark = pytest.mark.needs("move")


def run(folder: Path, *args: str) -> "subprocess.CompletedProcess[str]":
    """Run two benchmarks; what they store goes to ``folder/series``."""
    file = ROOT / "benchmarks" / "test_paths.py"
    two = [f"{file}::test_path[small-{arm}-2m]" for arm in ("move", "copy")]
    command = [sys.executable, "-m", "pytest", *two, "-q", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, "--benchmark-storage=file://./series", *args],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        cwd=folder,
    )


def test_the_clock_counts_what_it_is_given() -> None:
    clock = KernelClock()
    before = clock()
    clock.add_ns(1500)
    assert clock() - before == pytest.approx(1.5e-6)
    assert clock() == clock()


def test_series_of_a_kernel_and_comparison_with_another(tmp_path: Path) -> None:
    first = run(tmp_path, "--benchmark-save=first")
    assert first.returncode == 0, first.stdout + first.stderr
    folder = tmp_path / "series" / f"{platform.release()}-{platform.machine()}"
    (saved,) = folder.glob("0001_first.json")
    document = json.loads(saved.read_text())

    info = document["machine_info"]["gcproto"]
    assert info["kernel"]["release"] == platform.release()
    assert info["thp"]["anon"] or not info["thp"]["khugepaged"]
    assert len(document["benchmarks"]) == 2
    for benchmark in document["benchmarks"]:
        extra = benchmark["extra_info"]
        assert extra["proof"]["rounds"] >= benchmark["stats"]["rounds"]
        # What C measured, and nothing else: the median as pytest-benchmark has it is that of the proven rounds.
        pages = extra["scenario"]["pages"]
        assert extra["ns_per_page"] == pytest.approx(benchmark["stats"]["median"] * 1e9 / pages)

    # Another kernel's series, ten times as fast: this kernel is a regression against it, and no other is.
    other = tmp_path / "series" / "6.99.0-other"
    other.mkdir()
    for benchmark in document["benchmarks"]:
        benchmark["stats"] = {
            name: value / 10 if isinstance(value, float) else value for name, value in benchmark["stats"].items()
        }
    (other / "0001_other.json").write_text(json.dumps(document))
    slower = run(tmp_path, "--benchmark-compare=6.99*/0001", "--benchmark-compare-fail=median:400%")
    assert slower.returncode != 0
    assert "Performance has regressed" in slower.stdout + slower.stderr
    same = run(tmp_path, "--benchmark-compare", "--benchmark-compare-fail=median:400%")
    assert same.returncode == 0, same.stdout + same.stderr
