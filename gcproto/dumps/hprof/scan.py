"""Compiled code that walks through the bytes of a dump, buffer by buffer.

It is called twice for each file.  The first pass notes every object and root; the second pass notes references, for
which the fields of all classes must be known.  What is rare is left to Python: the scan stops, and says why.
"""

import numpy as np
from numpy.typing import NDArray

from gcproto.dumps.hprof.tags import (
    CLASS,
    HEAP_DUMP,
    HEAP_DUMP_END,
    HEAP_DUMP_SEGMENT,
    HEAP_INFO,
    INSTANCE,
    LOAD_CLASS,
    NODATA_ARRAY,
    OBJECT,
    OBJECT_ARRAY,
    OF_ART,
    PRIMITIVE_ARRAY,
    ROOTS,
    SIZES,
    SKIPPED,
    STRING,
    UNREACHABLE,
)
from gcproto.heap.compiled import kernel

AT, LEFT, SKIP, IDS, OBJECTS, FOUND_ROOTS, CLASSES, REFS, ARRAY_LEFT = range(9)
WHAT, LENGTH, ART, HEAPS, SEGMENTS, ENDED, BASE, SIZE, NAMES = range(9, 18)
"""Places in the state.  AT: of the next byte in the buffer;  LEFT: bytes of the heap record from there on;  SKIP: bytes
to pass over;  IDS: bytes of an id;  OBJECTS, FOUND_ROOTS, REFS: how many are in the output;  CLASSES: in the table;
ARRAY_LEFT: references of an array that are still to come;  WHAT, LENGTH: details of the reason to stop;  ART: whether a
part of ART's was seen;  HEAPS, SEGMENTS: heap records, and those of them that are segments;  ENDED: whether the record
that ends all segments was seen;  BASE: offset of the buffer in the file;  SIZE: of the file, -1 if unknown;  NAMES:
whether Python wants to see the names of classes."""
STATE_WORDS = 18

MORE, FULL, TABLE_FULL, A_STRING, A_CLASS, A_NAME = range(6)
BAD_TAG, BAD_PART, TOO_LONG, BEYOND_FILE, BAD_TYPE, BAD_FIELDS, UNKNOWN_CLASS, BAD_ADDRESS, TOO_MANY = range(6, 15)
"""Reasons to stop: more bytes are needed; room for output, or for classes, is needed; Python's turn; what is wrong."""

CLASS_OBJECT, ARRAY_OF_OBJECTS, ARRAY = -1, -2, -100
"""Kinds of objects that are no instance, in place of the number of their class; ARRAY - type: of primitive values."""
MOST_ELEMENTS = (1 << 31) - 1
"""Of an array in Java.  One without its elements (NODATA_ARRAY) needs no room in the file that would bound them."""
HEAD = 9
"""Bytes before the contents of a record: tag, time, length."""


def _part_sizes() -> NDArray[np.int64]:
    """(256, 2): ids and other bytes after the tag of each part of fixed length; -1 for others."""
    found = np.full((256, 2), -1, dtype=np.int64)
    for tag, (ids, rest) in ROOTS.items():
        found[tag] = ids, rest
    found[HEAP_INFO] = 1, 4
    return found


def _value_sizes() -> NDArray[np.int64]:
    """(256): bytes of a value of each type, 0 for those that do not exist; a reference has -1."""
    found = np.zeros(256, dtype=np.int64)
    for kind, size in SIZES.items():
        found[kind] = size
    found[OBJECT] = -1
    return found


PART_SIZES = _part_sizes()
VALUE_SIZES = _value_sizes()
IS_SKIPPED = np.isin(np.arange(256), SKIPPED)
IS_ART = np.isin(np.arange(256), sorted(OF_ART))


@kernel
def number(data: NDArray[np.uint8], at: int, size: int) -> int:
    """An unsigned number of so many bytes, the most significant first; one of 8 bytes is signed."""
    value = 0
    for index in range(size):
        value = (value << 8) | int(data[at + index])
    return value


