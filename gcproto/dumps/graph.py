"""A heap as a dump describes it: objects at addresses, their references, what is live."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

NULL = -1
"""Index of a null reference, and of one that led to no object of the dump."""


@dataclass
class Changes:
    """What differs between the runtime's heap and this graph, or the heap that is rebuilt from it.

    Attributes:
        aligned: objects whose address or size was not a multiple of 8 bytes.
        cut: objects whose size, as computed, reached into the next one.
        merged: objects that became part of the one before them: synthetic ones that lie inside of another, and those
            too small for a header and a word of our heap.
        repeated: further descriptions of an object at the same address, which are ignored.
        classes: class objects, whose size the dump does not hold.
        weak: references of weak, soft, phantom and final references, which count as strong.
        dangling: references, and roots, to what the dump does not describe; they are null.
        revived: objects that are given as dead although a root or a live object leads to them; they are live.

    """

    aligned: int = 0
    cut: int = 0
    merged: int = 0
    repeated: int = 0
    classes: int = 0
    weak: int = 0
    dangling: int = 0
    revived: int = 0


@dataclass
class Graph:
    """Objects in ascending order of their addresses, which do not overlap.

    Attributes:
        source: the format, in words.
        address: (n) int64, of the first byte.
        words: (n) uint32, size in words of 8 bytes.
        start: (n) int64, index of an object's first reference in ``refs``.
        count: (n) uint32, how many references it has, null ones included.
        refs: int32, index of the object that each reference leads to, or NULL.
        holder: (n) int32, index of a class object that lives as long as the object, without a field for it; NULL: none.
        roots: int32, indices of objects, each once.
        live: (n) bool.
        ref_bytes: size of a reference in the runtime's heap.
        layout: what sizes were computed with, in words.
        changes: what is not as it was.

    """

    source: str
    address: NDArray[np.int64]
    words: NDArray[np.uint32]
    start: NDArray[np.int64]
    count: NDArray[np.uint32]
    refs: NDArray[np.int32]
    holder: NDArray[np.int32]
    roots: NDArray[np.int32]
    live: NDArray[np.bool_]
    ref_bytes: int = 8
    layout: str = ""
    changes: Changes = field(default_factory=Changes)

    @property
    def objects(self) -> int:
        """How many there are."""
        return len(self.address)

    @property
    def bytes(self) -> int:
        """Of all objects."""
        return int(self.words.sum(dtype=np.int64)) * 8

    @property
    def live_bytes(self) -> int:
        """Of live objects."""
        return int(self.words[self.live].sum(dtype=np.int64)) * 8
