"""What a page says of several runs: by what they are ordered, as it was measured, and of which run its head is."""

from pathlib import Path

from gcproto.report.page.build import build
from gcproto.report.page.model import Page
from gcproto.report.words.runs import leading_text, runs_of, steadiness
from gcproto.results.schema import Noise, Result
from tests.support.condition_results import conditions
from tests.support.heap_results import placed_window_result
from tests.support.result_maker import noisy_run

LIVE = (2, "cache", "any")


def quiet(seed: int, floor: float) -> Result:
    made = conditions({LIVE: 0.14}, seed)
    assert made.noise
    made.noise = Noise(made.noise.pairs, floor)
    return made


def page(*runs: Result) -> Page:
    return build([(Path(f"{number}.json"), one) for number, one in enumerate(runs)], [])


def test_what_was_measured_stands_in_place_of_the_least_floor() -> None:
    """Two runs of 0.4 and 0.9 % both had a noise floor of 2.0 %, and one was called less noisy."""
    (first, *_) = page(quiet(1, 0.009), quiet(2, 0.004)).answers
    order, lead, other, *_ = first.lines
    assert order == "Runs are ordered by how far their A/A pairs differ, the least first. The first leads."
    assert "the A/A pair differs by 0.40%; the floor is never below 2%" in lead
    assert "0.90%" in other
    assert not any("least noisy" in line for line in first.lines)


def test_a_floor_above_the_least_needs_no_such_remark() -> None:
    assert steadiness(quiet(1, 0.031)) == "the A/A pair differs by 3.10%"


def test_windows_have_no_pair_and_are_ordered_by_their_intervals() -> None:
    runs = [placed_window_result({"own": {"move": 0.4}}, f"window{seed:06d}", seed, seed / 50) for seed in (2, 1)]
    made = page(*runs)
    (section,) = [one for one in made.sections if one.name == "window"]
    lines = [line for part in section.parts for line in part.lines]
    order = next(line for line in lines if line.startswith("Runs are ordered"))
    assert "by how wide the intervals of their medians are, the narrowest first" in order
    widths = [line for line in lines if "no A/A pair, intervals of medians are" in line]
    assert len(widths) == 2
    grids = [grid for part in section.parts for grid in part.grids if grid.title.startswith("The same comparisons")]
    assert order in grids[0].note


def test_other_orders() -> None:
    without = noisy_run(1)
    without.noise = None
    runs = runs_of([quiet(2, 0.01), without])
    assert leading_text(runs).startswith("Runs are ordered with A/A pairs first")
    runs[0].result.producer.complete = False
    assert leading_text(runs).endswith("; interrupted runs come last. The first leads.")


def test_the_head_says_of_which_run_it_is() -> None:
    runs = [quiet(1, 0.009), quiet(2, 0.004)]
    label = runs[1].run_id[:6]
    assert page(*runs).subtitle[0] == f"this line is for run {label}, one of 2; the table of files has the others"
    assert not any("this line is for" in text for text in page(runs[0]).subtitle)
