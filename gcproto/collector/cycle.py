"""One collection, from the first root to the last page freed.

Follows ART's CMC (art/runtime/gc/collector/mark_compact.cc, RunPhases): mark beside the mutators, a final marking
pause, prepare, a pause that flips, concurrent compaction, a shutdown in two stages.  It departs from it in that
- the collector retires all allocation buffers in the marking pause, and slides them in the other one;
- there are no classes, no reference objects, no large-object space: large objects lie in the moving space;
- what ART answers by ending the process ends the cycle with the world stopped, and the heap stays whole;
- dense regions after the prefix keep their layout (gcproto.collector.compiled.regions), and folios count (folio_map);
- several threads may compact (native/heap/compaction/compactors.c);
- young collections are a collector of their own (gcproto.collector.young), which changes the steps that differ.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gcproto._native import ffi, lib
from gcproto.chars import text_of
from gcproto.collector.compiled.ahead import produce_ahead
from gcproto.collector.compiled.for_c import producer_of
from gcproto.collector.compiled.forward import forward_roots
from gcproto.collector.compiled.mark import count_bits, mark_dirty, mark_roots
from gcproto.collector.compiled.prepare import note_written, plan_black, prepare
from gcproto.collector.compiled.produce import produce, slide
from gcproto.collector.folio_map import FolioMap
from gcproto.collector.modes import Mode
from gcproto.collector.watch.events import Listener, Listeners, Stop
from gcproto.collector.work import faults_of
from gcproto.errors import GcprotoError
from gcproto.heap.calls import BARRIER, BARRIER_VARIABLE, CARD_BYTES
from gcproto.heap.pages import PAGE_BYTES, PAGE_WORDS
from gcproto.heap.space import Heap
from gcproto.structs import address_of

if TYPE_CHECKING:
    from gcproto._native import gcp_compaction_ptr, gcp_mutator_ptr, gcp_swept_ptr, gcp_timeline_ptr
    from gcproto.collector.compiled.for_c import Producer

PRECLEAN_ROUNDS = 3
PRECLEAN_ENOUGH = 64
"""Dirty cards that are left to the pause."""

HEADROOM = 2.5
"""A collection is wanted when less is free than so many times what was allocated before the last one made room."""
HEADROOM_UNKNOWN = 0.5
"""Of what is free: for the first one."""
HEADROOM_SHARE = (0.1, 0.8)
"""At least and at most of what was free after it."""


class CollectionError(GcprotoError):
    """A collection could not be finished, and the heap is lost."""


class Collector:
    """Collects a heap in one mode.

    Args:
        heap: whose mutators may run while it does.
        mode: how.
        listeners: are told what happens.
        trigger_share: a collection is wanted when so much of what was free after the last one is used; 0: by HEADROOM.

    Raises:
        GcprotoError: userfaultfd or one of its features is unavailable, or this process has mutators of the other kind.

    """

    def __init__(self, heap: Heap, mode: Mode, listeners: Sequence[Listener] = (), trigger_share: float = 0.0) -> None:
        self.heap = heap
        self.mode = mode
        self.tell = Listeners(listeners)
        self.trigger_share = trigger_share
        self.cycles = 0
        self._aging = 0  # cards of an old generation
        self.failures: list[str] = []
        self._produce, self._ahead = (ffi.cast("gcp_producer", producer_of(one)) for one in self._producers())
        self._native: gcp_compaction_ptr = ffi.NULL
        if mode.barrier != BARRIER:
            raise GcprotoError(
                f"mode {mode.name} can't run in this process",
                why=f"its mutators are compiled with{'' if BARRIER else 'out'} a write barrier",
                remedy=f"{BARRIER_VARIABLE} decides when a process begins: off for mode bare alone",
            )
        error = ffi.new("int32_t *")
        policy = mode.policy()
        policy.advice = heap.memory.advice
        policy.folio = 1 << (heap.memory.order or 0)
        self._native = lib.gcp_compaction_create(heap.to, heap.from_, heap.capacity, policy, error)
        if self._native == ffi.NULL:
            raise GcprotoError(
                "the collector can't work here",
                why=text_of(lib.gcp_compaction_reason(ffi.NULL)),
                remedy="gcproto doctor says what is missing; modes stw and memmove need the least",
            )
        self.plan = lib.gcp_compaction_plan(self._native)
        self._plan_address = address_of(self.plan)
        heap.fill_plan(self.plan)
        self.folios = FolioMap(self._native, heap, mode)
        self._allocated_before = 0
        self._allocated_until_room = -1
        self._set_trigger()
        self.tell.attached(self)

    @property
    def native(self) -> "gcp_compaction_ptr":
        """The collector of C."""
        return self._native

    @property
    def timeline(self) -> "gcp_timeline_ptr":
        """Of the collector's ioctls."""
        return lib.gcp_compaction_timeline(self._native)

    @property
    def helper(self) -> "gcp_mutator_ptr":
        """The handler thread, where faults are answered by one."""
        return lib.gcp_compaction_helper(self._native)

    def close(self) -> None:
        """End the fault service; no mutator may run any more."""
        lib.gcp_compaction_destroy(self._native)
        self._native = ffi.NULL

    def serve(self) -> None:
        """Collect at each request, until the world is closed."""
        while not self.heap.world.closing:
            if lib.gcp_world_await(self.heap.world, 100):
                self.collect()

    def collect(self) -> None:
        """One collection.

        Raises:
            CollectionError: it could not be finished even with the world stopped.

        """
        heap = self.heap
        self.cycles += 1
        self._allocated_before = self._allocated()
        lib.gcp_world_begin(heap.world)
        try:
            self.tell.cycle_begins(self.cycles, heap.used)
            if self.mode.collects:
                if self.mode.remap:
                    self._collect_beside_mutators()
                else:
                    self._collect_in_one_pause()
            else:
                lib.gcp_world_freed(heap.world)  # nothing: who waits for memory is to learn that there is none
            self._set_trigger()
            self.tell.cycle_ends(self.cycles, heap.used)
        finally:
            lib.gcp_world_finish(heap.world)

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        self.tell.phase_begins(name)
        yield
        self.tell.phase_ends(name)

    @contextmanager
    def pause(self, name: str) -> Iterator[None]:
        """Mutators are stopped within."""
        self.tell.stop_requested(name)
        lib.gcp_world_stop(self.heap.world)
        self.tell.mutators_stopped(name)
        try:
            yield
        finally:
            world = self.heap.world
            lib.gcp_world_start(world)
            stop = Stop(world.requested_ns, world.stopped_ns, world.restarted_ns)
            self.tell.mutators_restarted(name, stop)

    def _allocated(self) -> int:
        return sum(one.allocated_bytes for one in self.heap.mutators)

    def _set_trigger(self) -> None:
        """When the next collection is to begin, so that it makes room before there is none."""
        heap = self.heap
        free = heap.limit - heap.used
        least, most = HEADROOM_SHARE
        headroom = min(max(HEADROOM * self._allocated_until_room, least * free), most * free)
        if self._allocated_until_room < 0:
            headroom = HEADROOM_UNKNOWN * free
        if self.trigger_share:
            headroom = (1 - self.trigger_share) * free
        if not self.mode.collects:
            headroom = 0
        heap.world.trigger = heap.to + heap.limit - int(headroom)

    # What a collector with generations does otherwise.

    def _producers(self) -> "tuple[Producer, Producer]":
        """The producers of pages that are waited for, and of those of the sweep."""
        return produce, produce_ahead

    def _slide(self) -> None:
        """Every page within one space."""
        slide(self._plan_address)

    def _initialise(self, used: int) -> None:
        """Forget what the last collection marked, in the first ``used`` bytes."""
        self.heap.clear_tables(used)

    def _scan(self) -> int:
        """Look at the remembered set, before marking.  Returns the dirty cards of it."""
        return 0

    def _mark_first(self) -> None:
        """Begin to mark."""
        self._mark_roots()

    def unremembered(self) -> int:
        """Old objects that refer to younger ones and are not remembered; the world is stopped."""
        return 0

    def _made_room(self) -> None:
        """Tell mutators that wait for memory, while the world is stopped."""
        lib.gcp_world_freed(self.heap.world)

    def _evacuated(self) -> None:
        """All pages are in their places, and mutators run."""

    # Marking.

    def _mark_roots(self) -> int:
        tables = self.heap.tables
        return sum(
            mark_roots(
                self.heap.to,
                tables.live,
                tables.starts,
                tables.stack,
                tables.reach,
                address_of(one.roots),
                one.root_count,
            )
            for one in self.heap.mutators
        )

    def _mark_dirty(self) -> int:
        tables = self.heap.tables
        cards = (self.heap.used + CARD_BYTES - 1) // CARD_BYTES
        return mark_dirty(
            self.heap.to,
            tables.live,
            tables.starts,
            tables.stack,
            tables.reach,
            tables.cards,
            cards,
            self._aging,
        )

    def _prepare(self, pages: int, dirty: int) -> None:
        mode = self.mode
        live = prepare(self._plan_address, pages, mode.dense_permille, mode.granule, mode.region)
        if self.tell.counts_objects:
            objects = count_bits(self.heap.tables.starts, pages * PAGE_WORDS)
            self.tell.marked(objects, live, dirty)

    def _align_top(self) -> int:
        """Buffers are retired; the next allocation begins on a page of its own.  Returns the pages in use."""
        heap = self.heap
        lib.gcp_world_retire(heap.world)
        pages = (heap.used + PAGE_BYTES - 1) // PAGE_BYTES
        heap.world.top = heap.to + pages * PAGE_BYTES
        return pages

    # With userfaultfd, or at least mremap.

    def _collect_beside_mutators(self) -> None:
        dirty = 0
        with self._phase("initialise"):
            self._initialise(self.heap.capacity)
        dirty += self._scan()
        with self._phase("mark"):
            self._mark_first()
            for _ in range(PRECLEAN_ROUNDS):
                found = self._mark_dirty()
                dirty += found
                if found <= PRECLEAN_ENOUGH:
                    break
        with self.pause("final marking"):
            self._mark_roots()
            dirty += self._mark_dirty()
            pages = self._align_top()
        with self._phase("prepare"):
            self._prepare(pages, dirty)
        if self.mode.split_ahead:
            with self._phase("split"):
                self.folios.split_ahead(self.plan, pages)
        self._compact()

    def _compact(self) -> None:
        swept = ffi.new("struct gcp_swept *")
        before = faults_of([*self.heap.mutators, self.helper])
        with self.pause("flip"):
            self._plan_black()
            self.tell.planned(self.plan)
            flipped = self._flip()
            self._forward_roots()
            self._slide_allocation()
            if not flipped:
                self._slide_pages(swept)
            elif self.mode.concurrent:
                lib.gcp_compaction_open(self._native, self._produce, self._ahead)
            else:
                lib.gcp_compaction_store_all(self._native, self._produce, swept)
        if flipped and self.mode.concurrent:
            with self._phase("compact"):
                failed = self._sweep(swept) != 0
            with self._phase("drain"):
                failed = failed or lib.gcp_compaction_close(self._native) != 0
            if failed:
                self._recover(swept)
        after = faults_of([*self.heap.mutators, self.helper])
        self.tell.swept(swept, after.since(before))
        if flipped:
            self.folios.note_evacuated(self.plan)
        self._evacuated()
        with self._phase("release"):
            if lib.gcp_compaction_release(self._native) != 0:
                self._report()
        if self.mode.restore:
            with self._phase("restore"):
                restored = self.folios.restore(self.plan)
            self.tell.restored(*restored)
        self.tell.released()

    def _sweep(self, swept: "gcp_swept_ptr") -> int:
        return lib.gcp_compaction_sweep(self._native, swept)

    def _flip(self) -> bool:
        flip = lib.gcp_compaction_flip if self.mode.concurrent else lib.gcp_compaction_remap
        if flip(self._native) == 0:
            return True
        self._report()
        return False

    def _report(self) -> None:
        reason = text_of(lib.gcp_compaction_reason(self._native))
        self.failures.append(f"collection {self.cycles}: {reason}")
        self.tell.failed(reason)

    def _recover(self, swept: "gcp_swept_ptr") -> None:
        self._report()
        with self.pause("recovery"):
            error = lib.gcp_compaction_recover(self._native, swept)
        if error:
            raise CollectionError(
                f"collection {self.cycles} can't be finished",
                why=f"{self.failures[-1]}; then the space could not be unregistered either (errno {-error})",
                remedy="a working kernel does not leave this state: see dmesg",
            )
        lib.gcp_compaction_close(self._native)

    def _plan_black(self) -> None:
        heap = self.heap
        note_written(self._plan_address, heap.tables.cards)
        plan_black(self._plan_address, heap.used // 8, heap.note_free_buffers())

    def _forward_roots(self) -> None:
        for one in self.heap.mutators:
            forward_roots(self._plan_address, address_of(one.roots), one.root_count)

    def _slide_allocation(self) -> None:
        by = self.plan.black_shift * PAGE_BYTES
        lib.gcp_world_slide(self.heap.world, self.heap.to + self.plan.black_begin * 8, by)
        self.heap.world.top -= by
        self._made_room()
        self._allocated_until_room = self._allocated() - self._allocated_before

    # Within the space.

    def _slide_pages(self, swept: "gcp_swept_ptr") -> None:
        """All pages by stores, if the flip failed; the pages after them read as zeroes again."""
        setattr(self.plan, "from", self.heap.to)
        self._slide()
        setattr(self.plan, "from", self.heap.from_)
        end = self.plan.used_end * PAGE_BYTES
        swept.recovered = self.plan.used_end
        lib.gcp_region_discard(self.heap.to + end, self.heap.capacity - end)

    def _collect_in_one_pause(self) -> None:
        swept = ffi.new("struct gcp_swept *")
        with self.pause("whole collection"):
            pages = self._align_top()
            with self._phase("initialise"):
                self._initialise(pages * PAGE_BYTES)
            with self._phase("mark"):
                self._mark_roots()
            with self._phase("prepare"):
                self._prepare(pages, 0)
            self.tell.planned(self.plan)
            with self._phase("compact"):
                self._forward_roots()
                self._slide_pages(swept)
                self._slide_allocation()
            self.tell.swept(swept, faults_of([]))
        self.tell.released()
