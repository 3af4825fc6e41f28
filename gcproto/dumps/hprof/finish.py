"""Objects made whole: those inside of another become part of it, those that reach into the next one are cut."""

import numpy as np
from numpy.typing import NDArray

from gcproto.dumps.graph import Changes
from gcproto.dumps.hprof.scan import ARRAY, ARRAY_OF_OBJECTS, CLASS_OBJECT, VALUE_SIZES
from gcproto.heap.compiled import kernel

ALIGNED, CUT, MERGED, REPEATED = range(4)
NO_CLASS = 1 << 30
"""More than any number of a class."""


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
    number: NDArray[np.uint32],
    sizes: NDArray[np.int64],
    art: int,
    string: int,
    owner: NDArray[np.int32],
    counts: NDArray[np.int64],
) -> int:
    """Fill ``owner``, and make ``sizes`` what each kept object takes.  Returns the number of kept objects."""
    kept = 0
    last = -1
    begin = np.int64(0)
    base = np.int64(0)
    characters = False  # the last one is a string of ART that has none yet
    for index in range(len(address)):
        start = address[index] & ~7
        values = art != 0 and kind[index] <= ARRAY
        inside = values and (start < base or (characters and start == base))
        same = last >= 0 and start == begin
        if last >= 0 and (inside or same):
            owner[index] = kept - 1
            if address[index] == address[last]:
                counts[REPEATED] += 1
                continue
            counts[MERGED] += 1
            content = np.int64(number[index]) * VALUE_SIZES[ARRAY - kind[index]] if values else np.int64(0)
            if values and kind[last] == CLASS_OBJECT:
                sizes[last] = (np.int64(number[last]) + content + 7) & ~7
            elif values:
                sizes[last] = max(sizes[last], ((address[index] + content + 7) & ~7) - begin)
                characters = False
            elif not art:
                sizes[last] = max(sizes[last], ((address[index] + sizes[index] + 7) & ~7) - begin)
            continue
        if last >= 0 and begin + sizes[last] > start:
            counts[CUT] += np.int64(kind[last] != CLASS_OBJECT)
            sizes[last] = start - begin
        counts[ALIGNED] += np.int64(start != address[index])
        last = index
        begin = start
        base = start + sizes[index]
        characters = art != 0 and kind[index] == string
        owner[index] = kept
        kept += 1
    return kept


@kernel
def _together(
    address: NDArray[np.int64],
    owner: NDArray[np.int32],
    kept: NDArray[np.int64],
    start: NDArray[np.int64],
    count: NDArray[np.uint32],
    refs: NDArray[np.int32],
    first: NDArray[np.int64],
    total: NDArray[np.uint32],
    out: NDArray[np.int32],
) -> None:
    filled = np.int64(0)
    index = 0
    for one in range(len(kept)):
        first[one] = filled
        while index < len(owner) and owner[index] == one:
            if index == kept[one] or address[index] != address[kept[one]]:
                for at in range(start[index], start[index] + np.int64(count[index])):
                    out[filled] = refs[at]
                    filled += 1
            index += 1
        total[one] = filled - first[one]


def together(
    address: NDArray[np.int64],
    owner: NDArray[np.int32],
    kept: NDArray[np.int64],
    start: NDArray[np.int64],
    count: NDArray[np.uint32],
    refs: NDArray[np.int32],
) -> tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[np.int32]]:
    """References of kept objects, with those of the objects that are a part of them.

    ART describes what a class loader holds (its classes) as an array inside of it. Repeated descriptions add nothing.

    Args:
        address: (n), of all objects.
        owner: (n), as ``finish`` returns it.
        kept: (k), likewise.
        start: (n), of each object in ``refs``.
        count: (n), how many it has.
        refs: of all objects.

    Returns:
        start and count of the kept ones, and their references.

    """
    lost = np.ones(len(address), dtype=np.bool_)
    lost[kept] = False
    if not count[lost].any():
        return start[kept], count[kept], refs
    first = np.empty(len(kept), dtype=np.int64)
    total = np.empty(len(kept), dtype=np.uint32)
    out = np.empty(len(refs), dtype=np.int32)
    _together(address, owner, kept, start, count, refs, first, total, out)
    return first, total, out[: first[-1] + int(total[-1])]


def finish(
    address: NDArray[np.int64],
    kind: NDArray[np.int32],
    number: NDArray[np.uint32],
    sizes: NDArray[np.int64],
    changes: Changes,
    *,
    art: bool,
    string: int,
) -> tuple[NDArray[np.int32], NDArray[np.int64] | None, NDArray[np.uint32]]:
    """Make objects whole.

    ART describes parts of objects as arrays that lie inside of them and have no header.  Characters of a string begin
    where its fields end, those of an empty one where its header ends.  Tables of a class have its address and 1, the
    classes of a class loader its address and 4.

    Args:
        address: (n), ascending.
        kind: (n), see gcproto.dumps.hprof.scan.
        number: (n), likewise.
        sizes: (n) bytes, multiples of 8; changed.
        changes: to count in.
        art: the dump is ART's.
        string: number of the class of strings, or -1.

    Returns:
        the index among the kept objects for each object; indices of kept ones, None for all; their sizes in words.

    """
    owner = np.empty(len(address), dtype=np.int32)
    counts = np.zeros(4, dtype=np.int64)
    objects = _finish(
        address, kind, number, sizes, int(art), string if art and string >= 0 else NO_CLASS, owner, counts
    )
    changes.aligned += int(counts[ALIGNED])
    changes.cut += int(counts[CUT])
    changes.merged += int(counts[MERGED])
    changes.repeated += int(counts[REPEATED])
    kept = None
    if objects < len(address):
        kept = np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1]]))
        sizes = sizes[kept]
    return owner, kept, (sizes >> 3).astype(np.uint32)
