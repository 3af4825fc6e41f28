"""One collection of a heap: its counts, the times of its phases and pauses, the outcome of the pages."""

import msgspec


class Phases(msgspec.Struct, omit_defaults=True):
    """ns of each phase; 0: it did not take place."""

    initialise: int = 0
    cards: int = 0
    mark: int = 0
    prepare: int = 0
    split: int = 0
    compact: int = 0
    drain: int = 0
    promote: int = 0
    release: int = 0
    restore: int = 0
    verify: int = 0

    def by_name(self) -> dict[str, int]:
        """The phases that took place, in order."""
        every = {name: int(getattr(self, name)) for name in self.__struct_fields__}
        return {name: ns for name, ns in every.items() if ns}


class Pause(msgspec.Struct):
    """A time for which mutators were stopped.

    Attributes:
        name: the reason.
        stop_ns: from the request until the last one stopped.
        ns: from then until they were released.

    """

    name: str
    stop_ns: int
    ns: int


class MapAccount(msgspec.Struct, omit_defaults=True):
    """Pages and ioctls of mapping to-space: ``struct gcp_account`` (native/uffd/answer.h).

    ``whole_large`` is None in results of versions that did not count it.
    """

    moved: int = 0
    moved_after_ebusy: int = 0
    copied: int = 0
    copied_after_ebusy: int = 0
    zeroed: int = 0
    lost: int = 0
    whole: int = 0
    whole_large: int | None = None
    part_busy: int = 0
    part_one: int = 0
    part_skewed: int = 0
    part_edge: int = 0
    remapped: int = 0
    remap_calls: int = 0
    move_calls: int = 0
    copy_calls: int = 0
    zeropage_calls: int = 0
    short_results: int = 0
    eagain: int = 0
    ebusy: int = 0
    enoent: int = 0

    @property
    def mapped(self) -> int:
        """Pages that are in place by any of the ways."""
        return self.moved + self.remapped + self.copied + self.copied_after_ebusy + self.zeroed

    @property
    def calls(self) -> int:
        """System calls."""
        return self.remap_calls + self.move_calls + self.copy_calls + self.zeropage_calls


class Work(msgspec.Struct, frozen=True, omit_defaults=True):
    """One kind of work in a collection: a count and what it costs (native/heap/work.h).

    Attributes:
        what: ``build``, ``move_16``, ``fault_built``, ...
        n: times;  pages: in all of them.
        timed: of the n, those that took ``ns`` together: all, or a sample.

    """

    what: str
    n: int
    pages: int = 0
    timed: int = 0
    ns: int = 0

    @property
    def each_ns(self) -> float:
        """Mean of those that were timed; 0 if none was."""
        return self.ns / self.timed if self.timed else 0.0

    @property
    def total_ns(self) -> float:
        """Count times cost."""
        return self.n * self.each_ns


class CollectorAccount(MapAccount, omit_defaults=True):
    """Work of the collector's thread and of other compacting threads, and pages restored afterwards.

    ``struct gcp_swept`` (native/heap/compaction/compaction.h).  ``helped``: pages that the other threads produced, of
    ``produced``.
    """

    updated: int = 0
    built: int = 0
    slid: int = 0
    empty: int = 0
    recycled: int = 0
    discarded: int = 0
    flushes: int = 0
    recovered: int = 0
    map_ns: int = 0
    helped: int = 0
    renewed: int = 0
    renew_ns: int = 0
    queued_ns: int = 0
    restored: int = 0
    restore_refused: int = 0

    @property
    def produced(self) -> int:
        """To-space pages that it evacuated."""
        return self.updated + self.built + self.slid


class FaultAccount(MapAccount, omit_defaults=True):
    """Work of the mutators' faults."""

    updated: int = 0
    built: int = 0
    slid: int = 0
    fresh: int = 0
    waited: int = 0
    faults: int = 0


class FolioCounts(msgspec.Struct, omit_defaults=True):
    """Pages in use by the order of their folio, and those swapped out or mapped to the zero page apart."""

    by_order: dict[int, int] = {}
    swapped: int = 0
    zero: int = 0


class Collection(msgspec.Struct):
    """One collection of a heap.

    Attributes:
        number: in its round, from 1 on; measured: False for those before all mutators were set up.
        young: of the young and middle generation, not of the whole heap.
        objects, live_bytes: marked;  dirty_cards: looked at again.
        old_cards: of the old generation that were dirty when a young collection began;  promoted: to-space pages that
            came to the old generation;  freed: pages that the flip gave back.
        used_before, used_after: bytes of the moving space.
        dense, kept, compacted, slid: to-space pages by plan. In place: in the dense prefix or in dense regions after
            it. Built of live words, or a gap before a region. Moved down whole.
        phases: ns;  pauses: in order.
        collector, faults: what the collector's thread and the mutators' faults did.
        work: what the collector's sweep did;  fault_work: what mutators' faults did;  stalls: what kept mutators from
            running meanwhile, from the flip to the drain.
        resident: bytes of the process afterwards.
        folios: where large ones were asked for: pages in use afterwards;  splits: folios split meanwhile in the whole
            system, by order.
        shoot_downs: that a live second thread's processor received, by phase (split, compact, drain); empty if none is
            counted.
        map: the outcome of each to-space page, from low to high, run-length coded (see gcproto.results.page_map);
            "" if it was not recorded.

    """

    number: int
    measured: bool = True
    young: bool = False
    objects: int = 0
    live_bytes: int = 0
    dirty_cards: int = 0
    used_before: int = 0
    used_after: int = 0
    dense: int = 0
    kept: int = 0
    compacted: int = 0
    slid: int = 0
    old_cards: int = 0
    promoted: int = 0
    freed: int = 0
    phases: Phases = msgspec.field(default_factory=Phases)
    pauses: list[Pause] = []
    collector: CollectorAccount = msgspec.field(default_factory=CollectorAccount)
    faults: FaultAccount = msgspec.field(default_factory=FaultAccount)
    work: list[Work] = []
    fault_work: list[Work] = []
    stalls: list[Work] = []
    resident: int = 0
    folios: FolioCounts = msgspec.field(default_factory=FolioCounts)
    splits: dict[int, int] = {}
    shoot_downs: dict[str, int] = {}
    map: str = ""
