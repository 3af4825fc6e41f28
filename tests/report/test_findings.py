"""Findings: what is said, under which condition, how far it is established, and that too little is never sure."""

import re

import pytest

from gcproto.report.page.verdict import evidence_of
from gcproto.report.plots.kernels import plot
from gcproto.report.words.finding import Finding
from gcproto.report.words.heaps import heap_finding
from gcproto.report.words.kernels import check_finding, series_findings
from gcproto.report.words.kinds import workloads
from gcproto.report.words.paths import headline_rows, path_findings
from gcproto.report.words.policies import policy_findings
from gcproto.report.words.ratios import APART, SURE_FROM, Ratio, Refusal, Standing, bounds, compared
from gcproto.report.words.rows import path_rows, policy_rows, window_rows, workload_rows
from gcproto.report.words.runs import groups_of, runs_of
from gcproto.report.words.thread import thread_finding
from gcproto.report.words.windows import window_finding
from gcproto.results.schema import (
    ANY,
    CACHE,
    MEMORY,
    Console,
    ContractRow,
    Hazard,
    Interval,
    Noise,
    PathScenario,
    Result,
    Scenario,
    Verdict,
    with_fields,
)
from gcproto.results.series import build, release_of
from gcproto.results.statistics import summarise
from gcproto.results.steps import steps
from tests.support.claim_results import claims_result
from tests.support.condition_results import PMD, conditions, of, part, path, refusing, run, two_modes
from tests.support.heap_results import heap_result, placed_window_result, window_result
from tests.support.kernel_results import CANARY, COPY, SPLIT, STOCK, guest_result, stock
from tests.support.path_results import paths_result
from tests.support.policy_results import policy_result
from tests.support.result_maker import noisy_run, scenario

ONE, LIVE, BEYOND = (1, CACHE, ANY), (2, CACHE, ANY), (1, MEMORY, ANY)
LIVE_BEYOND = (2, MEMORY, ANY)


def findings(*results: Result) -> dict[str, Finding]:
    (group,) = groups_of(runs_of(results), path_rows)
    return {one.question.split("?")[0]: one for one in path_findings(evidence_of(group), "cost", "cost")}


def small(*results: Result) -> Finding:
    return findings(*results)["Small folios: move or copy"]


def text_of(one: Finding) -> str:
    return " ".join((one.question, one.answer, one.figure, one.basis, *one.detail))


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
    """Sure is said of what holds between runs, and of nothing else: issue 14, item 10."""

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


@pytest.mark.parametrize(("rounds", "standing"), [(8, Standing.RUN), (3, Standing.UNSURE)])
def test_heaps(rounds: int, standing: Standing) -> None:
    made = heap_result(rounds=rounds)
    slow = next(one for one in workloads(made.measurements) if one.at.mode == "move").measured
    slow.samples = [value * 2 for value in slow.samples]
    summarise(made.measurements)
    found = heap_finding(groups_of(runs_of([made]), workload_rows)[0], "heap")
    assert found
    assert found.standing is standing
    assert found.answer == ("Copy" if standing is Standing.RUN else "Copy?")
    assert any(text.startswith("Longest pause with move: ") for text in found.detail)


def test_windows() -> None:
    best = window_finding(groups_of(runs_of([window_result()]), window_rows)[0], "window")
    assert best
    assert best.answer == "move-group"
    assert "move-group costs 0.11" in best.figure
    assert "if the collector has a processor of its own" in best.figure


