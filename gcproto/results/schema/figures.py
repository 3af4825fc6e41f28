"""Figures of an experiment besides its samples: a struct for each kind of scenario.

Times are in the unit of the measurement unless a name has another.  None: not measured, or not known.
"""

import msgspec

from gcproto.results.schema.collection import Collection, Work
from gcproto.results.schema.profile import Profile


class Latency(msgspec.Struct):
    """Durations of single events, pooled over all valid rounds; ns.

    Attributes:
        n: events.
        p50, p90, p99, p999: percentiles from a log-linear histogram (3 % steps); None with too few events.
        max: the longest.

    """

    n: int
    p50: float | None
    p90: float | None
    p99: float | None
    p999: float | None
    max: float


class Extra(msgspec.Struct, omit_defaults=True):
    """Part of all kinds: figures that no reader uses by name."""

    extras: dict[str, float] = {}


class Blocks(msgspec.Struct, frozen=True):
    """Blocks of contpte in source and destination: aligned PTEs of a folio that arm64 maps by one TLB entry.

    Attributes:
        folded: of each watched round, blocks whose PTEs got the contiguous bit during the work.
        unfolded: of each watched round, blocks whose PTEs lost it and stayed.
        void: watched rounds that were not valid.

    """

    folded: list[int] = []
    unfolded: list[int] = []
    void: int = 0


class PathFigures(Extra, tag_field="kind", tag="path", omit_defaults=True):
    """Of a path.

    Attributes:
        split_part: of arms that split first, the part of the samples spent on it (median).
        swapin_part: of arms that swap in, the part that the first reads took (median).
        disturbed: number of rounds in which another process kept the second thread from running. Each was repeated, and
            is an invalid round if that did not help.
        profile: in a guest that was profiled, where the instructions went.
        blocks: of contpte, in rounds after the measured ones; None where they were not watched.

    """

    split_part: float | None = None
    swapin_part: float | None = None
    disturbed: int = 0
    profile: Profile | None = None
    blocks: Blocks | None = None


class PhaseTimes(msgspec.Struct, omit_defaults=True):
    """Medians over collections, ms; None: the phase did not take place."""

    initialise: float | None = None
    cards: float | None = None
    mark: float | None = None
    prepare: float | None = None
    split: float | None = None
    compact: float | None = None
    drain: float | None = None
    promote: float | None = None
    release: float | None = None
    restore: float | None = None
    verify: float | None = None


class PauseFigure(msgspec.Struct):
    """Pauses of one name over all collections, with the time to stop: median and longest, ms."""

    name: str
    median_ms: float
    max_ms: float


class Mmu(msgspec.Struct):
    """Minimum mutator utilisation of one window, 0 to 1: median and least over the rounds, and of each, in order."""

    window_ms: int
    median: float
    least: float
    rounds: list[float] = []


class Stall(msgspec.Struct):
    """The longest stall of a mutator: its length, its cause and the mutator; cause "": no stall was seen."""

    ns: int = 0
    cause: str = ""
    mutator: int = 0


class MadeLarge(msgspec.Struct):
    """Pages put into large folios again, per heap, and ns for each."""

    pages: float
    ns_page: float


class Parts(msgspec.Struct, omit_defaults=True):
    """Pages that moved without all of their folio, by cause (native/uffd/answer.h)."""

    part_one: int = 0
    part_skewed: int = 0
    part_edge: int = 0
    part_busy: int = 0


class FolioFigures(msgspec.Struct):
    """The outcome of large folios.

    Attributes:
        could_go_whole, went_whole: shares of the pages.
        folios_split: by the moves.
        evacuation_ms: from flip to drain, median.
        large_share_at_end: of the pages in use after the last collection.
        restored, renewed: pages made THPs again, and populated again.
        collector_parts, fault_parts: moves of parts of folios.

    """

    could_go_whole: float
    went_whole: float
    folios_split: float
    evacuation_ms: float
    large_share_at_end: float
    restored: MadeLarge | None = None
    renewed: MadeLarge | None = None
    collector_parts: Parts = msgspec.field(default_factory=Parts)
    fault_parts: Parts = msgspec.field(default_factory=Parts)


class Histograms(msgspec.Struct, omit_defaults=True):
    """Over all valid rounds, as HdrHistogram V2 in base64, which its tools read; "" without a value.

    ``fault``, ``pause``, ``wait`` are ns, ``runs`` pages per ioctl of the collector.
    """

    fault: str = ""
    pause: str = ""
    wait: str = ""
    runs: str = ""


