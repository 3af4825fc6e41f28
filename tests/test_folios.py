"""What heaps of large folios lie in, as a table and as a picture, from results made here."""

import io

from rich.console import Console

from gcproto.report.folios import print_folios
from gcproto.report.plots.folios import survival
from gcproto.results.folios import large_share, parts_of
from gcproto.results.schema import Collection, Measurement, Result, Scenario
from tests.result_maker import measurement, result

PAGES = 4096


def heap(policy: str, shares: list[float], **counts: int) -> Measurement:
    """A heap with three rounds alike, in large folios to such shares after its collections."""
    arm = f"move:{policy}" if policy else "move"
    made = measurement(Scenario("heap-lru", 9, arm, 4096, "congruent", 2, PAGES), [100.0, 101.0, 99.0])
    made.unit = "ns/operation"
    made.collections = [
        [
            Collection(
                number=number + 1,
                collector={"moved": 900, **counts},
                faults={"part_one": 7},
                folios={"0": round(1000 * (1 - share)), "9": round(1000 * share), "swapped": 5},
            )
            for number, share in enumerate(shares)
        ]
        for _ in range(3)
    ]
    made.figures = {"compact ns/page": 1234.0}
    return made


def text_of(made: Result) -> str:
    console = Console(width=160, record=True, file=io.StringIO())
    print_folios(made.measurements, made, console)
    return console.export_text()


def test_survival_is_a_share_after_each_collection() -> None:
    made = heap("collapse", [0.95, 0.9, 0.8, 0.7], restored=512)
    made.figures |= {"restored pages": 3 * 2048.0, "restored ns/page": 1100.0}
    text = text_of(result([made, heap("", [0.5, 0.2])]))
    lines = [line.split() for line in text.splitlines() if line.startswith("move")]
    assert lines[0] == ["move:collapse", "2M", "95%", "90%", "80%", "70%", "1234", "2048", "1100"]
    assert lines[1] == ["move", "2M", "50%", "20%", "20%", "1234"]


def test_parts_of_folios_are_shown_by_cause_and_by_who_moved_them() -> None:
    text = text_of(result([heap("", [0.5, 0.2], part_skewed=30, part_edge=4)]))
    lines = [line.split() for line in text.splitlines() if line.startswith("move") and "2M" in line]
    assert lines[1:] == [
        ["move", "2M", "collector", "0", "60", "8", "0"],
        ["move", "2M", "faults", "14", "0", "0", "0"],
    ]


def test_heaps_whose_folios_nobody_counted_are_left_out() -> None:
    made = heap("", [0.5])
    for some in made.collections:
        some[0].folios = {}
    assert text_of(result([made])) == ""
    assert survival(result([made]), "x") is None


def test_pages_in_swap_and_zero_pages_are_in_no_folio() -> None:
    cycle = Collection(number=1, folios={"0": 30, "4": 10, "swapped": 500, "zero": 7})
    assert large_share(cycle) == 0.25
    assert large_share(Collection(number=1)) == 0.0


def test_parts_are_summed() -> None:
    cycles = [Collection(number=1, faults={"part_one": 2}), Collection(number=2, faults={"part_one": 3})]
    assert parts_of(cycles, "faults")["part_one"] == 5
    assert sum(parts_of(cycles, "collector").values()) == 0


def test_the_picture_says_what_it_shows() -> None:
    plot = survival(result([heap("whole", [0.9, 0.5]), heap("", [0.4, 0.1])]), "heap-x")
    assert plot is not None
    assert "move:whole: 90% after the first, 50% after the last of 2." in plot.text
    assert plot.data.csv().splitlines()[0].startswith("mode,round,collection,pages of order 0,pages of order 9")
    assert all(svg.startswith("<svg") for svg in plot.svgs())
