"""Sentences about heaps that said more than their samples allow, or what another sentence of the same table denied."""

import pytest

from gcproto.report.placement import crowded, runnable
from gcproto.report.plots import scaling
from gcproto.report.plots.heap import mmu
from gcproto.report.plots.latency import waits
from gcproto.report.words.finding import Finding, few_rounds, told_apart
from gcproto.report.words.grids import grid_finding, verdict_lines
from gcproto.report.words.policies import policy_findings
from gcproto.report.words.ratios import Standing
from gcproto.report.words.rows import policy_rows
from gcproto.report.words.runs import groups_of, runs_of
from gcproto.results.comparison.alike import differences
from gcproto.results.heaps.cells import compared, floors_of, judge
from gcproto.results.schema import (
    Measurement,
    Mmu,
    ModeOptions,
    PauseFigure,
    PolicyExperiment,
    Stall,
    WorkloadExperiment,
    WorkloadFigures,
)
from tests.report.test_terminal_says import shown
from tests.results.heaps.test_cells import mode
from tests.support.heap_results import grid_result, heap_mode, heap_scenario
from tests.support.policy_results import policy_result
from tests.support.result_maker import result

EXPERIMENT = WorkloadExperiment("trees", 200_000, 100, 500)


def said_of(*modes: Measurement, limit: float = 0.05) -> str:
    floors = floors_of(modes)
    return " / ".join(verdict_lines(judge(compared(modes), limit, floors), limit, floors))


class TestGrid:
    def test_what_noise_excuses_is_not_within_the_limit(self) -> None:
        """Cells of 1.27x were counted among those in which auto takes at most 5 % longer."""
        said = said_of(mode("copy", 1.0), mode("copy", 1.2, replica=1), mode("auto", 1.1))
        assert "auto takes at most 1.05x the time of the best fixed mode in 0 of 1 cell" in said
        assert (
            "Of the other 1, none has an interval above 1 and is beyond the noise (A/A: 20% with small folios)" in said
        )

    def test_pairs_that_lie_below_1_are_counted(self) -> None:
        """It said that half of those that exclude 1 lie below it."""
        said = said_of(mode("copy", 1.0), mode("copy", 1.2, replica=1), mode("auto", 0.9))
        assert "interval below 1 in 1 of 1 cell; so have none of 1 A/A pair" in said
        assert "half of them" not in said

    def test_cells_in_which_mmu_cannot_fall_short_are_said(self) -> None:
        said = said_of(mode("copy", 1.0, 0.01), mode("auto", 0.9, 0.0))
        assert "below the largest of a fixed mode in 1 of 1 cell; in 1 cell no fixed mode has more than 0.05" in said

    @pytest.mark.parametrize(("rounds", "standing"), [(3, Standing.UNSURE), (8, Standing.RUN)])
    def test_a_grid_of_few_rounds_establishes_nothing(self, rounds: int, standing: Standing) -> None:
        made = grid_result()
        for one in made.measurements:
            one.samples, one.rounds = one.samples[:rounds], one.rounds[:rounds]
        (run,) = runs_of([made])
        found = grid_finding(run, "heap")
        assert found is not None
        assert found.standing is standing
        assert found.answer == "No objection in 1 of 2 cells"
        assert ("too few to be sure" in found.basis) == (rounds == 3)


@pytest.mark.parametrize(("rounds", "share"), [(3, "75 %"), (4, "88 %"), (5, "94 %"), (6, "")])
def test_intervals_of_few_rounds_do_not_hold_with_95_percent(rounds: int, share: str) -> None:
    said = few_rounds([heap_mode("copy", 15.0, rounds=rounds)])
    assert bool(said) == bool(share)
    assert all(
        f"intervals of {rounds} rounds include the true median in at most {share} of cases" in one for one in said
    )
    assert few_rounds([heap_mode("copy", 15.0, rounds=2)]) == [], "there is no interval"


def test_cards_of_one_question_name_their_runs() -> None:
    def card(question: str) -> Finding:
        return Finding(question, "Move", "0.5x", Standing.RUN, "", [], "heap")

    found = told_apart([(card("one?"), ["a"]), (card("one?"), ["b", "c"]), (card("two?"), ["a"])])
    assert [one.question for one in found] == ["one? (run a)", "one? (run b, c)", "two?"]


