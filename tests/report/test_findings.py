"""Findings: what is said, under which condition, how far it is established, and that too little is never sure."""

import re

import pytest

from gcproto.report.page.verdict import evidence_of
from gcproto.report.words.finding import Finding
from gcproto.report.words.paths import headline_rows, path_findings
from gcproto.report.words.ratios import APART, SURE_FROM, Ratio, Refusal, Standing, bounds, compared
from gcproto.report.words.rows import path_rows
from gcproto.report.words.runs import groups_of, runs_of
from gcproto.results.schema import (
    ANY,
    CACHE,
    MEMORY,
    Interval,
    Noise,
    Result,
)
from gcproto.results.statistics import summarise
from tests.support.condition_results import PMD, conditions, of, part, path, refusing, run, two_modes
from tests.support.findings import text_of
from tests.support.path_results import paths_result
from tests.support.result_maker import noisy_run

ONE, LIVE, BEYOND = (1, CACHE, ANY), (2, CACHE, ANY), (1, MEMORY, ANY)
LIVE_BEYOND = (2, MEMORY, ANY)


def findings(*results: Result) -> dict[str, Finding]:
    (group,) = groups_of(runs_of(results), path_rows)
    return {one.question.split("?")[0]: one for one in path_findings(evidence_of(group), "cost", "cost")}


def small(*results: Result) -> Finding:
    return findings(*results)["Small folios: move or copy"]


def test_a_kernel_that_splits() -> None:
    found = findings(paths_result())
    one = found["Small folios: move or copy"]
    assert one.answer == "Move"
    assert one.standing is Standing.RUN
    assert re.match(r"move costs 0\.10\dx copy, on one thread, pages just written", one.figure)
    assert found["64K mTHP: move or copy"].answer == "Either; a move splits"
    assert "64 of 64 folios per round were split to be moved." in found["64K mTHP: move or copy"].detail
    assert found["2M THP: move or copy"].answer == "Move whole, aligned"
    assert found["A mutator that faults on one page"].answer == "Copy it beside a second live thread"
    assert found["Pages that are pinned"].answer == "Copy at once"


def test_the_live_thread_leads_and_all_conditions_stand_in_the_card() -> None:
    one = small(conditions({ONE: 0.6, LIVE: 1.85, LIVE_BEYOND: 1.4}))
    assert one.answer == "Copy beside a second live thread"
    assert "beside a second live thread, beyond the caches" in one.figure
    assert one.table
    assert one.table.heads == ("", "in the caches", "beyond the caches")
    live, alone = one.table.rows
    assert live[0] == "second thread live"
    assert live[1].startswith("1.8")
    assert live[2].startswith("1.")
    assert re.match(r"0\.(59|60)", alone[1])
    assert alone[2] == "not measured"


@pytest.mark.parametrize(
    ("ratios", "answer"),
    [
        ({ONE: 0.5, LIVE: 0.5, LIVE_BEYOND: 2.0}, "Copy beside a second live thread, beyond the caches"),
        ({ONE: 0.5, BEYOND: 2.0}, "Copy beyond the caches"),
        ({ONE: 0.5, BEYOND: 2.0, LIVE: 0.5, LIVE_BEYOND: 2.0}, "Copy beyond the caches"),
        ({ONE: 0.5, BEYOND: 0.5, LIVE: 2.0, LIVE_BEYOND: 2.0}, "Copy beside a second live thread"),
    ],
)
def test_an_answer_has_the_condition_that_it_depends_on(ratios: dict[tuple[int, str, str], float], answer: str) -> None:
    assert small(conditions(ratios)).answer == answer


def test_what_was_not_measured_is_a_sentence() -> None:
    one = small(conditions({ONE: 0.6}))
    assert "Not measured: a second live thread and memory beyond the caches." in one.detail
    assert one.table
    assert one.table.rows[0] == ("second thread live", "not measured", "not measured")


def test_every_sentence_with_a_ratio_has_its_condition() -> None:
    made = conditions({ONE: 0.6, LIVE: 1.85, LIVE_BEYOND: 1.4, BEYOND: 0.9})
    made.measurements += paths_result().measurements
    made.measurements = list({one.scenario: one for one in made.measurements}.values())
    summarise(made.measurements)
    for one in findings(made).values():
        for sentence in (one.figure, *one.detail):
            if re.search(r"costs? [\d.]+x|[\d.]+ ns/page", sentence) and "in the same run" not in sentence:
                assert re.search(r"on one thread|second live thread", sentence), sentence
                assert "the caches" in sentence or "just written" in sentence, sentence


