"""Sums up the rounds of one path into a measurement."""

from collections import Counter
from dataclasses import dataclass, field
from statistics import median

from gcproto._native import lib
from gcproto.experiments.entry import Entry
from gcproto.experiments.paths.round import VALID, Round
from gcproto.results.schema import UNIT_TIME, Measurement, Outcome, PathFigures, PathScenario, Proof

SUMMED = ("asked", "moved", "copied", "copied_after_ebusy", "zeroed", "already", "left")
SAID = ("ebusy", "eagain", "eexist", "enoent")
PROVEN = (
    "pfn_kept",
    "pfn_changed",
    "contents",
    "source_gone",
    "folios",
    "folios_split",
    "pmd_splits",
    "swapped_before",
    "swapped_after",
    "cached_before",
    "frames_pairs",
    "frames_adjacent",
    "frames_blocks",
    "target_pairs",
    "target_adjacent",
    "target_blocks",
)
"""Counts of a round that are summed up, as both sides name them."""


@dataclass
class Tally(Entry):
    """The rounds of one path so far.

    ``samples`` are ns per base page; ``splits`` the part of each that was spent on splitting first, ``swapins`` the
    part that was spent on reading pages back from swap.  ``disturbed`` is how often a round was run in which the second
    thread did not, those of the warm-up counted.
    """

    scenario: PathScenario
    splits: list[float] = field(default_factory=list)
    swapins: list[float] = field(default_factory=list)
    proof: Proof = field(default_factory=Proof)
    outcome: Outcome = field(default_factory=Outcome)
    paths: Counter[str] = field(default_factory=Counter)
    disturbed: int = 0

    def add(self, number: int, done: Round, *, warmup: bool) -> None:
        """Count a round that was measured; an invalid one is kept apart."""
        pages = self.scenario.pages
        reason = "" if done.status == VALID else done.reason
        if not self.take(number, done.ns / pages, reason, warmup=warmup):
            return
        self.splits.append(done.split_ns / pages)
        self.swapins.append(done.swapin_ns / pages)
        self.paths[done.path] += 1
        self._add_proof(done)
        self._add_outcome(done)

    def _add_proof(self, done: Round) -> None:
        proof = self.proof
        proof.level = "pfn" if done.have & lib.GCP_PROOF_KPF else "state"
        proof.rounds += 1
        proof.range_bytes, proof.streamed_bytes = done.range_bytes, done.streamed_bytes
        for name in PROVEN:
            setattr(proof, name, getattr(proof, name) + getattr(done, name))
        for order, pages in enumerate(done.order_after):
            if pages:
                proof.order_after[order] = proof.order_after.get(order, 0) + pages
        proof.path = self.paths.most_common(1)[0][0]
        if len(self.paths) > 1:
            proof.path = "mixed: " + ", ".join(sorted(self.paths))

    def _add_outcome(self, done: Round) -> None:
        account, outcome = done.account, self.outcome
        for name in (*SUMMED, *SAID):
            setattr(outcome, name, getattr(outcome, name) + account[name])
        outcome.short += account["short_results"]
        outcome.splits += done.folios_split
        outcome.calls += done.calls

    def measurement(self) -> Measurement:
        """The measurement; statistics are filled in by gcproto.results.statistics."""
        figures = PathFigures(
            split_part=median(self.splits) if any(self.splits) else None,
            swapin_part=median(self.swapins) if any(self.swapins) else None,
            disturbed=self.disturbed,
        )
        return self.summed(UNIT_TIME, proof=self.proof, outcome=self.outcome, figures=figures)
