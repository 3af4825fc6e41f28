"""The listener that watches folios: what a heap is made of after each collection, and how many were split."""

from collections.abc import Sequence

from gcproto.collector.watch.events import Listener
from gcproto.heap.folios import FolioCensus
from gcproto.heap.pages import PAGE_BYTES
from gcproto.heap.space import Heap
from gcproto.results.folios import kept_whole
from gcproto.results.schema import Collection, FolioCounts


def whole_shares(cycles: Sequence[Collection], order: int) -> tuple[float, float]:
    """Of the pages that collections evacuated: those that could go in whole folios, and those that did.

    Args:
        cycles: collections.
        order: of the folios that the heap's memory is made of.

    """
    accounts = [account for one in cycles for account in (one.collector, one.faults)]
    pages = sum(one.updated + one.built + one.slid for one in accounts)
    could = sum(account.whole for account in accounts)
    did = sum(kept_whole(one, order) for one in cycles) << order
    return (could / pages, did / pages) if pages else (0.0, 0.0)


class FolioListener(Listener):
    """Counts at the end of every collection, on the collector's thread but outside of its phases.

    Splits are those of the whole system between the beginning and the end of the collection.
    """

    def __init__(self, heap: Heap) -> None:
        self.heap = heap
        self._census = FolioCensus(heap.pages)
        self._before: dict[int, int] = {}
        self._folios: list[FolioCounts] = []
        self._splits: list[dict[int, int]] = []

    def cycle_begins(self, number: int, used: int) -> None:
        """Counters before."""
        self._before = self._census.splits()

    def cycle_ends(self, number: int, used: int) -> None:
        """Counters after, and the folios of what is in use."""
        after = self._census.splits()
        self._splits.append({order: count - self._before[order] for order, count in after.items()})
        self._folios.append(
            self._census.count(self.heap.to, used // PAGE_BYTES) if self._census.possible else FolioCounts()
        )

    def write_into(self, collections: list[Collection]) -> None:
        """Add what was seen to the records of the same collections."""
        for one, folios, splits in zip(collections, self._folios, self._splits, strict=True):
            one.folios = folios
            one.splits = {order: count for order, count in splits.items() if count}

    def close(self) -> None:
        """Nothing more is counted."""
        self._census.close()
