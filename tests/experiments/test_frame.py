"""The frame of all experiments: rounds, orders, workers that die, signals, samples that no clock can have given."""

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcproto.experiments.entry import ABSURD, Entry
from gcproto.experiments.frame import MAX_DEATHS, Block, Frame, Schedule
from gcproto.host.child import WorkerDied
from gcproto.record import Record
from gcproto.results.schema import Measurement, Outcome, PathExperiment, PathFigures, Proof, Skip
from tests.support.result_maker import scenario


@dataclass
class One(Entry):
    name: str = ""

    def measurement(self) -> Measurement:
        return self.summed("ns/page", proof=Proof(), outcome=Outcome(), figures=PathFigures())


def entries(*names: str) -> list[One]:
    return [One(scenario(name), name=name) for name in names]


def frame_of(some: list[One], rounds: int = 4, warmup: int = 1, seed: int = 1, **more: float) -> Frame[One]:
    return Frame(some, Schedule(rounds, warmup, seed, **more), lambda _done, _total: None)  # type: ignore[arg-type]


def counting(frame: Frame[One]) -> Callable[[int, One], None]:
    """Measures the number of the round."""

    def measure(number: int, one: One) -> None:
        one.take(number, float(number), "", warmup=frame.warming(number))

    return measure


def test_every_entry_is_measured_once_in_each_round_in_an_order_that_the_seed_makes() -> None:
    def orders(seed: int) -> list[str]:
        frame, seen = frame_of(entries("a", "b", "c", "d"), rounds=20, seed=seed), []
        frame.run(lambda number, one: seen.append(f"{number}{one.name}"))
        return seen

    first = orders(1)
    assert sorted(first) == sorted(f"{number}{name}" for number in range(21) for name in "abcd")
    assert [int(text[:-1]) for text in first] == sorted(int(text[:-1]) for text in first), "rounds are outermost"
    assert first == orders(1)
    assert first != orders(2)


def test_warm_up_is_kept_and_not_used() -> None:
    (one,) = entries("a")
    frame = frame_of([one])
    frame.run(counting(frame))
    assert (one.warmup, one.samples, one.rounds) == ([0], [1, 2, 3, 4], [1, 2, 3, 4])


def test_an_entry_whose_worker_dies_again_is_given_up_and_what_it_has_is_kept() -> None:
    good, bad = entries("a", "b")
    frame = frame_of([good, bad], rounds=9)

    def measure(number: int, one: One) -> None:
        if one is bad and number >= 4:
            raise WorkerDied("no answer")
        one.take(number, 5.0, "", warmup=frame.warming(number))

    frame.run(measure)
    result = frame.result(Record(), PathExperiment())
    kept = next(one for one in result.measurements if one.scenario == bad.scenario)
    assert (len(kept.samples), len(kept.invalid_rounds)) == (3, MAX_DEATHS)
    assert not kept.valid
    assert "given up after 2 rounds: no answer" in result.skips[0].reason
    assert len(good.samples) == 9


def test_a_signal_ends_the_rounds_keeps_what_there_is_and_closes_what_an_order_opened() -> None:
    some, closed = entries("a", "b", "c"), []
    frame = frame_of(some)

    def order(_number: int, active: list[One]) -> Generator[One, None, None]:
        try:
            yield from active
        finally:
            closed.append(True)

    def measure(number: int, one: One) -> None:
        if number == 3 and one.name == "b":
            raise KeyboardInterrupt("SIGTERM")
        one.take(number, 1.0, "", warmup=frame.warming(number))

    begun: list[int] = []
    frame.run(measure, order, [Block(lambda n=n: begun.append(n), lambda _one: True) for n in (1, 2)])  # type: ignore[misc]
    assert begun == [1], "the next block does not begin"
    result = frame.result(Record(), PathExperiment())
    assert not result.producer.complete
    assert [len(one.samples) for one in some] == [3, 2, 2]
    assert result.skips == [Skip("the rest", "interrupted by SIGTERM")]
    assert len(closed) == 4


def test_time_ends_after_a_round_but_not_before_the_least_number() -> None:
    (one,) = entries("a")
    frame = frame_of([one], rounds=50, seconds=0.0, min_rounds=5)
    frame.run(counting(frame))
    assert (len(one.samples), frame.done) == (5, 6)


@pytest.mark.parametrize("sample", [-1.0, math.nan, math.inf, 1.8e13, ABSURD])
def test_a_sample_that_no_clock_can_have_given_is_an_invalid_round(sample: float) -> None:
    """What a window of 256 KiB said when its start was read after its end: 18,446,744,073,710 ms."""
    (one,) = entries("a")
    for number in range(12):
        one.take(number, 100.0, "", warmup=False)
    assert not one.take(12, sample, "", warmup=False)
    assert one.samples == [100.0] * 12
    assert "no such time" in one.invalid[0].reason
    assert math.isfinite(one.invalid[0].sample)
    assert one.measurement().valid, "one of many"


@given(st.integers(0, 40), st.integers(0, 40))
def test_what_may_be_quoted(valid: int, invalid: int) -> None:
    (one,) = entries("a")
    for number in range(valid):
        one.take(number, 1.0, "", warmup=False)
    for number in range(invalid):
        one.lost(number, "wrong")
    if one.sound:
        assert valid >= min(3, valid + invalid)
        assert invalid <= max(1, 0.1 * (valid + invalid))
    if invalid == 0 and valid:
        assert one.sound
