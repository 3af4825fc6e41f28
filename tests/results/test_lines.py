"""The lines of gcprobe bench as a result: what is taken in, and what is refused with its line."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from gcproto.cli.app import cli
from gcproto.errors import GcprotoError
from gcproto.kernels.guest import programs
from gcproto.results.reading.lines import result_of
from gcproto.results.schema import Result
from gcproto.results.store import load
from tests.support.processes import ROOT

LINES = (ROOT / "tests" / "data" / "gcprobe-bench.jsonl").read_bytes().splitlines()


def read(lines: list[bytes], end: bytes = b"\n") -> Result:
    return result_of(end.join([*lines, b""]), "phone.jsonl", ["gcproto", "import", "phone.jsonl"])


def test_lines_become_a_result_that_is_marked() -> None:
    result = read(LINES)
    assert len(result.measurements) == 9
    assert len(result.skips) == 1
    assert result.producer.imported == "phone.jsonl"
    assert result.producer.complete
    assert result.environment["kernel"]["release"] == "6.18.44-fc-v669"
    assert result.environment["cpu"]["model"] == "unknown", "the lines do not say it, and this machine's is another"
    assert result.environment["run"] == {"cpu": 1, "touch_cpu": 0, "rounds": 5, "warmup": 1}
    assert any(one.ratio_to_copy for one in result.measurements)
    assert result.noise is not None
    assert result.noise.pairs


def test_a_terminal_of_adb_ends_lines_by_cr_lf() -> None:
    result, other = read(LINES, b"\r\n"), read(LINES)
    assert result.measurements == other.measurements


def test_a_run_that_was_cut_off_between_lines_is_incomplete() -> None:
    result = read(LINES[:-3])
    assert not result.producer.complete
    assert len(result.measurements) == 8


REFUSED: dict[str, tuple[Callable[[], list[bytes]], int, str]] = {
    "cut": (lambda: [*LINES[:4], LINES[4][:-9]], 5, "not JSON"),
    "no head": (lambda: LINES[1:], 1, "first line"),
    "no info": (lambda: [LINES[0], *LINES[2:]], 2, "second line"),
    "twice": (lambda: [*LINES[:4], LINES[3], *LINES[4:]], 5, "twice"),
    "lost": (lambda: [*LINES[:4], *LINES[5:]], 12, "9 are here"),
    "more": (lambda: [*LINES, LINES[3]], 14, "after the end"),
    "other": (lambda: [*LINES[:3], b'{"verdict":{}}'], 4, "not a line of gcprobe bench"),
    "noise": (lambda: [*LINES[:3], b"adb: error: device offline"], 4, "not JSON"),
    "format": (lambda: [LINES[0].replace(b'"format":1', b'"format":2'), *LINES[1:]], 1, "format is 2"),
    "negative": (lambda: [*LINES[:2], re.sub(rb'"samples":\[', b'"samples":[-1,', LINES[2])], 3, "negative"),
    "figure": (lambda: [*LINES[:2], re.sub(rb'"samples":\[\d+', b'"samples":[9e9', LINES[2])], 3, ""),
    "type": (lambda: [*LINES[:2], LINES[2].replace(b'"unit":"ns/page"', b'"unit":7')], 3, "unit"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_damaged_line_is_refused_with_its_number_and_the_reason(name: str) -> None:
    make, number, why = REFUSED[name]
    with pytest.raises(GcprotoError) as error:
        read(make())
    assert f"line {number}: " in error.value.what
    assert why in error.value.why
    assert error.value.remedy


@given(st.data())
def test_any_damage_is_a_result_or_a_refusal(data: st.DataObject) -> None:
    """No other exception is raised, and what is taken in is whole."""
    text = bytearray(b"\n".join([*LINES, b""]))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        what = data.draw(st.sampled_from(("change", "cut", "insert", "double")))
        if what == "change":
            text[at] = data.draw(st.integers(0, 255))
        elif what == "cut":
            del text[at : at + data.draw(st.integers(1, 3000))]
        elif what == "insert":
            text[at:at] = data.draw(st.binary(max_size=20))
        else:
            text[at:at] = text[at : at + data.draw(st.integers(1, 3000))]
        if not text:
            break
    refusal = ""
    try:
        result = result_of(bytes(text), "phone.jsonl", [])
    except GcprotoError as error:
        refusal = str(error)
    if refusal:
        assert "\x1b" not in refusal
    else:
        assert result.measurements
        assert all(len(one.samples) == len(one.rounds) for one in result.measurements)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\0" * 100, LINES[0]])
def test_no_measurement_is_no_result(data: bytes) -> None:
    with pytest.raises(GcprotoError):
        result_of(data, "phone.jsonl", [])


@pytest.mark.needs("move")
def test_bench_of_gcprobe_is_imported_and_reported(tmp_path: Path) -> None:
    """End to end, without Python on the side that measures."""
    lines = tmp_path / "phone.jsonl"
    with lines.open("wb") as file:
        done = subprocess.run([programs.build() / "gcprobe", "bench", "1"], stdout=file, check=False, timeout=120)
    assert done.returncode in {0, 1}, "1: a round was invalid, for instance beside other work"
    said = CliRunner().invoke(cli, ["import", str(lines), "--out", str(tmp_path / "results")])
    assert said.exit_code in {0, 1}, said.output
    (saved,) = (tmp_path / "results").glob("paths-*.json")
    result = load(saved)
    assert result.producer.imported == "phone.jsonl"
    sources = {getattr(one.scenario, "source", "") for one in result.measurements}
    assert {"small", "zero", "hole", "forked"} <= sources
    page = tmp_path / "report.html"
    reported = CliRunner().invoke(cli, ["report", str(saved), "--output", str(page)])
    assert reported.exit_code == 0, reported.output
    assert "lines of gcprobe bench: phone.jsonl" in page.read_text(encoding="utf-8")
