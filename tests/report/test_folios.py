"""What heaps of large folios lie in, as a table and as a picture, from results made here."""

import io

from rich.console import Console

from gcproto.report.plots.folios import survival
from gcproto.report.terminal.folios import print_folios
from gcproto.results.folios import large_share, parts_of
from gcproto.results.schema import (
    UNIT_OPERATION,
    Collection,
    CollectorAccount,
    FaultAccount,
    FolioCounts,
    FolioFigures,
    MadeLarge,
    Measurement,
    Result,
    WorkloadFigures,
)
from tests.support.heap_results import heap_scenario
from tests.support.result_maker import measurement, result


def heap(policy: str, shares: list[float], made: MadeLarge | None = None, **counts: int) -> Measurement:
    """A heap with three rounds alike, in large folios to such shares after its collections."""
    figures = WorkloadFigures(
        compact_ns_page=1234.0,
        folios=FolioFigures(0.9, 0.7, 120.0, 15.0, shares[-1], restored=made),
        collections=[
            [
                Collection(
                    number=number + 1,
                    collector=CollectorAccount(moved=900, **counts),
                    faults=FaultAccount(part_one=7),
                    folios=FolioCounts({0: round(1000 * (1 - share)), 9: round(1000 * share)}, swapped=5),
                )
                for number, share in enumerate(shares)
            ]
            for _ in range(3)
        ],
    )
    asked = heap_scenario("move", workload="lru", memory="2m", order=9, policy=policy, mutators=1)
    return measurement(asked, [100.0, 101.0, 99.0], figures, UNIT_OPERATION)


def text_of(made: Result) -> str:
    console = Console(width=160, record=True, file=io.StringIO())
    print_folios(made.measurements, made, console)
    return console.export_text()


def test_survival_is_a_share_after_each_collection() -> None:
    made = heap("collapse", [0.95, 0.9, 0.8, 0.7], MadeLarge(2048.0, 1100.0), restored=512)
    text = text_of(result([made, heap("move", [0.5, 0.2])]))
    lines = [line.split() for line in text.splitlines() if line.startswith("move")]
    assert lines[0] == ["move:collapse", "2M", "95%", "90%", "80%", "70%", "1234", "2048", "1100"]
    assert lines[1] == ["move", "2M", "50%", "20%", "20%", "1234"]


def test_parts_of_folios_are_shown_by_cause_and_by_who_moved_them() -> None:
    text = text_of(result([heap("move", [0.5, 0.2], part_skewed=30, part_edge=4)]))
    lines = [line.split() for line in text.splitlines() if line.startswith("move") and "2M" in line]
    assert lines[1:] == [
        ["move", "2M", "collector", "0", "60", "8", "0"],
        ["move", "2M", "faults", "14", "0", "0", "0"],
    ]


def test_heaps_whose_folios_nobody_counted_are_left_out() -> None:
    made = heap("move", [0.5])
    assert isinstance(made.figures, WorkloadFigures)
    for some in made.figures.collections:
        some[0].folios = FolioCounts()
    assert text_of(result([made])) == ""
    assert survival(result([made]), "x") is None


def test_pages_in_swap_and_zero_pages_are_in_no_folio() -> None:
    cycle = Collection(number=1, folios=FolioCounts({0: 30, 4: 10}, swapped=500, zero=7))
    assert large_share(cycle) == 0.25
    assert large_share(Collection(number=1)) == 0.0


def test_parts_are_summed() -> None:
    cycles = [Collection(number=number, faults=FaultAccount(part_one=number + 1)) for number in (1, 2)]
    assert parts_of(cycles, "faults").part_one == 5
    assert parts_of(cycles, "collector").part_one == 0


def test_the_picture_says_what_it_shows() -> None:
    plot = survival(result([heap("whole", [0.9, 0.5]), heap("move", [0.4, 0.1])]), "heap-x")
    assert plot is not None
    assert "move:whole: 90% after the first, 50% after the last of 2." in plot.text
    assert plot.data.csv().splitlines()[0].startswith("mode,round,collection,pages of order 0,pages of order 9")
    assert all(svg.startswith("<svg") for svg in plot.svgs())
