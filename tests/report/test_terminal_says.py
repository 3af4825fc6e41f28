"""What the terminal says of a result is what was measured, and nothing in a file reaches the terminal as a command."""

import io
import re
import sys
from io import StringIO
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from gcproto.cli.kit import terminal
from gcproto.report import labels
from gcproto.report.placement import crowded, runnable
from gcproto.report.terminal.collector.windows import print_windows
from gcproto.report.terminal.comparison import summary as compared
from gcproto.report.terminal.kernels import print_matrix
from gcproto.report.terminal.remarks import print_skips
from gcproto.report.terminal.tables import print_result
from gcproto.report.terminal.verdicts import print_verdicts
from gcproto.results.comparison.compare import ArmLine, Comparison, Line
from gcproto.results.schema import Console as KernelConsole
from gcproto.results.schema import (
    ContractRow,
    Hazard,
    Interval,
    Measurement,
    Outcome,
    Result,
    SampleMode,
    Skip,
    Verdict,
    WindowExperiment,
    WindowFigures,
    with_fields,
)
from gcproto.results.statistics import summarise
from tests.report.test_terminal_results import claims, folio_heaps, golden, policies, two_modes_window
from tests.support.heap_results import heap_result, heap_scenario, window_result, window_scenario
from tests.support.kernel_results import guest_result
from tests.support.result_maker import measurement, result, scenario

HOSTILE = "\x1b]0;pwned\x07[red]\u202e[/]\r\\"


def shown(run: Result, width: int = 100) -> str:
    out = StringIO()
    print_result(run, Console(file=out, width=width, color_system=None))
    return out.getvalue()


def tables(run: Result) -> str:
    """Without the verdict below, which has tests of its own."""
    return shown(run).partition("\nSmall folios")[0]


def lines(run: Result) -> list[str]:
    return [" ".join(line.split()) for line in tables(run).splitlines()]


class TestPaths:
    def test_a_refusal_has_no_ratio_and_no_cost(self) -> None:
        move, copy = (measurement(scenario(arm), [median] * 9) for arm, median in (("move", 500.0), ("copy", 700.0)))
        move.outcome = Outcome(asked=9216, left=9216, ebusy=144, calls=144)
        found = lines(result([move, copy]))
        assert found[found.index("small") + 1 :][:3] == ["move refused", "EBUSY 16", "copy 700"]
        assert "500" not in tables(result([move, copy]))

    def test_a_part_says_which_part(self) -> None:
        move, copy = (measurement(scenario(arm), [median] * 9) for arm, median in (("move", 500.0), ("copy", 700.0)))
        move.outcome = Outcome(asked=10000, moved=6300, left=3700, ebusy=90, calls=144)
        assert "63 % moved" in lines(result([move, copy]))
        move.outcome = Outcome(asked=10000, moved=6300, copied_after_ebusy=3000, left=700, ebusy=90, calls=144)
        assert "93 % done" in lines(result([move, copy]))
        move.outcome = Outcome(asked=10000, moved=6300, copied_after_ebusy=3700, ebusy=90, calls=144)
        assert "%" not in "".join(lines(result([move, copy]))[4:]), "all of it was done"

    def test_two_modes_stand_in_place_of_a_median_and_have_no_ratio(self) -> None:
        move, copy = (measurement(scenario(arm), [median] * 9) for arm, median in (("move", 77.0), ("copy", 700.0)))
        run = result([move, copy])
        move.modes = [SampleMode(70.0, 69.0, 72.0, 0.74), SampleMode(230.0, 220.0, 240.0, 0.26)]
        found = lines(run)
        assert found[found.index("small") + 1 :][:4] == ["move 70.0 in 74 %", "230 in 26 %", "two modes", "copy 700"]
        assert "0.110" not in tables(run)
        assert "77.0" not in tables(run)

    def test_where_copying_has_two_modes_nothing_has_a_ratio_to_it(self) -> None:
        run = result([measurement(scenario(arm), [median] * 9) for arm, median in (("move", 77.0), ("copy", 700.0))])
        run.measurements[1].modes = [SampleMode(600.0, 590.0, 610.0, 0.5), SampleMode(900.0, 880.0, 990.0, 0.5)]
        assert "copy: two modes" in lines(run)
        assert "0.110" not in tables(run)

    def test_copy_then_discard_is_a_row_with_its_own_ratio_to_copy(self) -> None:
        costs = {"move": 70.0, "copy": 700.0, "copy_discard": 1400.0}
        found = lines(result([measurement(scenario(arm), [median] * 9) for arm, median in costs.items()]))
        assert "move 70.0 0.100x" in found
        assert "copy_discard 1400 2.00x" in found

    def test_a_second_thread_comes_first_then_memory_then_the_easy_case(self) -> None:
        layouts: list[dict[str, Any]] = [
            {},
            {"working_set": "memory"},
            {"frames": "shuffled"},
            {"threads": 2},
            {"threads": 2, "working_set": "memory", "frames": "shuffled"},
            {"threads": 2, "working_set": "memory"},
            {"alignment": "skewed"},
            {"alignment": "skewed", "threads": 2},
        ]
        made = [measurement(scenario("move", **layout), [100.0 + at] * 9) for at, layout in enumerate(layouts)]
        text = shown(result(made))
        costs = [int(found) for found in re.findall(r"\n move +(\d+)", text)]
        assert [cost - 100 for cost in costs] == [3, 7, 5, 4, 1, 2, 0, 6]
        assert "small, skewed" in text, "one table holds both layouts"

    def test_no_scenario_stands_in_the_place_of_another(self) -> None:
        made = [measurement(scenario("move", pages=pages), [100.0 + pages] * 9) for pages in (512, 1024)]
        found = lines(result(made))
        assert "move, 512 pages 612" in found
        assert "move, 1024 pages 1124" in found


