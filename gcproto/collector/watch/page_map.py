"""The listener that records what became of every page of to-space, for the heap map of the report."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gcproto._native import lib
from gcproto.collector.watch.events import Listener, Watched
from gcproto.collector.work import Faults
from gcproto.heap.arrays import array_at
from gcproto.heap.plan import KEPT
from gcproto.results.folios import kept_whole
from gcproto.results.page_map import encode
from gcproto.results.schema import Collection

if TYPE_CHECKING:
    from gcproto._native import gcp_plan_ptr, gcp_swept

MOVED, WHOLE = lib.GCP_FATE_MOVED, lib.GCP_FATE_WHOLE


class MapListener(Listener):
    """Takes the letters of each collection; they are made a text when it is known which folios were split.

    Args:
        order: of the folios that the heap's memory is made of.

    """

    def __init__(self, order: int) -> None:
        self.order = order
        self._used = 0
        self._in_place: NDArray[np.bool_] = np.zeros(0, dtype=bool)
        self._maps: list[NDArray[np.uint8]] = []

    def attached(self, collector: Watched) -> None:
        """Whose letters are taken."""
        self._native = collector.native

    def planned(self, plan: "gcp_plan_ptr") -> None:
        """Remember which pages keep their layout."""
        dense, compacted, self._used = plan.dense_end, plan.compact_end, plan.used_end
        self._in_place = np.zeros(self._used, dtype=bool)
        self._in_place[:dense] = True
        if compacted and plan.kept:
            fill = array_at(plan.fill, compacted, np.uint16)
            self._in_place[dense:compacted] = fill[dense:] == KEPT

    def swept(self, swept: "gcp_swept", faults: Faults) -> None:
        """Take the letters of the pages in use."""
        letters = array_at(lib.gcp_compaction_fates(self._native), self._used, np.uint8).copy()
        letters[self._in_place & (letters == MOVED)] = ord("u")
        letters[letters == 0] = ord(".")
        self._maps.append(letters)

    def write_into(self, collections: list[Collection]) -> None:
        """Add the maps to the records of the same collections."""
        for one, letters in zip(collections, self._maps, strict=True):
            if not kept_whole(one, self.order):
                letters[letters == WHOLE] = ord("s" if one.splits else "m")
            one.map = encode(letters.tobytes().decode("ascii"))
