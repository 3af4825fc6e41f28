"""Heaps rebuilt from graphs: places, references, what the directory holds."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from gcproto.dumps.density import density_of
from gcproto.dumps.graph import Graph
from gcproto.dumps.mark import parents
from gcproto.dumps.rebuild import FRAME_WORDS, LEAF, rebuild
from gcproto.errors import GcprotoError
from gcproto.heap.pages import PAGE_WORDS
from gcproto.heap.workloads.dump_file import COLUMNS, FIRST, LEAVES, OBJECTS, ROOT, WORDS, mapped

FRAME = FRAME_WORDS * 8


def graph(objects: list[tuple[int, int, list[int]]], roots: list[int]) -> Graph:
    """Of (address, words, indices of references)."""
    counts = np.array([len(one[2]) for one in objects], dtype=np.uint32)
    made = Graph(
        source="test",
        address=np.array([one[0] for one in objects], dtype=np.int64),
        words=np.array([one[1] for one in objects], dtype=np.uint32),
        start=np.cumsum(counts, dtype=np.int64) - counts,
        count=counts,
        refs=np.array([ref for one in objects for ref in one[2]], dtype=np.int32),
        holder=np.full(len(objects), -1, dtype=np.int32),
        roots=np.array(roots, dtype=np.int32),
        live=np.zeros(0, dtype=np.bool_),
    )
    made.live = parents(made) != -1
    return made


def objects_of(file: Path) -> dict[int, tuple[int, list[int]]]:
    """Words and targets by word of the heap."""
    data = mapped(str(file))
    found = {}
    for index in range(int(data[OBJECTS])):
        place, head, first = (int(value) for value in data[FIRST + COLUMNS * index :][:COLUMNS])
        refs = head >> 32 & 0xFFFFFF
        found[place] = head & 0xFFFFFFFF, [int(value) for value in data[first : first + refs]]
    return found


def test_places_are_kept_and_empty_frames_omitted(tmp_path: Path) -> None:
    far = 40 * FRAME
    one = graph([(FRAME + 64, 4, [1, 2]), (FRAME + 4096, 2, []), (far + 8, 3, [0])], [0])
    made = rebuild(one, tmp_path / "a.npy")
    found = objects_of(tmp_path / "a.npy")
    assert found[8] == (4, [512, FRAME_WORDS + 1])
    assert found[FRAME_WORDS + 1] == (3, [8])
    assert (made.frames, made.live, made.dropped, made.held) == (2, 3, 0, 0)
    assert made.omitted == far + 8 + 24 - FRAME - 64 - 2 * FRAME


def test_the_directory_holds_what_no_reference_does(tmp_path: Path) -> None:
    """An array of compressed references: its first two have room, and the others are held."""
    children: list[tuple[int, int, list[int]]] = [(FRAME + 64 + 16 * number, 2, []) for number in range(6)]
    one = graph([(FRAME, 3, [1, 2, 3, 4, 5, 6]), *children], [0])
    made = rebuild(one, tmp_path / "a.npy")
    data, found = mapped(str(tmp_path / "a.npy")), objects_of(tmp_path / "a.npy")
    assert (made.refs, made.dropped, made.held) == (2, 4, 4)
    assert found[0] == (3, [8, 10])
    leaf = found[int(data[ROOT])][1]
    assert len(leaf) == int(data[LEAVES]) == 1
    assert sorted(found[leaf[0]][1]) == [0, 12, 14, 16, 18]
    scaled = rebuild(one, tmp_path / "b.npy", 4)
    assert (scaled.refs, scaled.dropped, scaled.held) == (6, 0, 0)
    assert objects_of(tmp_path / "b.npy")[32][0] == 8


def test_a_directory_of_several_leaves(tmp_path: Path) -> None:
    count = 3 * LEAF + 1
    one = graph([(16 * number, 2, []) for number in range(count)], list(range(count)))
    rebuild(one, tmp_path / "a.npy")
    data, found = mapped(str(tmp_path / "a.npy")), objects_of(tmp_path / "a.npy")
    leaves = found[int(data[ROOT])][1]
    assert [place for leaf in leaves for place in found[leaf][1]] == [2 * number for number in range(count)]
    assert int(data[WORDS]) == leaves[-1] + PAGE_WORDS


def test_objects_of_8_bytes(tmp_path: Path) -> None:
    one = graph([(0, 1, []), (8, 2, [0]), (24, 1, []), (64, 1, []), (72, 1, [])], [1, 2, 4])
    made = rebuild(one, tmp_path / "a.npy")
    found = objects_of(tmp_path / "a.npy")
    assert (made.merged, made.grown) == (2, 1)
    assert found[0] == (3, [0])
    assert found[3] == (2, [])
    assert found[8] == (2, [])


def test_neighbours_of_8_bytes_become_pairs(tmp_path: Path) -> None:
    one = graph([(8 * number, 1, []) for number in range(6)] + [(48, 3, [0])], list(range(7)))
    made = rebuild(one, tmp_path / "a.npy")
    found = objects_of(tmp_path / "a.npy")
    assert made.merged == 3
    assert {place: words for place, (words, _) in found.items() if place < 9} == {0: 2, 2: 2, 4: 2, 6: 3}


def test_without_live_objects(tmp_path: Path) -> None:
    with pytest.raises(GcprotoError, match="no object of this dump is live"):
        rebuild(graph([(64, 2, [])], []), tmp_path / "a.npy")


def test_density() -> None:
    """A full page, a page that is half live, a page of garbage; then a frame with one full granule of 64 KiB."""
    page = PAGE_WORDS
    one = graph(
        [
            (0, page, [1]),
            (8 * page, page // 2, [0, 3]),
            (16 * page, page, []),
            (FRAME, 16 * page, [0]),
        ],
        [0],
    )
    found = density_of(one)
    assert found.histogram() == [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 17]
    assert found.prefix(950) == 1
    assert found.runs(950) == {1: 1, 16: 1}
    assert found.whole(16, 950) == (2, 1, 16 / 17.5)
    assert (found.references, found.across) == (4, 4)


def test_a_heap_that_no_table_can_describe() -> None:
    """256 objects of 2 GiB: a small file may claim them."""
    size = (2 << 30) // 8
    one = graph([(8 * size * (number + 1), size, []) for number in range(256)], [0])
    with pytest.raises(GcprotoError, match="a heap of 512 GiB can't be described"):
        density_of(one)


def test_a_disk_without_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without room, stores to a mapped file would raise SIGBUS."""

    def full(_file: int, _offset: int, _length: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(GcprotoError, match="can't be written") as caught:
        rebuild(graph([(64, 2, [])], [0]), tmp_path / "a.npy")
    assert caught.value.why == "No space left on device"
