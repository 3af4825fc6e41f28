"""A heap as ART lays it out, and its dump as ART's writer and hprof-conv write it: independent of the reader.

After art/runtime/hprof/hprof.cc: strings and classes come first, then segments of at most 128 objects, each of which
begins in no heap.  Characters of a string, tables of a class and classes of a class loader are arrays inside of them.
"""

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

REF, BOOLEAN, CHAR, BYTE, SHORT, INT, LONG = 2, 4, 5, 8, 9, 10, 11
WIDTHS = {REF: 4, BOOLEAN: 1, CHAR: 2, BYTE: 1, SHORT: 2, INT: 4, LONG: 8}
IMAGE, ZYGOTE, APP = 0x70000000, 0x12C00000, 0x13000000
LARGE = 0x20000000
HEAPS = {"image": ord("I"), "zygote": ord("Z"), "app": ord("A")}
OBJECTS_OF_SEGMENT = 128
NOT_YET = -1
"""java.lang.Class, before it is there."""
CLASS_FIELDS = 20
"""References that a class object has as java.lang.Class declares them; the writer reports them as static fields."""


def up(value: int, to: int = 8) -> int:
    return -(-value // to) * to


@dataclass
class Thing:
    """An object: where it is, what it takes, what it refers to, and how the dump describes it."""

    address: int
    size: int
    heap: str
    refs: list[int]
    write: Callable[[], bytes]


@dataclass
class Class:
    """A class: its fields in order, references first, those of its superclasses not included."""

    name: str
    address: int
    parent: int
    types: list[int]
    size: int
    number: int = 0


@dataclass
class ArtHeap:
    """Builds a heap.

    Attributes:
        things: objects by address;  roots: their addresses, with the tag of each.

    """

    seed: int = 1
    things: dict[int, Thing] = field(default_factory=dict)
    roots: list[tuple[int, int]] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    classes: dict[str, Class] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self._next = {"image": IMAGE, "zygote": ZYGOTE, "app": APP, "large": LARGE}
        self.object = self._class("java.lang.Object", None, [REF, INT])
        own = self._class("java.lang.Class", self.object, []).address
        for one in self.things.values():
            one.refs = [own if target == NOT_YET else target for target in one.refs]
        self.string = self._class("java.lang.String", self.object, [INT, INT])
        self.loader = self._class("java.lang.ClassLoader", self.object, [REF])
        for name in ("byte[]", "char[]", "int[]", "long[]", "java.lang.Object[]"):
            self._class(name, self.object, [])

    def name(self, text: str) -> int:
        return self.names.setdefault(text, 0x400000 + len(self.names))

    def room(self, space: str, size: int) -> int:
        found = self._next[space]
        self._next[space] = found + up(size, 4096 if space == "large" else 8)
        return found

    def gap(self, size: int, space: str = "app") -> None:
        """What a dead object left, or the end of an allocation buffer."""
        self._next[space] += up(size)

    def _chain(self, one: Class) -> list[Class]:
        parents = {each.address: each for each in self.classes.values()}
        found = [one]
        while found[-1].parent:
            found.append(parents[found[-1].parent])
        return found

    def _class(
        self, name: str, parent: "Class | None", types: list[int], *, heap: str = "image", statics: tuple[int, ...] = ()
    ) -> Class:
        tables = self.random.choice([0, 3, 4, 24, 100])
        widths = 4 * CLASS_FIELDS + 8 + 4 * len(statics)
        size = widths + tables
        address = self.room(heap, size)
        mine = sum(WIDTHS[one] for one in types)
        instance = (parent.size if parent else 0) + mine
        one = Class(name, address, parent.address if parent else 0, types, instance)
        self.classes[name] = one
        loader = statics[0] if statics and heap == "app" else 0
        refs = [
            one.parent,
            loader,
            *statics,
            self.classes["java.lang.Class"].address if len(self.classes) > 2 else NOT_YET,
        ]

        def write() -> bytes:
            body = b""
            if tables > 4:
                body += struct.pack(">BIIIB", 0x23, address | 1, 0, tables - 4, BYTE) + bytes(tables - 4)
            given = 0 if name == "java.lang.Class" or name.endswith("[]") else one.size
            body += struct.pack(">BIIIIIIIII", 0x20, address, 0, one.parent, loader, 0, 0, 0, 0, given)
            values = self._overhead(address, tables)
            values += [(f"$class$f{number}", REF, 0) for number in range(CLASS_FIELDS)]
            values += [("$class$shadow$_klass_", REF, self.classes["java.lang.Class"].address)]
            values += [("$class$shadow$_monitor_", INT, 0)]
            values += [(f"s{number}", REF, value) for number, value in enumerate(statics)]
            body += struct.pack(">HH", 0, len(values))
            for text, kind, value in values:
                body += struct.pack(">IB", self.name(text), kind) + value.to_bytes(WIDTHS[kind], "big")
            more = {"java.lang.String": "value", "java.lang.ClassLoader": "runtimeInternalObjects"}.get(name)
            body += struct.pack(">H", len(types) + bool(more))
            for number, kind in enumerate(types):
                body += struct.pack(">IB", self.name(f"f{number}"), kind)
            return body + (struct.pack(">IB", self.name(more), REF) if more else b"")

        # Tables of 3 bytes are a short and a byte, of 4 an int: the writer's fields have their width.
        self._put(Thing(address, up(size), heap, refs, write))
        return one

    @staticmethod
    def _overhead(address: int, tables: int) -> list[tuple[str, int, int]]:
        if tables > 4:
            return [("$classOverhead", REF, address | 1)]
        if tables == 4:
            return [("$classOverhead", INT, 0)]
        return [("$classOverhead", SHORT, 0), ("$classOverhead2", BYTE, 0)] if tables == 3 else []

    def _put(self, one: Thing) -> int:
        assert one.address not in self.things
        self.things[one.address] = one
        return one.address

    def klass(
        self, name: str, parent: str = "java.lang.Object", types: list[int] | None = None, loader: int = 0
    ) -> Class:
        return self._class(name, self.classes[parent], types or [], heap="app", statics=(loader,) if loader else ())

    def instance(self, of: Class, values: list[int], heap: str = "app") -> int:
        """An object; ``values`` of its fields, the class's own first."""
        address = self.room(heap, of.size)
        kinds = [kind for one in self._chain(of) for kind in one.types]
        every = [*values, *[0] * (len(kinds) - 2 - len(values)), of.address, 0]
        refs = [value for kind, value in zip(kinds, every, strict=True) if kind == REF]

        def write() -> bytes:
            data = b"".join(value.to_bytes(WIDTHS[kind], "big") for kind, value in zip(kinds, every, strict=True))
            return struct.pack(">BIIII", 0x21, address, 0, of.address, len(data)) + data

        return self._put(Thing(address, up(of.size), heap, refs, write))

    def text(self, length: int, heap: str = "app", *, compressed: bool = True) -> int:
        width = 1 if compressed else 2
        address = self.room(heap, 16 + length * width)
        value = address + (16 if length else 8)

        def write() -> bytes:
            data = struct.pack(">IIIII", length, 7, value, self.string.address, 0)
            found = struct.pack(">BIIII", 0x21, address, 0, self.string.address, len(data)) + data
            found += struct.pack(">BIIIB", 0x23, value, 0, length, BYTE if compressed else CHAR)
            return found + bytes(length * width)

        return self._put(Thing(address, up(16 + length * width), heap, [address, self.string.address], write))

    def class_loader(self, parent: int, held: list[int]) -> int:
        """A loader, and what it holds beside its fields."""
        address = self.room("app", self.loader.size)

        def write() -> bytes:
            data = struct.pack(">IIII", parent, address + 4, self.loader.address, 0)
            found = struct.pack(">BIIII", 0x21, address, 0, self.loader.address, len(data)) + data
            array = self.classes["java.lang.Object[]"].address
            found += struct.pack(">BIIII", 0x22, address + 4, 0, len(held), array)
            return found + b"".join(struct.pack(">I", one) for one in held)

        refs = [parent, address, self.loader.address, *held]
        return self._put(Thing(address, up(self.loader.size), "app", refs, write))

    def array(self, values: list[int], heap: str = "app") -> int:
        address = self.room(heap, 12 + 4 * len(values))
        of = self.classes["java.lang.Object[]"].address

        def write() -> bytes:
            head = struct.pack(">BIIII", 0x22, address, 0, len(values), of)
            return head + b"".join(struct.pack(">I", one) for one in values)

        return self._put(Thing(address, up(12 + 4 * len(values)), heap, values, write))

    def values(self, kind: int, count: int, *, data: bool = True) -> int:
        size = (16 if WIDTHS[kind] == 8 else 12) + count * WIDTHS[kind]
        large = size >= 3 * 4096
        address = self.room("large" if large else "app", size)

        def write() -> bytes:
            head = struct.pack(">BIIIB", 0x23 if data else 0xC3, address, 0, count, kind)
            return head + (bytes(count * WIDTHS[kind]) if data else b"")

        return self._put(Thing(address, up(size), "app", [], write))

    def live(self) -> set[int]:
        """What roots lead to; objects hold their classes."""
        found: set[int] = set()
        left = [address for _, address in self.roots]
        while left:
            address = left.pop()
            if address and address not in found and address in self.things:
                found.add(address)
                left += self.things[address].refs
        return found

    def dump(self, *, converted: bool = False) -> bytes:
        """The file.

        Args:
            converted: as hprof-conv makes it: no heaps, no roots and no arrays that only ART has.

        """
        parts = [(self._root(tag, address, converted=converted), "") for tag, address in self.roots]
        parts += [(one.write(), one.heap) for one in sorted(self.things.values(), key=lambda one: one.address)]
        for heap in HEAPS:
            self.name(heap)
        body = b""
        for begin in range(0, len(parts), OBJECTS_OF_SEGMENT):
            segment, now = b"", ""
            for data, heap in parts[begin : begin + OBJECTS_OF_SEGMENT]:
                if heap != now and heap and not converted:
                    segment += struct.pack(">BII", 0xFE, HEAPS[heap], self.name(heap))
                    now = heap
                one = data
                if converted and data[0] == 0xC3:  # the converter can't know its elements
                    one = b"\x23" + data[1:9] + bytes(4) + data[13:]
                segment += one
            body += struct.pack(">BII", 0x1C, 0, len(segment)) + segment
        body += struct.pack(">BII", 0x2C, 0, 0)
        for each in self.classes.values():
            self.name(each.name)
        magic = b"JAVA PROFILE 1.0.2" if converted else b"JAVA PROFILE 1.0.3"
        head = magic + b"\0" + struct.pack(">III", 4, 0, 0)
        for text, number in self.names.items():
            head += struct.pack(">BIII", 1, 0, 4 + len(text), number) + text.encode()
        for number, each in enumerate(self.classes.values(), 1):
            head += struct.pack(">BIIIIII", 2, 0, 16, number, each.address, 0, self.name(each.name))
        head += struct.pack(">BIIIII", 5, 0, 12, 0, 0, 0)  # a stack trace without frames
        return head + body

    @staticmethod
    def _root(tag: int, address: int, *, converted: bool) -> bytes:
        rest = {0x01: 4, 0x02: 8, 0x03: 8, 0x04: 4, 0x06: 4, 0x08: 8, 0x8E: 8}.get(tag, 0)
        if converted and tag >= 0x80 and tag != 0xFF:
            tag, rest = 0xFF, 0
        return bytes([tag]) + struct.pack(">I", address) + bytes(rest)


TAGS = (0xFF, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x89, 0x8B, 0x8D, 0x8E)


def app(seed: int, objects: int = 400) -> ArtHeap:
    """A small app: classes of its own, strings, arrays, lists, a loader, and half of it garbage."""
    heap = ArtHeap(seed)
    some = heap.random
    names = [f"com.example.C{number}" for number in range(5)]
    loader = heap.class_loader(0, [])
    own = [
        heap.klass(name, types=[REF] * some.randint(0, 4) + [INT] * some.randint(0, 3), loader=loader) for name in names
    ]
    held = heap.class_loader(loader, [one.address for one in own])
    heap.roots.append((0x08, held))
    heap.roots += [(0x05, one.address) for one in list(heap.classes.values())[:9]]
    made: list[int] = []
    for _ in range(objects):
        some_refs = [some.choice(made) if made and some.random() < 0.8 else 0 for _ in range(4)]
        kind = some.randrange(8)
        if kind < 3:
            of = some.choice(own)
            made.append(heap.instance(of, some_refs[: of.types.count(REF)]))
        elif kind == 3:
            made.append(heap.text(some.choice([0, 1, 3, 8, 40]), compressed=some.random() < 0.7))
        elif kind == 4:
            made.append(heap.array([some.choice([*made, 0]) if made else 0 for _ in range(some.choice([0, 1, 5, 30]))]))
        elif kind == 5:
            made.append(heap.values(some.choice([BYTE, CHAR, INT, LONG, BOOLEAN]), some.choice([0, 1, 7, 64])))
        elif kind == 6 and some.random() < 0.1:
            made.append(heap.values(BYTE, 20_000, data=some.random() < 0.5))
        else:
            heap.gap(some.choice([8, 16, 64]))
    heap.roots += [(some.choice(TAGS), some.choice(made)) for _ in range(len(made) // 12)]
    return heap
