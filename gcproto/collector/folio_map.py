"""What the collector knows of the folios that its heap is made of, from what it did to them itself.

Fresh memory lies in folios as the heap's policy asks for.  Evacuated pages lie in small ones: COPY
makes small folios, and MOVE splits a folio.  MOVE keeps a folio only if it takes all of it to an aligned place, on a
kernel that can.  Nothing here reads the kernel's tables; gcproto.collector.watch.folios counts, as proof.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gcproto._native import ffi, lib
from gcproto.collector.modes import Mode
from gcproto.heap.arrays import array_at
from gcproto.heap.pages import PAGE_BYTES
from gcproto.heap.space import Heap
from gcproto.host.machine import machine

if TYPE_CHECKING:
    from gcproto._native import gcp_compaction_ptr, gcp_plan

WHOLE = lib.GCP_FATE_WHOLE
"""Fate of a page that a move took with all of its aligned granule."""


class FolioMap:
    """The order of the folio that each page of the moving space lies in, as far as it is known; 0: small.

    Args:
        native: whose table it is.
        heap, mode: that are collected, and how.

    Attributes:
        orders: of each page.
        fresh: order of folios that fresh memory lies in.

    """

    def __init__(self, native: "gcp_compaction_ptr", heap: Heap, mode: Mode) -> None:
        self.heap = heap
        self.mode = mode
        self._native = native
        self.orders = array_at(lib.gcp_compaction_orders(native), heap.pages, np.uint8)
        order = heap.memory.order
        # The system may give a THP.  If it does not, the pages go in one batch too.
        self.fresh = (machine().pmd_order if mode.whole else 0) if order is None else order
        self.orders[:] = self.fresh

    def split_ahead(self, plan: "gcp_plan", pages: int) -> None:
        """Have large folios split that are moved page by page, while mutators run; not those that are moved whole.

        Args:
            plan: of the collection.
            pages: in use.

        """
        folio = 1 << self.fresh
        used = -(-pages // folio) * folio
        large = self.orders[:used] > 0
        if self.mode.whole:
            large &= array_at(ffi.cast("uint8_t *", self.heap.tables.held), used, np.uint8) == 0
            large[: plan.dense_end] = False
        edges = np.flatnonzero(np.diff(np.concatenate([[False], large[::folio], [False]]).astype(np.int8)))
        for begin, end in zip((edges[::2] * folio).tolist(), (edges[1::2] * folio).tolist(), strict=True):
            start = self.heap.to + begin * PAGE_BYTES
            lib.gcp_region_split(start, (end - begin) * PAGE_BYTES, folio * PAGE_BYTES)
        self.orders[:used][large] = 0

    def _fates(self, pages: int) -> NDArray[np.uint8]:
        return array_at(lib.gcp_compaction_fates(self._native), pages, np.uint8)

    def note_evacuated(self, plan: "gcp_plan") -> None:
        """Evacuated pages lie in small folios now, except those moved whole; the pages after them in fresh ones.

        Every kernel with UFFDIO_MOVE keeps an aligned THP; of other folios the mode must know that they are kept.
        """
        if not self.fresh:
            return
        used = min(self.heap.pages, -(-plan.used_end >> self.fresh) << self.fresh)
        granule = max(self.mode.granule.bit_length() - 1, self.heap.memory.order or 0)
        kept = granule if self.mode.whole or granule == machine().pmd_order else 0
        self.orders[:used] = np.where(self._fates(used) == WHOLE, kept, 0)
        self.orders[used:] = self.fresh

    def restore(self, plan: "gcp_plan") -> tuple[int, int]:
        """Collapse dense stretches into THPs, while mutators run (MADV_COLLAPSE).

        Args:
            plan: that was carried out.

        Returns:
            pages of the stretches that are THPs now, and how many stretches were refused.

        """
        order = machine().pmd_order
        size = 1 << order
        fates = self._fates(plan.used_end)
        done = refused = 0
        for first in range(0, len(fates) // size * size, size):
            there = int(np.count_nonzero(fates[first : first + size]))
            if self.orders[first] == order or there * 1000 < self.mode.dense_permille * size:
                continue
            if lib.gcp_region_collapse(self.heap.to + first * PAGE_BYTES, size * PAGE_BYTES) == 0:
                self.orders[first : first + size] = order
                done += size
            else:
                refused += 1
        return done, refused
