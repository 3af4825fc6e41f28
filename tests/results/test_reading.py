"""Files of hostile and damaged kinds: one message, nothing raw in it, nothing that readers would stumble over."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcproto.errors import ExitCode, GcprotoError
from gcproto.results.gather import gather
from gcproto.results.reading.text import MOST, clean, short_enough
from gcproto.results.store import load, save
from tests.support.heap_results import heap_result, window_result
from tests.support.path_results import paths_result

Change = Callable[[Any], None]
RED = "\x1b[31m"


def put(*path: str | int, value: object) -> Change:
    def change(document: Any) -> None:
        for name in path[:-1]:
            document = document[name]
        document[path[-1]] = value

    return change


FIRST = ("measurements", 0)
SCENARIO = (*FIRST, "scenario")
FIGURES = (*FIRST, "figures")
UNSOUND: dict[str, tuple[Change, str]] = {
    "an infinite sample": (put(*FIRST, "samples", 0, value=1e308), "which is not a measurement"),
    "a negative warm-up of nothing": (put(*FIRST, "median", value=-1.0), "median is negative"),
    "a huge integer": (put("producer", "seed", value=10**400), "beyond 64 bits"),
    "deep nesting": (put("environment", "deep", value=json.loads("[" * 60 + "]" * 60)), "levels deep"),
    "rounds twice": (put(*FIRST, "rounds", value=[7] * 30), "a round is there twice"),
    "fewer rounds": (put(*FIRST, "rounds", value=[7]), "30 samples of 1 round"),
    "a tiny sample": (put(*FIRST, "samples", 0, value=1e-200), "a sample is below"),
    "a foreign median": (put(*FIRST, "median", value=1e9), "not between its samples"),
    "valid without samples": (lambda one: one["measurements"][0].update(samples=[], rounds=[]), "no samples"),
    "a crooked interval": (put(*FIRST, "ci", value={"value": 5, "low": 6, "high": 7}), "5 is not between 6 and 7"),
    "a crooked ratio": (put(*FIRST, "ratio_to_copy", value={"value": 5, "low": 1, "high": 2}), "not between"),
    "a foreign confidence": (
        put(*FIRST, "ci", value={"value": 6, "low": 6, "high": 7, "confidence": 95}),
        "confidence is not between",
    ),
    "one mode": (put(*FIRST, "modes", value=[{"median": 1, "low": 1, "high": 1, "share": 0.5}]), "it has 1 modes"),
    "a crooked mode": (
        put(*FIRST, "modes", value=[{"median": 1, "low": 2, "high": 1, "share": 0.5}] * 2),
        "not between its ends",
    ),
    "figures of another kind": (put(*FIGURES, value={"kind": "window"}), "of another kind"),
    "a foreign unit": (put(*FIRST, "unit", value="parsec"), "its unit is 'parsec'"),
    "no pages": (put(*SCENARIO, "pages", value=0), "impossible order, granule"),
    "pages that overflow": (put(*SCENARIO, "pages", value=1 << 63), "impossible order, granule"),
    "an order that overflows": (put(*SCENARIO, "order", value=60), "impossible order, granule"),
    "an endless arm": (put(*SCENARIO, "arm", value="x" * 5000), "a name of more than 100"),
    "an endless release": (put("environment", "kernel", "release", value="6" * 5000), "more than 100"),
    "no run": (put("run_id", value=""), "or is empty"),
    "no time": (put("producer", "started", value="yesterday"), "producer.started is 'yesterday'"),
    "a day without a time": (put("producer", "started", value="2026-11-26"), "not a time with its zone"),
    "a month too many": (put("producer", "started", value="2026-13-26T00:00:00Z"), "not a time with its zone"),
    "an odd page size": (put("environment", "page_size", value=4095), "not a power of two"),
    "a processor that is a list": (put("environment", "cpu", value=[]), "environment: Expected `object`"),
    "a kernel that is a number": (put("environment", "kernel", "release", value=6.18), "Expected `str`"),
}
HEAP: dict[str, tuple[Change, str]] = {
    "a damaged map": (put(*FIGURES, "collections", 0, 0, "map", value="m5x3"), "the map of a collection is damaged"),
    "a damaged histogram": (put(*FIGURES, "histograms", "fault", value="HISTF"), "its histogram 'fault' can't be read"),
    "impossible folios": (put(*FIGURES, "collections", 0, 0, "folios", value={"by_order": {"99": 1}}), "order beyond"),
    "impossible splits": (put(*FIGURES, "collections", 0, 0, "splits", value={"99": 1}), "order beyond"),
    "a word for an order": (put(*FIGURES, "collections", 0, 0, "splits", value={"x": 1}), "Expected `int`"),
    "negative phases": (put(*FIGURES, "collections", 0, 0, "phases", value={"mark": -5}), "mark is negative"),
    "more than all of the time": (put(*FIGURES, "mmu", 0, "median", value=1.5), "not between 0 and 1"),
    "a latency of nothing": (put(*FIGURES, "fault", "n", value=0), "of no events"),
}


def refused(path: Path) -> GcprotoError:
    with pytest.raises(GcprotoError, match="not a usable result") as caught:
        load(path)
    assert caught.value.code is ExitCode.USAGE
    assert str(caught.value) == clean(str(caught.value))
    return caught.value


@pytest.mark.parametrize("name", [*UNSOUND, *HEAP])
def test_what_is_unsound_is_refused_with_its_reason(name: str, tmp_path: Path) -> None:
    change, why = (UNSOUND | HEAP)[name]
    path = save(heap_result(rounds=3) if name in HEAP else paths_result(), tmp_path)
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    assert why in refused(path).why


@pytest.mark.parametrize(
    "content",
    [
        b'{"schema": "gcproto.result/2", "run_id": "\xff\xfe"}',
        b'{"schema": "gcproto.result/2", "run_id": NaN}',
        b'{"schema": "gcproto.result/2", "run_id": Infinity}',
        b'{"schema": "gcproto.result/2", "run_id": 1e999}',
        b'{"schema": "gcproto.result/2", "run_id": "\\ud800"}',
        b'{"schema": "gcproto.result/2", "x": ' + b"[" * 100_000,
        b'{"schema": "\\u001b[31mred"}',
        b'{"schema": "gcproto.result/2", "run_id": "a", "experiment": {"kind": "\\u001b[31mred"}}',
        b"\xef\xbb\xbf{}",
        b"\0" * 1000,
    ],
)
def test_bytes_that_are_no_document(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"{RED}x.json"
    path.write_bytes(content)
    assert "\x1b" not in str(refused(path))
    assert "\x1b" not in str(gather([tmp_path]).refused[0].error)


def test_an_empty_environment_is_an_answer(tmp_path: Path) -> None:
    run = paths_result()
    run.environment = {}
    assert load(save(run, tmp_path)) == run


def test_texts_of_a_file_can_be_printed(tmp_path: Path) -> None:
    path = save(paths_result(), tmp_path)
    text = path.read_text().replace('"no zram here"', json.dumps(f"{RED}no zram\u202e\u2028 here\x07"))
    text = text.replace('"a processor"', json.dumps(f"{RED}x\x9b31m")).replace('"6.18.44"', json.dumps(f"6{RED}"))
    path.write_text(text)
    found = load(path)
    assert found.skips[0].reason == "\\x1b[31mno zram\\u202e\\u2028 here\\x07"
    assert found.environment["cpu"]["model"] == "\\x1b[31mx\\x9b31m"
    assert found.environment["kernel"]["release"] == "6\\x1b[31m"


def test_long_texts_are_cut_and_say_so(tmp_path: Path) -> None:
    run = paths_result()
    run.measurements[0].notes = ["x" * 3_000_000]
    (note,) = load(save(run, tmp_path)).measurements[0].notes
    assert note == "x" * MOST + " ... (3000000 characters)"


@given(st.text())
def test_clean_text_is_clean(text: str) -> None:
    found = clean(text)
    assert all(char.isprintable() or char in "\n\t" for char in found)
    assert clean(found) == found
    if text.isprintable():
        assert found == text
    found.encode()
    assert len(short_enough(text, 5)) <= len(text) + 30


def test_invalid_rounds_and_warmups_may_be_negative(tmp_path: Path) -> None:
    run = window_result()
    run.measurements[0].warmup = [-5.0]
    assert load(save(run, tmp_path)).measurements[0].warmup == [-5.0]


@pytest.mark.parametrize("name", ["/dev/zero", "/proc/self/mem"])
def test_files_without_an_end_are_refused_at_once(name: str) -> None:
    begun = time.monotonic()
    refused(Path(name))
    assert time.monotonic() - begun < 60


def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.json")
    good = save(paths_result(), tmp_path)
    assert [path for path, _ in gather([tmp_path]).results] == [good]
