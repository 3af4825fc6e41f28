"""The rounds of one scenario so far, as every producer keeps them, and the measurement that they become."""

from dataclasses import dataclass, field
from typing import Any

from gcproto.results.schema import InvalidRound, Measurement, Scenario

MAX_INVALID_SHARE = 0.1
"""A measurement with a larger share of invalid rounds must not be quoted."""

MIN_VALID = 3
"""Nor one with fewer valid rounds than this."""


@dataclass
class Rounds:
    """The rounds of one scenario so far.

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

    def sound(self, least: int) -> bool:
        """Whether at least so many rounds are valid, and few enough are not."""
        return len(self.samples) >= least and len(self.invalid) <= MAX_INVALID_SHARE * self.total

    def summed(self, unit: str, *, valid: bool, **more: Any) -> Measurement:
        """The measurement, statistics still missing (gcproto.results.statistics.summarise).

        Args:
            unit: of the samples.
            valid: whether it may be quoted.
            more: proof, outcome, and whatever else the producer has to say.

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
            valid=valid,
            invalid_rounds=self.invalid,
            **more,
        )
