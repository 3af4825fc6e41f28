"""Intervals, ratios and percentiles."""

import random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gcproto.results.baseline import first_of
from gcproto.results.statistics import median_interval, noise_of, percentiles, ratio_interval, summarise
from tests.support.result_maker import measurement, noisy_run, scenario


def test_percentiles_only_with_enough_samples() -> None:
    assert set(percentiles([1.0])) == {"p50"}, "a single round has no tail"
    assert set(percentiles([1.0] * 9)) == {"p50"}
    assert set(percentiles([1.0] * 10)) == {"p50", "p90"}
    assert set(percentiles([1.0] * 99)) == {"p50", "p90"}
    assert set(percentiles([1.0] * 100)) == {"p50", "p90", "p99"}
    assert set(percentiles([1.0] * 1000)) == {"p50", "p90", "p99", "p99.9"}


def test_no_interval_without_samples() -> None:
    assert median_interval([]) is None
    assert median_interval([1.0, 2.0]) is None


@example([88206.0, 88206.0, 88205.97750193845])
@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(1, 1e6), min_size=3, max_size=60))
def test_the_interval_holds_its_estimate(samples: list[float]) -> None:
    found = median_interval(samples)
    assert found
    assert found.low <= found.value <= found.high
    assert found.value == pytest.approx(float(np.median(samples)))
    assert min(samples) <= found.low <= found.high <= max(samples)


def test_the_interval_covers_the_median_as_often_as_it_says() -> None:
    rng = random.Random(4)
    hits = 0
    for _ in range(200):
        found = median_interval([rng.lognormvariate(0, 0.3) for _ in range(41)])
        assert found
        hits += found.low <= 1.0 <= found.high
    assert hits >= 180  # 95 % of 200, and a little for the chance of it


def test_ratios_are_paired_by_round() -> None:
    """What slowed a round slowed both members: the ratio's interval must not grow with it."""
    rng = random.Random(5)
    moments = [rng.uniform(1, 3) for _ in range(40)]
    over = measurement(scenario("move"), [10 * moment for moment in moments])
    under = measurement(scenario("copy"), [40 * moment for moment in moments])
    found = ratio_interval(over, under)
    assert found
    assert found.value == pytest.approx(0.25)
    assert found.high - found.low < 1e-9
    under.rounds = [number + 1000 for number in under.rounds]  # nothing in common any more
    unpaired = ratio_interval(over, under)
    assert unpaired
    assert unpaired.high - unpaired.low > 0.02


def test_ratio_to_copy_needs_the_same_scenario() -> None:
    move, copy = measurement(scenario("move"), [2.0, 2.0, 2.0]), measurement(scenario("copy"), [4.0, 4.0, 4.0])
    other = measurement(scenario("move", granule=4096), [1.0, 1.0, 1.0])
    summarise([move, copy, other])
    assert move.ratio_to_copy
    assert move.ratio_to_copy.value == pytest.approx(0.5)
    assert copy.ratio_to_copy is None
    assert other.ratio_to_copy is None


def test_the_noise_floor_comes_from_pairs() -> None:
    run = noisy_run(6)
    assert run.noise
    assert len(run.noise.pairs) == 2
    assert 0 < run.noise.floor < 0.05
    assert noise_of([one for one in run.measurements if first_of(one.scenario) is None]) is None
