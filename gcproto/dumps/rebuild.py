"""A graph as a heap of ours: every object at its place.

- The address space is cut into frames of 2 MiB.  Frames with a part of an object keep their order and their contents;
  all others are omitted.  So an address keeps its offset in pages, folios and page tables.
- A reference has 8 bytes here.  Where a runtime compresses references, an object may have more of them than it has
  room for.  First come references by which an object was found from the roots, then the others as long as there is
  room.  Null references take none.
- A directory on pages of its own, after the last frame, holds the roots, and each live object that no reference holds.
- An object of 8 bytes gets 16 where there is room after it; else it becomes part of its neighbour.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gcproto.dumps.graph import Graph
from gcproto.dumps.mark import parents
from gcproto.errors import ExitCode, GcprotoError
from gcproto.heap.compiled import kernel
from gcproto.heap.objects import MAX_REFS, MAX_WORDS, header
from gcproto.heap.pages import PAGE_WORDS
from gcproto.heap.workloads import dump_file
from gcproto.heap.workloads.dump import HELD_ONCE, LARGEST, OWNER_SHIFT

FRAME_WORDS = (2 << 20) // 8
LEAF = PAGE_WORDS - 1
"""References of a leaf of the directory."""
SCALES = (1, 2, 4)
MOST_FRAMES = (256 << 30) // (FRAME_WORDS * 8)
"""Of a packed heap: tables of its pages take 2 GiB then."""


@dataclass(frozen=True)
class Rebuilt:
    """What was rebuilt, and what was changed for that.

    Attributes:
        objects, live: how many objects, and how many of them are live.
        words: of the heap, from its first frame to the end of the directory;  frames: of 2 MiB;  live_words: of live
            objects, with the directory.
        omitted: bytes of address space between the first and the last object that no frame holds.
        refs: references that are kept;  dropped: for which an object has no room.
        held: objects that the directory holds because a dropped reference did, or their class's instance.
        merged: objects of 8 bytes that became part of their neighbour;  grown: those that got 16.
        directory: words of the directory.

    """

    objects: int
    live: int
    words: int
    frames: int
    live_words: int
    omitted: int
    refs: int
    dropped: int
    held: int
    merged: int
    grown: int
    directory: int


@kernel
def _place(address: NDArray[np.int64], size: NDArray[np.uint32], frame: int, place: NDArray[np.int64]) -> int:
    """Word of each object in the packed heap.  Returns the frames.

    Args:
        address: (n) word.
        size: (n) words.
        frame: words of a frame.
        place: (n) to fill.

    """
    last = -1
    rank = -1
    for index in range(len(address)):
        begin = int(address[index] // frame)
        end = int((address[index] + int(size[index]) - 1) // frame)
        if begin != last:
            rank += 1
        place[index] = rank * frame + address[index] % frame
        rank += end - begin
        last = end
    return rank + 1


@kernel
def _join(
    place: NDArray[np.int64], words: NDArray[np.int64], owner: NDArray[np.int32], counts: NDArray[np.int64]
) -> int:
    """Give every object two words at least; ``owner`` becomes its index among those that are left.

    Of neighbours of a word each, two become one object.

    Returns:
        how many are left; ``place`` and ``words`` of those are at the front.

    """
    left = 0
    pending = False  # the last one has a single word, and takes the next one in
    for index in range(len(place)):
        begin = place[index]
        size = words[index]
        if left > 0 and pending:
            words[left - 1] += size
            owner[index] = left - 1
            pending = False
            counts[0] += 1
            continue
        if size == 1:
            free = index + 1 == len(place) or place[index + 1] > begin + 1
            if free:
                size = 2
                counts[1] += 1
            elif left > 0 and place[left - 1] + words[left - 1] == begin and words[index + 1] > 1:
                words[left - 1] += 1
                owner[index] = left - 1
                counts[0] += 1
                continue
            else:
                pending = True
        place[left] = begin
        words[left] = size
        owner[index] = left
        left += 1
    return left


@kernel
def _choose(
    start: NDArray[np.int64],
    count: NDArray[np.uint32],
    refs: NDArray[np.int32],
    parent: NDArray[np.int32],
    owner: NDArray[np.int32],
    words: NDArray[np.int64],
    most: int,
    kept: NDArray[np.int32],
    first: NDArray[np.int64],
    held: NDArray[np.uint8],
    incoming: NDArray[np.uint8],
) -> tuple[int, int]:
    """Choose the references that are kept.

    Args:
        start: of the graph.
        count: of the graph.
        refs: of the graph.
        parent: what keeps each object alive.
        owner: index of each object among those that are left.
        words: (left) of those.
        most: references of an object, at most.
        kept: to fill with their targets, among those that are left.
        first: (left + 1) where those of each object begin.
        held: (left) is set for objects whose reference was kept.
        incoming: (left) references to each, 2 for more.

    Returns:
        references that are kept, and those that are dropped.

    """
    filled = 0
    dropped = 0
    index = 0
    taken = np.zeros(len(refs), dtype=np.uint8)
    for one in range(len(words)):
        first[one] = filled
        room = min(words[one] - 1, most)
        begin = index
        while index < len(owner) and owner[index] == one:
            index += 1
        for turn in range(2):
            for member in range(begin, index):
                for at in range(start[member], start[member] + np.int64(count[member])):
                    target = refs[at]
                    if target < 0 or taken[at] != 0:
                        continue
                    found = owner[target]
                    if turn == 0 and (parent[target] != member or held[found] != 0):
                        continue
                    if filled - first[one] >= room:
                        dropped += turn
                        continue
                    kept[filled] = found
                    filled += 1
                    incoming[found] = min(incoming[found] + 1, 2)
                    taken[at] = 1
                    held[found] |= 1 - turn
    first[len(words)] = filled
    return filled, dropped


@kernel
def _merge_live(live: NDArray[np.bool_], owner: NDArray[np.int32], out: NDArray[np.bool_]) -> None:
    for index in range(len(owner)):
        out[owner[index]] |= live[index]


def packed(graph: Graph) -> tuple[NDArray[np.int64], int]:
    """Word of each object when only frames with objects are left, and their number.

    Args:
        graph: of a dump.

    Raises:
        GcprotoError: there are too many frames.

    """
    place = np.empty(graph.objects, dtype=np.int64)
    frames = int(_place(graph.address >> 3, graph.words, FRAME_WORDS, place))
    if frames > MOST_FRAMES:
        raise GcprotoError(
            f"a heap of {frames * FRAME_WORDS * 8 >> 30} GiB can't be described",
            why=f"at most {MOST_FRAMES * FRAME_WORDS * 8 >> 30} GiB of frames of 2 MiB that hold objects can",
            code=ExitCode.USAGE,
        )
    return place, frames


def rebuild(graph: Graph, path: Path, scale: int = 1) -> Rebuilt:
    """Write a graph as the file that workload ``dump`` takes (gcproto.heap.workloads.dump_file).

    Args:
        graph: of a dump.
        path: of the file.
        scale: by which addresses and sizes are multiplied: 2 makes room for all references of a runtime that
            compresses them, and a page then holds what half a page held.

    Raises:
        GcprotoError: no object is live, an object is too large for a header, or the disk is full.

    """
    if not graph.live.any():
        raise GcprotoError(
            "no object of this dump is live", why=f"it has {len(graph.roots)} roots", code=ExitCode.USAGE
        )
    if int(graph.words.max()) * scale > MAX_WORDS:
        raise GcprotoError(
            f"an object of {int(graph.words.max()) * scale * 8} bytes can't be rebuilt",
            why=f"a header holds at most {MAX_WORDS} words",
            code=ExitCode.USAGE,
        )
    place, frames = packed(graph)
    place *= scale
    words = graph.words.astype(np.int64) * scale
    owner = np.empty(graph.objects, dtype=np.int32)
    counts = np.zeros(2, dtype=np.int64)
    left = int(_join(place, words, owner, counts))
    place, words = place[:left], words[:left]
    live = np.zeros(left, dtype=np.bool_)
    _merge_live(graph.live, owner, live)
    kept = np.empty(len(graph.refs), dtype=np.int32)
    first = np.empty(left + 1, dtype=np.int64)
    held = np.zeros(left, dtype=np.uint8)
    incoming = np.zeros(left, dtype=np.uint8)
    parent = parents(graph)
    refs, dropped = _choose(
        graph.start, graph.count, graph.refs, parent, owner, words, MAX_REFS, kept, first, held, incoming
    )
    roots = np.zeros(left, dtype=np.bool_)
    roots[owner[graph.roots]] = True
    unheld = live & (held == 0) & ~roots
    listed = np.flatnonzero(roots | unheld).astype(np.int32)
    incoming[listed] = np.minimum(incoming[listed] + 1, 2)
    end = frames * FRAME_WORDS * scale
    directory = _write(path, place, words, first, kept[:refs], incoming, listed, end)
    span = int(graph.address[-1] + graph.words[-1].astype(np.int64) * 8 - graph.address[0])
    return Rebuilt(
        objects=left,
        live=int(np.count_nonzero(live)),
        words=end + directory,
        frames=frames,
        live_words=int(words[live].sum()) + directory,
        omitted=max(0, span - frames * FRAME_WORDS * 8),
        refs=int(refs),
        dropped=int(dropped),
        held=int(np.count_nonzero(unheld)),
        merged=int(counts[0]),
        grown=int(counts[1]),
        directory=directory,
    )


def _mapped(path: Path, words: int) -> NDArray[np.int64]:
    """An array in a new file, whose room on the disk is taken now: stores to a page without room raise SIGBUS."""
    try:
        found: NDArray[np.int64] = np.lib.format.open_memmap(path, mode="w+", dtype=np.int64, shape=(words,))
        with path.open("rb+") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    except OSError as error:
        raise GcprotoError(
            f"a rebuilt heap of {words * 8 >> 20} MiB can't be written to {path.parent}",
            why=error.strerror or str(error),
            remedy="make room there, or name another folder in TMPDIR",
        ) from error
    return found


def _write(
    path: Path,
    place: NDArray[np.int64],
    words: NDArray[np.int64],
    first: NDArray[np.int64],
    kept: NDArray[np.int32],
    incoming: NDArray[np.uint8],
    listed: NDArray[np.int32],
    end: int,
) -> int:
    """Write the file.  Returns the words of the directory, which begins at word ``end``."""
    leaves = -(-len(listed) // LEAF)
    top = -(-(1 + leaves) // PAGE_WORDS) * PAGE_WORDS
    left = len(place)
    objects = left + 1 + leaves
    refs_at = dump_file.FIRST + dump_file.COLUMNS * objects
    found = _mapped(path, refs_at + len(kept) + leaves + len(listed))
    rows = found[dump_file.FIRST : refs_at].reshape(objects, dump_file.COLUMNS)
    rows[:left, 0] = place
    flags = np.where(incoming == 1, HELD_ONCE, 0) | (np.arange(left) % 32 << OWNER_SHIFT)
    rows[:left, 1] = words | np.diff(first) << 32 | flags
    rows[:left, 2] = refs_at + first[:-1]
    found[refs_at : refs_at + len(kept)] = place[kept]
    begin = end + top + PAGE_WORDS * np.arange(leaves)
    rows[left] = end, header(1 + leaves, leaves), refs_at + len(kept)
    found[refs_at + len(kept) : refs_at + len(kept) + leaves] = begin
    at = refs_at + len(kept) + leaves
    sizes = np.full(leaves, LEAF)
    sizes[-1] = len(listed) - LEAF * (leaves - 1)
    rows[left + 1 :, 0] = begin
    rows[left + 1 :, 1] = 1 + sizes | sizes << 32
    rows[left + 1 :, 2] = at + LEAF * np.arange(leaves)
    found[at:] = place[listed]
    found[: dump_file.SIZES] = 0
    found[dump_file.MAGIC] = dump_file.FORMAT
    found[dump_file.OBJECTS], found[dump_file.REFS] = objects, len(kept)
    found[dump_file.WORDS] = end + top + PAGE_WORDS * leaves
    found[dump_file.ROOT], found[dump_file.LEAVES] = end, leaves
    usual = words[words <= LARGEST]
    some = usual if len(usual) else np.array([2])
    found[dump_file.SIZES : dump_file.FIRST] = some[np.arange(dump_file.SIZE_COUNT) * len(some) // dump_file.SIZE_COUNT]
    return top + PAGE_WORDS * leaves
