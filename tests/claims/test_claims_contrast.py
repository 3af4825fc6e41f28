"""Costs beside each other: what intervals say, and when something is better than the best alternative."""

import pytest

from gcproto.claims.contrast import Contrast, contrast, judged_as
from gcproto.claims.finding import confirmed
from gcproto.claims.sound import always
from gcproto.results.schema import (
    Interval,
    InvalidRound,
    Judgement,
    SampleMode,
)
from tests.support.claim_maker import invalid, made
from tests.support.result_maker import scenario


def seen(value: float, low: float, high: float, floor: float = 0.0, rounds: int = 15, **more: bool) -> Contrast:
    return Contrast(f"x{value}", Interval(value, low, high), floor, rounds, **more)


@pytest.mark.parametrize(
    ("one", "word"),
    [
        (seen(0.5, 0.4, 0.6), "less"),
        (seen(2.0, 1.8, 2.4), "more"),
        (seen(0.93, 0.8, 1.01), "open"),
        (seen(1.01, 0.98, 1.03), "alike"),
        (seen(0.97, 0.96, 0.98), "alike"),
        (seen(0.9, 0.85, 0.95, floor=0.2), "alike"),
        (seen(0.9, 0.75, 0.95, floor=0.2), "open"),
        (seen(0.5, 0.4, 0.6, rounds=5), "open"),
        (seen(0.5, 0.4, 0.6, two_modes=True), "open"),
        (Contrast("x", None, 0.0, 15), "open"),
    ],
)
def test_what_an_interval_says(one: Contrast, word: str) -> None:
    assert one.word == word


@pytest.mark.parametrize(
    ("against", "expected"),
    [
        ([seen(0.5, 0.4, 0.6), seen(0.7, 0.6, 0.8)], "confirmed"),
        ([seen(0.5, 0.4, 0.6), seen(1.2, 1.1, 1.3)], "in part"),
        ([seen(0.5, 0.4, 0.6), seen(0.9, 0.7, 1.1)], "in part"),
        ([seen(1.5, 1.4, 1.6), seen(1.2, 1.1, 1.3)], "refuted"),
        ([seen(1.0, 0.98, 1.02)], "refuted"),
        ([seen(1.5, 1.4, 1.6), seen(0.9, 0.7, 1.1)], "refuted"),
        ([seen(0.9, 0.7, 1.1), seen(1.1, 0.7, 1.4)], "not testable here"),
    ],
)
def test_better_is_better_than_the_best(against: list[Contrast], expected: Judgement) -> None:
    finding = judged_as("less", against, "figures")
    assert finding.judgement == expected
    assert bool(finding.why) == (expected in {"in part", "not testable here"})
    assert all(one.text in finding.figures for one in against)


def test_costs_of_the_same_rounds_are_compared_and_nothing_that_is_unsound() -> None:
    cheap, dear = made(scenario("move"), 80.0), made(scenario("copy"), 700.0, copied=1024)
    assert contrast(cheap, dear, "copy", 0.03).word == "less"
    assert contrast(dear, cheap, "move", 0.03).word == "more"
    assert Contrast("copy", Interval(0.1163, 0.1129, 0.1178), 0.03, 15).text == "0.12x (0.11-0.12) the cost of copy"
    assert Contrast("copy", Interval(0.0081, 0.0045, 0.017), 0.03, 15).text == "0.0081x (0.0045-0.017) the cost of copy"
    open_text = "0.97x (0.90-1.06, no clear difference) the cost of copy"
    assert Contrast("copy", Interval(0.97, 0.9, 1.06), 0.03, 15).text == open_text, "an interval with 1 in it says so"
    refusing = made(scenario("move"), 10.0, left=1024, ebusy=1024)
    assert contrast(refusing, dear, "copy", 0.03).ratio is None
    assert contrast(invalid(made(scenario("move"))), dear, "copy", 0.03).ratio is None
    few = made(scenario("move"), 80.0)
    few.samples, few.rounds = few.samples[:5], few.rounds[:5]
    assert contrast(few, dear, "copy", 0.03).word == "open"
    bimodal = made(scenario("move"), 80.0)
    bimodal.modes = [SampleMode(60.0, 55.0, 65.0, 0.5), SampleMode(100.0, 95.0, 105.0, 0.5)]
    assert contrast(bimodal, dear, "copy", 0.03).word == "open"
    assert "two modes" in contrast(bimodal, dear, "copy", 0.03).text


def test_what_is_claimed_of_all_needs_all_rounds() -> None:
    good, one_lost = made(scenario("move")), made(scenario("move"))
    one_lost.invalid_rounds = [InvalidRound(3, 0.0, "x")]
    assert always(confirmed("x"), good).judgement == "confirmed"
    assert always(confirmed("x"), good, one_lost).judgement == "in part"
    assert "1 round proves nothing" in always(confirmed("x"), one_lost).why
