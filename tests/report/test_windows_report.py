"""Texts about windows: no more than their samples say, over several runs and of what was disturbed."""

from io import StringIO

from rich.console import Console

from gcproto.report.page.sections import window_section
from gcproto.report.page.tables import runs_grid, window_grid
from gcproto.report.terminal.collector.windows import print_windows
from gcproto.report.words.finding import Finding
from gcproto.report.words.kinds import windows
from gcproto.report.words.ratios import APART, Ratio, Standing
from gcproto.report.words.rows import window_rows
from gcproto.report.words.runs import Group, groups_of, runs_of
from gcproto.report.words.windows import window_finding
from gcproto.results.schema import Latency, Result, WindowScenario
from tests.support.condition_results import two_modes
from tests.support.heap_results import placed_window_result

WAYS = {"own": {"move": 0.43, "move-group": 0.30}, "shared": {"move": 1.0}}


def run(seed: int, ways: dict[str, dict[str, float]] | None = None, noise: float = 0.02) -> Result:
    made = placed_window_result(ways or WAYS, f"run{seed:09d}", seed, noise)
    made.producer.started = f"2026-11-24T{seed:02d}:00:00+00:00"
    for one in windows(made.measurements):
        one.figures.collector_ns_page, one.figures.collector_queued_ns_page = 1000.0, 1.0
    return made


def queue(made: Result, share: float, way: str = "", placement: str = "own") -> Result:
    """The same with a collector that waited for its processor."""
    for one in windows(made.measurements):
        if one.at.placement == placement and way in {"", one.at.way}:
            one.figures.collector_queued_ns_page = 1000.0 * share
    return made


def group_of(*runs: Result) -> Group[WindowScenario]:
    (group,) = groups_of(runs_of(runs), window_rows)
    return group


def card(*runs: Result) -> Finding:
    found = window_finding(group_of(*runs), "window")
    assert found
    return found


def claim(group: Group[WindowScenario], way: str, placement: str = "own") -> Ratio[WindowScenario]:
    (found,) = [one for one in group.rows if one.at.way == way and one.at.placement == placement]
    assert isinstance(found, Ratio)
    return found


def label(group: Group[WindowScenario], made: Result) -> str:
    return next(one.label for one in group.runs if one.result is made)


class TestQueued:
    """A collector on a processor of its own has nothing to wait for: another process ran there."""

    def test_a_run_in_which_it_waited_is_left_out_and_named(self) -> None:
        runs = [run(1), run(2), queue(run(3), 0.12)]
        group = group_of(*runs)
        found = claim(group, "move")
        bad = label(group, runs[2])
        assert bad not in {one.run for one in found.members}
        assert len(found.members) == 2
        said = f"Not put together: run {bad}. Its collector waited for its processor in 12 % of its time."
        assert said in card(*runs).detail
        together = next(part for part in window_section([group])[0].parts if "together" in part.title)
        assert said in together.lines
        assert len(claim(group, "move", "shared").members) == 3, "a shared processor is waited for"

    def test_only_what_was_disturbed_is_left_out(self) -> None:
        runs = [run(1), run(2), queue(run(3), 0.12, "move")]
        group = group_of(*runs)
        assert len(claim(group, "move").members) == 2
        assert len(claim(group, "move-group").members) == 3
        bad = label(group, runs[2])
        assert any(text.startswith(f"Not put together: run {bad} (move). Its") for text in card(*runs).detail)

    def test_what_copy_waited_is_in_every_ratio(self) -> None:
        group = group_of(run(1), run(2), queue(run(3), 0.12, "copy"))
        assert {len(claim(group, way).members) for way in ("move", "move-group")} == {2}

    def test_one_run_that_is_left_is_one_run(self) -> None:
        runs = [run(1), queue(run(2), 0.12)]
        group = group_of(*runs)
        found = claim(group, "move-group")
        assert (found.across, found.standing, found.run) == (None, Standing.RUN, label(group, runs[0]))
        assert any(text.startswith("Not put together: run") for text in card(*runs).detail)

    def test_where_all_runs_are_so_they_are_put_together_and_it_is_said(self) -> None:
        runs = [queue(run(seed), share) for seed, share in ((1, 0.05), (2, 0.12))]
        assert len(claim(group_of(*runs), "move").members) == 2
        said = "Put together, because in every run the collector waited for its own processor, in 5 % to 12 %"
        assert any(text.startswith(said) for text in card(*runs).detail)

    def test_of_a_single_run_it_is_said(self) -> None:
        said = "Disturbed comparisons: the collector waited for its own processor, in 12 % of its time: move"
        assert any(text.startswith(said) for text in card(queue(run(1), 0.12)).detail)

    def test_a_tick_of_the_kernel_is_not_waiting(self) -> None:
        runs = [run(1), run(2), queue(run(3), 0.02)]
        assert len(claim(group_of(*runs), "move").members) == 3
        assert "waited" not in " ".join(card(*runs).detail)

    def test_the_table_of_all_runs_has_what_was_left_out(self) -> None:
        group = group_of(run(1), run(2), queue(run(3), 0.12))
        cells = [row[-1] for row in runs_grid(group, group.common).rows]
        assert "not put together: its collector waited for its processor in 12 % of its time" in cells

    def test_tables_show_it(self) -> None:
        made = queue(run(1), 0.12)
        grid = window_grid(made)
        assert grid.rows[0][grid.heads.index("queued ms")] == "1.97 (12 %)"
        text = printed(made, 200)
        assert "queued" in text
        assert "1.97" in text
        assert "the collector waited for its own processor, in parts of its time: 12 % (copy), 12 % (move)" in text

    def test_it_is_the_first_that_a_narrow_terminal_leaves_out(self) -> None:
        made = run(1)
        for one in windows(made.measurements):
            one.figures.fault = Latency(9000, 1600.0, 3000.0, 15_900.0, 20_000.0, 9e6)
        needed = min(width for width in range(60, 200) if "omitted" not in printed(made, width))
        left_out = next(line for line in printed(made, needed - 1).splitlines() if line.startswith("omitted"))
        assert "the collector's wait for its processor; shown" in left_out

    def test_a_kernel_that_does_not_say_it_has_no_column(self) -> None:
        made = run(1)
        for one in windows(made.measurements):
            one.figures.collector_queued_ns_page = None
        assert "queued" not in printed(made, 200)
        assert window_grid(made).rows[0][window_grid(made).heads.index("queued ms")] == ""


