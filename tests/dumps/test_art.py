"""Dumps of ART, as its writer and hprof-conv make them: every object is where it was, as large as it was."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gcproto.dumps.graph import NULL, Graph
from gcproto.dumps.read import read
from tests.support.art_heap import BYTE, INT, REF, ArtHeap, app


def load(data: bytes, folder: Path) -> Graph:
    path = folder / "a.hprof"
    path.write_bytes(data)
    return read(path)


def seen(graph: Graph) -> dict[int, tuple[int, set[int], bool]]:
    """Bytes, targets other than itself, and whether it is live, by address."""
    found = {}
    for index, address in enumerate(graph.address.tolist()):
        begin = int(graph.start[index])
        refs = {int(one) for one in graph.refs[begin : begin + int(graph.count[index])] if one != NULL}
        targets = {int(graph.address[one]) for one in refs} - {address}
        found[address] = int(graph.words[index]) * 8, targets, bool(graph.live[index])
    return found


def expected(heap: ArtHeap) -> dict[int, tuple[int, set[int], bool]]:
    live = heap.live()
    return {
        address: (one.size, {ref for ref in one.refs if ref in heap.things} - {address}, address in live)
        for address, one in heap.things.items()
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("art")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 1 << 30), st.integers(0, 300))
def test_every_object_is_what_it_was(folder: Path, seed: int, objects: int) -> None:
    heap = app(seed, objects)
    graph = load(heap.dump(), folder)
    assert graph.source == "HPROF of ART"
    assert seen(graph) == expected(heap)
    assert graph.changes.cut == graph.changes.repeated == 0


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 1 << 30))
def test_after_the_converter(folder: Path, seed: int) -> None:
    """It writes no heaps and no roots of ART's, and arrays without data have no elements."""
    heap = app(seed, 200)
    found, wanted = seen(load(heap.dump(converted=True), folder)), expected(heap)
    no_data = {address for address, one in heap.things.items() if one.write()[0] == 0xC3}
    assert found.keys() == wanted.keys()
    assert {at: one for at, one in found.items() if at not in no_data} == {
        at: one for at, one in wanted.items() if at not in no_data
    }


def test_an_empty_string_and_the_array_after_it_are_two_objects(folder: Path) -> None:
    heap = ArtHeap()
    empty, array = heap.text(0), heap.values(INT, 3)
    full, after = heap.text(5), heap.values(BYTE, 3)
    heap.roots.append((0x01, empty))
    found = seen(load(heap.dump(), folder))
    assert [found[one][0] for one in (empty, array, full, after)] == [16, 24, 24, 16]


def test_a_class_loader_holds_its_classes(folder: Path) -> None:
    """It does so by a table outside of the heap, which the dump describes as an array inside of it."""
    heap = ArtHeap()
    held = heap.klass("com.example.Held", types=[REF])
    dead = heap.klass("com.example.Dead")
    loader = heap.class_loader(0, [held.address])
    heap.roots.append((0x08, loader))
    found = seen(load(heap.dump(), folder))
    assert held.address in found[loader][1]
    assert found[held.address][2]
    assert not found[dead.address][2]


def test_compressed(folder: Path) -> None:
    heap = app(7)
    path = folder / "b.hprof"
    path.write_bytes(gzip.compress(heap.dump()[:5000]) + gzip.compress(heap.dump()[5000:]))
    assert seen(read(path)) == expected(heap)


def test_a_buffer_may_end_anywhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gcproto.dumps.hprof import read as reader

    heap = app(3, 60)
    for size in (700, 811, 1033):
        monkeypatch.setattr(reader, "BUFFER", size)
        assert seen(load(heap.dump(), folder)) == expected(heap)


def test_addresses_of_all_spaces(folder: Path) -> None:
    heap = app(11)
    graph = load(heap.dump(), folder)
    assert (np.diff(graph.address) > 0).all()
    assert {address >> 28 for address in graph.address.tolist()} >= {1, 7}
