"""Classes of a dump: what each says, and where the references of an instance are."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gcproto.dumps.hprof.tags import OBJECT, SIZES

DEEPEST = 1000
"""Superclasses of a class, at most."""
MOST_OFFSETS = 50_000_000
MIRROR_BYTES = 112
"""Of a class object, without its static fields: java.lang.Class of 64-bit HotSpot."""


class ClassError(Exception):
    """What is wrong with a class, and the offset of its description."""

    def __init__(self, offset: int, what: str) -> None:
        super().__init__(what)
        self.offset = offset


@dataclass(frozen=True)
class Class:
    """A class's description.

    Attributes:
        offset: of the description in the file.
        name: id;  parent: id of its superclass, 0 for none.
        size: of an instance, as the dump says.
        refs: ids that the class object refers to.
        statics: bytes of its static fields.
        types: of the fields of an instance that it adds, in order.
        referent: whether one of them is called so.

    """

    offset: int
    name: int
    parent: int
    size: int
    refs: tuple[int, ...]
    statics: int
    types: bytes
    referent: bool


def parse(data: bytes, ids: int, offset: int, referents: frozenset[int]) -> Class:
    """Read a description.

    Args:
        data: all of it, from its tag on.
        ids: bytes of an id.
        offset: of it in the file.
        referents: ids of the string ``referent``.

    """
    form = ">Q" if ids == 8 else ">I"

    def name_at(at: int) -> int:
        found: int = struct.unpack_from(form, data, at)[0]
        return found

    own, parent, loader, signers, domain = (name_at(at) for at in (1, 5 + ids, 5 + 2 * ids, 5 + 3 * ids, 5 + 4 * ids))
    at = 5 + 7 * ids
    size = int.from_bytes(data[at : at + 4], "big")
    at += 4
    refs = [parent, loader, signers, domain]
    count = int.from_bytes(data[at : at + 2], "big")
    at += 2
    for _ in range(count):  # the pool of constants, which HotSpot and ART leave empty
        at += 3 + SIZES.get(data[at + 2], ids)
    count = int.from_bytes(data[at : at + 2], "big")
    at += 2
    statics = 0
    for _ in range(count):
        kind = data[at + ids]
        at += ids + 1
        if kind == OBJECT:
            refs.append(name_at(at))
        at += SIZES.get(kind, ids)
        statics += SIZES.get(kind, 4)
    count = int.from_bytes(data[at : at + 2], "big")
    at += 2
    table = np.frombuffer(data, dtype=np.uint8, count=count * (ids + 1), offset=at).reshape(count, ids + 1)
    referent = any(name_at(at + index * (ids + 1)) in referents for index in range(count)) if referents else False
    return Class(
        offset, own, parent, size, tuple(one for one in refs if one), statics, table[:, ids].tobytes(), referent
    )


@dataclass(frozen=True)
class Fields:
    """Of the classes that have instances, by their number.

    Attributes:
        rows: (classes, 3) int64: bytes of an instance in the dump, -1 for an unknown class; its first offset; its
            number of offsets, which is that of references.
        offsets: int32, of references in an instance.
        sizes: (classes) int64, of an instance as the dump says; 0: unknown.
        weak: (classes) bool, whether an instance has a field ``referent``.

    """

    rows: NDArray[np.int64]
    offsets: NDArray[np.int32]
    sizes: NDArray[np.int64]
    weak: NDArray[np.bool_]


def fields_of(numbers: Mapping[int, int], classes: Mapping[int, Class], ids: int) -> Fields:
    """Fields of each class: its own come first, then those of its superclasses.

    Args:
        numbers: of the classes that have instances, by id.
        classes: all descriptions, by id.
        ids: bytes of an id.

    Raises:
        ClassError: a class is among its own superclasses, or there are too many.

    """
    rows = np.full((max(1, len(numbers)), 3), -1, dtype=np.int64)
    sizes = np.zeros(len(rows), dtype=np.int64)
    weak = np.zeros(len(rows), dtype=np.bool_)
    own = {name: _own(one, ids) for name, one in classes.items()}
    parts: list[NDArray[np.int32]] = []
    total = 0
    for name, number in numbers.items():
        size = 0
        found = []
        chain = _chain(name, classes)
        if not chain:
            continue
        for one in chain:
            bytes_, offsets = own[one.name]
            found.append(offsets + size)
            size += bytes_
            weak[number] |= one.referent
        together = np.concatenate(found).astype(np.int32)
        rows[number] = size, total, len(together)
        sizes[number] = chain[0].size
        parts.append(together)
        total += len(together)
        if total > MOST_OFFSETS:
            raise ClassError(chain[0].offset, f"more than {MOST_OFFSETS} fields in all classes together")
    every = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)
    return Fields(rows, every, sizes, weak)


def _own(one: Class, ids: int) -> tuple[int, NDArray[np.int64]]:
    """Bytes of the fields that a class adds, and the offsets of references among them."""
    types = np.frombuffer(one.types, dtype=np.uint8)
    widths = np.zeros(256, dtype=np.int64)
    widths[list(SIZES)] = list(SIZES.values())
    widths[OBJECT] = ids
    ends = np.cumsum(widths[types])
    starts = ends - widths[types]
    return int(ends[-1]) if len(ends) else 0, starts[types == OBJECT]


def _chain(name: int, classes: Mapping[int, Class]) -> list[Class]:
    """A class and its superclasses; empty if one of them is not described."""
    found: list[Class] = []
    seen: set[int] = set()
    while name:
        one = classes.get(name)
        if one is None:
            return []
        if name in seen:
            raise ClassError(one.offset, f"class {name:#x} is among its own superclasses")
        if len(found) >= DEEPEST:
            raise ClassError(found[0].offset, f"a class with more than {DEEPEST} superclasses")
        seen.add(name)
        found.append(one)
        name = one.parent
    return found