class TestWindows:
    def window(self, way: str, median: float, count: int = 9, **other: object) -> Measurement:
        samples = [median * factor for factor in (1.0, 0.99, 1.01, 0.985, 1.015, 0.98, 1.02, 0.995, 1.005)[:count]]
        return measurement(window_scenario(way, **other), samples, WindowFigures())

    def said(self, *windows: Measurement, cpus: int = 8) -> str:
        run = result([*windows], experiment=WindowExperiment(), cpu={"allowed": cpus})
        out = StringIO()
        print_windows(run.measurements, run, Console(file=out, width=200, color_system=None))
        return out.getvalue()

    def test_the_shortest_phase_is_of_this_run_and_has_its_interval(self) -> None:
        text = self.said(self.window("copy", 2800), self.window("move", 1200), self.window("move-copy", 1500))
        assert "in this run move has the shortest mutator phase of 3 ways: 0.429 (0.42" in text

    def test_intervals_that_do_not_tell_ways_apart(self) -> None:
        text = self.said(self.window("copy", 2800), self.window("move", 1200), self.window("move-copy", 1205))
        assert (
            "in this run move has the lowest median mutator phase of 3 ways; it does not differ clearly from move-copy"
            in text
        )
        assert "have the shortest" not in text
        text = self.said(self.window("copy", 1205), self.window("move", 1200))
        assert "in this run no way has the shortest mutator phase: move does not differ clearly from the others" in text

    def test_few_windows_say_nothing(self) -> None:
        text = self.said(*(self.window(way, median, 5) for way, median in (("copy", 2800), ("move", 500))))
        assert "5 windows of a way are too few to tell which way has the shortest mutator phase" in text
        assert "in this run" not in text

    def test_two_modes_have_shares_and_no_ratio(self) -> None:
        run = two_modes_window()
        text = shown(run, 200)
        assert "have two modes, and no one ratio: 7.05 ms in 74 % and 31.1 ms in 26 % of them" in text
        sentence = next(line for line in text.splitlines() if "no one ratio" in line)
        assert "shortest" not in sentence
        copy, move = run.measurements[:2]
        assert copy.scenario != move.scenario
        assert move.ratio_to_copy
        assert labels.bounds(move.ratio_to_copy) not in text

    def test_placements_are_groups_the_steady_one_first_each_with_its_own_baseline(self) -> None:
        found = [
            self.window(way, median, placement=placement)
            for placement, medians in (("unplaced", (2000, 900)), ("shared", (2700, 2690)), ("own", (1900, 800)))
            for way, median in zip(("copy", "move"), medians, strict=True)
        ]
        text = self.said(*found)
        heads = ["a processor of its own", "shares a processor", "the scheduler places all threads"]
        at = [text.index(head) for head in heads]
        assert at == sorted(at)
        assert "the collector has a processor of its own: in this run move has the shortest mutator phase of 2" in text
        assert "the collector shares a processor with a mutator: in this run no way has the shortest" in text

    def test_more_threads_than_processors_are_said(self) -> None:
        windows = [self.window("copy", 2800), self.window("move", 1200)]
        assert "3 runnable threads on 2 processors" in self.said(*windows, cpus=2)
        assert "runnable" not in self.said(*windows, cpus=3)
        assert "move-thread: 4 runnable threads on 3 processors" in self.said(
            *windows, self.window("move-thread", 1300, handler="thread"), cpus=3
        ), "only of those that have so many"


