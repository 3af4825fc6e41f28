"""Reading a dump of HotSpot or ART: two passes through the file, bounded memory.

The first pass notes where objects are, and which fields classes have.  The second pass notes references, each as the
index of its object.  Memory is 16 bytes for an object and 4 for a reference, and the sorted form of it, not the file.
"""

from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gcproto.dumps.graph import NULL, Changes, Graph
from gcproto.dumps.hprof import scan as kernels
from gcproto.dumps.hprof.classes import MIRROR_BYTES, Class, ClassError, Fields, fields_of, parse
from gcproto.dumps.hprof.finish import count_references, finish, together
from gcproto.dumps.hprof.scan import (
    ART,
    AT,
    BASE,
    CLASS_OBJECT,
    CLASSES,
    ENDED,
    FOUND_ROOTS,
    HEAD,
    HEAPS,
    IDS,
    LEFT,
    LENGTH,
    NAMES,
    OBJECTS,
    REFS,
    SEGMENTS,
    SIZE,
    SKIP,
    STATE_WORDS,
    WHAT,
)
from gcproto.dumps.hprof.sizes import alignment_of, compute, layout_of
from gcproto.dumps.mark import parents
from gcproto.dumps.places import Places, places_of, resolve
from gcproto.dumps.stream import Stream, bad

MAGIC = b"JAVA PROFILE 1.0."
BUFFER = 4 << 20
ROWS = 1 << 20
MOST_OBJECTS = (1 << 31) - 1
REFERENT, STRING_CLASS = b"referent", (b"java.lang.String", b"java/lang/String")
OVERHEAD = (b"$classOverhead", b"$staticOverhead")
"""Fields that ART's writer adds to classes. They tell its dumps after hprof-conv, which removes all else of ART's."""
D = TypeVar("D", bound=np.generic)


def is_hprof(head: bytes) -> bool:
    """Whether a file that begins so, after decompression, is such a dump."""
    return head.startswith(MAGIC)


