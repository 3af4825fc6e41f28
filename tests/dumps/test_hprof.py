"""The reader of HPROF: dumps that the tests write, as HotSpot and as ART do, and dumps that are wrong."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gcproto.dumps import stream
from gcproto.dumps.graph import NULL, Graph
from gcproto.dumps.read import read
from gcproto.errors import ExitCode, GcprotoError
from tests.support.hprof_writer import REF, Writer
from tests.support.processes import ROOT

NODE, BASE = 0x100, 0x180
INT, LONG, BYTE = 10, 11, 8
REAL = ROOT / "tests" / "data" / "dumps" / "service.hprof.gz"


def small(ids: int = 8) -> Writer:
    """A list of two nodes, an array, a dead node; a class with an int and a reference, and its superclass."""
    made = Writer(ids)
    made.string(1, b"next")
    made.describe(BASE, types=[REF])
    made.describe(NODE, BASE, [INT, REF], statics=[(REF, made.name(0x2040)), (LONG, bytes(8))])
    header = 12 if ids == 8 else 8
    size = (header + 4 + 4 + 4 + 7) // 8 * 8
    for number in range(3):
        at = 0x2000 + size * number
        target = at + size if number == 0 else 0
        made.instance(at, NODE, bytes(4) + made.refs(target, 0x2000))
    made.array(0x2000 + 3 * size, [0x2000, 0, 0x9999])
    made.root(0x05, NODE)
    made.root(0x01, 0x2000, made.name(7))
    made.root(0x03, 0x2000 + 3 * size, bytes(8))
    return made


def load(data: bytes, folder: Path) -> Graph:
    file = folder / "a.hprof"
    file.write_bytes(data)
    return read(file)


def refusal(data: bytes, folder: Path) -> str:
    with pytest.raises(GcprotoError) as caught:
        load(data, folder)
    assert caught.value.code == ExitCode.USAGE
    assert caught.value.why.startswith("at byte ")
    return caught.value.why


def targets(graph: Graph, address: int) -> list[int]:
    """Addresses that an object refers to, 0 for null."""
    index = int(np.searchsorted(graph.address, address))
    assert graph.address[index] == address
    first = int(graph.start[index])
    found = graph.refs[first : first + int(graph.count[index])]
    return [0 if ref == NULL else int(graph.address[ref]) for ref in found]


@pytest.mark.parametrize("ids", [4, 8])
@pytest.mark.parametrize("packed", [False, True])
def test_objects_references_roots(ids: int, packed: bool, tmp_path: Path) -> None:
    data = small(ids).data()
    graph = load(gzip.compress(data) if packed else data, tmp_path)
    size = 24
    assert graph.objects == 6
    assert targets(graph, 0x2000) == [0x2000 + size, 0x2000]
    assert targets(graph, 0x2000 + 3 * size) == [0x2000, 0, 0]
    assert graph.changes.dangling == 2, "an element of the array, and a static field"
    assert graph.changes.classes == 2
    words = dict(zip(graph.address.tolist(), graph.words.tolist(), strict=True))
    assert [words[0x2000 + size * number] for number in range(3)] == [3, 3, 3]
    live = dict(zip(graph.address.tolist(), graph.live.tolist(), strict=True))
    assert [live[0x2000 + size * number] for number in range(4)] == [True, True, False, True]
    assert live[NODE]
    assert live[BASE]


def test_fields_of_superclasses_come_last(tmp_path: Path) -> None:
    made = Writer()
    made.describe(BASE, types=[REF, BYTE])
    made.describe(NODE, BASE, [REF])
    made.instance(0x1000, NODE, made.refs(0x1000, 0x2000) + b"\0")
    made.instance(0x2000, NODE, made.refs(0, 0x1000) + b"\0")
    assert targets(load(made.data(), tmp_path), 0x1000) == [0x1000, 0x2000]
    assert targets(load(made.data(), tmp_path), 0x2000) == [0, 0x1000]


def test_classes_may_follow_their_instances(tmp_path: Path) -> None:
    made = Writer()
    made.instance(0x1000, NODE, made.refs(0x1000))
    made.describe(NODE, types=[REF])
    assert targets(load(made.data(), tmp_path), 0x1000) == [0x1000]


def test_weak_references_count_as_strong(tmp_path: Path) -> None:
    made = Writer()
    made.string(5, b"referent")
    made.describe(NODE, types=[REF], names=[5])
    made.instance(0x1000, NODE, made.refs(0x2000))
    made.values(0x2000, BYTE, 8)
    made.root(0xFF, 0x1000)
    graph = load(made.data(), tmp_path)
    assert graph.changes.weak == 1
    assert graph.live.all() or not graph.live[0], "the class is held by its instance"
    assert graph.live[-1]


@pytest.mark.parametrize(("ref", "header"), [(4, 12), (8, 16)])
def test_the_layout_follows_from_where_objects_are(ref: int, header: int, tmp_path: Path) -> None:
    made = Writer()
    made.describe(NODE, types=[REF, REF, REF])
    size = (header + 3 * ref + 7) // 8 * 8
    for number in range(50):
        made.instance(0x10000 + number * size, NODE, made.refs(0, 0, 0))
    graph = load(made.data(), tmp_path)
    assert graph.ref_bytes == ref
    assert graph.words[1:].tolist() == [size // 8] * 50
    assert graph.changes.cut == 0


@pytest.mark.parametrize("align", [8, 16, 32])
def test_the_alignment_follows_from_all_addresses(align: int, tmp_path: Path) -> None:
    """-XX:ObjectAlignmentInBytes: what is lost to it belongs to the objects."""
    made = Writer()
    made.describe(0x8000, types=[REF, REF, REF])
    for number in range(100):
        made.instance(0x10000 + number * (-(-24 // align) * align), 0x8000, made.refs(0, 0, 0))
    graph = load(made.data(), tmp_path)
    assert set(graph.words[1:].tolist()) == {-(-24 // align) * align // 8}
    assert (", aligned to" in graph.layout) == (align > 8)


def test_one_heap_record_without_an_end(tmp_path: Path) -> None:
    assert load(small().data(end=False), tmp_path).objects == 6


EMPTY = struct.pack(">BII", 0x1C, 0, 0)


def test_empty_segments(tmp_path: Path) -> None:
    """HotSpot's parallel writer ends a segment when its buffer is full, whether or not more follows."""
    data = small().data()
    at = data.index(b"\x1c", len("JAVA PROFILE 1.0.2") + 13)
    with_them = data[:at] + EMPTY + data[at:-9] + EMPTY + EMPTY + data[-9:]
    whole, found = load(data, tmp_path), load(with_them, tmp_path)
    assert found.address.tolist() == whole.address.tolist()
    assert found.refs.tolist() == whole.refs.tolist()


