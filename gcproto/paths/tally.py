"""Sums up the rounds of one scenario into a measurement."""

from dataclasses import dataclass, field
from statistics import median

from gcproto._native import lib
from gcproto.paths.round import VALID, Round
from gcproto.results.rounds import MAX_INVALID_SHARE, MIN_VALID, Rounds
from gcproto.results.schema import (
    UNIT_TIME,
    InvalidRound,
    Measurement,
    Outcome,
    Proof,
    swapin_figure,
)


@dataclass
class Tally(Rounds):
    """The rounds of one scenario so far.

    ``samples`` are ns per base page; ``splits`` the part of each that was spent on splitting first, ``swapins`` the
    part that was spent on reading pages back from swap.
    """

    splits: list[float] = field(default_factory=list)
    swapins: list[float] = field(default_factory=list)
    proof: Proof = field(default_factory=Proof)
    outcome: Outcome = field(default_factory=Outcome)
    paths: dict[str, int] = field(default_factory=dict)

    def add(self, number: int, done: Round, *, warmup: bool) -> None:
        """Count a round that was measured; an invalid one is kept apart."""
        sample = done.ns / self.scenario.pages
        if done.status != VALID:
            self.invalid.append(InvalidRound(number, sample, done.reason))
            return
        if warmup:
            self.warmup.append(sample)
            return
        self.samples.append(sample)
        self.rounds.append(number)
        self.splits.append(done.split_ns / self.scenario.pages)
        self.swapins.append(done.swapin_ns / self.scenario.pages)
        self.paths[done.path] = self.paths.get(done.path, 0) + 1
        self._add_proof(done)
        self._add_outcome(done)

    def lost(self, number: int, reason: str) -> None:
        """Count a round that hung, died or whose source could not be made this time."""
        self.invalid.append(InvalidRound(number, 0.0, reason))

    def _add_proof(self, done: Round) -> None:
        proof = self.proof
        proof.level = "pfn" if done.have & lib.GCP_PROOF_KPF else "state"
        proof.rounds += 1
        proof.pfn_kept += done.pfn_kept
        proof.pfn_changed += done.pfn_changed
        proof.contents += done.contents
        proof.source_gone += done.source_gone
        proof.folios += done.folios
        proof.folios_split += done.folios_split
        proof.pmd_splits += done.pmd_splits
        proof.swapped_before += done.swapped_before
        proof.swapped_after += done.swapped_after
        proof.cached_before += done.cached_before
        for order, pages in enumerate(done.order_after):
            if pages:
                proof.order_after[str(order)] = proof.order_after.get(str(order), 0) + pages
        proof.path = max(self.paths, key=lambda path: self.paths[path])
        if len(self.paths) > 1:
            proof.path = "mixed: " + ", ".join(sorted(self.paths))

    def _add_outcome(self, done: Round) -> None:
        account, outcome = done.account, self.outcome
        for name in ("asked", "moved", "copied", "copied_after_ebusy", "zeroed", "already", "left"):
            setattr(outcome, name, getattr(outcome, name) + account[name])
        for name in ("ebusy", "eagain", "eexist", "enoent"):
            setattr(outcome, name, getattr(outcome, name) + account[name])
        outcome.short += account["short_moves"] + account["short_copies"]
        outcome.splits += done.folios_split
        outcome.calls += done.calls

    def measurement(self) -> Measurement:
        """The measurement; statistics are filled in by gcproto.results.statistics."""
        valid = len(self.samples) >= MIN_VALID and len(self.invalid) <= max(1.0, MAX_INVALID_SHARE * self.total)
        split_part = None
        if any(self.splits):
            split_part = sorted(self.splits)[len(self.splits) // 2]
        figures = {swapin_figure(UNIT_TIME): median(self.swapins)} if any(self.swapins) else {}
        return self.summed(
            UNIT_TIME,
            valid=valid,
            proof=self.proof,
            outcome=self.outcome,
            split_part=split_part,
            figures=figures,
        )
