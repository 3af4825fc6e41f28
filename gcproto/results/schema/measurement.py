"""One measured scenario: its samples, their proof, their statistics."""

import msgspec

from gcproto.results.schema.figures import Figures
from gcproto.results.schema.scenario import Scenario

UNIT_TIME = "ns/page"
UNIT_INSTRUCTIONS = "instructions/page"
UNIT_OPERATION = "ns/operation"
"""Of a workload on a heap: time of its mutators for one of its operations."""
UNIT_INSTRUCTIONS_OPERATION = "instructions/operation"
UNIT_IPIS = "IPIs/page"
"""Of a path beside a second thread in a guest that is profiled: that thread spins, so instructions say nothing, and
interrupts between the processors are counted instead."""
TIMES = frozenset({UNIT_TIME, UNIT_OPERATION})


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
    """Outcome of the pages and answers of the kernel, summed over the valid rounds (pages, ioctls, folios)."""

    asked: int = 0
    moved: int = 0
    remapped: int = 0
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
    """The proof of the path, summed over the valid rounds.

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
        order_after: pages at the destination by folio order.
        swapped_before, swapped_after: swapped pages of source and destination.
        cached_before: of the source's swapped pages, those with their folio in the swap cache.
        frames_pairs, frames_adjacent: neighbouring folios of the sources whose page frames were read, and those of them
            on neighbouring frames;  frames_blocks: aligned blocks of the PMD size that their frames lie in;
            target_pairs, target_adjacent, target_blocks: the same of the destination's pages afterwards.
        range_bytes: of a round's source;  streamed_bytes: read before the work so that nothing of it is in a cache.
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
    order_after: dict[int, int] = {}
    swapped_before: int = 0
    swapped_after: int = 0
    cached_before: int = 0
    frames_pairs: int = 0
    frames_adjacent: int = 0
    frames_blocks: int = 0
    target_pairs: int = 0
    target_adjacent: int = 0
    target_blocks: int = 0
    range_bytes: int = 0
    streamed_bytes: int = 0
    path: str = ""


class SampleMode(msgspec.Struct, frozen=True):
    """One of two modes that the samples of a measurement fall into (gcproto.results.modality).

    Attributes:
        median, low, high: of its samples.
        share: of all samples.

    """

    median: float
    low: float
    high: float
    share: float


class Measurement(msgspec.Struct):
    """One scenario, measured.

    Attributes:
        unit: of the samples, for each base page or operation.
        samples: one value a valid round, in the order of the rounds.
        rounds: the round of each sample; equal numbers were measured next to each other, so ratios are paired by them.
        warmup: samples of warm-up rounds, kept but not used.
        median, ci: of the samples; None without valid samples.
        ratio_to_copy: median ratio to the copy arm of the same work (gcproto.results.baseline); None if no work was
            done that can be compared.
        modes: two if the samples are bimodal by a statistical test, else empty. The median of two modes must not be
            quoted alone.
        valid: False if too many rounds are invalid; such a measurement must not be quoted.
        figures: of its kind.
        notes: notes for readers, in words.

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
    figures: Figures
    modes: list[SampleMode] = []
    notes: list[str] = []