class _Scanner:
    """One pass through a file.

    Args:
        path: of it.
        table: of classes, from the first pass.
        fields: of classes; None in the first pass.

    Attributes:
        state, table, out, roots: of ``scan``.

    """

    def __init__(self, path: Path, table: NDArray[np.int64], fields: Fields | None) -> None:
        self.path = path
        self.table = table
        self.state = np.zeros(STATE_WORDS, dtype=np.int64)
        self.out = np.empty((ROWS, 3), dtype=np.int64)
        self.roots = np.empty(ROWS, dtype=np.int64)
        self.art = False
        self._fields = np.empty((0, 3), dtype=np.int64) if fields is None else fields.rows
        self._offsets = np.empty(0, dtype=np.int32) if fields is None else fields.offsets
        self._data = np.empty(BUFFER, dtype=np.uint8)
        self._end = 0
        self._stream = Stream(path)
        try:
            self._head()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def bad(self, at: int, what: str) -> Exception:
        """The error for something at a place of the buffer."""
        return bad(self.path, int(self.state[BASE]) + at, what)

    def bytes_at(self, at: int, count: int) -> bytes:
        """Bytes of the buffer."""
        return self._data[at : at + count].tobytes()

    def _head(self) -> None:
        """The file's own head: magic, size of ids, time."""
        self._fill()
        text = self.bytes_at(0, min(self._end, 64))
        end = text.find(b"\0")
        if not is_hprof(text) or end < 0:
            raise self.bad(0, "it does not begin with JAVA PROFILE 1.0.x")
        if self._end < end + 13:
            raise self.bad(self._end, "the file ends in its head")
        ids = int.from_bytes(self.bytes_at(end + 1, 4), "big")
        if ids not in (4, 8):
            raise self.bad(end + 1, f"ids of {ids} bytes; HotSpot and ART write 4 or 8")
        self.state[IDS] = ids
        self.state[AT] = end + 13
        self.state[SIZE] = -1 if self._stream.size is None else self._stream.size
        self.art = text[:end] == b"JAVA PROFILE 1.0.3"
        wanted = [ids + len(text) for text in (REFERENT, *STRING_CLASS, *OVERHEAD)]
        self.lengths = np.zeros(max(wanted) + 1, dtype=np.bool_)
        self.lengths[wanted] = len(self._fields) == 0
        self.state[NAMES] = len(self._fields) == 0

    def _fill(self) -> int:
        """Bring more bytes behind those that are left.  Returns how many."""
        at = int(self.state[AT])
        left = self._end - at
        self._data[:left] = self._data[at : self._end]
        self.state[BASE] += at
        self.state[AT] = 0
        count = self._stream.read_into(memoryview(self._data.data)[left:])
        self._end = left + count
        return count

    def next(self) -> int:
        """Scan on.

        Returns:
            FULL, TABLE_FULL, A_STRING, A_CLASS, A_NAME, or -1 at the end of the file.

        Raises:
            GcprotoError: something is wrong with the file.

        """
        while True:
            why = kernels.scan(
                self._data,
                self._end,
                self.state,
                self.table,
                self._fields,
                self._offsets,
                self.lengths,
                self.out,
                self.roots,
            )
            if why != kernels.MORE:
                self._see_that_it_is_good(why)
                return int(why)
            if self._end - self.state[AT] == BUFFER:
                raise self.bad(0, f"a part of more than {BUFFER >> 20} MiB, as no class makes it")
            if not self._fill():
                self._see_that_it_ended()
                return -1

    def _see_that_it_ended(self) -> None:
        state = self.state
        if state[LEFT] or state[SKIP] or state[AT] != self._end:
            raise self.bad(self._end, "the file ends in the middle of a record (truncated)")
        if not state[HEAPS]:
            raise self.bad(self._end, "the file has no heap record")
        if state[SEGMENTS] and not state[ENDED]:
            raise self.bad(self._end, "the record that ends the heap is missing (truncated)")

    def _see_that_it_is_good(self, why: int) -> None:
        at, what, length = int(self.state[AT]), int(self.state[WHAT]), int(self.state[LENGTH])
        said = {
            kernels.BAD_TAG: f"a record with the unknown tag {what:#04x}",
            kernels.BAD_PART: f"a part of the heap with the unknown tag {what:#04x}",
            kernels.TOO_LONG: f"a part with tag {what:#04x} is longer than its record",
            kernels.BEYOND_FILE: f"a record with tag {what:#04x} and {length} bytes ends beyond the file (truncated)",
            kernels.BAD_TYPE: f"a value of a type that does not exist, in a part with tag {what:#04x}",
            kernels.BAD_FIELDS: f"an instance has {length} bytes of fields, and its class {what}",
            kernels.UNKNOWN_CLASS: "an instance of a class that is not described, or whose superclasses are not",
            kernels.BAD_ADDRESS: "an object whose id is not an address",
            kernels.TOO_MANY: f"an array of {length} elements; Java allows {kernels.MOST_ELEMENTS}",
        }
        if why in said:
            raise self.bad(at, said[why])