def test_heaps_have_placements_and_say_that_threads_are_more_than_processors() -> None:
    run = heap_result()
    for one in run.measurements[2:]:
        one.scenario = with_fields(one.scenario, placement="own")
    text = shown(run, 200)
    assert "3 runnable threads on 2 processors" in text
    own, unplaced = text.index("\nthe collector has a processor"), text.index("\nthe scheduler places all threads")
    assert own < unplaced < text.index("\nmove ")
    assert text.index("\ncopy ") < unplaced


def test_runnable_threads() -> None:
    assert runnable(scenario("move", threads=2)) == 2
    assert runnable(heap_scenario("none")) == 2, "nobody collects"
    assert crowded([measurement(heap_scenario("move"), [1.0] * 3)], result([], cpu={"allowed": "many"})) == ""


def test_a_claims_result_is_its_claims() -> None:
    made = claims()
    made.measurements = golden().measurements
    text = shown(made)
    assert "1 confirmed, 1 in part, 1 not testable here" in text
    assert "in part" in next(line for line in text.splitlines() if line.startswith("T9"))
    assert "easy case" not in text, "arms that claims rest on are no table of their own"
    assert "gcproto show --wide prints the" in text


def test_a_mixed_guest_result_has_a_table_for_each_kind() -> None:
    made = guest_result("6.18", {})
    made.measurements = [
        one for run in (golden(), window_result(), heap_result(), policies()) for one in run.measurements
    ]
    made.verdicts = [Verdict(ContractRow("small"), "fine", "")]
    text = shown(made)
    for head in (
        "The window after the flip",
        "Heaps",
        "Evacuating small and large folios",
        "The easy case",
        "contract rows ok",
    ):
        assert head in text


def test_units_of_guests_are_instructions() -> None:
    run = window_result()
    for one in run.measurements:
        one.unit = "instructions/page"
    text = shown(run)
    assert "M instr." in text
    assert " ms" not in text


def test_what_any_boot_saw_was_seen() -> None:
    hazard = Hazard("livelock-references")
    boots = [guest_result("6.18", {}, boot=boot) for boot in (1, 2)]
    boots[0].verdicts, boots[1].verdicts = [Verdict(hazard, "hang", "x")], [Verdict(hazard, "fine", "")]
    for some in (boots, boots[::-1]):
        out = StringIO()
        print_verdicts(some, Console(file=out, width=100, color_system=None))
        assert "hang" in out.getvalue()


def test_a_console_without_warnings_is_told() -> None:
    """The hazard is fine, and nothing is known of what the kernel would have warned of."""
    made = guest_result("6.18", {})
    silent = Verdict(KernelConsole(), "unavailable", "warnings did not reach it")
    made.verdicts = [Verdict(Hazard("livelock-references"), "fine", ""), silent]
    out = StringIO()
    print_verdicts([made], Console(file=out, width=100, color_system=None))
    assert "unavailable: warnings did not reach it (6.18 console)" in out.getvalue()


def test_a_kernel_that_refuses_has_no_figure_in_the_matrix() -> None:
    made = guest_result("6.18", {scenario("move", 2 << 20): 500.0})
    made.measurements[0].outcome = Outcome(asked=100, left=100, ebusy=1)
    out = StringIO()
    print_matrix([made], Console(file=out, width=120, color_system=None))
    assert "refused" in out.getvalue()
    assert "500" not in out.getvalue()


