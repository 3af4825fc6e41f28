"""Ratios of several runs together: against published figures, and by simulation."""

import math
import random

import pytest

from gcproto.results.pool import Pooled, paule_mandel, pool, weighted
from gcproto.results.schema import Interval

Z = 1.959963984540054

# Thirteen trials of the BCG vaccine (Colditz et al., JAMA 271, 1994), cases and others, treated and control: the worked
# example of meta-analysis.  Figures of the methods: Viechtbauer, J. Stat. Software 36 (2010), metafor's manual.
BCG = (
    *[(4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761)],
    *[(180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232)],
    *[(17, 1699, 65, 1600), (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825)],
)


def effects_of_bcg() -> tuple[list[float], list[float]]:
    logs = [math.log((a / (a + b)) / (c / (c + d))) for a, b, c, d in BCG]
    return logs, [1 / a - 1 / (a + b) + 1 / c - 1 / (c + d) for a, b, c, d in BCG]


def of(ratio: float, error: float) -> Interval:
    return Interval(ratio, ratio * math.exp(-Z * error), ratio * math.exp(Z * error))


def test_the_worked_example_of_the_literature() -> None:
    effects, variances = effects_of_bcg()
    between = paule_mandel(effects, variances)
    assert between == pytest.approx(0.3181, abs=1e-4)
    mean, _ = weighted(effects, [one + between for one in variances])
    assert mean == pytest.approx(-0.7150, abs=2e-4)
    found = pool([of(math.exp(y), math.sqrt(v)) for y, v in zip(effects, variances, strict=True)])
    assert found.runs == 13
    assert found.value == pytest.approx(math.exp(mean))
    assert found.tau == pytest.approx(math.sqrt(0.3181), abs=1e-4)
    assert found.low < 0.36
    assert found.high < 1, "the vaccine works on the whole"
    assert found.predicted_high is not None
    assert found.predicted_high > 1, "and it need not work in the next trial"
    assert not found.holds


def test_what_is_used_solves_its_equation() -> None:
    effects, variances = effects_of_bcg()
    total = [one + paule_mandel(effects, variances) for one in variances]
    mean, variance = weighted(effects, total)
    assert sum((y - mean) ** 2 / v for y, v in zip(effects, total, strict=True)) == pytest.approx(12.0)
    assert variance == pytest.approx(1 / sum(1 / v for v in total)), "the factor of Hartung and Knapp is 1"


def test_one_run_is_not_pooled_and_holds_nothing() -> None:
    found = pool([of(0.2, 0.001)])
    assert (found.runs, found.tau, found.predicted_low, found.holds) == (1, None, None, False)
    assert found.value == 0.2
    with pytest.raises(ValueError, match="no ratio"):
        pool([])


def test_four_runs_that_each_are_sure_and_disagree() -> None:
    """The faulting mutator of four runs on one machine: each with an interval of a few percent."""
    found = pool([of(value, 0.02) for value in (3.05, 5.29, 5.59, 8.82)])
    assert found.tau == pytest.approx(0.43, abs=0.03)
    assert found.low < 3
    assert found.predicted_low is not None
    assert found.predicted_low < 1.3, "a further run is expected almost anywhere"
    found = pool([of(value, 0.02) for value in (0.80, 1.30, 0.95)])
    assert not found.holds
    assert found.low < 1 < found.high


def test_runs_that_agree_hold() -> None:
    found = pool([of(value, 0.02) for value in (0.42, 0.41, 0.44, 0.43)])
    assert found.holds
    assert 0.40 < found.low < 0.425 < found.high < 0.45
    assert not pool([of(value, 0.02) for value in (0.99, 1.01, 1.0)]).holds


def test_equal_runs_without_any_scatter_and_impossible_ratios() -> None:
    assert pool([Interval(0.5, 0.5, 0.5), Interval(0.5, 0.5, 0.5)]).holds
    for bad in (Interval(0.0, 0.0, 0.0), Interval(1e300, 1e-300, 1e308)):
        found = pool([bad, of(1.0, 0.1), of(1.1, 0.1)])
        assert math.isfinite(found.low)
        assert math.isfinite(found.high)


@pytest.mark.parametrize("runs", [2, 3, 5, 8])
@pytest.mark.parametrize("tau", [0.0, 0.02, 0.3])
def test_intervals_cover_as_often_as_they_say(runs: int, tau: float) -> None:
    """The mean in the one, a further run in the other; of 600 simulated sets of runs."""
    rng = random.Random(f"{runs} {tau}")
    error, sets, mean_in, next_in = 0.02, 600, 0, 0
    for _ in range(sets):
        found = pool([of(0.8 * math.exp(rng.gauss(0, tau) + rng.gauss(0, error)), error) for _ in range(runs)])
        mean_in += found.low <= 0.8 <= found.high
        next_in += within(found, 0.8 * math.exp(rng.gauss(0, tau) + rng.gauss(0, error)))
    assert mean_in >= 0.925 * sets
    assert next_in >= 0.925 * sets


def within(found: Pooled, value: float) -> bool:
    assert found.predicted_low is not None
    assert found.predicted_high is not None
    return found.predicted_low <= value <= found.predicted_high


def test_no_difference_seldom_holds() -> None:
    """Of runs that differ from each other and not from 1, at most one set in twenty seems to hold; with noise fewer."""
    rng = random.Random(7)
    wrong = sum(
        pool([of(math.exp(rng.gauss(0, 0.1) + rng.gauss(0, 0.02)), 0.02) for _ in range(4)]).holds for _ in range(500)
    )
    assert wrong <= 0.05 * 500
