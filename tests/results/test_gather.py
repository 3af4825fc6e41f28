"""Files of every bad kind: a message for each, the others are read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gcproto.results.gather import gather
from gcproto.results.store import save
from tests.support.path_results import paths_result

Document = dict[str, Any]


def _set(*path: str | int, value: object) -> Callable[[Document], None]:
    def change(document: Any) -> None:
        for name in path[:-1]:
            document = document[name]
        document[path[-1]] = value

    return change


BAD: dict[str, tuple[Callable[[Document], None], str]] = {
    "newer": (_set("schema", value="gcproto.result/3"), "'gcproto.result/3', this program knows 'gcproto.result/2'"),
    "foreign": (_set("schema", value=""), "it names no schema"),
    "a field of another type": (_set("measurements", value=7), "Expected `array`"),
    "a missing round": (_set("measurements", 0, "rounds", value=[1]), "samples of 1 round"),
    "a negative sample": (_set("measurements", 0, "samples", 0, value=-1.0), "samples is negative (-1)"),
    "no median": (_set("measurements", 0, "median", value=None), "valid and has no median"),
    "an impossible order": (_set("measurements", 0, "scenario", "order", value=99), "impossible order"),
    "a kernel that is a text": (
        _set("environment", "kernel", value="6.18"),
        "Expected `object`, got `str` - at `$.kernel`",
    ),
    "a page of three bytes": (_set("environment", "page_size", value=3), "environment.page_size is not a power of two"),
}


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return save(paths_result(), tmp_path)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_said_and_the_others_are_read(name: str, good: Path) -> None:
    change, why = BAD[name]
    document = json.loads(good.read_text())
    change(document)
    bad = good.with_name("bad.json")
    bad.write_text(json.dumps(document))
    found = gather([good.parent])
    assert [path for path, _ in found.results] == [good]
    (refused,) = found.refused
    assert refused.path == bad
    assert not refused.named
    assert why in str(refused.error)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"schema": "gcproto.result/1"}', b'"gcproto.result/1"']
)
def test_truncated_and_foreign_bytes(content: bytes, good: Path) -> None:
    bad = good.with_name("bad.json")
    bad.write_bytes(content)
    found = gather([bad, good])
    assert len(found.results) == 1
    (refused,) = found.refused
    assert refused.named
    assert str(bad) in str(refused.error)


def test_a_truncated_result(good: Path) -> None:
    bad = good.with_name("cut.json")
    bad.write_bytes(good.read_bytes()[:-200])
    (refused,) = gather([bad]).refused
    assert "is not a usable result" in str(refused.error)


def test_a_missing_file_and_an_empty_folder(tmp_path: Path) -> None:
    found = gather([tmp_path / "nowhere.json", tmp_path])
    assert found.results == []
    assert [one.path.name for one in found.refused] == ["nowhere.json"]


def test_a_run_is_taken_once(good: Path) -> None:
    again = good.with_name("again.json")
    again.write_bytes(good.read_bytes())
    found = gather([good, good.parent])
    assert len(found.results) == 1
    (refused,) = found.refused
    assert "once more" in str(refused.error)
    assert not refused.named