@given(st.lists(st.integers(1, 400), min_size=1, max_size=6), st.integers(0, 600))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_compressed_in_members(tmp_path: Path, cuts: list[int], zeroes: int) -> None:
    """HotSpot (-gz) compresses each block by itself; what stores a file may fill it up with zeroes."""
    data, members = small().data(), b""
    rest = data
    for cut in cuts:
        members += gzip.compress(rest[:cut], 1)
        rest = rest[cut:]
    found = load(members + gzip.compress(rest) + bytes(zeroes), tmp_path)
    assert found.address.tolist() == load(data, tmp_path).address.tolist()


def broken_class(made: Writer) -> Writer:
    made.describe(NODE, BASE, [REF])
    made.describe(BASE, NODE, [REF])
    made.instance(0x1000, NODE, made.refs(0, 0))
    return made


CASES = {
    "empty": (b"", "does not begin with JAVA PROFILE"),
    "head": (b"JAVA PROFILE 1.0.2\0\0\0", "ends in its head"),
    "ids of 5": (Writer(ids=5).data(), "ids of 5 bytes"),
    "no heap": (b"JAVA PROFILE 1.0.2\0" + struct.pack(">IQ", 8, 0), "no heap record"),
    "cyclic classes": (broken_class(Writer()).data(), "among its own superclasses"),
    "record tag": (small().data(end=False) + b"\x77" + bytes(8), "unknown tag 0x77"),
    "beyond the file": (small().data(end=False) + struct.pack(">BII", 1, 0, 1 << 31), "ends beyond the file"),
    "no end": (small().data()[:-9], "the record that ends the heap is missing"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_said(name: str, tmp_path: Path) -> None:
    data, words = CASES[name]
    if name == "empty":
        words = "neither as HPROF"
    assert words in refusal(data, tmp_path)


def part(raw: bytes) -> bytes:
    made = Writer()
    made.describe(NODE, types=[REF])
    made.parts += raw
    return made.data()


PARTS = {
    "tag": (b"\x42", "unknown tag 0x42"),
    "array beyond its record": (b"\x22" + bytes(7) + b"\x10" + struct.pack(">II", 0, 1 << 30) + bytes(8), "longer"),
    "type": (b"\x23" + bytes(7) + b"\x10" + struct.pack(">IIB", 0, 1, 3) + bytes(8), "type that does not exist"),
    "class": (b"\x21" + bytes(6) + b"\x10\0" + bytes(4) + bytes(7) + b"\x33" + bytes(4), "class that is not described"),
    "fields": (b"\x21" + bytes(6) + b"\x10\0" + bytes(4) + bytes(6) + b"\x01\0" + bytes(4), "has 0 bytes of fields"),
    "elements": (b"\xc3" + bytes(7) + b"\x10" + struct.pack(">IIB", 0, 1 << 31, 11), "2147483648 elements"),
    "null": (b"\x23" + bytes(8) + struct.pack(">IIB", 0, 0, 8), "whose id is not an address"),
}


@pytest.mark.parametrize("name", PARTS)
def test_what_is_wrong_in_the_heap_is_said(name: str, tmp_path: Path) -> None:
    raw, words = PARTS[name]
    data = part(raw)
    why = refusal(data, tmp_path)
    assert words in why
    assert int(why.split()[2].rstrip(":")) == len(data) - 9 - len(raw), "the offset is that of the part"


def test_damaged_and_endless_compression(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = gzip.compress(small().data())
    assert "end in the middle" in refusal(packed[:-12], tmp_path)
    assert "damaged" in refusal(packed[:20] + b"\xff\xff\xff" + packed[23:], tmp_path)
    monkeypatch.setattr(stream, "BOMB_BYTES", 1 << 20)
    bomb = Writer()
    bomb.values(0x1000, BYTE, 16 << 20)
    assert "as no heap dump does" in refusal(gzip.compress(bomb.data()), tmp_path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


ANY = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@ANY
@given(st.integers(0, 3000), st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=6), st.booleans())
def test_any_damage_is_read_or_refused(folder: Path, cut: int, changed: list[tuple[int, int]], art: bool) -> None:
    data = bytearray(small(4 if art else 8).data())
    for at, value in changed:
        data[at % len(data)] = value
    why = ""
    try:
        graph = load(bytes(data[: len(data) - cut % 40]), folder)
    except GcprotoError as error:
        why = error.why
    if why:
        assert why.startswith("at byte ")
        return
    assert (np.diff(graph.address) >= graph.words[:-1].astype(np.int64) * 8).all()
    assert (graph.refs < graph.objects).all()
    assert (graph.words > 0).all()


def test_a_buffer_may_end_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gcproto.dumps.hprof import read as reader

    whole = load(small().data(), tmp_path)
    for size in (128, 131, 137, 151):
        monkeypatch.setattr(reader, "BUFFER", size)
        found = load(small().data(), tmp_path)
        assert found.refs.tolist() == whole.refs.tolist()
        assert found.address.tolist() == whole.address.tolist()


def test_a_dump_of_hotspot() -> None:
    """Made by benchmarks/dumps; nearly every object ends where the next one begins."""
    graph = read(REAL)
    assert graph.source == "HPROF of HotSpot"
    gaps = np.diff(graph.address) - graph.words[:-1].astype(np.int64) * 8
    assert np.mean(gaps == 0) > 0.98
    assert graph.changes.cut == 0
    assert 0.1 < graph.live_bytes / graph.bytes < 0.9