class TestPlacement:
    """The scheduler decides more than the way: what is steady leads: issue 14, item 6."""

    def found(self, ratios: dict[str, dict[str, float]]) -> Finding:
        made = window_finding(groups_of(runs_of([placed_window_result(ratios)]), window_rows)[0], "window")
        assert made
        return made

    def test_each_placement_has_a_sentence_for_runtimes(self) -> None:
        one = self.found({"unplaced": {"move": 0.2}, "shared": {"move": 1.0}, "own": {"move": 0.43}})
        assert one.answer == "move if the collector has a processor of its own"
        text = " ".join(one.detail)
        assert "If the collector has a processor of its own, move costs 0.4" in text
        assert "A runtime that can spare the collector a processor gains." in text
        assert "If the collector shares a processor with a mutator, move costs" in text
        assert "A runtime whose collector shares a processor gains nothing that is sure." in text
        assert text.index("of its own") < text.index("shares a processor") < text.index("the scheduler places")

    def test_all_placements_stand_in_the_card(self) -> None:
        one = self.found({"unplaced": {"move": 0.2}, "own": {"move": 0.43}})
        assert one.table
        assert one.table.heads == ("way", "own processor", "placed by the scheduler")
        assert "Not measured: a collector on a shared one." in one.detail

    def test_what_has_two_modes_does_not_lead(self) -> None:
        made = placed_window_result({"own": {"move": 0.4}, "shared": {"move": 0.9}})
        own = next(one for one in made.measurements if one.samples and one.median and one.median < 1500)
        two_modes(own, 400.0, 2600.0, 0.7)
        one = window_finding(groups_of(runs_of([made]), window_rows)[0], "window")
        assert one
        assert "if the collector shares a processor" in one.figure
        assert "(67 %) or 0.9" in " ".join(one.detail)

    def test_runs_that_do_not_agree_are_said_so(self) -> None:
        runs = [
            placed_window_result({"unplaced": {"move": ratio}}, f"{seed:012d}", seed, 0.02)
            for seed, ratio in enumerate((0.33, 0.24, 0.62), 1)
        ]
        one = window_finding(groups_of(runs_of(runs), window_rows)[0], "window")
        assert one
        assert any("Runs differ by more than their own intervals, 0.2" in text for text in one.detail)

    def test_notes_of_version_one_are_shown(self) -> None:
        made = window_result()
        for measured in made.measurements:
            measured.notes = ["measured by version 1, which read the start late"]
        one = window_finding(groups_of(runs_of([made]), window_rows)[0], "window")
        assert one
        assert "All: measured by version 1, which read the start late." in one.detail

    def test_more_threads_than_processors_are_said(self) -> None:
        one = self.found({"own": {"move": 0.4}})
        assert any("3 runnable threads on 2 processors" in text for text in one.detail)


class TestPolicies:
    def test_auto_against_the_best_and_move_heap_by_heap(self) -> None:
        auto, move = policy_findings(groups_of(runs_of([policy_result()]), policy_rows)[0], "policies")
        assert auto.question == "Does policy auto choose well?"
        assert auto.answer == "On 2 of 3 heaps"
        assert "Not tested, as all policies chose the same: trees small." in auto.detail
        assert "differ by up to 2.2% (A/A)" in auto.basis
        assert any(text.startswith("trees 2M: auto takes 1.3") for text in auto.detail), "copy takes less there"
        assert re.fullmatch(r"at most 1\.\d+x the best fixed policy \(1\.\d+-1\.\d+; trees 2M\)", auto.figure)
        assert auto.table
        assert auto.table.rows[2][2] == "not tested"
        assert auto.table.rows[0][0] == "sparse 64K, 2 threads"
        assert move.answer == "Move on 3 and Copy on 1 of 4 heaps"
        assert move.standing is Standing.RUN
        assert any(text.startswith("Move costs most on trees 2M: 1.6") for text in move.detail)
        assert move.basis == "4 of 4 ratios beyond interval and noise (noise floor 2.2%)"

    def test_where_all_policies_do_the_same_work_auto_is_not_tested(self) -> None:
        """A reader was told "at most 1.00x the best fixed policy" of heaps on which there was nothing to choose."""
        made = policy_result()
        small = [one for one in made.measurements if getattr(one.scenario, "order", None) == 0]
        made.measurements = small
        move_samples = next(one for one in small if getattr(one.scenario, "policy", "") == "move").samples
        move_samples[:] = [value * 1.06 for value in move_samples]
        auto, move = policy_findings(groups_of(runs_of([made]), policy_rows)[0], "policies")
        assert (auto.answer, auto.standing) == ("Not tested", Standing.MISSING)
        assert "at most" not in auto.figure
        assert re.search(r"differ by up to [5-9]\.\d% \(A/A\)", auto.basis), "what was measured, not 2 % assumed"
        assert re.search(r"\(noise floor [5-9]\.\d%\)", move.basis)

    def test_without_policies_that_chose_the_same_the_floor_is_assumed(self) -> None:
        made = policy_result()
        made.measurements = [
            one for one in made.measurements if getattr(one.scenario, "policy", "") in ("copy", "move")
        ]
        (move,) = policy_findings(groups_of(runs_of([made]), policy_rows)[0], "policies")
        assert move.basis.endswith("(noise floor 2.0% assumed)")

    def test_without_copy_nothing_is_said_of_copying(self) -> None:
        made = policy_result(without=("copy",))
        (auto,) = policy_findings(groups_of(runs_of([made]), policy_rows)[0], "policies")
        assert "Not measured: policy copy" in " ".join(auto.detail)

    def test_auto_that_fails_is_named(self) -> None:
        made = policy_result()
        slow = [one for one in made.measurements if getattr(one.scenario, "policy", "") == "auto"]
        for measured in slow:
            figures = measured.figures
            figures.choices = []  # type: ignore[union-attr]
            measured.samples = [value * 1.3 for value in measured.samples]
        auto, _ = policy_findings(groups_of(runs_of([made]), policy_rows)[0], "policies")
        assert auto.answer == "On 0 of 4 heaps", "a choice that is not known is like no other"
        assert any("auto takes 1.3" in text for text in auto.detail)


