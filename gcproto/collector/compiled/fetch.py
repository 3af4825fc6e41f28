"""Having the lines of from-space fetched that a page will be built of, before they are needed.

What a page costs is its misses: live words lie in stretches with gaps, which the processor does not foresee, and the
bitmaps know.
"""

from gcproto.heap.compiled import inlined
from gcproto.heap.memory import ctz, drop_lowest, load64, lshr, prefetch

LINES = 8
"""Cache lines of a chunk."""
LOWEST_OF_LINE = 0x0101010101010101


@inlined
def fetch_live(live: int, space: int, chunk: int) -> None:
    """Have the lines of a chunk fetched that hold live words.

    Args:
        live: bitmap of live words.
        space: that it describes.
        chunk: whose lines.

    """
    bits = load64(live + 8 * chunk)
    bits |= lshr(bits, 4)
    bits |= lshr(bits, 2)
    bits |= lshr(bits, 1)
    bits &= LOWEST_OF_LINE
    lines = space + 512 * chunk
    # No branch, which would be mispredicted: a line without live words is replaced by one that is cached anyway.
    here = live + 8 * chunk
    for line in range(LINES):
        prefetch(lines + 64 * line if lshr(bits, 8 * line) & 1 else here)


@inlined
def fetch_live_chunks(live: int, space: int, chunk: int, end: int) -> None:
    """The same for chunks from ``chunk`` on, up to ``end``."""
    while chunk < end:
        fetch_live(live, space, chunk)
        chunk += 1


@inlined
def fetch_starts(starts: int, space: int, chunk: int, end: int) -> None:
    """Have the lines fetched that hold headers of objects, and most of them their references.

    Args:
        starts: bitmap of first words of objects.
        space: that it describes.
        chunk: the first one.
        end: after the last one.

    """
    while chunk < end:
        bits = load64(starts + 8 * chunk)
        while bits != 0:
            prefetch(space + 512 * chunk + 8 * ctz(bits))
            bits = drop_lowest(bits)
        chunk += 1