class TestPolicies:
    def test_the_card_names_the_objective(self) -> None:
        made = policy_result()
        made.experiment = PolicyExperiment(objective="mutators")
        auto, *_ = policy_findings(groups_of(runs_of([made]), policy_rows)[0], "policies")
        assert auto.question == "Does policy auto choose well by the time that mutators lose?"
        assert "Auto is judged by the time that mutators lose" in " ".join(shown(made).split())

    def test_the_head_explains_what_the_table_has(self) -> None:
        made = policy_result(without=("copy", "auto"))
        for one in made.measurements:
            one.ratio_to_copy = None
            one.figures.went_whole = 0.0  # type: ignore[union-attr]
        head = shown(made, 200).partition("heap  ")[0]
        for absent in ("ratio to copy", "Whole:", "Split+", "Interrupted", "Auto is judged"):
            assert absent not in head

    @pytest.mark.parametrize("objective", ["", "a later one"])
    def test_an_objective_that_is_not_known_is_quoted(self, objective: str) -> None:
        made = policy_result()
        made.experiment = PolicyExperiment(objective=objective)
        assert f'Auto is judged by objective "{objective}"' in " ".join(shown(made).split())
        auto, *_ = policy_findings(groups_of(runs_of([made]), policy_rows)[0], "policies")
        assert auto.question == f'Does policy auto choose well by objective "{objective}"?'

    def test_runs_of_two_objectives_are_not_compared(self) -> None:
        """Auto was called 3.7 times slower, as it had been asked for something else."""
        base, new = policy_result(), policy_result()
        new.experiment = PolicyExperiment(objective="total")
        assert differences(base, new) == ["objective: flip and total"]


class TestStalls:
    def said(self, stall: Stall) -> str:
        made = heap_mode("move", 15.0)
        assert isinstance(made.figures, WorkloadFigures)
        made.figures.pauses, made.figures.stall = [PauseFigure("flip", 0.3, 0.634)], stall
        return shown(result([made], experiment=EXPERIMENT), 200)

    def test_one_longer_than_every_pause_is_no_pause_alone(self) -> None:
        """The longest pause was 0.634 ms, and the longest stall 44.1 ms "pause"."""
        assert "44.1 ms: pause of at most 0.634 ms, then waiting to run again" in self.said(
            Stall(44_100_000, "pause", 3)
        )

    def test_a_pause_is_a_pause(self) -> None:
        assert "longest stall 0.635 ms: pause: flip (mutator 3)" in self.said(Stall(635_000, "pause: flip", 3))


def test_verified_runs_say_that_their_times_include_the_checks() -> None:
    made = heap_mode("move", 15.0)
    assert isinstance(made.figures, WorkloadFigures)
    made.figures.verified = 416
    assert "416 collections verified; times include these checks" in shown(result([made], experiment=EXPERIMENT), 200)
    made.figures.verified = 1
    assert "1 collection verified; times include these checks" in shown(result([made], experiment=EXPERIMENT), 200)


def test_a_window_that_only_long_rounds_have_is_no_point_of_the_mmu() -> None:
    """The MMU of 1,000 ms was that of the one round that took so long, and below that of 500 ms."""
    made = heap_mode("move", 15.0)
    assert isinstance(made.figures, WorkloadFigures)
    made.figures.mmu = [Mmu(500, 0.88, 0.8, [0.88] * 8), Mmu(1000, 0.82, 0.82, [0.82])]
    picture = mmu(result([made], experiment=EXPERIMENT), "x")
    assert picture is not None
    assert picture.data.heads == ("mode", "500 ms, %")


def test_waits_are_for_memory() -> None:
    """They were shown as waits for a page that another thread builds, of which one compacting thread makes none."""
    picture, _ = waits(result([heap_mode("move", 15.0)], experiment=EXPERIMENT), "x")
    assert picture is not None
    assert picture.title == "Waiting for memory"


def test_crowding_names_the_number_of_compacting_threads() -> None:
    found = [heap_mode("move", 15.0), *(heap_mode("move", 15.0) for _ in (2, 4))]
    for one, threads in zip(found, (None, 2, 4), strict=True):
        options = ModeOptions(compactors=threads)
        one.scenario = heap_scenario("move", mutators=1, options=options, placement="own")
    said = crowded(found, result(found, experiment=EXPERIMENT, cpu={"allowed": 2}))
    assert said.startswith("up to 5 runnable threads (with 2 and 4 compacting threads, of which")


def test_more_compacting_threads_are_not_said_to_leave_the_mutators_alone() -> None:
    """The page said that one thread compacts at any moment; the others ran on the mutator's processor."""
    made = result([heap_mode("move", 15.0)], experiment=EXPERIMENT, cpu={"allowed": 2})
    assert "take turns with mutators" in scaling.remark([made])
    assert "at any moment" not in scaling.remark([made])


def test_a_mode_that_never_collects_has_no_collector_thread() -> None:
    assert [runnable(heap_scenario(name)) for name in ("none", "bare", "copy")] == [2, 2, 3]
