"""Objects made whole: those inside of another become part of it, those that reach into the next one are cut."""

import numpy as np
from numpy.typing import NDArray

from gcproto.dumps.graph import Changes
from gcproto.dumps.hprof.scan import ARRAY, ARRAY_OF_OBJECTS, CLASS_OBJECT
from gcproto.heap.compiled import kernel

ALIGNED, CUT, MERGED, REPEATED = range(4)


@kernel
def count_references(
    kind: NDArray[np.int32],
    number: NDArray[np.uint32],
    fields: NDArray[np.int64],
    weak: NDArray[np.bool_],
    out: NDArray[np.uint32],
) -> int:
    """References of each object; none for an instance that does not fit its class, which the second pass refuses.

    Args:
        kind: (n), see gcproto.dumps.hprof.scan.
        number: (n), likewise.
        fields: of classes, see gcproto.dumps.hprof.classes.Fields.
        weak: of classes, likewise.
        out: (n) to fill; class objects get 0.

    Returns:
        how many instances have a weak reference.

    """
    found = 0
    for index in range(len(kind)):
        what = int(kind[index])
        out[index] = number[index] if what == ARRAY_OF_OBJECTS else 0
        if what >= 0 and fields[what, 0] == int(number[index]):
            out[index] = fields[what, 2]
            found += int(weak[what])
    return found


@kernel
def _finish(
    address: NDArray[np.int64],
    kind: NDArray[np.int32],
    sizes: NDArray[np.int64],
    art: int,
    owner: NDArray[np.int32],
    counts: NDArray[np.int64],
) -> int:
    """Fill ``owner``, and make ``sizes`` what each kept object takes.  Returns the number of kept objects."""
    kept = 0
    last = -1
    begin = np.int64(0)
    base = np.int64(0)
    for index in range(len(address)):
        start = address[index] & ~7
        inside = art != 0 and kind[index] <= ARRAY and start < base
        same = last >= 0 and start == begin
        if last >= 0 and (inside or same):
            if address[index] == address[last]:
                counts[REPEATED] += 1
            else:
                counts[MERGED] += 1
                end = (address[index] + sizes[index] + 7) & ~7
                sizes[last] = max(sizes[last], end - begin)
            owner[index] = kept - 1
            continue
        if last >= 0 and begin + sizes[last] > start:
            counts[CUT] += np.int64(kind[last] != CLASS_OBJECT)
            sizes[last] = start - begin
        counts[ALIGNED] += np.int64(start != address[index])
        last = index
        begin = start
        base = start + sizes[index]
        owner[index] = kept
        kept += 1
    return kept


def finish(
    address: NDArray[np.int64], kind: NDArray[np.int32], sizes: NDArray[np.int64], changes: Changes, *, art: bool
) -> tuple[NDArray[np.int32], NDArray[np.int64] | None, NDArray[np.uint32]]:
    """Make objects whole.

    ART describes the characters of a string, and the static fields of a class, as arrays that lie inside of it.

    Args:
        address: (n), ascending.
        kind: (n), see gcproto.dumps.hprof.scan.
        sizes: (n) bytes, multiples of 8; changed.
        changes: to count in.
        art: the dump is ART's.

    Returns:
        the index among the kept objects for each object; indices of kept ones, None for all; their sizes in words.

    """
    owner = np.empty(len(address), dtype=np.int32)
    counts = np.zeros(4, dtype=np.int64)
    number = _finish(address, kind, sizes, int(art), owner, counts)
    changes.aligned += int(counts[ALIGNED])
    changes.cut += int(counts[CUT])
    changes.merged += int(counts[MERGED])
    changes.repeated += int(counts[REPEATED])
    kept = None
    if number < len(address):
        kept = np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1]]))
        sizes = sizes[kept]
    return owner, kept, (sizes >> 3).astype(np.uint32)