class KindFigures(msgspec.Struct, omit_defaults=True):
    """Collections of one kind of a heap: of its young and middle generation, or of all of it.

    Attributes:
        young: which kind.
        collections: a round, mean.
        freed_mib: by a collection, median;  promoted_mib: that came to the old generation, median.
        evacuated: bytes mapped in to-space for each byte freed;  copied: bytes copied for each, by UFFDIO_COPY and by
            building pages.  Sums over all collections; None where nothing was freed.
        old_share: of the evacuated pages, those that kept their place: the old generation, or the dense prefix.
        cards: of the old generation, dirty at the begin, median;  cards_us: looking through the card table, median.
        mark_ms, compact_ms: medians;  pause_ms: the longest, with the time to stop.

    """

    young: bool
    collections: float = 0.0
    freed_mib: float = 0.0
    promoted_mib: float = 0.0
    evacuated: float | None = None
    copied: float | None = None
    old_share: float = 0.0
    cards: float = 0.0
    cards_us: float = 0.0
    mark_ms: float = 0.0
    compact_ms: float = 0.0
    pause_ms: float = 0.0


class FaultCosts(msgspec.Struct, frozen=True):
    """What mutators pay outside of their handlers, measured before the first round (native/heap/costs.h); ns.

    Attributes:
        delivery: of a fault that SIGBUS serves, all but its handler.
        minor_fault: of the kernel's own fault on a fresh page.
        shoot_down: lost by a running thread when another one unmaps a page; 0: not measured.

    """

    delivery: int = 0
    minor_fault: int = 0
    shoot_down: int = 0


class MutatorTime(msgspec.Struct):
    """Where the mutators' time went in one round, all of them together.

    Attributes:
        mutators: threads;  ns: from when all were set up until each was through, added up.
        stalls: what kept them from running: pauses, waits for memory, faults by what they did (handlers alone).
        minor_faults: that the kernel served;  shoot_downs: that their processors received, None where unknown.
        queued_ns: that they waited for a processor, runnable.

    """

    mutators: int = 0
    ns: int = 0
    stalls: list[Work] = []
    minor_faults: int = 0
    shoot_downs: int | None = None
    queued_ns: int = 0

    def lost_ns(self, delivery: int) -> float:
        """In faults and in waiting for memory, with what delivering a fault costs; of all mutators."""
        faults = sum(one.ns + one.n * delivery for one in self.stalls if one.what.startswith("fault"))
        return faults + sum(one.ns for one in self.stalls if one.what == "memory")


class WorkloadFigures(Extra, tag_field="kind", tag="workload"):
    """Of a workload on a heap.

    Attributes:
        collections_a_round: median.
        wall_ms: from the end of set-up until the last mutator ended, median.
        mutator_cpu_ms, collector_cpu_ms: CPU time of their threads, median.
        lbo_wall, lbo_cpu: lower-bound overhead (Cai et al., ISPASS 2022).
        phases: medians over collections;  pauses: by name.
        mmu: by window, the worst of all mutators;  stall: the longest of all rounds.
        faults: per round, median.
        compact_ns_page: collector's thread, for each page it produced;  map_ns_page: its ioctls for each page mapped.
        pages_an_ioctl: of the collector;  copied_mib: by UFFDIO_COPY, all rounds;  fallback_share: copied after EBUSY
            of all mapped.
        marked_mobjects_s: millions of objects a second.
        resident_max_mib: of the process;  resident: of the last valid round: ns since its start, MiB.
        folios: where large ones were asked for and counted.
        fault, pause, wait: how long each took.
        verified: collections that the verifier passed.
        choice: the reason for the choice of the evacuation policy, in words.
        kinds: of collections: young ones first, where there are any.
        lost_ms: time that a mutator lost in faults and in waiting for memory, median of the rounds.
        times: of each valid round, in order;  costs: of events outside all handlers.
        collections: of each valid round, in order.

    """

    collections_a_round: float = 0.0
    wall_ms: float | None = None
    mutator_cpu_ms: float | None = None
    collector_cpu_ms: float | None = None
    lbo_wall: float | None = None
    lbo_cpu: float | None = None
    phases: PhaseTimes = msgspec.field(default_factory=PhaseTimes)
    pauses: list[PauseFigure] = []
    mmu: list[Mmu] = []
    stall: Stall = msgspec.field(default_factory=Stall)
    faults: float = 0.0
    compact_ns_page: float | None = None
    map_ns_page: float | None = None
    pages_an_ioctl: float | None = None
    copied_mib: float | None = None
    fallback_share: float | None = None
    marked_mobjects_s: float | None = None
    resident_max_mib: float = 0.0
    resident: list[tuple[int, float]] = []
    folios: FolioFigures | None = None
    fault: Latency | None = None
    pause: Latency | None = None
    wait: Latency | None = None
    histograms: Histograms = msgspec.field(default_factory=Histograms)
    verified: int = 0
    choice: str = ""
    kinds: list[KindFigures] = []
    lost_ms: float | None = None
    times: list[MutatorTime] = []
    costs: FaultCosts | None = None
    collections: list[list[Collection]] = []

    @property
    def longest_pause_ms(self) -> float | None:
        """Of all names."""
        return max((one.max_ms for one in self.pauses), default=None)

    def mmu_of(self, window_ms: int) -> Mmu | None:
        """Of one window."""
        return next((one for one in self.mmu if one.window_ms == window_ms), None)