def test_copy_is_the_baseline_and_discarding_a_row_in_words() -> None:
    one = small(paths_result())
    discard = next(text for text in one.detail if text.startswith("Copy-then-discard costs 1."))
    assert 1.25 < float(discard.split("x")[0].split()[-1]) < 1.35
    assert discard.endswith("at 2M a call, on one thread, pages just written.")
    rows = headline_rows(evidence_of(groups_of(runs_of([paths_result()]), path_rows)[0]))
    assert {row.other for row in rows if isinstance(row, Ratio)} == {"copy"}
    assert "copy-then-discard" in {row.arm for row in rows}


def test_batching_is_called_a_projection() -> None:
    found = findings(paths_result())["What would batching mTHP moves change"]
    assert found.standing is Standing.PROJECTED
    assert re.match(r"At best 0\.1\d\dx of today's cost", found.answer)
    assert "on one thread, pages just written" in found.figure


def test_a_kernel_that_moves_whole_needs_no_projection() -> None:
    found = findings(paths_result(splits=False))
    assert "Folios stayed whole, as split counters and folio orders show." in found["64K mTHP: move or copy"].detail
    batching = found["What would batching mTHP moves change"]
    assert batching.answer == "Nothing more here"
    assert batching.standing is Standing.SEEN


def test_too_few_rounds_are_never_sure() -> None:
    one = small(noisy_run(1, rounds=SURE_FROM - 1))
    assert one.standing is Standing.UNSURE
    assert one.answer == "Move?"
    assert "too few to be sure" in one.basis
    assert small(noisy_run(1, rounds=SURE_FROM)).standing is Standing.RUN


def test_within_the_noise_nothing_is_sure() -> None:
    made = noisy_run(1, arms={"move": 700 / 80})
    assert made.noise
    made.noise = Noise(made.noise.pairs, 0.2)
    one = small(made)
    assert one.answer == "Either"
    assert one.standing is Standing.UNSURE
    assert "within the noise floor 20.0%" in one.basis or "includes 1" in one.basis


def test_copy_wins_where_it_does() -> None:
    one = small(noisy_run(1, arms={"move": 30.0}))
    assert one.answer == "Copy"
    assert "move costs 3." in one.figure


def test_nothing_is_said_of_what_is_void_or_missing() -> None:
    made = paths_result()
    for one in made.measurements:
        one.valid = False
    assert findings(made) == {}


def test_an_assumed_floor_is_called_so() -> None:
    made = paths_result()
    made.noise = None
    assert "assumed" in small(made).basis


def test_headline_has_each_row_once() -> None:
    (group,) = groups_of(runs_of([paths_result()]), path_rows)
    rows = headline_rows(evidence_of(group))
    assert len({(one.subject, one.arm) for one in rows}) == len(rows)
    assert "64K mTHP, 2M a call, one thread" in {one.subject for one in rows}


class TestRefused:
    """A move that did none of its work had a ratio of 0.72 and won, sure: issue 14, item 8."""

    def test_it_has_no_ratio(self) -> None:
        made = run([path("copy", 800.0, 65536, "forked"), refusing("move")])
        (row,) = path_rows(made, compared(made))
        assert isinstance(row, Refusal)
        assert row.figures == "0 of 24,576 pages were evacuated, EBUSY 1,536"

    def test_its_card_is_grey_and_says_refused(self) -> None:
        one = findings(run([path("copy", 800.0, 65536, "forked"), refusing("move")]))["Pages that are forked"]
        assert one.answer == "Refused"
        assert one.standing is Standing.REFUSED
        assert "x copy" not in text_of(one)

    def test_beside_a_fallback_it_is_a_sentence(self) -> None:
        fallback = path("move_fallback", 1800.0, 65536, "forked")
        fallback.outcome.moved, fallback.outcome.copied_after_ebusy = 0, fallback.outcome.moved
        fallback.outcome.ebusy = 1536
        one = findings(run([path("copy", 800.0, 65536, "forked"), refusing("move"), fallback]))["Pages that are forked"]
        assert one.answer == "Copy at once"
        assert any(text.startswith("Move is refused at 64K a call, on one thread") for text in one.detail)

    def test_a_part_says_which_part_and_is_no_win(self) -> None:
        made = run([path("copy", 800.0, 65536, "forked"), part("move", 300.0, 0.25)])
        one = findings(made)["Pages that are forked"]
        assert one.answer == "Either"
        assert "25 % of the pages were evacuated." in one.detail
        assert "not the same work" in one.basis

    def test_a_part_that_costs_more_still_loses(self) -> None:
        made = run([path("copy", 800.0, 65536, "forked"), part("move", 1300.0, 0.25)])
        assert findings(made)["Pages that are forked"].answer == "Copy"


