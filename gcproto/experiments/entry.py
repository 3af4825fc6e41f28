"""The rounds of one scenario so far, as every experiment keeps them, and the measurement that they become."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

from gcproto.results.schema import Figures, InvalidRound, Measurement, Outcome, Proof, Scenario

MAX_INVALID_SHARE = 0.1
"""A measurement with a larger share of invalid rounds must not be quoted."""

MIN_VALID = 3
"""Nor one with fewer valid rounds than this, unless fewer were asked for."""

ABSURD = 1e12
"""ns for a page or an operation: a quarter of an hour.  No round that a watchdog lets live takes so long."""


@dataclass
class Entry(ABC):
    """One scenario in an experiment.

    Attributes:
        scenario: that is measured.
        samples: of valid rounds, in the scenario's unit;  rounds: their numbers.
        warmup: samples that are not used;  invalid: rounds whose proof failed.

    """

    scenario: Scenario
    samples: list[float] = field(default_factory=list, kw_only=True)
    rounds: list[int] = field(default_factory=list, kw_only=True)
    warmup: list[float] = field(default_factory=list, kw_only=True)
    invalid: list[InvalidRound] = field(default_factory=list, kw_only=True)

    @property
    def total(self) -> int:
        """Rounds, valid or not, without those of the warm-up."""
        return len(self.samples) + len(self.invalid)

    @property
    def sound(self) -> bool:
        """Whether enough rounds are valid, and few enough are not; one invalid round is never too many of many."""
        least = min(MIN_VALID, max(1, self.total))
        return len(self.samples) >= least and len(self.invalid) <= max(
            float(self.total > MIN_VALID), MAX_INVALID_SHARE * self.total
        )

    def lost(self, number: int, reason: str, sample: float = 0.0) -> None:
        """Count a round that proves nothing: it hung, its worker died, or its proof failed."""
        self.invalid.append(InvalidRound(number, sample if math.isfinite(sample) else 0.0, reason))

    def take(self, number: int, sample: float, reason: str, *, warmup: bool) -> bool:
        """Count a round.

        Args:
            number: of the round.
            sample: in the scenario's unit; one that no clock can have given makes the round invalid.
            reason: why the round proves nothing, "" if it does.
            warmup: it is kept, and not used.

        Returns:
            Whether the round is one of the samples, so that what else is known of it counts as well.

        """
        if not reason and not (math.isfinite(sample) and 0 <= sample < ABSURD):
            reason = f"the clock says {sample:g} ns for each: no such time can have passed"
        if reason:
            self.lost(number, reason, sample)
            return False
        if warmup:
            self.warmup.append(sample)
            return False
        self.samples.append(sample)
        self.rounds.append(number)
        return True

    @abstractmethod
    def measurement(self) -> Measurement:
        """The measurement, statistics still missing (gcproto.results.statistics.summarise)."""

    def summed(
        self, unit: str, *, proof: Proof, outcome: Outcome, figures: Figures, notes: Sequence[str] = ()
    ) -> Measurement:
        """The measurement from the rounds.

        Args:
            unit: of the samples.
            proof: of all rounds.
            outcome: of all rounds.
            figures: of its kind.
            notes: what else is to be said.

        """
        return Measurement(
            scenario=self.scenario,
            unit=unit,
            samples=self.samples,
            rounds=self.rounds,
            warmup=self.warmup,
            median=None,
            ci=None,
            ratio_to_copy=None,
            valid=self.sound,
            invalid_rounds=self.invalid,
            proof=proof,
            outcome=outcome,
            figures=figures,
            notes=list(notes),
        )