def test_a_comparison_does_not_say_that_nothing_changed() -> None:
    line = Line(scenario("move"), "ns/page", 10.0, 10.1, 1.01, Interval(1.01, 0.97, 1.05), significant=False)
    arm = ArmLine("move", 1, Interval(0.8, 0.77, 0.84), significant=True)
    run = result([])
    assert compared(Comparison(run, run, [line], [], {}, 0.03)).startswith(
        "in 1 of 1 scenarios no change beyond the noise of these runs"
    )
    assert "arm move: faster by 20.0 % (16.0-23.0)" in compared(Comparison(run, run, [line], [arm], {}, 0.03))


KEPT = {"kind", "schema", "verdict", "judgement"}


def spoilt(document: Any, text: str, key: str = "") -> Any:
    """The same with hostile text in all strings that may be any text."""
    match document:
        case dict():
            return {name: spoilt(value, text, str(name)) for name, value in document.items()}
        case list():
            return [spoilt(one, text, key) for one in document]
        case str() if key not in KEPT:
            return document + text
    return document


@settings(deadline=None, max_examples=30)
@given(text=st.one_of(st.just(HOSTILE), st.text(st.characters(), max_size=12)), width=st.sampled_from([40, 100, 320]))
def test_nothing_in_a_file_reaches_the_terminal_as_a_command(text: str, width: int) -> None:
    for made in (window_result(), folio_heaps(), policies(), claims(), guest_result("6.18", {scenario("move"): 5.0})):
        hostile = msgspec.convert(spoilt(msgspec.to_builtins(made), text), Result)
        for one in hostile.measurements:
            one.notes = [text]
        printed = shown(hostile, width)
        assert not {char for char in printed if char != "\n" and not char.isprintable() and not char.isspace()}
        assert not {"\r", "\x1b", "\x07", "\u202e", "\t"} & set(printed)


class TestConsole:
    def test_columns_are_honoured_in_pipes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("COLUMNS", raising=False)
        assert terminal.console().width == 100
        for columns, width in (("131", 131), ("40", 40), ("20", 20), ("7", 20), ("0", 100), ("many", 100), ("-3", 100)):
            monkeypatch.setenv("COLUMNS", columns)
            assert terminal.console().width == width
        assert terminal.console(wide=True).width == 320

    def test_what_an_encoding_lacks_is_spelt_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        out = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding="ascii"))
        console = terminal.console()
        console.print("\N{PLUS-MINUS SIGN}3%")
        sys.stdout.flush()
        assert out.getvalue() == b"\\xb13%\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((1240.4, "1240"), (999.6, "1000"), (99.96, "100"), (82.04, "82.0"), (9.996, "10.0"), (4.034, "4.03")),
        *((0.9996, "1.00"), (0.119, "0.119"), (0.00588, "0.006"), (0.0004, "0.0004"), (0.0, "0"), (1e308, "1e+308")),
    ],
)
def test_figures_have_three_digits_and_never_become_nothing(value: float, text: str) -> None:
    assert labels.number(value) == text


@pytest.mark.parametrize(
    ("part", "text"),
    [(0.63, "63 %"), (1.0, "100 %"), (0.0, "0 %"), (0.9996, "99.96 %"), (0.999999, ">99.99 %"), (0.00001, "<0.01 %")],
)
def test_a_share_is_all_only_if_it_is_all(part: float, text: str) -> None:
    assert labels.share(part) == text


def test_measurements_are_summarised_by_the_baseline_of_their_placement() -> None:
    found = [
        measurement(window_scenario(way, placement=placement), [cost] * 6, WindowFigures())
        for placement, costs in (("own", (100.0, 40.0)), ("shared", (200.0, 190.0)))
        for way, cost in zip(("copy", "move"), costs, strict=True)
    ]
    summarise(found)
    ratios = [one.ratio_to_copy.value if one.ratio_to_copy else None for one in found]
    assert ratios == [None, 0.4, None, 0.95]


def test_what_is_missing_for_the_same_reason_is_said_once() -> None:
    out = io.StringIO()
    skips = [Skip(f"mthp order 4: {arm}", "no folios of 64 KiB", "enable them") for arm in ("move", "copy", "move")]
    print_skips([*skips, Skip("thp", "no THP")], Console(file=out, width=200))
    lines = [line.strip() for line in out.getvalue().splitlines() if line.strip()]
    assert lines[1:] == [
        "mthp order 4: move, mthp order 4: copy: no folios of 64 KiB",
        "what to do: enable them",
        "thp: no THP",
    ]
