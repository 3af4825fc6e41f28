"""A small writer of heap dumps, as HotSpot and ART write them, for tests: independent of the reader."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

REF = 2
WIDTHS = {4: 1, 5: 2, 6: 4, 7: 8, 8: 1, 9: 2, 10: 4, 11: 8}
OBJECT_CLASS = 0x10


@dataclass
class Writer:
    """Builds a dump in memory.

    Args:
        ids: bytes of an id.
        magic: of the head.

    """

    ids: int = 8
    magic: bytes = b"JAVA PROFILE 1.0.2"
    head: bytearray = field(default_factory=bytearray)
    parts: bytearray = field(default_factory=bytearray)

    def name(self, value: int) -> bytes:
        return value.to_bytes(self.ids, "big")

    def record(self, tag: int, body: bytes) -> None:
        """A record before the heap."""
        self.head += struct.pack(">BII", tag, 0, len(body)) + body

    def string(self, name: int, text: bytes) -> None:
        self.record(0x01, self.name(name) + text)

    def root(self, tag: int, name: int, rest: bytes = b"") -> None:
        self.parts += bytes([tag]) + self.name(name) + rest

    def heap_info(self, heap: int, name: int) -> None:
        self.parts += b"\xfe" + struct.pack(">I", heap) + self.name(name)

    def describe(
        self,
        name: int,
        parent: int = 0,
        types: Sequence[int] = (),
        statics: Sequence[tuple[int, bytes]] = (),
        size: int = 0,
        names: Sequence[int] | None = None,
    ) -> None:
        """A class: its own fields, and its static fields with their values."""
        body = b"\x20" + self.name(name) + bytes(4) + self.name(parent) + bytes(5 * self.ids)
        body += struct.pack(">IHH", size, 0, len(statics))
        for kind, value in statics:
            body += self.name(1) + bytes([kind]) + value
        body += struct.pack(">H", len(types))
        for number, kind in enumerate(types):
            body += self.name(names[number] if names else 1) + bytes([kind])
        self.parts += body

    def instance(self, name: int, of: int, fields: bytes) -> None:
        self.parts += b"\x21" + self.name(name) + bytes(4) + self.name(of) + struct.pack(">I", len(fields)) + fields

    def refs(self, *names: int) -> bytes:
        return b"".join(map(self.name, names))

    def array(self, name: int, names: Sequence[int], of: int = OBJECT_CLASS) -> None:
        self.parts += b"\x22" + self.name(name) + struct.pack(">II", 0, len(names)) + self.name(of) + self.refs(*names)

    def values(self, name: int, kind: int, count: int) -> None:
        self.parts += b"\x23" + self.name(name) + struct.pack(">IIB", 0, count, kind) + bytes(count * WIDTHS[kind])

    def no_data(self, name: int, kind: int, count: int) -> None:
        self.parts += b"\xc3" + self.name(name) + struct.pack(">IIB", 0, count, kind)

    def data(self, *, end: bool = True) -> bytes:
        """The whole file; the heap in one segment."""
        tag = 0x1C if end else 0x0C
        found = self.magic + b"\0" + struct.pack(">IQ", self.ids, 0) + bytes(self.head)
        found += struct.pack(">BII", tag, 0, len(self.parts)) + bytes(self.parts)
        return found + (struct.pack(">BII", 0x2C, 0, 0) if end else b"")
