"""Sentences beside tables: each is true of its own row, and says no more than its samples."""

from io import StringIO

import pytest
from rich.console import Console

from gcproto.model.prediction import Heap, Prediction, Reason
from gcproto.report.labels import readable
from gcproto.report.terminal.comparison import print_comparison
from gcproto.report.terminal.predicted.prediction import print_prediction
from gcproto.report.terminal.series import print_pair
from gcproto.report.terminal.tables import print_result
from gcproto.report.words.policies import chosen
from gcproto.report.words.runs import steadiness
from gcproto.results.comparison.compare import compare
from gcproto.results.facts import cpus_of
from gcproto.results.platforms import beside, series_of
from gcproto.results.schema import Interval, Noise, PolicyChoice, PolicyFigures, Result, with_fields
from gcproto.results.series import build
from gcproto.results.steps import changes
from tests.kernels.test_arm64 import arm64
from tests.support.heap_results import heap_mode
from tests.support.kernel_results import stock
from tests.support.policy_results import policy_scenario
from tests.support.result_maker import measurement, noisy_run, result, scenario


def shown(run: Result, *, wide: bool = False) -> str:
    out = StringIO()
    print_result(run, Console(file=out, width=400, color_system=None), wide=wide)
    return out.getvalue()


@pytest.mark.parametrize(
    ("choice", "does"),
    [
        (PolicyChoice(), "moves pages"),
        (PolicyChoice(large_by="copied"), "copies pages of large folios"),
        (PolicyChoice(large_by="moved", split_ahead=True), "has large folios split before the flip, then moves pages"),
        (PolicyChoice(whole=512, split_ahead=True), "moves aligned folios of dense memory whole, has other"),
        (PolicyChoice(whole=512, large_by="copied"), "whole, copies other large folios"),
    ],
)
def test_a_note_says_what_the_policy_chose_and_why(choice: PolicyChoice, does: str) -> None:
    """It was "chosen by move 754, copy and discard 859 ns/page", with no word on what was chosen."""
    said = chosen(PolicyFigures(choice="calibrated ns/page MOVE 754", choices=[choice]))
    assert does in said
    assert said.endswith("; reason: calibrated ns/page MOVE 754")
    wavered = PolicyFigures(choices=[PolicyChoice(), PolicyChoice(large_by="copied")])
    assert chosen(wavered) == "moves pages, or copies pages of large folios"


def test_the_rounds_of_a_run_are_those_of_all_rows() -> None:
    """Memory beyond the caches had 9 of 88 rounds, under "median of 88 rounds"."""
    some = [measurement(scenario("move"), [80.0] * 9), measurement(scenario("copy"), [90.0] * 88)]
    assert "median of 9 to 88 rounds, below" in shown(result(some))


def test_one_pair_has_no_percentiles() -> None:
    made = noisy_run(1)
    made.noise = Noise([Interval(1.011, 0.9, 1.1)], 0.011)
    assert "noise: 1 A/A pair differs by 1.1%\n" in shown(made)
    assert steadiness(made).startswith("the A/A pair differs by 1.10%;")
    made.noise = Noise([Interval(1.011, 0.9, 1.1)] * 2, 0.011)
    assert "A/A pairs differ by up to 1.1% (95th percentile)" in shown(made)


def test_long_operations_are_in_ms() -> None:
    """A card had 112976555 ns/operation."""
    one = heap_mode("copy", 1000.0)
    one.median = 6073.0
    assert readable(one) == (1.0, "ns/operation")
    one.median = 112976555.0
    assert readable(one) == (1e-6, "ms/operation")


def test_counts_have_their_nouns() -> None:
    made = noisy_run(1)
    made.environment["cpu"] = {"allowed": 1, "model": "one"}
    made.environment["run"] = {"rounds": 9, "warmup": 1, "steal_before_after": [4, 5]}
    assert cpus_of(made) == "1 CPU"
    assert "on one (1 CPU);" in shown(made)
    assert "stole 1 tick of" in shown(made)


def test_notes_of_both_members_of_a_pair_differ_in_their_names() -> None:
    """The longest stall of both stood under the name of the mode."""
    first = heap_mode("copy", 1000.0)
    again = heap_mode("copy", 1010.0, seed=2)
    again.scenario = with_fields(again.scenario, replica=1)
    text = shown(result([first, again]))
    assert text.count("copy in ") == 1
    assert text.count("copy (A/A) in ") == 1


def test_a_wide_table_names_the_unit_of_its_medians() -> None:
    line = next(text for text in shown(noisy_run(1), wide=True).splitlines() if text.startswith("small "))
    assert "ns/page" in line


def test_instructions_are_more_or_fewer_and_not_slower() -> None:
    series = build(stock(1))
    before, after = series.kernels[-2:]
    out = StringIO()
    found = changes(series, before, after)
    print_pair(series, before, after, found, "", Console(file=out, width=200))
    text = out.getvalue()
    assert found
    assert "slower" not in text
    assert "more" in text
    assert "instructions/page; marked: a change beyond 2% and the spread" in text


def test_two_kernels_of_one_branch_have_their_versions() -> None:
    """A step from 6.12.43 to 6.12.118 was one from 6.12 to 6.12."""
    pair = [arm64("6.12.43+deb12-cloud-arm64", factor=6), arm64("6.12.118+deb13-cloud-arm64")]
    found = beside(series_of(pair), 0.02)
    assert {(one.before, one.after) for one in found} == {("6.12.43", "6.12.118")}


def test_many_scenarios_of_one_run_are_counted() -> None:
    base, new = noisy_run(1), noisy_run(2)
    new.measurements += [measurement(scenario("move", granule), [80.0] * 9) for granule in range(4096, 4096 * 12, 4096)]
    out = StringIO()
    print_comparison(compare(base, new), Console(file=out, width=200))
    assert "scenarios (move " in out.getvalue()
    assert "--json lists them" in out.getvalue()
    assert " as a whole" not in out.getvalue()


def test_a_prediction_names_what_auto_did_before_the_flip_and_no_split_that_was_none() -> None:
    """On THPs that all moved whole it said "auto splits ahead"."""
    parts = {"whole folios": (2.8, 2.8)}
    heap = Heap(policy_scenario("auto", order=9), "trees", 9, "auto", 1, False, 3.5, 3.5, -0.001, [], {}, 19.3, 21.5)
    reason = Reason("trees", 9, 1, (26.6, 21.5), (3.5, 3.51), (3.5, 3.5), parts, 19.3)
    out = StringIO()
    print_prediction(Prediction({}, [heap], 1.0, [reason]), Console(file=out, width=300))
    text = out.getvalue()
    assert "auto splits ahead" not in text
    assert "auto: 19.3 before the flip, 40.8 in all" in text
    assert "-0%" not in text
    assert "of 1 row that the costs were not fitted on, 1 agree to 15%" in text