class _First:
    """The first pass: objects, roots, classes.

    Attributes:
        ids: bytes of an id.
        classes: by id;  table, numbers: of those with instances;  repeated: further descriptions of a class.
        art: the dump is ART's;  string: number of the class of strings, or NULL.

    """

    def __init__(self, path: Path) -> None:
        scanner = _Scanner(path, np.zeros((1 << 12, 2), dtype=np.int64), None)
        self.classes: dict[int, Class] = {}
        self.repeated = 0
        self._columns: list[tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint32]]] = []
        self._roots: list[NDArray[np.int64]] = []
        self._referents: set[int] = set()
        self._string_names: set[int] = set()
        self._string_class = 0
        self._overhead = False
        self._objects = 0
        try:
            while (why := scanner.next()) >= 0:
                if why == kernels.A_STRING:
                    self._string(scanner)
                elif why == kernels.A_CLASS:
                    self._class(scanner)
                elif why == kernels.A_NAME:
                    self._name(scanner)
                elif why == kernels.TABLE_FULL:
                    scanner.table = _larger(scanner.table)
                else:
                    self._take(scanner)
            self._take(scanner)
        finally:
            scanner.close()
        self.ids = int(scanner.state[IDS])
        self.table = scanner.table
        self.numbers = {int(name): int(number) for name, number in scanner.table if name}
        self.art = scanner.art or bool(scanner.state[ART]) or self._overhead
        self.string = self.numbers.get(self._string_class, NULL)

    def _name(self, scanner: _Scanner) -> None:
        """A class's name: of interest is that of strings."""
        state = scanner.state
        at, ids = int(state[AT]) + HEAD, int(state[IDS])
        own, name = (int.from_bytes(scanner.bytes_at(at + skip, ids), "big") for skip in (4, 8 + ids))
        if name in self._string_names:
            self._string_class = own
        state[AT] = at + int(state[LENGTH])

    def _string(self, scanner: _Scanner) -> None:
        state = scanner.state
        at, length, ids = int(state[AT]) + HEAD, int(state[LENGTH]), int(state[IDS])
        text, name = scanner.bytes_at(at + ids, length - ids), int.from_bytes(scanner.bytes_at(at, ids), "big")
        if text == REFERENT:
            self._referents.add(name)
        elif text in STRING_CLASS:
            self._string_names.add(name)
        self._overhead |= text in OVERHEAD
        state[AT] = at + length

    def _class(self, scanner: _Scanner) -> None:
        state = scanner.state
        at, length = int(state[AT]), int(state[LENGTH])
        data = scanner.bytes_at(at, length)
        one = parse(data, int(state[IDS]), int(state[BASE]) + at, frozenset(self._referents))
        if not 0 < one.name < 1 << 63:
            raise scanner.bad(at, "a class whose id is not an address")
        if one.name in self.classes:
            self.repeated += 1
        else:
            self.classes[one.name] = one
        state[AT] = at + length
        state[LEFT] -= length

    def _take(self, scanner: _Scanner) -> None:
        state = scanner.state
        some = scanner.out[: state[OBJECTS]]
        self._objects += len(some)
        if self._objects > MOST_OBJECTS:
            raise scanner.bad(int(state[AT]), f"more than {MOST_OBJECTS} objects")
        self._columns.append((some[:, 0].copy(), some[:, 1].astype(np.int32), some[:, 2].astype(np.uint32)))
        self._roots.append(scanner.roots[: state[FOUND_ROOTS]].copy())
        state[OBJECTS] = state[FOUND_ROOTS] = 0

    def columns(self) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint32]]:
        """Address, kind and number of each object, in the order of the file; classes come last.  Frees its own."""
        every = list(self.classes.values())
        address = np.array([one.name for one in every], dtype=np.int64)
        statics = np.array([one.statics for one in every], dtype=np.uint32)
        self._columns.append((address, np.full(len(every), CLASS_OBJECT, dtype=np.int32), statics))
        addresses, kinds, numbers = (
            [one[0] for one in self._columns],
            [one[1] for one in self._columns],
            [one[2] for one in self._columns],
        )
        self._columns.clear()
        return _joined(addresses), _joined(kinds), _joined(numbers)

    def roots(self) -> NDArray[np.int64]:
        """Ids of roots, each once."""
        return np.unique(np.concatenate(self._roots))


def _joined(parts: list[NDArray[D]]) -> NDArray[D]:
    found = np.concatenate(parts)
    parts.clear()
    return found


