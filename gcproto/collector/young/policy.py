"""Whether the next collection is a young one or a full one, as ART decides.

ART (Heap::GrowForUtilization, Heap::CollectGarbageInternal; 25Q4): the first collection is a full one.  A full one is
followed by a young one.  A young one is followed by another under two conditions.  First, it has freed at least twice
as many bytes for its CPU time as full ones do in the mean.  Second, it has brought the heap below the size at which a
collection begins; old garbage would pile up otherwise.  A collection that the program has asked for is a full one.

It departs from ART in that
- the size at which a collection begins is the one that was set after the last full collection: the space is of a fixed
  size, and ART's grows;
- a mutator that finds no memory though that size is not reached asks for a full collection like the program does; ART
  tries a young one before it.

As in ART, a full one follows at once where a mutator has found no memory after a young one.
"""

from dataclasses import dataclass

YOUNG_WORTH = 0.5
"""What a young one's throughput is multiplied by before it is compared (ART: GetStickyGcThroughputAdjustment)."""


@dataclass
class Sum:
    """What collections of one kind came to: bytes freed, ns of CPU time."""

    freed: int = 0
    cpu_ns: int = 0

    @property
    def throughput(self) -> float:
        """Bytes for each ms; a millisecond is added, as in ART, so that there is always some time."""
        return self.freed / (self.cpu_ns / 1e6 + 1)


class NextKind:
    """Decides.

    Args:
        full_after: young collections after which a full one follows, whatever they free; 0: as ART decides.

    """

    def __init__(self, full_after: int) -> None:
        self.full_after = full_after
        self._next_young = False
        self._full = Sum()
        self._begun = False
        self._young_since = 0

    def young(self, *, asked: bool, vain: bool = False) -> bool:
        """Whether the collection that begins now is a young one.

        Args:
            asked: it was asked for, though no more is in use than a collection begins at.
            vain: a mutator has found no memory after the last one.

        """
        if vain:
            return False
        if self.full_after:
            return self._begun and self._young_since < self.full_after
        return self._next_young and not asked

    def ended(self, *, young: bool, freed: int, cpu_ns: int, below: bool) -> None:
        """A collection has ended.

        Args:
            young: what it was.
            freed: bytes.
            cpu_ns: CPU time of the collector's thread.
            below: whether the heap is smaller now than what a collection begins at.

        """
        if not young:
            self._full = Sum(self._full.freed + freed, self._full.cpu_ns + cpu_ns)
            self._young_since = 0
            self._next_young = self._begun = True
            return
        self._young_since += 1
        worth = Sum(freed, cpu_ns).throughput * YOUNG_WORTH
        self._next_young = below and worth >= self._full.throughput
