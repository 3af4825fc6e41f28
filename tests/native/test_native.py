"""The C code by itself: with sanitizers, as the static program, and for another architecture."""

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from gcproto._native import lib
from gcproto.chars import text_of
from gcproto.host.machine import machine
from gcproto.host.settings import Settings
from gcproto.results.schema import Measurement, PathFigures, PathScenario
from tests.support.processes import ROOT

NATIVE = ROOT / "native"
INCLUDES = ["-I", str(NATIVE)]
ROOMS = ("base", "uffd", "paths", "heap", "trial", "contract")


def library() -> list[str]:
    return sorted(str(path) for room in ROOMS for path in NATIVE.glob(f"{room}/**/*.c"))


def probe(gcprobe: str, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([gcprobe, *args], capture_output=True, text=True, check=False, timeout=60)


FLAGS = ["-std=gnu11", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-pthread"]


@pytest.fixture(scope="session")  # tests that need both processors run later than the others of this file
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The objects of the library with sanitizers: all programs link the same ones."""
    folder = tmp_path_factory.mktemp("sanitized")

    def compile_one(numbered: tuple[int, str]) -> str:
        target = folder / f"{numbered[0]}.o"
        subprocess.run(["cc", *FLAGS, *INCLUDES, "-c", numbered[1], "-o", str(target)], check=True)
        return str(target)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(compile_one, enumerate(library())))


def run_under_sanitizers(program: str, sanitized: list[str], folder: Path) -> str:
    target = folder / program
    source = NATIVE / "tests" / f"{program}.c"
    subprocess.run(["cc", *FLAGS, *INCLUDES, str(source), *sanitized, "-o", str(target)], check=True)
    done = subprocess.run([str(target)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout
    assert "Sanitizer" not in done.stderr
    return done.stdout


@pytest.mark.needs("move", "sanitizers", "two_cpus")
@pytest.mark.timeout(180)
def test_engine_under_sanitizers(sanitized: list[str], tmp_path: Path) -> None:
    assert run_under_sanitizers("test_engine", sanitized, tmp_path).count("ok ") > 25


@pytest.mark.needs("move", "sanitizers")
@pytest.mark.timeout(180)
def test_answers_under_sanitizers(sanitized: list[str], tmp_path: Path) -> None:
    assert run_under_sanitizers("test_answer", sanitized, tmp_path).count("ok ") == 76


@pytest.mark.needs("sanitizers")
def test_events_of_contpte_under_sanitizers(sanitized: list[str], tmp_path: Path) -> None:
    assert run_under_sanitizers("test_contpte", sanitized, tmp_path).count("ok ") == 13


@pytest.mark.needs("sanitizers")
def test_the_model_of_random_sequences_under_sanitizers(tmp_path: Path) -> None:
    """It accuses a kernel that moves what it must not, such as a page that a child has shared, and no other one."""
    model = [str(NATIVE / "hazards" / "stress" / "model.c")]
    assert run_under_sanitizers("test_model", model, tmp_path).count("ok ") == 17


@pytest.mark.needs("move", "sanitizers")
@pytest.mark.timeout(180)
def test_contract_under_sanitizers(sanitized: list[str], tmp_path: Path) -> None:
    out = run_under_sanitizers("test_contract", sanitized, tmp_path)
    assert out.count("\nok ") >= lib.gcp_contract_count() + 12


def read_back(line: str) -> Measurement:
    """A line of gcprobe: the fields of a result on all levels, no more and no fewer, and the marks of its rounds."""
    measurement = msgspec.json.decode(line, type=Measurement)
    fields = json.loads(line)
    assert len(fields.pop("marked")) == len(measurement.rounds), "what a profile finds its rounds by"
    assert fields == msgspec.to_builtins(measurement, str_keys=True)
    return measurement


@pytest.mark.needs("static", "move", "mthp")
def test_gcprobe_has_the_figures_of_the_schema(gcprobe: str) -> None:
    with Settings() as settings:
        settings.quiet_khugepaged()
        settings.mthp_only(4)
        done = probe(
            gcprobe, "run", "--source", "mthp", "--order", "4", "--arm", "move,split_move", "--granule", "2097152",
            "--rounds", "3", "--pages", "512",
        )  # fmt: skip
    move, split = (read_back(line) for line in done.stdout.splitlines())
    assert move.scenario == PathScenario("mthp", 4, "move", 2 << 20, "congruent", 1, 512)
    assert isinstance(move.figures, PathFigures)
    assert isinstance(split.figures, PathFigures)
    assert move.figures.split_part is None
    assert split.figures.split_part
    assert split.median
    assert 0 < split.figures.split_part < split.median


@pytest.mark.needs("static", "move")
def test_gcprobe_speaks_the_schema(gcprobe: str) -> None:
    done = probe(
        gcprobe, "run", "--source", "small", "--arm", "move,copy", "--granule", "65536,2097152", "--rounds", "4",
        "--pages", "512", "--seed", "9",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    for line in lines:
        measurement = read_back(line)
        assert measurement.valid
        assert len(measurement.samples) == len(measurement.rounds) == 4
        assert measurement.outcome.asked == 4 * 512
        assert measurement.proof.contents == 4 * 512
        assert measurement.scenario in {
            PathScenario("small", 0, arm, granule, "congruent", 1, 512)
            for arm in ("move", "copy")
            for granule in (65536, 2 << 20)
        }


@pytest.mark.needs("static", "move", "pfn", "thp")
def test_gcprobe_makes_frames_and_working_sets(gcprobe: str) -> None:
    """What was asked is in the scenario, what was seen in the proof; without, both are what they were."""
    here = machine()
    pages = -(-lib.GCP_MEMORY_MIN_PAGES // (here.pmd_size // here.page_size)) * (here.pmd_size // here.page_size)
    plain = ["run", "--source", "small", "--arm", "move,copy", "--granule", str(here.pmd_size), "--rounds", "3"]
    for frames in ("consecutive", "shuffled"):
        done = probe(gcprobe, *plain, "--pages", str(pages), "--frames", frames, "--working-set", "memory")
        assert done.returncode == 0, done.stdout + done.stderr
        for line in map(json.loads, done.stdout.splitlines()):
            assert (line["scenario"]["frames"], line["scenario"]["working_set"]) == (frames, "memory")
            proof = line["proof"]
            assert proof["frames_pairs"] == 3 * (pages - 1)
            share = proof["frames_adjacent"] / proof["frames_pairs"]
            assert share >= 0.99 if frames == "consecutive" else share < 0.02
            assert proof["frames_blocks"] == 3 * pages * here.page_size // here.pmd_size
            assert proof["target_pairs"] == proof["frames_pairs"]
            assert (proof["range_bytes"], proof["streamed_bytes"]) == (pages * here.page_size, 8 * here.llc_bytes)
    (line, _) = map(json.loads, probe(gcprobe, *plain).stdout.splitlines())
    assert (line["scenario"]["frames"], line["scenario"]["working_set"]) == ("any", "any")
    assert line["proof"]["streamed_bytes"] == 0
    assert line["proof"]["range_bytes"] == line["scenario"]["pages"] * here.page_size


@pytest.mark.needs("static")
def test_gcprobe_says_why_a_working_set_is_none(gcprobe: str) -> None:
    done = probe(
        gcprobe, "run", "--source", "small", "--arm", "move", "--granule", "4096", "--pages", "64",
        "--working-set", "memory",
    )  # fmt: skip
    assert done.returncode == 3
    assert "too small" in json.loads(done.stdout)["skip"]["reason"]


@pytest.mark.needs("static")
def test_gcprobe_is_the_same_engine(gcprobe: str) -> None:
    info = json.loads(probe(gcprobe, "info").stdout)["info"]
    assert info["benchmark"] == text_of(lib.gcp_build_paths())
    assert info["llc_bytes"] == machine().llc_bytes


@pytest.mark.needs("static", "move")
def test_gcprobe_says_what_it_cannot_make(gcprobe: str) -> None:
    done = probe(
        gcprobe, "run", "--source", "swapped", "--order", "9", "--arm", "move", "--granule", "4096", "--pages", "512"
    )
    assert done.returncode == 3
    assert json.loads(done.stdout)["skip"]["reason"]


@pytest.mark.needs("static")
@pytest.mark.parametrize(
    "args",
    [
        [],
        ["dance"],
        ["run"],
        ["run", "--source", "cheese", "--arm", "move", "--granule", "4096"],
        ["run", "--source", "small", "--arm", "teleport", "--granule", "4096"],
        ["run", "--source", "small", "--arm", "move", "--granule", "many"],
        ["run", "--source", "small", "--arm", "move", "--granule", "4096", "--rounds", "-1"],
        ["run", "--source", "mthp", "--arm", "move", "--granule", "4096"],
        ["run", "--source", "small", "--arm", "move", "--granule", "4096", "more"],
        ["run", "--source", "small", "--arm", "move", "--granule", "4096", "--frames", "even"],
        ["run", "--source", "small", "--arm", "move", "--granule", "4096", "--working-set", "1"],
    ],
)
def test_gcprobe_usage(gcprobe: str, args: list[str]) -> None:
    done = probe(gcprobe, *args)
    assert done.returncode == 2
    assert "usage:" in done.stderr
    assert done.stdout == ""


@pytest.mark.needs("gcc-aarch64")
@pytest.mark.timeout(180)
def test_gcprobe_builds_for_arm64() -> None:
    subprocess.run(["make", "-C", str(ROOT), "-s", "-B", "gcprobe-arm64"], check=True)
    program = ROOT / "gcprobe-arm64"
    machine = program.read_bytes()[18]
    program.unlink()
    assert machine == 0xB7, "EM_AARCH64"


@pytest.mark.needs("move", "sanitizers")
@pytest.mark.timeout(180)
def test_window_under_sanitizers(sanitized: list[str], tmp_path: Path) -> None:
    assert run_under_sanitizers("test_window", sanitized, tmp_path).count("ok ") == 224


@pytest.mark.needs("move", "sanitizers")
@pytest.mark.timeout(180)
def test_compaction_under_sanitizers(sanitized: list[str], tmp_path: Path) -> None:
    assert run_under_sanitizers("test_compaction", sanitized, tmp_path).count("ok by ") == 201
