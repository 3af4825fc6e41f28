"""Where the live bytes of a graph are: on which pages, in which granules."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gcproto.dumps.graph import Graph
from gcproto.dumps.rebuild import FRAME_WORDS, packed
from gcproto.heap.compiled import kernel
from gcproto.heap.pages import PAGE_WORDS

BUCKETS = 12
"""None, ten of 10 % each of which the last lacks its end, all."""


@dataclass(frozen=True)
class Density:
    """Live words of the pages of a packed heap.

    Attributes:
        live: (pages) int32, live words of each page;  used: (pages) int32, words of objects, dead or live.
        across: references of live objects to another page;  references: of live objects, but null ones.

    """

    live: NDArray[np.int32]
    used: NDArray[np.int32]
    across: int
    references: int

    def histogram(self) -> list[int]:
        """Pages with an object, by their live words: none, up to 10 % and so on, less than all, all."""
        some = self.live[self.used > 0].astype(np.int64)
        bucket = np.where(some == 0, 0, 1 + np.minimum((some * 10 - 1) // PAGE_WORDS, 9))
        bucket[some == PAGE_WORDS] = BUCKETS - 1
        return [int(count) for count in np.bincount(bucket, minlength=BUCKETS)]

    def prefix(self, permille: int) -> int:
        """Pages of the dense prefix, as gcproto.collector.compiled.prepare finds it."""
        together = np.cumsum(self.live, dtype=np.int64)
        dense = np.flatnonzero(together * 1000 >= permille * np.arange(1, len(together) + 1) * PAGE_WORDS)
        best = int(dense[-1]) + 1 if len(dense) else 0
        while best > 0 and int(self.live[best - 1]) * 1000 < permille * PAGE_WORDS:
            best -= 1
        return best

    def runs(self, permille: int) -> dict[int, int]:
        """Runs of neighbouring pages that are dense, by their length: up to 1, 2, 4, ... pages."""
        dense = (self.live.astype(np.int64) * 1000 >= permille * PAGE_WORDS).astype(np.int8)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], dense, [0]])))
        found: dict[int, int] = {}
        for length in (edges[1::2] - edges[::2]).tolist():
            size = 1 << (length - 1).bit_length()
            found[size] = found.get(size, 0) + 1
        return dict(sorted(found.items()))

    def whole(self, pages: int, permille: int) -> tuple[int, int, float]:
        """Granules that could be moved as they are.

        Args:
            pages: of a granule.
            permille: of its words, that must be live.

        Returns:
            granules with an object, those of them that are dense, and the share of all live words on the latter.

        """
        count = -(-len(self.live) // pages) * pages
        live, used = (np.zeros(count, dtype=np.int64) for _ in range(2))
        live[: len(self.live)], used[: len(self.live)] = self.live, self.used
        live, used = (one.reshape(-1, pages).sum(axis=1) for one in (live, used))
        dense = live * 1000 >= permille * pages * PAGE_WORDS
        return int(np.count_nonzero(used)), int(np.count_nonzero(dense)), float(live[dense].sum() / max(1, live.sum()))


@kernel
def _spread(
    place: NDArray[np.int64],
    words: NDArray[np.uint32],
    live: NDArray[np.bool_],
    page: int,
    live_words: NDArray[np.int32],
    used_words: NDArray[np.int32],
) -> None:
    """Add the words of each object to its pages."""
    for index in range(len(place)):
        word = place[index]
        end = word + np.int64(words[index])
        while word < end:
            here = min(end, (word // page + 1) * page) - word
            used_words[word // page] += here
            if live[index]:
                live_words[word // page] += here
            word += here


@kernel
def _count(
    start: NDArray[np.int64],
    count: NDArray[np.uint32],
    refs: NDArray[np.int32],
    live: NDArray[np.bool_],
    place: NDArray[np.int64],
    page: int,
) -> tuple[int, int]:
    """References of live objects, and those of them that lead to another page than the object begins on."""
    found = 0
    across = 0
    for index in range(len(start)):
        if not live[index]:
            continue
        for at in range(start[index], start[index] + np.int64(count[index])):
            if refs[at] >= 0:
                found += 1
                across += int(place[refs[at]] // page != place[index] // page)
    return found, across


def density_of(graph: Graph) -> Density:
    """Of a graph, packed as gcproto.dumps.rebuild does."""
    place, frames = packed(graph)
    pages = frames * FRAME_WORDS // PAGE_WORDS
    live, used = (np.zeros(pages, dtype=np.int32) for _ in range(2))
    _spread(place, graph.words, graph.live, PAGE_WORDS, live, used)
    found, across = _count(graph.start, graph.count, graph.refs, graph.live, place, PAGE_WORDS)
    return Density(live, used, int(across), int(found))