def printed(made: Result, width: int) -> str:
    out = StringIO()
    print_windows(made.measurements, made, Console(file=out, width=width, color_system=None))
    return out.getvalue()


class TestApart:
    def test_every_cell_whose_runs_disagree_says_so(self) -> None:
        ratios = ((0.43, 0.9), (0.44, 0.5), (0.43, 0.7))
        runs = [run(seed, {"own": {"move": a, "move-copy": b}}) for seed, (a, b) in enumerate(ratios, 1)]
        found = card(*runs)
        assert found.answer == "move"
        assert found.table
        cells = {row[0]: row[1] for row in found.table.rows}
        assert "\nruns apart: 0.5" in cells["move-copy"] or "\nruns apart: 0.4" in cells["move-copy"]
        assert "runs apart" not in cells["move"]
        assert APART in found.detail

    def test_where_none_disagree_nothing_is_said(self) -> None:
        found = card(run(1), run(2), run(3))
        assert APART not in found.detail


class TestAnswer:
    def test_it_is_against_copy_and_says_so_of_the_next_way(self) -> None:
        found = card(run(1))
        assert found.answer.startswith("move-group")
        assert found.basis.startswith("against copy, ")
        said = next(text for text in found.detail if "lowest ratio to copy" in text)
        assert "it differs from the next (in this run): it costs 0.7" in said or "costs 0.6" in said
        assert "x move (" in said

    def test_over_several_runs_it_is_pooled(self) -> None:
        said = next(text for text in card(run(1), run(2), run(3)).detail if "lowest ratio to copy" in text)
        assert "it differs from the next (sure)" in said

    def test_a_next_way_that_is_not_told_apart(self) -> None:
        close = {"own": {"move": 0.300, "move-group": 0.301}}
        said = next(text for text in card(run(1, close, 0.1)).detail if "lowest ratio to copy" in text)
        assert "it does not differ clearly from the next, " in said
        assert "includes 1" in said or "is within the noise floor" in said

    def test_two_runs_that_contradict_each_other_do_not_tell(self) -> None:
        runs = [
            run(1, {"own": {"move": 0.30, "move-group": 0.40}}),
            run(2, {"own": {"move": 0.39, "move-group": 0.30}}),
        ]
        said = next(text for text in card(*runs).detail if "lowest ratio to copy" in text)
        assert "does not differ clearly" in said

    def test_a_single_way_has_nothing_to_be_told_from(self) -> None:
        found = card(run(1, {"own": {"move": 0.4}}))
        assert any("no other way than move was measured against copy" in text for text in found.detail)

    def test_single_events_stand_beside_the_phase(self) -> None:
        made = run(1, {"own": {"move": 0.4}})
        for one in windows(made.measurements):
            slow = 30_000.0 if one.at.way == "move" else 9_000.0
            one.figures.fault = Latency(9000, 1600.0, 3000.0, slow, None, 9e6)
        (said,) = [text for text in card(made).detail if "p99" in text]
        assert "a first touch of a page takes 6.10 us with move, 6.10 us with copy" in said
        assert "serving a fault takes 30.0 us with move, 9.00 us with copy" in said
        for one in windows(made.measurements):
            one.figures.fault = Latency(50, 1600.0, 3000.0, None, None, 9e6)
        assert any("an unknown time (too few for it) with move" in text for text in card(made).detail)
        for one in windows(made.measurements):
            one.figures.access = one.figures.fault = None
        assert "Not measured: single touches and faults." in card(made).detail

    def test_two_modes_in_a_card_have_no_interval(self) -> None:
        made = run(1, {"own": {"move": 0.4}})
        two_modes(next(one.measured for one in windows(made.measurements) if one.at.way == "move"), 400.0, 1200.0, 0.7)
        said = next(text for text in card(made).detail if text.startswith("If the collector has") and "costs" in text)
        assert " %) or " in said
        assert "(33 %) copy. In this run a runtime" in said
