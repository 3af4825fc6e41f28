"""The result format, ``gcproto.result/1``: one document for each run, the same for every producer.

A result says what was asked, what was measured (raw samples), what proves that the named path was the path taken, what
the environment was, and whether it is valid.  Readers tolerate unknown fields; a field that changes its meaning raises
the version.

History of the format
    1   first version; later in it: latency and figures of a measurement; histograms, series, collections and notes;
        guest and verdicts of a result; map of a collection; choices of a measurement
"""

from typing import Any

import msgspec

SCHEMA = "gcproto.result/1"

UNIT_TIME = "ns/page"
UNIT_INSTRUCTIONS = "instructions/page"
UNIT_OPERATION = "ns/operation"
"""Of a workload on a heap: time of its mutators for one of its operations."""


def swapin_figure(unit: str) -> str:
    """Name of a figure of arms that swap in (``move_swapin``): the part of the samples that the first reads took."""
    return f"swap-in {unit}"


class Scenario(msgspec.Struct, frozen=True, order=True):
    """What was measured; equal scenarios are comparable.

    Attributes:
        source: state of the source pages: small, mthp, thp, zero, hole, forked, pinned, swapped, swapcache.
        order: log2 of the folio size in base pages (0 small).
        arm: way of doing the work, see ``gcproto.paths.arms``.
        granule_bytes: bytes asked of one call.
        alignment: ``congruent`` (source and destination have the same offset within a PMD) or ``skewed`` (destination
            one base page further).
        threads: threads live in the address space: 1, or 2 (the second touches memory on another CPU).
        pages: base pages evacuated in one round.
        replica: 0; 1 for the second member of an A/A pair, the same work measured again under another name.

    """

    source: str
    order: int
    arm: str
    granule_bytes: int
    alignment: str
    threads: int
    pages: int
    replica: int = 0


class Interval(msgspec.Struct, frozen=True):
    """An estimate with its bootstrap confidence interval."""

    value: float
    low: float
    high: float
    confidence: float = 0.95


class InvalidRound(msgspec.Struct, frozen=True):
    """A round whose proof failed: kept and shown, never part of the statistics."""

    round: int
    sample: float
    reason: str


class Outcome(msgspec.Struct):
    """Where the pages went and what the kernel said, summed over the valid rounds (pages, ioctls, folios)."""

    asked: int = 0
    moved: int = 0
    copied: int = 0
    copied_after_ebusy: int = 0
    zeroed: int = 0
    already: int = 0
    left: int = 0
    splits: int = 0
    ebusy: int = 0
    eagain: int = 0
    eexist: int = 0
    enoent: int = 0
    short: int = 0
    calls: int = 0


class Proof(msgspec.Struct):
    """What proves the path, summed over the valid rounds.

    Attributes:
        level: ``pfn`` (page frame numbers and folio orders were read) or ``state`` (unprivileged: present and swapped
            bits, counters and contents only).
        rounds: rounds that passed.
        pfn_kept: destination pages with the page frame number of their source page.
        pfn_changed: destination pages with another one.
        contents: pages whose contents were right (all, in a valid round).
        source_gone: source pages no longer present after the round.
        folios: large folios in the sources.
        folios_split: of these, split during the work (hugepages-*kB/stats/split).
        pmd_splits: page-table splits of THPs during the work (thp_split_pmd).
        order_after: pages at the destination by folio order, ``{"0": 512}``.
        swapped_before, swapped_after: swapped pages of source and destination.
        cached_before: of the source's swapped pages, those with their folio in the swap cache.
        path: the path in a word: moved-whole, split-and-moved, moved, copied, remapped, ...

    """

    level: str = "state"
    rounds: int = 0
    pfn_kept: int = 0
    pfn_changed: int = 0
    contents: int = 0
    source_gone: int = 0
    folios: int = 0
    folios_split: int = 0
    pmd_splits: int = 0
    order_after: dict[str, int] = {}
    swapped_before: int = 0
    swapped_after: int = 0
    cached_before: int = 0
    path: str = ""