def _larger(table: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same classes in a table of twice as many slots."""
    found = np.zeros((2 * len(table), 2), dtype=np.int64)
    used = table[table[:, 0] != 0]
    state = np.zeros(STATE_WORDS, dtype=np.int64)
    for name, _ in used[np.argsort(used[:, 1])]:
        kernels.class_number(found, state, name)
    return found


def read(path: Path) -> Graph:
    """Read a dump.

    Args:
        path: of the file, plain or gzipped.

    Raises:
        GcprotoError: it can't be read, or something is wrong with it: what, and at which byte.

    """
    first = _First(path)
    try:
        fields = fields_of(first.numbers, first.classes, first.ids)
    except ClassError as error:
        raise bad(path, error.offset, str(error)) from error
    address, kind, number = first.columns()
    if not len(address):
        raise bad(path, 0, "the heap has no object")
    changes = Changes(classes=len(first.classes), repeated=first.repeated)
    count = _counts(kind, number, fields, first.classes, changes)
    start = np.cumsum(count, dtype=np.int64) - count
    total = int(count.sum(dtype=np.int64))
    order = None
    if np.any(address[1:] <= address[:-1]):
        order = np.argsort(address, kind="stable")
        address, kind, number = address[order], kind[order], number[order]
        start, count = start[order], count[order]
        del order
    align = alignment_of(address, art=first.art)
    layout = layout_of(address, kind, number, fields.rows, first.ids, align, art=first.art)
    sizes = np.empty(len(address), dtype=np.int64)
    given = fields.sizes if first.art else np.zeros_like(fields.sizes)
    mirror = 0 if first.art else MIRROR_BYTES  # ART's writer reports the fields of the class object as static ones
    compute(kind, number, fields.rows, given, first.ids, layout.ref, layout.header, layout.array, mirror, align, sizes)
    owner, kept, words = finish(address, kind, number, sizes, changes, art=first.art, string=first.string)
    del sizes, number
    places = places_of(address)
    refs = np.empty(total, dtype=np.int32)
    filled = _second(path, first, fields, places, owner, refs, changes)
    own = [ref for one in first.classes.values() for ref in one.refs]
    changes.dangling += resolve(places, _signed(own), owner, refs[filled:])
    ids = first.roots()
    roots = np.empty(len(ids), dtype=np.int32)
    changes.dangling += resolve(places, ids, owner, roots)
    holder = _holders(kind, first, places, owner)
    if kept is not None:
        start, count, refs = together(address, owner, kept, start, count, refs)
        address, holder = address[kept], holder[kept]
    graph = Graph(
        source="HPROF of ART" if first.art else "HPROF of HotSpot",
        address=address & ~7,
        words=words,
        start=start,
        count=count,
        refs=refs,
        holder=holder,
        roots=np.unique(roots[roots != NULL]),
        live=np.zeros(0, dtype=np.bool_),
        ref_bytes=layout.ref,
        layout=layout.text + (f", aligned to {align} bytes" if align > 8 else ""),
        changes=changes,
    )
    graph.live = parents(graph) != NULL
    return graph


def _signed(ids: list[int]) -> NDArray[np.int64]:
    return np.array(ids, dtype=np.uint64).view(np.int64)


def _counts(
    kind: NDArray[np.int32], number: NDArray[np.uint32], fields: Fields, classes: dict[int, Class], changes: Changes
) -> NDArray[np.uint32]:
    """References of each object; counts those that are weak."""
    found = np.empty(len(kind), dtype=np.uint32)
    changes.weak += int(count_references(kind, number, fields.rows, fields.weak, found))
    found[len(kind) - len(classes) :] = [len(one.refs) for one in classes.values()]
    return found


def _second(
    path: Path,
    first: _First,
    fields: Fields,
    places: Places,
    owner: NDArray[np.int32],
    refs: NDArray[np.int32],
    changes: Changes,
) -> int:
    """The second pass: fill in references.  Returns how many there are."""
    scanner = _Scanner(path, first.table, fields)
    scanner.state[CLASSES] = len(first.numbers)
    filled = 0
    try:
        more = True
        while more:
            more = scanner.next() >= 0
            count = int(scanner.state[REFS])
            if filled + count > len(refs):
                raise scanner.bad(int(scanner.state[AT]), "the file has changed while it was read")
            raw = np.ascontiguousarray(scanner.out[:count, 0])
            changes.dangling += resolve(places, raw, owner, refs[filled : filled + count])
            filled += count
            scanner.state[REFS] = 0
    finally:
        scanner.close()
    return filled


def _holders(kind: NDArray[np.int32], first: _First, places: Places, owner: NDArray[np.int32]) -> NDArray[np.int32]:
    """The class object of each instance."""
    by_number = np.full(len(first.numbers) + 1, NULL, dtype=np.int32)
    found = np.empty(len(first.numbers), dtype=np.int32)
    resolve(places, _signed(list(first.numbers)), owner, found)
    by_number[list(first.numbers.values())] = found
    return by_number[np.maximum(kind, NULL)]  # the last one is NULL
