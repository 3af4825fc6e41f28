"""The collector with generations: the steps in which its collections differ."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gcproto._native import lib
from gcproto.collector.compiled.cards import PAGE_CARDS, mark_from_old, scan_old, unremembered
from gcproto.collector.compiled.generations import adopt, border, prepare_young, promote
from gcproto.collector.compiled.layout import PAGE_CHUNKS
from gcproto.collector.compiled.mark import count_bits
from gcproto.collector.compiled.noting import produce_noting, produce_noting_ahead, slide_noting
from gcproto.collector.cycle import Collector
from gcproto.collector.modes import Mode
from gcproto.collector.watch.events import Listener
from gcproto.collector.young.policy import NextKind
from gcproto.heap.pages import PAGE_BYTES, PAGE_WORDS
from gcproto.heap.space import Heap

if TYPE_CHECKING:
    from gcproto.collector.compiled.for_c import Producer


class YoungCollector(Collector):
    """Collects a heap by generations.

    Args:
        heap, mode, listeners, trigger_share: as for ``Collector``; the mode is a young one.

    Attributes:
        young: what the collection that is under way is, or the last one was.
        old: pages of the old generation;  middle: page before which the middle one ends.

    Raises:
        GcprotoError: userfaultfd or one of its features is unavailable.

    """

    def __init__(self, heap: Heap, mode: Mode, listeners: Sequence[Listener] = (), trigger_share: float = 0.0) -> None:
        self.young = False
        self.old = 0
        self.middle = 0
        self.next = NextKind(mode.full_after)
        self._full_trigger = 0
        self._depth = 0
        super().__init__(heap, mode, listeners, trigger_share)

    def collect(self) -> None:
        """One collection, young or full.

        Raises:
            CollectionError: it could not be finished even with the world stopped.

        """
        heap = self.heap
        vain, heap.world.vain = bool(heap.world.vain), 0
        # A mutator that waits says so at the latest when it asks for this collection.
        self.young = self.next.young(asked=heap.world.top <= heap.world.trigger, vain=vain)
        self.plan.young = self.young
        self._aging = self.old * PAGE_CARDS if self.young else 0
        before = time.thread_time_ns()
        super().collect()
        self.next.ended(
            young=self.young,
            freed=self.plan.black_shift * PAGE_BYTES,
            cpu_ns=time.thread_time_ns() - before,
            below=heap.world.top <= self._full_trigger,
        )
        if not self.young:
            self._full_trigger = heap.world.trigger

    def unremembered(self) -> int:
        """Old objects that refer to younger ones and are not remembered; the world is stopped."""
        tables = self.heap.tables
        return unremembered(self.heap.to, tables.starts, tables.cards, self.old * PAGE_WORDS)

    def _producers(self) -> "tuple[Producer, Producer]":
        return produce_noting, produce_noting_ahead

    def _slide(self) -> None:
        slide_noting(self._plan_address)

    def _initialise(self, used: int) -> None:
        self.heap.clear_tables(used, keep=self.old * PAGE_BYTES if self.young else 0)

    def _scan(self) -> int:
        if not self.young:
            return 0
        tables = self.heap.tables
        with self._phase("cards"):
            self._depth, found = scan_old(
                self.heap.to, tables.live, tables.starts, tables.stack, tables.reach, tables.cards, self._aging
            )
        self.tell.remembered(found)
        return found

    def _mark_first(self) -> None:
        if self.young:
            tables = self.heap.tables
            old = self.old * PAGE_WORDS
            mark_from_old(self.heap.to, tables.live, tables.starts, tables.stack, tables.reach, self._depth, old)
        super()._mark_first()

    def _prepare(self, pages: int, dirty: int) -> None:
        if not self.young:
            super()._prepare(pages, dirty)
        else:
            words = prepare_young(self._plan_address, pages, self.old)
            if self.tell.counts_objects:
                begin = self.old * PAGE_CHUNKS * 8
                objects = count_bits(self.heap.tables.starts + begin, (pages - self.old) * PAGE_WORDS)
                self.tell.marked(objects, words, dirty)
        self.plan.old_end = border(self._plan_address, self.middle)

    def _made_room(self) -> None:
        """Tell mutators too whether a full collection may yet find memory."""
        self.heap.world.partial = self.young
        super()._made_room()

    def _evacuated(self) -> None:
        with self._phase("promote"):
            promote(self._plan_address, self.heap.tables.promoted)
            adopt(self._plan_address, self.heap.tables.promoted)
        self.old = self.plan.old_end
        self.middle = self.plan.compact_end


def collector_for(heap: Heap, mode: Mode, listeners: Sequence[Listener] = (), trigger_share: float = 0.0) -> Collector:
    """The collector of a mode; see ``Collector``."""
    kind = YoungCollector if mode.young else Collector
    return kind(heap, mode, listeners, trigger_share)


assert lib.GCP_CARD_CLEAN == 0, "fresh memory is clean"