@kernel
def class_number(table: NDArray[np.int64], state: NDArray[np.int64], name: int) -> int:
    """Number of a class, given at first sight.

    Args:
        table: (slots, 2) of ids and numbers, with an id of 0 where it is free; slots is a power of two.
        state: of the scan.
        name: id of the class.

    Returns:
        the number, or -1 if the table is half full.

    """
    mask = len(table) - 1
    mixed = (name >> 3) ^ (name >> 17) ^ (name >> 33)
    slot = mixed & mask
    while table[slot, 0] != 0:
        if table[slot, 0] == name:
            return int(table[slot, 1])
        slot = (slot + 1) & mask
    if 2 * state[CLASSES] >= len(table):
        return -1
    table[slot, 0] = name
    table[slot, 1] = state[CLASSES]
    state[CLASSES] += 1
    return int(table[slot, 1])


@kernel
def _entries(data: NDArray[np.uint8], at: int, end: int, ids: int, before: int, values: int) -> int:
    """Where a list of a class ends; -1 if that is beyond the buffer, -2 if there is a type that does not exist.

    Args:
        data: the buffer.
        at: of the number of entries.
        end: of the buffer.
        ids: bytes of an id.
        before: bytes of an entry before its type.
        values: 1 if a value follows each type, else 0.

    """
    if at + 2 > end:
        return -1
    count = number(data, at, 2)
    at += 2
    for _ in range(count):
        if at + before + 1 > end:
            return -1
        size = VALUE_SIZES[data[at + before]]
        if size == 0:
            return -2
        at += before + 1
        if values:
            at += ids if size < 0 else size
    return at if at <= end else -1


@kernel
def class_length(data: NDArray[np.uint8], at: int, end: int, ids: int) -> int:
    """Bytes of a class's description; -1 if it is not all in the buffer, -2 if a type in it does not exist."""
    place = at + 1 + 7 * ids + 8
    place = _entries(data, place, end, ids, 2, 1)
    if place >= 0:
        place = _entries(data, place, end, ids, ids, 1)
    if place >= 0:
        place = _entries(data, place, end, ids, ids, 0)
    return place - at if place >= 0 else place


@kernel
def _top(data: NDArray[np.uint8], end: int, state: NDArray[np.int64], lengths: NDArray[np.bool_]) -> int:
    """A record.  Returns a reason to stop, or -1."""
    at = state[AT]
    tag = data[at]
    length = number(data, at + 5, 4)
    if tag in (HEAP_DUMP, HEAP_DUMP_SEGMENT):
        state[LEFT] = length
        state[HEAPS] += 1
        state[SEGMENTS] += np.int64(tag == HEAP_DUMP_SEGMENT)
    elif tag == STRING and length < len(lengths) and lengths[length]:
        if end - at < HEAD + length:
            return MORE
        state[LENGTH] = length
        return A_STRING
    elif tag == LOAD_CLASS and state[NAMES] != 0 and length == 8 + 2 * state[IDS]:
        if end - at < HEAD + length:
            return MORE
        state[LENGTH] = length
        return A_NAME
    elif tag in (STRING, HEAP_DUMP_END) or IS_SKIPPED[tag]:
        state[SKIP] = length
        state[ENDED] |= np.int64(tag == HEAP_DUMP_END)
    else:
        state[WHAT] = tag
        return BAD_TAG
    if state[SIZE] >= 0 and state[BASE] + at + HEAD + length > state[SIZE]:
        state[WHAT] = tag
        state[LENGTH] = length
        return BEYOND_FILE
    state[AT] = at + HEAD
    return -1


