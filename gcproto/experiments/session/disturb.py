"""Disturbances for which MOVE returns EBUSY, all the time: pins by io_uring, and pages pushed out to swap."""

import random
import threading

from gcproto._native import lib
from gcproto.heap.pages import PAGE_BYTES
from gcproto.heap.space import Heap

KINDS = ("pins", "pageout")
PINNED_AT_ONCE = 8
PIN_PAGES = 4
PAGEOUT_PAGES = 64
REST = 0.001
"""Seconds between two rounds."""


class Disturber(threading.Thread):
    """Disturbs a heap until it is closed.

    Args:
        heap: whose pages in use are taken hold of, at random.
        kinds: of KINDS.
        seed: of the choice.

    Attributes:
        pins, refused, pages_out: what it did.

    """

    def __init__(self, heap: Heap, kinds: list[str], seed: int) -> None:
        super().__init__(name="disturber", daemon=True)
        self.heap = heap
        self.kinds = kinds
        self.pins = self.refused = self.pages_out = 0
        self._random = random.Random(seed)
        self._end = threading.Event()

    def run(self) -> None:
        """Take hold, rest, let go."""
        while not self._end.wait(REST):
            held = [self._pin() for _ in range(PINNED_AT_ONCE)] if "pins" in self.kinds else []
            if "pageout" in self.kinds:
                start = self._place(PAGEOUT_PAGES)
                self.pages_out += (
                    PAGEOUT_PAGES if lib.gcp_region_page_out(start, PAGEOUT_PAGES * PAGE_BYTES) == 0 else 0
                )
            self._end.wait(REST)
            for ring in held:
                if ring > 0:
                    lib.gcp_unpin(ring)

    def _place(self, pages: int) -> int:
        most = max(1, self.heap.used // PAGE_BYTES - pages)
        return self.heap.to + self._random.randrange(most) * PAGE_BYTES

    def _pin(self) -> int:
        # Pages that the kernel would have to have served by us can't be pinned (EFAULT); the next ones may.
        ring = lib.gcp_pin(self._place(PIN_PAGES), PIN_PAGES * PAGE_BYTES)
        self.pins += ring > 0
        self.refused += ring <= 0
        return ring

    def close(self) -> None:
        """Let go of everything."""
        self._end.set()
        self.join()