class Latency(msgspec.Struct):
    """How long single events took, pooled over all valid rounds; ns.

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


class Pause(msgspec.Struct):
    """A time for which mutators were stopped.

    Attributes:
        name: what for.
        stop_ns: from the request until the last one stood.
        ns: from then until they were let go.

    """

    name: str
    stop_ns: int
    ns: int


class Collection(msgspec.Struct):
    """One collection of a heap.

    Attributes:
        number: in its round, from 1 on; measured: False for those before all mutators were set up.
        objects, live_bytes: marked;  dirty_cards: looked at again.
        used_before, used_after: bytes of the moving space.
        dense, kept, compacted, slid: to-space pages by what was to become of them: updated in place, in the dense
            prefix or in dense regions behind it; built of live words, or a gap before a region; moved down whole.
        phases: ns by name;  pauses: in order.
        collector, faults: what the collector's thread and the mutators' faults did: pages and ioctls by name (see
            native/compaction.h and native/pages.h).
        resident: bytes of the process afterwards.
        folios: where large ones were asked for: pages in use afterwards, by the order of their folio ("0" small), and
            ``swapped`` and ``zero`` (zero pages);  splits: folios split meanwhile in the whole system, by order.
        map: what became of each to-space page, from low to high, run-length coded (see gcproto.results.page_map);
            "" if it was not recorded.

    """

    number: int
    measured: bool = True
    objects: int = 0
    live_bytes: int = 0
    dirty_cards: int = 0
    used_before: int = 0
    used_after: int = 0
    dense: int = 0
    kept: int = 0
    compacted: int = 0
    slid: int = 0
    phases: dict[str, int] = {}
    pauses: list[Pause] = []
    collector: dict[str, int] = {}
    faults: dict[str, int] = {}
    resident: int = 0
    folios: dict[str, int] = {}
    splits: dict[str, int] = {}
    map: str = ""


class Measurement(msgspec.Struct):
    """One scenario, measured.

    Attributes:
        unit: ``ns/page`` or ``instructions/page`` (base pages).
        samples: one value a valid round, in the order of the rounds.
        rounds: the round of each sample; equal numbers were measured next to each other, so ratios are paired by them.
        warmup: samples of warm-up rounds, kept but not used.
        median, ci: of the samples; None without valid samples.
        ratio_to_copy: median ratio to the copy arm of the same source, order, granule, alignment and threads.
        valid: False if too many rounds are invalid; such a measurement must not be quoted.
        split_part: for arms that split first, the part of the samples spent splitting (median, same unit), else None.
        latency: of single events, by name: ``access`` (a mutator's first touch of a page), ``fault`` (serving one).
        figures: further medians over the valid rounds, by name with unit: ``collector ns/page``, ``faults``, ...
        histograms: of ``fault``, ``pause``, ``wait`` (ns) and ``run`` (pages per ioctl), over all valid rounds, as
            HdrHistogram V2 in base64, which its tools read.
        series: of the last valid round, by name with unit: pairs of ns since its start and a value.
        collections: of each valid round, in order.
        notes: what a reader should know, in words.
        choices: each different thing that an evacuation policy chose in the rounds, by name
            (gcproto.collector.chosen): one, unless its calibration wavered; none for other measurements.

    """

    scenario: Scenario
    unit: str
    samples: list[float]
    rounds: list[int]
    warmup: list[float]
    median: float | None
    ci: Interval | None
    ratio_to_copy: Interval | None
    valid: bool
    invalid_rounds: list[InvalidRound]
    proof: Proof
    outcome: Outcome
    split_part: float | None = None
    latency: dict[str, Latency] = {}
    figures: dict[str, float] = {}
    histograms: dict[str, str] = {}
    series: dict[str, list[tuple[int, float]]] = {}
    collections: list[list[Collection]] = []
    notes: list[str] = []
    choices: list[dict[str, str]] = []


class Skip(msgspec.Struct, frozen=True):
    """What was asked and not measured: the reason and the remedy.  Nothing else is measured in its place."""

    what: str
    reason: str
    remedy: str = ""


class Producer(msgspec.Struct):
    """Who made the result and how.

    Attributes:
        name: paths, collector, kernels or claims (gcprobe writes paths).
        version: of gcproto.
        command: the command line.
        options: what the run was asked, as far as it must be alike for a comparison.
        seed: of the order of rounds and of the contents.
        started: UTC, ISO 8601.
        seconds: wall time of the run.
        benchmark: hash of the code that measures; another hash starts a new series.
        complete: False if the run was interrupted and holds what it had until then.

    """

    name: str
    version: str
    command: list[str]
    options: dict[str, Any]
    seed: int
    started: str
    seconds: float
    benchmark: str
    complete: bool = True


class Noise(msgspec.Struct):
    """The noise floor, from pairs that measure the same work twice in the same run.

    Attributes:
        pairs: of each A/A pair, the ratio of its members.
        floor: relative size below which a difference is noise, e.g. 0.03 (95th percentile of the pairs' deviations).

    """

    pairs: list[Interval]
    floor: float


class Guest(msgspec.Struct):
    """The virtual machine that a result comes from; ``environment`` is then the guest's.

    Attributes:
        outcome: ``done``, or what kept it from being done: ``panic``, ``hang`` (no output any more), ``timeout``,
            ``died`` (QEMU ended), ``unbootable`` (no sign of life, or no image that could be booted).
        why: the outcome in words; "" when done.
        boot: 1 for the first boot of this kernel in its run, 2 for the next, ...
        icount: whether time in the guest is counted in executed instructions.
        seconds: wall time from the start of QEMU to its end.
        command: QEMU's command line.
        console: the last lines of the kernel's console; more of them when it is not done.
        host: where it ran: CPU model, kernel release, QEMU version.

    """

    outcome: str
    why: str
    boot: int
    icount: bool
    seconds: float
    command: list[str]
    console: list[str]
    host: dict[str, str]


class Verdict(msgspec.Struct, frozen=True):
    """What a kernel was seen to do where it might misbehave.

    Attributes:
        name: of the check: ``contract/ROW``, ``hazard/NAME``, or ``claim/KEY``.
        verdict: ``fine``, ``ebusy`` (refused, which is fine), ``differs``, ``hang``, ``panic``, ``corruption``, or
            ``unavailable`` (not to be had in this kernel, or never reached); of a claim ``confirmed``, ``refuted`` or
            ``not testable here``.
        text: what was seen.
        seconds: that it took.

    """

    name: str
    verdict: str
    text: str
    seconds: float = 0.0


class Result(msgspec.Struct):
    """One run; ``guest`` and ``verdicts`` are of runs in a virtual machine."""

    run_id: str
    producer: Producer
    environment: dict[str, Any]
    measurements: list[Measurement]
    skips: list[Skip]
    noise: Noise | None
    guest: Guest | None = None
    verdicts: list[Verdict] = []
    schema: str = SCHEMA