@kernel
def _object(
    data: NDArray[np.uint8],
    at: int,
    state: NDArray[np.int64],
    table: NDArray[np.int64],
    out: NDArray[np.int64],
) -> int:
    """Note an object, in the first pass.  Returns a reason to stop, or -1.

    Args:
        data: the buffer.
        at: of its tag, all of its head is there.
        state: of the scan.
        table: of classes.
        out: (k, 3): address; number of the class or kind; bytes of an instance, or elements of an array.

    """
    ids = state[IDS]
    tag = data[at]
    count = number(data, at + 1 + ids + 4, 4)
    if tag == INSTANCE:
        count = number(data, at + 1 + 2 * ids + 4, 4)
        kind = class_number(table, state, number(data, at + 1 + ids + 4, ids))
        if kind < 0:
            return TABLE_FULL
    elif tag == OBJECT_ARRAY:
        kind = ARRAY_OF_OBJECTS
    else:
        kind = ARRAY - int(data[at + 1 + ids + 8])
    address = number(data, at + 1, ids)
    if address <= 0:
        return BAD_ADDRESS
    index = state[OBJECTS]
    out[index, 0] = address
    out[index, 1] = kind
    out[index, 2] = count
    state[OBJECTS] = index + 1
    return -1


@kernel
def _fields(
    data: NDArray[np.uint8],
    at: int,
    end: int,
    state: NDArray[np.int64],
    table: NDArray[np.int64],
    fields: NDArray[np.int64],
    offsets: NDArray[np.int32],
    out: NDArray[np.int64],
) -> int:
    """Note the references of an instance, in the second pass.  Returns a reason to stop, or -1.

    Args:
        data: the buffer.
        at: of its tag, all of its head is there.
        end: of the buffer.
        state: of the scan.
        table: of classes.
        fields: (classes, 3): bytes of an instance, or -1; first offset, and number of offsets.
        offsets: of references in instances.
        out: (k, 3), of which the first column is filled.

    """
    ids = state[IDS]
    head = 1 + 2 * ids + 8
    size = number(data, at + head - 4, 4)
    one = class_number(table, state, number(data, at + 1 + ids + 4, ids))
    if one < 0 or one >= len(fields) or fields[one, 0] < 0:
        return UNKNOWN_CLASS
    if fields[one, 0] != size:
        state[WHAT] = fields[one, 0]
        state[LENGTH] = size
        return BAD_FIELDS
    count = fields[one, 2]
    if count == 0:
        return -1
    if end - at < head + size:
        return MORE
    if state[REFS] + count > len(out):
        return FULL
    for index in range(fields[one, 1], fields[one, 1] + count):
        out[state[REFS], 0] = number(data, at + head + np.int64(offsets[index]), ids)
        state[REFS] += 1
    return -1