class TestModes:
    """Bimodal samples have two figures and no one ratio: issue 14, item 6."""

    def test_both_modes_with_their_shares(self) -> None:
        made = conditions({ONE: 0.5})
        two_modes(of(made, "move"), 300.0, 1400.0, 0.75)
        one = small(made)
        assert one.answer == "Either"
        assert one.standing is Standing.UNSURE
        assert "(75 %) or 1.7" in one.figure
        shares = "75 % of the rounds at 300 ns/page and 25 % of the rounds at 1400 ns/page."
        assert f"Move has two modes, on one thread, in the caches: {shares}" in one.detail

    def test_two_modes_on_one_side_still_say_which(self) -> None:
        made = conditions({ONE: 0.5})
        two_modes(of(made, "move"), 100.0, 300.0, 0.5)
        one = small(made)
        assert one.answer == "Move"
        assert "(50 %) or 0.37" in one.figure

    def test_modes_of_copy_count_as_well(self) -> None:
        made = conditions({ONE: 0.5})
        two_modes(of(made, "copy", granule_bytes=PMD), 300.0, 1400.0, 0.75)
        assert small(made).standing is Standing.UNSURE

    def test_a_run_with_two_modes_keeps_several_from_being_sure(self) -> None:
        runs = [conditions({LIVE: 0.14}, seed, 0.02 * seed) for seed in (1, 2, 3)]
        two_modes(of(runs[2], "copy", granule_bytes=PMD), 800.0, 90.0, 0.8)
        one = small(*runs)
        assert one.standing is Standing.UNSURE
        assert one.answer == "Move?"
        label = runs[2].run_id[:6]
        assert f"in run {label}, rounds fall into two modes that disagree, 0.14" in one.basis
        where = "beside a second live thread, in the caches"
        said = f"Copy has two modes in run {label}, {where}: 79 % of the rounds at 800"
        assert any(text.startswith(said) for text in one.detail)


def test_an_interval_that_could_be_anything_has_no_digits() -> None:
    assert bounds(Interval(1.0, 3e-9, 9.8e8)) == "<0.001->1000"
    assert bounds(Interval(0.0005, 0.0004, 0.0006)) == "0.0004-0.0006"


class TestBetweenRuns:
    """Only what holds between runs is called sure: issue 14, item 10."""

    def test_of_one_run_it_is_never_said(self) -> None:
        for one in findings(paths_result()).values():
            assert one.standing is not Standing.SURE

    def test_runs_that_agree(self) -> None:
        one = small(*(conditions({ONE: 0.1, LIVE: ratio}, seed) for seed, ratio in enumerate((0.14, 0.141, 0.139), 1)))
        assert one.standing is Standing.SURE
        assert "3 runs differ by" in one.basis
        assert "a further run is expected to give 0.1" in one.basis

    def test_a_cell_that_does_not_lead_says_that_its_runs_disagree(self) -> None:
        one = small(*(conditions({ONE: ratio, LIVE: 0.14}, seed) for seed, ratio in enumerate((0.1, 0.3, 0.2), 1)))
        assert one.table
        live, alone = one.table.rows
        assert "runs apart" not in live[1]
        assert re.search(r"\nruns apart: 0\.(1|09)\d*x and 0\.(3|29)\d*x$", alone[1])
        assert APART in one.detail

    def test_two_runs_are_few_to_say_how_much_runs_differ(self) -> None:
        few = "two runs are too few to estimate how much runs differ"
        runs = [conditions({LIVE: 0.14}, seed) for seed in (1, 2, 3)]
        assert f"(tau; {few}); a further run is expected to give" in small(*runs[:2]).basis
        assert few not in small(*runs).basis

    def test_four_runs_each_with_a_narrow_interval_that_contradict_each_other(self) -> None:
        ratios = (0.3, 2.0, 0.5, 3.0)
        runs = [conditions({LIVE: ratio}, seed) for seed, ratio in enumerate(ratios, 1)]
        for made in runs:
            assert small(made).standing is Standing.RUN
        one = small(*runs)
        assert one.standing is Standing.UNSURE
        assert one.answer == "Either"
        assert any(text.startswith("Runs differ by more than their own intervals, 0.") for text in one.detail)

    def test_the_least_noisy_run_speaks(self) -> None:
        noises = {1: 0.2, 2: 0.03, 3: 0.1}
        runs = [conditions({LIVE: 0.14}, seed, noise) for seed, noise in noises.items()]
        (group,) = groups_of(runs_of(runs), path_rows)
        assert group.lead.result is runs[1]
        assert f"run {group.lead.label}" in " ".join(small(*runs).detail)

    def test_a_layout_that_one_run_has_is_of_that_run(self) -> None:
        runs = [conditions({ONE: 0.1}, 1), conditions({ONE: 0.1}, 2), conditions({ONE: 0.1, LIVE: 2.0}, 3, 0.3)]
        one = small(*runs)
        assert one.answer == "Copy beside a second live thread"
        assert one.standing is Standing.RUN