class TestThread:
    """Claims were read as checks and as heaps: issue 14, item 7."""

    def test_claims_are_counted_by_judgement(self) -> None:
        one = thread_finding(claims_result().claims, "", "claims")
        assert one
        assert one.answer == "2 of 5 confirmed"
        assert one.figure == "2 confirmed, 1 in part, 1 refuted and 1 not testable here"

    def test_they_are_no_verdicts_on_kernels(self) -> None:
        assert check_finding([claims_result()], "checks") is None


def test_kernels() -> None:
    results = stock()
    series = build(results)
    (step,) = series_findings(series, steps(series), results, "kernels")
    assert step.answer == "Yes"
    assert step.figure == "-81% between 6.17.13 and 6.18.15"
    assert "2 more steps are marked in the picture." in step.detail
    assert "TLB-flush batching" in text_of(step)
    assert "move, 2M a call: 1220 \N{RIGHTWARDS ARROW} 226 instructions/page." in step.detail


def test_a_step_lies_between_the_kernels_that_were_measured() -> None:
    """Of 6.17 and 7.3 nobody knows which kernel between them brought it."""
    results = [one for one in stock() if release_of(one).startswith(("6.17", "7.3"))]
    series = build(results)
    (step,) = series_findings(series, steps(series), results, "kernels")
    assert step.figure == "-81% between 6.17.13 and 7.3.4"
    assert "1 more step is marked in the picture." in step.detail
    said = plot("kernels", series, steps(series), results).text
    assert "Step of -81% between 6.17.13 and 7.3.4: small" in said


def test_steps_of_what_is_not_drawn_are_counted_apart() -> None:
    """The picture marks its own lines; a step of another scenario is no reason to say that there is none."""
    hidden = scenario("move", PMD, source="swapped", order=4, pages=512)
    results = [
        guest_result(f"{version}-cloud-amd64", {CANARY: 4000.0, COPY: 3000.0, hidden: value}, noise=0.0)
        for version, value in (("6.18.15+deb13", 900.0), ("7.3.4+deb13", 300.0))
    ]
    series = build(results)
    (step,) = series_findings(series, steps(series), results, "kernels")
    assert (step.answer, step.figure) == ("Yes", "-67% between 6.18.15 and 7.3.4")
    releases = ("6.17.13+deb13-cloud-amd64", "7.3.4+deb13-cloud-amd64")
    drawn = [guest_result(release, STOCK[release], noise=0.0) for release in releases]
    for one, more in zip(drawn, results, strict=True):
        one.measurements.append(more.measurements[-1])
    series = build(drawn)
    (step,) = series_findings(series, steps(series), drawn, "kernels")
    assert step.detail[-2].endswith("1 step of scenarios that it does not draw stands in the table.")


