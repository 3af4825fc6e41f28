"""Measured scenarios: one struct for each experiment, with the tag ``kind``.

Readers choose with ``match``.  No field is a name that has to be parsed; names for reports are made in
gcproto.results.names.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

CONGRUENT, SKEWED = "congruent", "skewed"
ANY = "any"
CACHE, MEMORY = "cache", "memory"
CONSECUTIVE, SHUFFLED = "consecutive", "shuffled"


class PathScenario(msgspec.Struct, frozen=True, tag_field="kind", tag="path"):
    """An evacuation path: the pages of one range are evacuated by one arm.

    Attributes:
        source: state of the source pages: small, mthp, thp, zero, hole, forked, pinned, swapped, swapcache, none.
        order: log2 of the folio size in base pages (0 small).
        arm: way of doing the work (native/paths/arms.c).
        granule_bytes: bytes asked of one call.
        alignment: ``congruent`` (source and destination have the same offset within a PMD) or ``skewed`` (destination
            one base page further).
        threads: threads live in the address space: 1, or 2 (the second touches memory on another processor).
        pages: base pages evacuated in one round.
        working_set: ``cache`` (it fits into the last-level cache), ``memory`` (well beyond it), or ``any``: a range of
            any size that was just written.
        frames: ``consecutive`` or ``shuffled``: order of the page frames of neighbouring folios; ``any``: as the
            kernel gave them to a fresh process.
        replica: 0; 1 for the second member of an A/A pair, the same work under another name.

    """

    source: str
    order: int
    arm: str
    granule_bytes: int
    alignment: str
    threads: int
    pages: int
    working_set: str = ANY
    frames: str = ANY
    replica: int = 0


class ModeOptions(msgspec.Struct, frozen=True, omit_defaults=True):
    """Differences of a mode to its defaults; None: no difference (gcproto.collector.modes.Mode documents each).

    Attributes:
        ebusy: answer to EBUSY.
        fault_by, ready_by, early_by: ``move`` or ``copy``.
        fault_pages, run_pages, granule: pages.
        fresh: ``recycled``, ``zeropage`` or ``kernel``: memory for pages without objects.
        dense_permille: share of live bytes from which a prefix is dense.
        regions: ``granules``, ``always`` or ``never``.
        cut_at_tables: runs end where a page table does.
        batch_pages, spin, dense_first: see ``struct gcp_compaction_policy`` (native/heap/compaction/compaction.h).
        compactors: threads that compact, the collector's included.
        full_after: young collections after which a full one follows; 0: as ART decides.
        flush_bytes, hold_bytes, reserve_pages: when recycled pages are freed, and how many are kept (tests
            choose them).

    """

    ebusy: str | None = None
    fault_by: str | None = None
    ready_by: str | None = None
    early_by: str | None = None
    fault_pages: int | None = None
    run_pages: int | None = None
    granule: int | None = None
    fresh: str | None = None
    dense_permille: int | None = None
    regions: str | None = None
    cut_at_tables: bool | None = None
    compactors: int | None = None
    batch_pages: int | None = None
    spin: int | None = None
    dense_first: bool | None = None
    full_after: int | None = None
    flush_bytes: int | None = None
    hold_bytes: int | None = None
    reserve_pages: int | None = None

    def given(self) -> dict[str, int | str | bool]:
        """The options that are not None, by name."""
        every = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in every.items() if value is not None}


class WorkloadScenario(msgspec.Struct, frozen=True, tag_field="kind", tag="workload"):
    """A workload on a heap that is collected in one mode.

    Attributes:
        workload: name.
        mode: name (gcproto.collector.modes);  options: in what it differs from that.
        policy: evacuation policy for large folios; "" for modes that do not move.
        memory: folios of the heap by name (small, 64k, 2m, system);  order: log2 in base pages, None for ``system``.
        heap_bytes: of the moving space;  live_bytes: of all mutators together, 0 if unknown.
        mutators: threads.
        placement: of mutators and collector on processors: own, shared, unplaced.

    """

    workload: str
    mode: str
    options: ModeOptions
    policy: str
    memory: str
    order: int | None
    heap_bytes: int
    live_bytes: int
    mutators: int
    placement: str = "unplaced"
    replica: int = 0


class PolicyScenario(msgspec.Struct, frozen=True, tag_field="kind", tag="policy"):
    """A heap without mutators that is evacuated by one policy.

    Attributes:
        workload: that filled it.
        memory, order: as in ``WorkloadScenario``.
        policy: of evacuation, or the mode ``copy`` or ``remap``.
        ebusy: answer to EBUSY.
        swapped_permille: of its pages, before;  device: where to, "" for none.
        threads: live in the address space.
        collections: of the heap; the last is measured.
        live_bytes: of the heap.

    """

    workload: str
    memory: str
    order: int | None
    policy: str
    ebusy: str
    swapped_permille: int
    device: str
    threads: int
    collections: int
    live_bytes: int


class WindowScenario(msgspec.Struct, frozen=True, tag_field="kind", tag="window"):
    """The window after the flip, in one way.

    Attributes:
        way: name (gcproto.experiments.window.ways).
        size_bytes: of each space.
        mutators: threads that touch to-space.
        batch, group: parameters of all ways of a run: pages per ioctl of a collector that maps in batches, and pages
            per fault that maps a group. 0: unknown (results of version 1).
        handler: ``sigbus`` (faults are served on the mutator's thread) or ``thread`` (one polling thread serves all).
        placement: of mutators and collector on processors: own, shared, unplaced.

    """

    way: str
    size_bytes: int
    mutators: int
    batch: int
    group: int
    handler: str = "sigbus"
    placement: str = "unplaced"
    replica: int = 0


Scenario = PathScenario | WorkloadScenario | PolicyScenario | WindowScenario

S = TypeVar("S", bound=msgspec.Struct)


def sort_key(one: Scenario) -> tuple[object, ...]:
    """Sort key of scenarios of all kinds."""
    return type(one).__name__, *(_plain(getattr(one, name)) for name in one.__struct_fields__)


def _plain(value: object) -> tuple[int, object]:
    """Values of one field may be None or options."""
    if isinstance(value, ModeOptions):
        return 1, str(sorted(value.given().items()))
    return (0, 0) if value is None else (1, value)


def with_fields(one: S, **changed: object) -> S:
    """The same scenario with other fields."""
    return msgspec.structs.replace(one, **changed)


def fields_of(one: msgspec.Struct) -> Mapping[str, Any]:
    """Fields by name."""
    return {name: getattr(one, name) for name in one.__struct_fields__}
