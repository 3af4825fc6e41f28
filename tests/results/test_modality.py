"""Two modes are seen where there are two, and no skew, tail or drift is taken for one."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gcproto.results.modality import division, fill, modes_of
from gcproto.results.statistics import summarise
from tests.support.result_maker import measurement, noisy_run, scenario

Sample = NDArray[np.float64]
Make = Callable[[np.random.Generator, int], Sample]

ONE: dict[str, Make] = {
    "normal": lambda rng, n: 100 + 5 * rng.standard_normal(n),
    "log-normal": lambda rng, n: np.exp(rng.standard_normal(n)),
    "gamma": lambda rng, n: rng.gamma(2, 1, n),
    "t3": lambda rng, n: 100 * np.exp(0.1 * rng.standard_t(3, n)),
    "exponential tail": lambda rng, n: 1 + 0.3 * rng.exponential(1, n),
    "Pareto tail": lambda rng, n: 1 + 0.2 * rng.pareto(2, n),
    "uniform": lambda rng, n: rng.uniform(1, 2, n),
    "drift": lambda rng, n: np.linspace(1, 1.5, n) * np.exp(0.03 * rng.standard_normal(n)),
    "outliers": lambda rng, n: np.exp(0.05 * rng.standard_normal(n) + (rng.random(n) < 0.05) * rng.exponential(1, n)),
}


def two(rng: np.random.Generator, n: int, low: tuple[float, float], high: tuple[float, float]) -> list[float]:
    """Five of twenty-seven in the higher mode."""
    above = max(3, round(n * 5 / 27))
    return [*rng.uniform(*low, n - above), *rng.uniform(*high, above)]


@pytest.mark.parametrize("name", ONE)
def test_one_mode_is_called_two_no_more_often_than_allowed(name: str) -> None:
    rng = np.random.default_rng(list(name.encode()))
    for n in (9, 27, 100):
        found = [division(ONE[name](rng, n).tolist()) for _ in range(150)]
        assert sum(one is not None and one.p <= 0.05 for one in found) <= 11, f"{n} samples, 7 are 5 % of 150"
        assert sum(one is not None and one.p <= 0.005 for one in found) <= 3


def test_windows_that_wait_for_a_processor_are_seen() -> None:
    """What one ran of 27 windows: 22 at 72 to 172 ms, 5 at 315 to 360."""
    rng = np.random.default_rng(3)
    seen = [modes_of(two(rng, 27, (72, 172), (315, 360)), 0.005) for _ in range(100)]
    assert sum(map(bool, seen)) >= 95
    low, high = next(filter(None, seen))
    assert 72 <= low.low < low.median < low.high <= 172
    assert 315 <= high.low < high.median < high.high <= 360
    assert low.share == pytest.approx(22 / 27)
    assert high.share == pytest.approx(5 / 27)


def test_a_small_gap_needs_more_windows() -> None:
    """5 of 27 at 195 to 273 ms, 22 at 51 to 160: not told from one wide mode, of a hundred windows it is."""
    rng = np.random.default_rng(4)
    few = [modes_of(two(rng, 27, (51, 160), (195, 273))) for _ in range(50)]
    many = [modes_of(two(rng, 100, (51, 160), (195, 273))) for _ in range(50)]
    assert sum(map(bool, few)) <= 12
    assert sum(map(bool, many)) >= 45


def test_one_hiccup_hides_nothing() -> None:
    rng = np.random.default_rng(5)
    assert modes_of([*two(rng, 27, (72, 172), (315, 360)), 50_000.0])


@pytest.mark.parametrize(
    ("samples", "modes"),
    [
        ([], 0),
        ([1.0], 0),
        ([1.0, 2.0] * 2, 0),  # too few
        ([1.0, 2.0] * 10, 2),  # just two values
        ([100.0, 100.4] * 10, 0),  # of instruction counts: nothing to speak of
        ([100.0] * 30, 0),
        ([10.0] * 8 + [11.0] * 12 + [12.0] * 7, 0),  # a coarse clock
        ([0.0] * 10 + [5.0] * 10, 0),  # no logarithm
        ([1.0] * 20 + [9.0] * 2, 0),  # two samples are no mode
    ],
)
def test_samples_that_are_not_noise(samples: list[float], modes: int) -> None:
    assert len(modes_of(samples)) == modes


def test_of_hundreds_of_measurements_few_are_false() -> None:
    """The level is of all measurements of a run: of 300 with one mode hardly any is called bimodal in any run."""
    rng = np.random.default_rng(6)
    made = list(ONE.values())
    false = 0
    for _ in range(5):
        some = [measurement(scenario("move"), made[i % len(made)](rng, 40).tolist()) for i in range(300)]
        some[0].samples = two(rng, 40, (72, 172), (315, 360))
        fill(some)
        assert len(some[0].modes) == 2
        false += sum(bool(one.modes) for one in some[1:])
    assert false <= 2


def test_a_run_has_its_modes_filled_in() -> None:
    run = noisy_run(1)
    assert not any(one.modes for one in run.measurements)
    rng = np.random.default_rng(7)
    run.measurements[0].samples = two(rng, 40, (72, 172), (315, 360))
    summarise(run.measurements)
    assert [len(one.modes) for one in run.measurements][:2] == [2, 0]
    run.measurements[0].samples = [100.0 + i for i in range(40)]
    summarise(run.measurements)
    assert not run.measurements[0].modes, "what it says is of these samples"


@settings(max_examples=200)
@given(st.lists(st.floats(0, 1e18), max_size=80))
def test_any_samples_have_an_answer(samples: list[float]) -> None:
    modes = modes_of(samples, 1.0)
    assert len(modes) in {0, 2}
    if modes:
        assert sum(one.share for one in modes) == pytest.approx(1)
        assert modes[0].high <= modes[1].low
