"""From an address to the object that begins there: a table of blocks of the address space that are in use.

Objects lie in few ranges of a large address space.  The ranges are found by bisection; within one, a table leads to the
first object of a block, and from there a bisection of a few objects to the address.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gcproto.heap.compiled import kernel

REGION_SHIFT = 21
LEAST_SHIFT = 6


class Places(NamedTuple):
    """The table.

    Attributes:
        address: (n) int64, ascending.
        regions: int64, numbers of the regions of 2 MiB in which objects begin.
        first: int32, index of the first object of each block of each region or of a later one; one more at the end.
        shift: log2 of the bytes of a block.

    """

    address: NDArray[np.int64]
    regions: NDArray[np.int64]
    first: NDArray[np.int32]
    shift: int


@kernel
def _fill(address: NDArray[np.int64], regions: NDArray[np.int64], first: NDArray[np.int32], shift: int) -> None:
    blocks = 1 << (REGION_SHIFT - shift)
    at = 0
    for index in range(len(regions)):
        begin = regions[index] << REGION_SHIFT
        for block in range(blocks):
            limit = begin + (block << shift)
            while at < len(address) and address[at] < limit:
                at += 1
            first[index * blocks + block] = at
    first[len(regions) * blocks] = len(address)


def places_of(address: NDArray[np.int64]) -> Places:
    """The table for addresses.

    Args:
        address: (n) int64, ascending, not negative, fewer than 2^31.

    """
    numbers = address >> REGION_SHIFT
    regions = numbers[np.concatenate([[True], numbers[1:] != numbers[:-1]])] if len(numbers) else numbers
    shift = LEAST_SHIFT
    while shift < REGION_SHIFT and len(regions) << (REGION_SHIFT - shift) > len(address):
        shift += 1
    first = np.empty((len(regions) << (REGION_SHIFT - shift)) + 1, dtype=np.int32)
    _fill(address, regions, first, shift)
    return Places(address, regions, first, shift)


@kernel
def _bisect(values: NDArray[np.int64], low: int, high: int, wanted: int) -> int:
    """The first index in [low, high) whose value is not below ``wanted``."""
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _find(
    address: NDArray[np.int64],
    regions: NDArray[np.int64],
    first: NDArray[np.int32],
    shift: int,
    last: int,
    wanted: int,
) -> tuple[int, int]:
    """Index of the object that begins at an address, -1 if none does, and the region for the next search."""
    number = wanted >> REGION_SHIFT
    if last >= len(regions) or regions[last] != number:
        last = _bisect(regions, 0, len(regions), number)
        if last >= len(regions) or regions[last] != number:
            return -1, 0
    block = (last << (REGION_SHIFT - shift)) + ((wanted & ((1 << REGION_SHIFT) - 1)) >> shift)
    low = _bisect(address, int(first[block]), int(first[block + 1]), wanted)
    return (low if low < len(address) and address[low] == wanted else -1), last


@kernel
def _resolve(
    raw: NDArray[np.int64],
    address: NDArray[np.int64],
    regions: NDArray[np.int64],
    first: NDArray[np.int32],
    shift: int,
    owner: NDArray[np.int32],
    out: NDArray[np.int32],
) -> int:
    last = 0
    dangling = 0
    for at in range(len(raw)):
        if raw[at] == 0:
            out[at] = -1
            continue
        found, last = _find(address, regions, first, shift, last, raw[at])
        if found < 0:
            dangling += 1
            out[at] = -1
        else:
            out[at] = owner[found]
    return dangling


def resolve(places: Places, raw: NDArray[np.int64], owner: NDArray[np.int32], out: NDArray[np.int32]) -> int:
    """Turn addresses into indices.

    Args:
        places: of the objects.
        raw: (k) int64, addresses; 0 is null.
        owner: (n) int32, index to write for each object.
        out: (k) int32 to fill; -1 for null and where no object begins.

    Returns:
        the number of addresses that lead to no object and are not null.

    """
    return int(_resolve(raw, places.address, places.regions, places.first, places.shift, owner, out))