@kernel
def _elements(data: NDArray[np.uint8], end: int, state: NDArray[np.int64], out: NDArray[np.int64]) -> int:
    """Note references of an array, as many as are there, in the second pass.  Returns a reason to stop, or -1."""
    ids = state[IDS]
    at = state[AT]
    count = min(state[ARRAY_LEFT], (end - at) // ids, len(out) - state[REFS])
    for index in range(count):
        out[state[REFS] + index, 0] = number(data, at + index * ids, ids)
    state[REFS] += count
    state[ARRAY_LEFT] -= count
    state[AT] = at + count * ids
    if state[ARRAY_LEFT] == 0:
        return -1
    return FULL if state[REFS] == len(out) else MORE


@kernel
def _part(
    data: NDArray[np.uint8],
    end: int,
    state: NDArray[np.int64],
    table: NDArray[np.int64],
    fields: NDArray[np.int64],
    offsets: NDArray[np.int32],
    out: NDArray[np.int64],
    roots: NDArray[np.int64],
) -> int:
    """A part of a heap record.  Returns a reason to stop, or -1."""
    ids = state[IDS]
    at = state[AT]
    tag = data[at]
    second = len(fields) > 0
    state[WHAT] = tag
    state[ART] |= np.int64(IS_ART[tag])
    if PART_SIZES[tag, 0] >= 0:
        size = 1 + PART_SIZES[tag, 0] * ids + PART_SIZES[tag, 1]
        if size > state[LEFT]:
            return TOO_LONG
        if size > end - at:
            return MORE
        if tag != HEAP_INFO and tag != UNREACHABLE and not second:
            if state[FOUND_ROOTS] == len(roots):
                return FULL
            roots[state[FOUND_ROOTS]] = number(data, at + 1, ids)
            state[FOUND_ROOTS] += 1
        state[AT] += size
        state[LEFT] -= size
        return -1
    if tag == CLASS:
        size = class_length(data, at, min(end, at + state[LEFT]), ids)
        if size == -2:
            return BAD_TYPE
        if size < 0:
            return TOO_LONG if state[LEFT] <= end - at else MORE
        state[LENGTH] = size
        if not second:
            return A_CLASS
        state[AT] += size
        state[LEFT] -= size
        return -1
    if tag in (INSTANCE, OBJECT_ARRAY):
        head = 1 + 2 * ids + 8
    elif tag in (PRIMITIVE_ARRAY, NODATA_ARRAY):
        head = 1 + ids + 9
    else:
        return BAD_PART
    if head > state[LEFT]:
        return TOO_LONG
    if head > end - at:
        return MORE
    body = number(data, at + head - 4, 4)
    if tag == OBJECT_ARRAY:
        body = number(data, at + 1 + ids + 4, 4) * ids
    elif tag != INSTANCE:
        size = VALUE_SIZES[data[at + head - 1]]
        if size <= 0:
            state[WHAT] = data[at + head - 1]
            return BAD_TYPE
        count = number(data, at + 1 + ids + 4, 4)
        if count > MOST_ELEMENTS:
            state[LENGTH] = count
            return TOO_MANY
        body = count * size if tag == PRIMITIVE_ARRAY else 0
    if head + body > state[LEFT]:
        return TOO_LONG
    problem = -1
    if not second:
        if state[OBJECTS] == len(out):
            return FULL
        problem = _object(data, at, state, table, out)
    elif tag == INSTANCE:
        problem = _fields(data, at, end, state, table, fields, offsets, out)
    if problem >= 0:
        return problem
    state[AT] = at + head
    state[LEFT] -= head + body
    if second and tag == OBJECT_ARRAY:
        state[ARRAY_LEFT] = body // ids
    else:
        state[SKIP] = body
    return -1


@kernel
def scan(
    data: NDArray[np.uint8],
    end: int,
    state: NDArray[np.int64],
    table: NDArray[np.int64],
    fields: NDArray[np.int64],
    offsets: NDArray[np.int32],
    lengths: NDArray[np.bool_],
    out: NDArray[np.int64],
    roots: NDArray[np.int64],
) -> int:
    """Walk on, until there is a reason to stop.

    Args:
        data: the buffer.
        end: bytes in it.
        state: of the scan (AT and others), which it changes.
        table: of classes, see ``class_number``.
        fields: of classes, see ``_fields``; with no class in it, this is the first pass.
        offsets: of references in instances.
        lengths: of strings that Python wants to see.
        out: see ``_object`` and ``_fields``.
        roots: ids of roots, to fill.

    Returns:
        the reason, MORE and so on.

    """
    while True:
        if state[SKIP] > 0:
            step = min(state[SKIP], end - state[AT])
            state[AT] += step
            state[SKIP] -= step
            if state[SKIP] > 0:
                return MORE
        if state[ARRAY_LEFT] > 0:
            problem = _elements(data, end, state, out)
        elif state[LEFT] > 0:
            if state[AT] == end:
                return MORE
            problem = _part(data, end, state, table, fields, offsets, out, roots)
        elif end - state[AT] < HEAD:
            return MORE
        else:
            problem = _top(data, end, state, lengths)
        if problem >= 0:
            return problem
