"""The listener that has part of a heap swapped out when it is evacuated, and sees what stays so."""

import time
from typing import TYPE_CHECKING

from gcproto._native import lib
from gcproto.collector.watch.events import Listener
from gcproto.collector.work import Faults
from gcproto.heap.folios import FolioCensus
from gcproto.heap.pages import PAGE_BYTES
from gcproto.heap.space import Heap

if TYPE_CHECKING:
    from gcproto._native import gcp_plan_ptr, gcp_swept

BLOCK_PAGES = 16
"""Pages are pushed out in blocks, spread evenly over what is in use."""

PATIENCE = 40
REST = 0.002
"""Tries, and seconds between them: writeback takes a moment."""


class SwapListener(Listener):
    """Pushes pages out while the world is stopped for the flip, behind marking, which reads every object's header.

    Args:
        heap: that is collected.
        permille: of 1000 blocks, those that go.

    Attributes:
        before: pages swapped out at the flip, by collection;  after: in to-space once all are evacuated.

    """

    def __init__(self, heap: Heap, permille: int) -> None:
        self.heap = heap
        self.permille = permille
        self.before: list[int] = []
        self.after: list[int] = []
        self._census = FolioCensus(heap.pages)

    def _swapped(self) -> int:
        return self._census.count(self.heap.to, self.heap.used // PAGE_BYTES).swapped

    def planned(self, plan: "gcp_plan_ptr") -> None:
        """Push them out, before anything is flipped."""
        pages = self.heap.used // PAGE_BYTES
        for _ in range(PATIENCE):
            due = 0
            for first in range(0, pages - BLOCK_PAGES + 1, BLOCK_PAGES):
                due += self.permille
                if due >= 1000:
                    due -= 1000
                    lib.gcp_region_page_out(self.heap.to + first * PAGE_BYTES, BLOCK_PAGES * PAGE_BYTES)
            if self._swapped() >= pages * self.permille // 1000 * 9 // 10:
                break
            time.sleep(REST)
        self.before.append(self._swapped())

    def swept(self, swept: "gcp_swept", faults: Faults) -> None:
        """What is still swapped out, before anybody looks at it."""
        self.after.append(self._swapped())

    def close(self) -> None:
        """Nothing more is counted."""
        self._census.close()