class PolicyChoice(msgspec.Struct, frozen=True, omit_defaults=True):
    """The choices of an evacuation policy that make a difference on the heap's memory; equal choices are equal work.

    Attributes:
        granule: pages.
        large_by: ``moved`` or ``copied``; None where no folio is large, and so for the rest.
        whole: pages of a folio that moves whole.

    """

    granule: int = 1
    large_by: str | None = None
    whole: int | None = None
    split_ahead: bool | None = None
    restore: bool | None = None
    renew: bool | None = None


class PolicyFigures(Extra, tag_field="kind", tag="policy"):
    """Figures of an evacuation policy on a heap without mutators; medians over the rounds.

    Attributes:
        map_ns_page: ioctls;  split_ns_page: splitting ahead, before the flip.
        before, interrupted: of each valid round, in order, ns for each page.  Before: splitting ahead of the flip.
            Interrupted: what a live second thread lost to shoot-downs before and after it, empty if unknown.
        dense_share: of the pages, those updated in place.
        could_go_whole, went_whole: shares of the pages.
        swapped_before, swapped_after: pages at the flip and after the sweep.
        ebusy, fallback: refused calls, pages copied after them;  folios_split: in the whole system meanwhile.
        second_thread_sweeps: of its memory while the heap was collected; None without one.
        restored, renewed: over all collections of a heap.
        choice: why, in words;  choices: each different thing chosen in the rounds: one, unless calibration wavered.
        disturbed: number of heaps collected while another process kept the second thread from running. Each was
            repeated, and is an invalid round if that did not help.
        collections: the measured one of each valid round.

    """

    map_ns_page: float = 0.0
    split_ns_page: float = 0.0
    before: list[float] = []
    interrupted: list[float] = []
    dense_share: float = 0.0
    could_go_whole: float = 0.0
    went_whole: float = 0.0
    swapped_before: float = 0.0
    swapped_after: float = 0.0
    ebusy: float = 0.0
    fallback: float = 0.0
    folios_split: float = 0.0
    second_thread_sweeps: float | None = None
    restored: MadeLarge | None = None
    renewed: MadeLarge | None = None
    choice: str = ""
    choices: list[PolicyChoice] = []
    disturbed: int = 0
    collections: list[list[Collection]] = []


class WindowFigures(Extra, tag_field="kind", tag="window"):
    """Of a window; medians over the rounds.

    Attributes:
        collector_ns_page: of its sweep.
        faults: served;  pages_by_faults: mapped by them.
        uncounted: pages in place although every ioctl for them returned EEXIST, all rounds together.
        pages_an_ioctl: of the collector.
        lost_ns_page: mutator time spent in faults, over all mutators; None where others served them.
        queued_ns_page: time that mutators waited for a processor, over all of them;  collector_queued_ns_page: that the
            collector did; None where the kernel does not say.
        access: a mutator's first touch of a page;  fault: serving one.
        processors: on which the collector and the mutators ran, as far as they were placed.

    """

    collector_ns_page: float = 0.0
    faults: float = 0.0
    pages_by_faults: float = 0.0
    uncounted: float = 0.0
    pages_an_ioctl: float = 0.0
    lost_ns_page: float | None = None
    queued_ns_page: float | None = None
    collector_queued_ns_page: float | None = None
    access: Latency | None = None
    fault: Latency | None = None
    processors: list[int] = []


Figures = PathFigures | WorkloadFigures | PolicyFigures | WindowFigures
HeapFigures = WorkloadFigures | PolicyFigures
"""Those that have collections."""
