"""Sizes of objects, which HotSpot's dumps do not hold: they follow from fields, and from where the next object begins.

A dump says which fields an object has.  Header, width of references, and alignment are the runtime's choice: headers of
8, 12 or 16 bytes, references of 4 or 8.  In a heap most objects touch the next one, so the right choice is the one
whose sizes end most often exactly where the next object begins.  ART writes the size of an instance into its class.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gcproto.dumps.hprof.scan import ARRAY, ARRAY_OF_OBJECTS, CLASS_OBJECT, VALUE_SIZES
from gcproto.heap.compiled import kernel


@dataclass(frozen=True)
class Layout:
    """A runtime's choice, in bytes.

    Attributes:
        ref: of a reference;  header: of an instance;  array: of an array, with its length.
        text: in words.

    """

    ref: int
    header: int
    array: int
    text: str


HOTSPOT = (
    Layout(4, 12, 16, "HotSpot, compressed references and classes"),
    Layout(8, 16, 24, "HotSpot, references and classes of 8 bytes"),
    Layout(8, 12, 16, "HotSpot, references of 8 bytes and compressed classes"),
    Layout(4, 16, 24, "HotSpot, compressed references and classes of 8 bytes"),
    Layout(4, 8, 12, "HotSpot, compact headers and compressed references"),
    Layout(8, 8, 12, "HotSpot, compact headers and references of 8 bytes"),
)
HOTSPOT_32 = (Layout(4, 8, 12, "HotSpot of 32 bits"),)
ART = (Layout(4, 8, 12, "ART, references of 4 bytes"),)
SAMPLE = 2_000_000
"""Objects from which the layout is found out."""
ENOUGH = 64
"""Objects whose addresses tell an alignment of more than 8 bytes: by chance, one in 2^64 such heaps has it."""
MOST_ALIGNED = 256
"""Of HotSpot (-XX:ObjectAlignmentInBytes)."""


@kernel
def compute(
    kind: NDArray[np.int32],
    number: NDArray[np.uint32],
    fields: NDArray[np.int64],
    given: NDArray[np.int64],
    ids: int,
    ref: int,
    header: int,
    array: int,
    class_bytes: int,
    align: int,
    out: NDArray[np.int64],
) -> None:
    """Bytes of each object, a multiple of the runtime's alignment.

    Args:
        kind: (n) number of the class, or kind (gcproto.dumps.hprof.scan).
        number: (n) bytes of fields, or elements.
        fields: see ``gcproto.dumps.hprof.classes.Fields.rows``.
        given: (classes) bytes of an instance where the dump says so, or 0.
        ids: bytes of an id in the dump.
        ref: bytes of a reference.
        header: bytes of an instance's header.
        array: bytes of an array's header.
        class_bytes: of a class object without its static fields.
        align: bytes, a power of two.
        out: (n) to fill.

    """
    for index in range(len(kind)):
        what = np.int64(kind[index])
        count = np.int64(number[index])
        if what >= 0:
            size = given[what]
            if size == 0:
                size = header + count + fields[what, 2] * (ref - ids)
        elif what == CLASS_OBJECT:
            size = class_bytes + count
        else:
            width = ref if what == ARRAY_OF_OBJECTS else VALUE_SIZES[ARRAY - what]
            size = (array + 7 & ~7 if width == 8 else array) + count * width
        out[index] = size + align - 1 & ~(align - 1)


@kernel
def _fit(address: NDArray[np.int64], sizes: NDArray[np.int64], kind: NDArray[np.int32]) -> int:
    """Objects that end where the next one begins, less ten times those that reach into it; no class objects."""
    found = 0
    for index in range(len(address) - 1):
        if kind[index] == CLASS_OBJECT:
            continue
        gap = address[index + 1] - address[index]
        if sizes[index] == gap:
            found += 1
        elif sizes[index] > gap:
            found -= 10
    return found


def alignment_of(address: NDArray[np.int64], *, art: bool) -> int:
    """Alignment of objects in bytes, from the addresses of all of them.

    Args:
        address: (n).
        art: the dump is ART's, which aligns to 8.

    """
    if art or len(address) < ENOUGH:
        return 8
    every = int(np.bitwise_or.reduce(address))
    return min(max(8, every & -every), MOST_ALIGNED)


def layout_of(
    address: NDArray[np.int64],
    kind: NDArray[np.int32],
    number: NDArray[np.uint32],
    fields: NDArray[np.int64],
    ids: int,
    align: int,
    *,
    art: bool,
) -> Layout:
    """The layout that explains the addresses best.

    Args:
        address: (n), ascending.
        kind: as of ``compute``.
        number: likewise.
        fields: likewise.
        ids: likewise.
        align: likewise.
        art: the dump is ART's.

    """
    choices = ART if art else HOTSPOT_32 if ids == 4 else HOTSPOT
    if len(choices) == 1:
        return choices[0]
    some = slice(0, SAMPLE)
    sizes = np.empty(len(address[some]), dtype=np.int64)
    unknown = np.zeros(len(fields), dtype=np.int64)

    def fit(one: Layout) -> int:
        compute(kind[some], number[some], fields, unknown, ids, one.ref, one.header, one.array, 0, align, sizes)
        return int(_fit(address[some], sizes, kind[some]))

    return max(choices, key=fit)
