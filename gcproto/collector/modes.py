"""Ways to collect, and the choices within one.

``art`` has the parameters of ART's CMC.  ``move`` has those that measuring on this machine chose
(docs/results/window.md).  ``copy`` is ART before MOVE; ``stw`` is its fallback without userfaultfd; ``memmove`` is what
collectors do that don't remap pages.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gcproto._native import ffi, lib
from gcproto.results.schema import ModeOptions, with_fields
from gcproto.sizes import MIB

if TYPE_CHECKING:
    from gcproto._native import gcp_compaction_policy_ptr

MOVE, COPY, REMAP = lib.GCP_VERB_MOVE, lib.GCP_VERB_COPY, lib.GCP_VERB_REMAP

HOLD = 64 * MIB
"""Of from-space, what modes with parameters of our own keep until the drain: half a sweep went into giving it back."""

MAP_BY = {"move": MOVE, "copy": COPY}
"""By name, as options have them."""

EBUSY = {
    "copy": (lib.GCP_EBUSY_COPY, lib.GCP_EBUSY_COPY),
    "touch": (lib.GCP_EBUSY_TOUCH, lib.GCP_EBUSY_TOUCH),
    "backoff": (lib.GCP_EBUSY_BACKOFF, lib.GCP_EBUSY_BACKOFF),
    "mutators-copy": (lib.GCP_EBUSY_BACKOFF, lib.GCP_EBUSY_COPY),
}
"""What follows on EBUSY, for the collector and for a faulting mutator (native/uffd/answer.h): ``copy`` is ART's policy
today, ``mutators-copy`` the one before it (08eed04290), ``touch`` its first."""


@dataclass(frozen=True)
class Mode:
    """A way to collect.

    Args:
        name: as in results.
        text: in words.
        concurrent: pages are evacuated while mutators run; else in the pause.
        remap: the space is flipped by mremap; False: pages slide within it.
        collects: False: never (the baseline of the lower-bound overhead).
        map_by, fault_by, ready_by, early_by, fault_pages, run_pages, ebusy, register_whole, fresh_by_recycled, handler,
            flush_bytes, hold_bytes, reserve_pages, remap_pages, granule, whole, large_by, renew, cut_at_tables,
            batch_pages, spin, dense_first, adapt, delivery_ns, interrupt_ns: see ``struct gcp_compaction_policy``
            (native/heap/compaction/compaction.h) and ``EBUSY``.
        compactors: threads that compact, likewise.
        split_ahead, restore: see ``Choice`` (gcproto.collector.policies).  In a mode that moves, the heap's policy
            overwrites these, ``whole``, ``large_by``, ``renew``, and a ``granule`` of 1.
        barrier: mutators dirty cards; False: only where nothing is ever collected (gcproto.heap.calls.BARRIER).
        young: most collections are of the young and middle generation only (gcproto.collector.young).
        full_after: then young collections after which a full one follows; 0: as ART decides.
        dense_permille: a prefix so densely live is updated in place (ART: 950); above 1000: none.
        regions: granules after it that are as dense keep their layout too: ``granules``: of several pages,
            ``always``: of one page as well, ``never`` (ART); see gcproto.collector.compiled.regions.

    """

    name: str
    text: str
    concurrent: bool = True
    remap: bool = True
    collects: bool = True
    map_by: int = MOVE
    fault_by: int = MOVE
    ready_by: int = MOVE
    early_by: int = COPY
    fault_pages: int = 1
    run_pages: int = 0
    ebusy: str = "copy"
    register_whole: bool = True
    fresh_by_recycled: bool = True
    handler: int = lib.GCP_HANDLER_SIGBUS
    flush_bytes: int = 8 * MIB
    hold_bytes: int = 0
    reserve_pages: int = 128
    remap_pages: int = 64
    dense_permille: int = 950
    regions: str = "granules"
    granule: int = 1
    whole: int = 0
    large_by: int = MOVE
    split_ahead: bool = False
    restore: bool = False
    renew: bool = False
    cut_at_tables: bool = False
    compactors: int = 1
    barrier: bool = True
    young: bool = False
    full_after: int = 0
    batch_pages: int = 0
    spin: int = 0
    dense_first: bool = False
    adapt: bool = False
    delivery_ns: int = 0
    interrupt_ns: int = 0

    @property
    def moves(self) -> bool:
        """Whether it evacuates by UFFDIO_MOVE, so that an evacuation policy makes a difference."""
        return self.collects and self.concurrent and self.map_by == MOVE

    @property
    def moves_pages(self) -> bool:
        """Whether it evacuates pages beside the mutators by any ioctl, so that each of them has a fate."""
        return self.collects and self.concurrent

    @property
    def region(self) -> int:
        """Pages of which a dense region consists; 0: none is looked for."""
        wanted = self.regions == "always" or (self.regions == "granules" and self.granule > 1)
        return self.granule if wanted and self.moves else 0

    def policy(self) -> "gcp_compaction_policy_ptr":
        """The same for C."""
        found = ffi.new("struct gcp_compaction_policy *")
        found.map_by, found.fault_by = self.map_by, self.fault_by
        found.ready_by, found.early_by, found.large_by = self.ready_by, self.early_by, self.large_by
        found.fault_pages, found.run_pages = self.fault_pages, self.run_pages
        found.reserve_pages, found.remap_pages = self.reserve_pages, self.remap_pages
        found.flush_bytes, found.hold_bytes, found.handler = self.flush_bytes, self.hold_bytes, self.handler
        found.granule, found.whole = self.granule, self.whole
        found.renew, found.cut_at_tables = self.renew, self.cut_at_tables
        found.compactors = self.compactors
        found.batch_pages, found.spin = self.batch_pages, self.spin
        found.dense_first, found.adapt = self.dense_first, self.adapt
        found.delivery_ns, found.interrupt_ns = self.delivery_ns, self.interrupt_ns
        found.collector_ebusy, found.mutator_ebusy = EBUSY[self.ebusy]
        found.register_whole = self.register_whole
        found.fresh_by_recycled = self.fresh_by_recycled and self.map_by == MOVE
        return found

    def fixed(self) -> frozenset[str]:
        """Options that this mode has no choice in (native/heap/compaction/fault.c and sweep.c read them)."""
        found = {"fault_by", "fault_pages", "fresh", "ready_by"} if self.map_by == REMAP else set()
        if not self.moves_pages:  # no ioctl maps a page, and no fault is served
            found |= {"ebusy", "fault_by", "ready_by", "early_by", "fault_pages", "run_pages", "fresh"}
            found |= {"compactors", "cut_at_tables"}
        if self.map_by != MOVE:  # only MOVE returns EBUSY, and COPY needs no recycled page
            found |= {"ebusy", "fault_by"}
        if self.adapt:  # measured costs choose
            found |= {"fault_by", "ready_by", "fault_pages"}
        if self.young or not self.moves:
            found |= {"granule", "regions"}  # the old generation ends at any page
        if not self.young:
            found.add("full_after")
        return frozenset(found)

    def takes(self, option: str) -> bool:
        """Whether an option of ``ModeOptions`` changes anything in this mode."""
        return self.collects and option not in self.fixed()

    def able(self, options: ModeOptions) -> ModeOptions:
        """Those of the options that this mode has a choice in: none for one that never collects."""
        if not self.collects:
            return ModeOptions()
        return with_fields(options, **dict.fromkeys(self.fixed() & options.given().keys()))

    def with_options(self, options: ModeOptions) -> "Mode":
        """The same with other choices, as far as it has any in them (``able``)."""
        changed: dict[str, Any] = dict(self.able(options).given())
        for name in ("fault_by", "ready_by", "early_by"):
            if name in changed:
                changed[name] = MAP_BY[changed[name]]
        fresh = changed.pop("fresh", None)
        if fresh:
            changed |= {"register_whole": fresh != "kernel"}
            if fresh != "kernel":
                changed["fresh_by_recycled"] = fresh == "recycled"
        return replace(self, **changed)


MODES = {
    mode.name: mode
    for mode in (
        Mode("art", "UFFDIO_MOVE as ART's CMC uses it, with its fallback", reserve_pages=512),
        Mode(
            "move",
            "UFFDIO_MOVE by the collector, the dense prefix first. A fault builds 16 pages and maps them by one COPY. "
            "From-space is freed after the drain; fresh pages are left to the kernel",
            fault_by=COPY,
            ready_by=COPY,
            fault_pages=16,
            register_whole=False,
            hold_bytes=HOLD,
            spin=32,
            dense_first=True,
        ),
        Mode(
            "auto",
            "UFFDIO_MOVE or UFFDIO_COPY for each run and fault, by what they have cost so far in this heap",
            register_whole=False,
            hold_bytes=HOLD,
            batch_pages=16,
            spin=32,
            dense_first=True,
            adapt=True,
        ),
        Mode("copy", "UFFDIO_COPY alone (ART before MOVE)", map_by=COPY, register_whole=False, reserve_pages=4),
        Mode(
            "remap",
            "mremap for runs of 64 ready pages and more, UFFDIO_COPY for the others",
            map_by=REMAP,
            fault_by=COPY,
            register_whole=False,
        ),
        Mode("thread", "as art, but one thread answers the faults", handler=lib.GCP_HANDLER_THREAD),
        Mode("stw", "mremap, then all pages by stores, in the pause (ART's fallback)", concurrent=False),
        Mode(
            "memmove", "slide within the space, everything in one pause, no userfaultfd", concurrent=False, remap=False
        ),
        Mode(
            "young-move",
            "UFFDIO_MOVE by the collector, old pages first, as they are. A fault builds 16 pages and maps them by one "
            "COPY. Most collections are of the young and middle generation",
            fault_by=COPY,
            ready_by=COPY,
            fault_pages=16,
            register_whole=False,
            regions="never",
            young=True,
            spin=32,
            dense_first=True,
        ),
        Mode(
            "young-copy",
            "as copy, and most collections are of the young and middle generation: old pages are copied as they are",
            map_by=COPY,
            register_whole=False,
            reserve_pages=4,
            regions="never",
            young=True,
        ),
        Mode("none", "no collection: memory for everything that is allocated", collects=False),
        Mode(
            "bare",
            "as none, and mutators have no write barrier: what it costs is the difference",
            collects=False,
            barrier=False,
        ),
    )
}
