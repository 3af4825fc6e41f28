"""The page's table of young and full collections: its rows are the figures of each kind, under the right heads."""

from html.parser import HTMLParser

from gcproto.report.page.kinds import KIND_HEADS, kinds_grid
from gcproto.results.schema import KindFigures, Result, WorkloadExperiment, WorkloadFigures
from tests.support.every_kind import page_of
from tests.support.heap_results import heap_mode
from tests.support.result_maker import result

YOUNG = KindFigures(
    young=True,
    collections=22.4,
    freed_mib=40.9,
    promoted_mib=2.33,
    evacuated=1.87,
    copied=0.219,
    old_share=0.9,
    cards=1056,
    cards_us=907,
    mark_ms=8.69,
    compact_ms=23.1,
    pause_ms=9.2,
)
FULL = KindFigures(young=False, collections=9.0, evacuated=None, copied=None, old_share=0.45, cards=3, cards_us=1)


def generations(*modes: str) -> Result:
    """Heaps of which those with ``young`` in their name have collections of both kinds."""
    made = []
    for at, mode in enumerate(modes):
        one = heap_mode(mode, 15.0 + at)
        assert isinstance(one.figures, WorkloadFigures)
        one.figures.kinds = [YOUNG, FULL] if "young" in mode else [FULL]
        made.append(one)
    return result(made, experiment=WorkloadExperiment("trees", 200_000, 100, 500))


class Tables(HTMLParser):
    """Rows of cells of each table."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
        elif tag in {"td", "th"} and self.tables and self.tables[-1]:
            self.tables[-1][-1].append("")
            self.inside = True

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in {"td", "th"}

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.tables[-1][-1][-1] += data


def test_each_kind_of_each_mode_has_a_row() -> None:
    reader = Tables()
    reader.feed(page_of([generations("move", "young-move", "young-copy")]))
    (table,) = [one for one in reader.tables if one and [cell.strip() for cell in one[0]] == list(KIND_HEADS)]
    rows = [dict(zip(KIND_HEADS, (cell.strip() for cell in row), strict=True)) for row in table[1:]]
    assert [(row["mode"], row["collections"]) for row in rows] == [
        ("move", "full"),
        ("young-move", "young"),
        ("young-move", "full"),
        ("young-copy", "young"),
        ("young-copy", "full"),
    ]
    young, full = rows[1], rows[2]
    assert young["a round"] == "22.4"
    assert young["MiB freed"] == "40.9"
    assert young["evacuated a byte freed"] == "1.87"
    assert young["copied a byte freed"] == "0.219"
    assert young["in place"] == "90 %"
    assert young["MiB promoted"] == "2.33"
    assert (young["dirty cards"], young["cards us"]) == ("1056", "907")
    assert (young["mark ms"], young["compact ms"], young["longest pause ms"]) == ("8.69", "23.1", "9.20")
    assert (full["evacuated a byte freed"], full["copied a byte freed"]) == ("", "")
    assert (full["dirty cards"], full["cards us"]) == ("", ""), "full collections have no remembered set"


def test_a_note_compares_moving_and_copying_of_old_pages() -> None:
    grid = kinds_grid(generations("young-move", "young-copy"))
    assert grid
    assert "old pages moved or copied: young-move against young-copy" in grid.note


def test_without_generations_is_no_such_table() -> None:
    assert kinds_grid(generations("move", "copy")) is None
    assert "Young and full collections" not in page_of([generations("move", "copy")])
