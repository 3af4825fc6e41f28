"""Findings of heaps, windows and policies, and of the thread's claims."""

import re

import pytest

from gcproto.report.words.finding import Finding
from gcproto.report.words.heaps import heap_finding
from gcproto.report.words.kernels import check_finding
from gcproto.report.words.kinds import workloads
from gcproto.report.words.policies import policy_findings
from gcproto.report.words.ratios import Standing
from gcproto.report.words.rows import policy_rows, window_rows, workload_rows
from gcproto.report.words.runs import groups_of, runs_of
from gcproto.report.words.thread import thread_finding
from gcproto.report.words.windows import window_finding
from gcproto.results.statistics import summarise
from tests.support.claim_results import claims_result
from tests.support.condition_results import two_modes
from tests.support.heap_results import heap_result, placed_window_result, window_result
from tests.support.policy_results import policy_result


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
        assert "In this run a runtime that has a processor for its collector gains." in text
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
        assert auto.question == "Does policy auto choose well by the time after the flip?"
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
