"""The listener that records what became of every page of to-space, for the heap map of the report."""

from typing import Any

import numpy as np

from gcproto._native import ffi, lib
from gcproto.collector.watch.events import Listener, Watched
from gcproto.heap.calls import KEPT
from gcproto.results.folios import kept_whole
from gcproto.results.page_map import encode
from gcproto.results.schema import Collection

MOVED, WHOLE = int(lib.GCP_FATE_MOVED), int(lib.GCP_FATE_WHOLE)


class MapListener(Listener):
    """Takes the letters of each collection; they are made a text when it is known which folios were split.

    Args:
        order: of the folios that the heap's memory is made of.

    """

    def __init__(self, order: int) -> None:
        self.order = order
        self._used = 0
        self._in_place: np.ndarray[Any, np.dtype[np.bool_]] = np.zeros(0, dtype=bool)
        self._maps: list[np.ndarray[Any, np.dtype[np.uint8]]] = []

    def attached(self, collector: Watched) -> None:
        """Whose letters are taken."""
        self._native: Any = collector.native

    def planned(self, plan: Any) -> None:
        """Remember which pages keep their layout."""
        dense, compacted, self._used = int(plan.dense_end), int(plan.compact_end), int(plan.used_end)
        self._in_place = np.zeros(self._used, dtype=bool)
        self._in_place[:dense] = True
        if compacted and int(plan.kept):
            raw: Any = ffi.buffer(plan.fill, 2 * compacted)
            self._in_place[dense:compacted] = np.frombuffer(raw, dtype=np.uint16)[dense:] == KEPT

    def swept(self, swept: Any, faults: dict[str, int]) -> None:
        """Take the letters of the pages in use."""
        raw: Any = ffi.buffer(lib.gcp_compaction_fates(self._native), self._used)
        letters = np.frombuffer(raw, dtype=np.uint8).copy()
        letters[self._in_place & (letters == MOVED)] = ord("u")
        letters[letters == 0] = ord(".")
        self._maps.append(letters)

    def write_into(self, collections: list[Collection]) -> None:
        """Add the maps to the records of the same collections."""
        for one, letters in zip(collections, self._maps, strict=True):
            if not kept_whole(one, self.order):
                letters[letters == WHOLE] = ord("s" if one.splits else "m")
            one.map = encode(letters.tobytes().decode("ascii"))
