"""The small form for other runtimes."""

import json
from pathlib import Path

import pytest

from gcproto.dumps.graph import NULL
from gcproto.dumps.read import read
from gcproto.dumps.words import read_changes
from gcproto.errors import GcprotoError

HEAD = {"format": "gcproto.heap/1", "runtime": "test"}


def written(folder: Path, *objects: object, head: object = HEAD) -> Path:
    file = folder / "heap.jsonl"
    file.write_text("".join(f"{json.dumps(one)}\n" for one in (head, *objects)))
    return file


def test_objects_in_any_order(tmp_path: Path) -> None:
    graph = read(
        written(
            tmp_path,
            {"address": 4096, "size": 40, "refs": [64, 5000]},
            {"address": 64, "size": 20, "refs": [64], "root": True},
            {"address": 84, "size": 4},
            {"address": 128, "size": 16, "live": True},
        )
    )
    assert graph.source == "gcproto.heap/1 of test"
    assert graph.address.tolist() == [64, 80, 128, 4096]
    assert graph.words.tolist() == [2, 1, 2, 5]
    assert graph.live.tolist() == [True, False, True, False]
    assert graph.refs[graph.start[3] : graph.start[3] + 2].tolist() == [0, NULL]
    assert (graph.changes.aligned, graph.changes.dangling) == (2, 1)


def test_what_live_objects_lead_to_is_live(tmp_path: Path) -> None:
    """A collector would find it, whatever the dump says: a root, an object of a live one, and one of that."""
    graph = read(
        written(
            tmp_path,
            {"address": 64, "size": 16, "root": True, "live": False},
            {"address": 128, "size": 16, "refs": [256], "live": True},
            {"address": 256, "size": 16, "refs": [512], "live": False},
            {"address": 512, "size": 16},
            {"address": 1024, "size": 16, "refs": [64], "live": False},
        )
    )
    assert graph.live.tolist() == [True, True, True, True, False]
    assert graph.changes.revived == 2
    assert "2 objects given as dead, to which live ones lead, as live" in list(read_changes(graph))


@pytest.mark.parametrize(
    ("objects", "words"),
    [
        ([], "no object"),
        ([{"address": 64}], "size"),
        ([{"address": 0, "size": 8}], "address 0"),
        ([{"address": 64, "size": 1 << 60}], "an object of"),
        ([{"address": 64, "size": (1 << 35) + 8}], "an object of 34359738376 bytes"),
        ([{"address": 1 << 56, "size": 8}], "address"),
        ([{"address": 64, "size": 32}, {"address": 80, "size": 8}], "overlaps"),
        ([{"address": 64, "size": 2}, {"address": 66, "size": 2}], "in the same 8 bytes"),
        ([{"address": 64, "size": 8, "refs": [-8]}], "not an address"),
        ([[]], "Expected"),
    ],
)
def test_what_is_wrong_is_said(objects: list[object], words: str, tmp_path: Path) -> None:
    with pytest.raises(GcprotoError) as caught:
        read(written(tmp_path, *objects))
    assert words in caught.value.why
    assert caught.value.why.startswith("at byte ")


def test_another_form(tmp_path: Path) -> None:
    with pytest.raises(GcprotoError, match="not a usable heap dump"):
        read(written(tmp_path, head={"format": "other/1"}))