def test_lines_follow_the_page_size_of_the_results() -> None:
    """64K pages: a table is 512M, a page a call 64K, and the mTHP the next above 64K."""
    from gcproto.report.plots.kernels import lines_of

    page, table = 65536, 512 << 20
    values: dict[Scenario, float] = {
        PathScenario(source, order, arm, granule, "congruent", 1, table // page): 100.0
        for source, order, arm, granule in (
            ("small", 0, "copy", table),
            ("small", 0, "move", page),
            ("small", 0, "move", table),
            ("mthp", 5, "move", table),
            ("thp", 13, "move", table),
        )
    }
    results = [guest_result("6.18.15-arm64", values)]
    results[0].environment["page_size"] = page
    titles = [one.title for one in lines_of(values, results)]
    assert titles == ["copy, 512M a call", "move, 64K a call", "move, 512M a call", "move, 2M mTHP", "move, whole THP"]


def test_a_kernel_that_moves_mthps_whole_is_named() -> None:
    results = stock(boots=1)
    for made in results:
        for one in made.measurements:
            if isinstance(one.scenario, PathScenario) and one.scenario.source == "mthp":
                whole = "7.3" in made.environment["kernel"]["release"]
                one.proof.folios, one.proof.folios_split = 640, 0 if whole else 640
    series = build(results)
    found = series_findings(series, steps(series), results, "kernels")[-1]
    assert found.answer == "7.3.4"
    assert found.figure == "1 of 5"


def test_a_skewed_mthp_is_not_one_that_was_asked_whole() -> None:
    results = stock(boots=1)
    for made in results:
        for one in made.measurements:
            if isinstance(one.scenario, PathScenario) and one.scenario.source == "mthp":
                one.scenario = with_fields(one.scenario, alignment="skewed")
                one.proof.folios, one.proof.folios_split = 640, 640
    series = build(results)
    assert "whole" not in series_findings(series, steps(series), results, "kernels")[-1].question


def test_kernels_that_misbehave() -> None:
    verdicts = [Verdict(Hazard("ksm"), "panic", "oops"), Verdict(ContractRow("x"), "fine", "")]
    found = check_finding([guest_result("6.18.15+deb13-cloud-amd64", {}, verdicts=verdicts)], "checks")
    assert found
    assert found.answer == "1 of 1 do"
    assert found.figure == "1 of 2 verdicts"
    assert "6.18.15: ksm: panic." in found.detail


def test_what_a_console_printed_is_no_row_and_no_hazard() -> None:
    verdicts = [Verdict(Console(), "differs", "a warning"), Verdict(ContractRow("x"), "fine", "")]
    found = check_finding([guest_result("6.18.15+deb13-cloud-amd64", {}, verdicts=verdicts)], "checks")
    assert found
    assert found.answer == "None was seen to"
    assert "1 row or hazard ran and was fine." in found.detail
    assert "The console of 6.18.15: a warning." in found.detail


def test_what_was_unavailable_is_counted_apart() -> None:
    verdicts = [Verdict(Hazard("ksm"), "unavailable", "no KSM"), Verdict(ContractRow("x"), "fine", "")]
    found = check_finding([guest_result("6.18.15+deb13-cloud-amd64", {}, verdicts=verdicts)], "checks")
    assert found
    assert found.figure == "0 of 1 verdict"
    assert "1 was unavailable; the section says why." in found.detail


def test_a_patched_kernel_is_not_taken_for_the_stock_one() -> None:
    results = [
        guest_result(release, {SPLIT: value}, boot=1)
        for release, value in (("7.3.4+deb13-cloud-amd64", 2876.0), ("7.3.4-mthp", 60.0))
    ]
    for made, split in zip(results, (640, 0), strict=True):
        made.measurements[0].proof.folios, made.measurements[0].proof.folios_split = 640, split
    series = build(results)
    whole = series_findings(series, steps(series), results, "kernels")[-1]
    assert whole.answer == "7.3.4-mthp"
    assert "Kernels that split mTHPs to move them: 7.3.4+deb13." in whole.detail
