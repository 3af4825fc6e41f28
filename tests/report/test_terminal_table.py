"""Tables on a terminal: at any width no figure is cut, and the text names what is missing."""

import re
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from gcproto.report.terminal.kit import Cell, Column, Table, plain, print_table, say, text
from gcproto.report.terminal.kit.fit import INDENT, lay_out

LEFT_OUT = re.compile(r"omitted\s+at\s+\d+\s+columns:\s+(.*?);\s+shown\s+from\s+\d+\s+columns", re.DOTALL)


def printed(table: Table, width: int) -> str:
    out = StringIO()
    print_table(table, Console(file=out, width=width, color_system=None))
    return out.getvalue()


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Cells of any width, each with a text that no other cell has."""
    count = draw(st.integers(1, 9))
    columns = [
        Column(
            head=f"head{at}",
            rank=draw(st.integers(0, 4)),
            words=draw(st.booleans()),
            folds=at > 0 and draw(st.integers(0, 5)) == 0,
        )
        for at in range(count)
    ]
    table = Table(columns, gap=draw(st.integers(1, 2)), heads=draw(st.booleans()), wide=draw(st.booleans()))
    for number in range(draw(st.integers(1, 4))):
        if draw(st.integers(0, 3)) == 0:
            table.group(f"group{number}")
        cells: list[Cell] = []
        for at in range(count):
            lines = [
                f"{at}.{number}.{line}" + "9" * draw(st.integers(0, 14))
                for line in range(draw(st.integers(0, 2)) or at == 0)
            ]
            folded = " ".join(f"{at}.{number}.w{word}" for word in range(draw(st.integers(0, 12))))
            cells.append([folded] if columns[at].folds else [*lines])
        table.add(*cells)
    return table


def words_of(table: Table, at: int) -> set[str]:
    return {word for line in table.column(at) for word in line.plain.split()}


class TestAnyTable:
    @settings(deadline=None, max_examples=400)
    @given(tables(), st.integers(1, 120))
    def test_every_figure_is_whole_or_its_column_is_said_to_be_missing(self, table: Table, width: int) -> None:
        shown = printed(table, width)
        words = set(shown.split())
        left_out = set(lay_out(table, width).left_out)
        for at in range(len(table.columns)):
            if at in left_out:
                assert not words_of(table, at) & words
            else:
                assert words_of(table, at) <= words
        said = LEFT_OUT.search(shown)
        names = {table.columns[at].title for at in left_out}
        assert (set(said[1].replace("\n", " ").split(", ")) if said else set()) == names
        assert 0 not in left_out, "rows without their label say nothing"
        assert all(table.columns[at].rank for at in left_out)

    @settings(deadline=None, max_examples=400)
    @given(tables(), st.integers(1, 120))
    def test_no_line_is_wider_than_the_terminal_unless_a_figure_is(self, table: Table, width: int) -> None:
        widest = max((len(line) for at in range(len(table.columns)) for line in _unbroken(table, at)), default=0)
        shown = printed(table, width)
        words = max(len(word) for word in shown.split())
        assert max(map(len, shown.splitlines())) <= max(width, widest + 2 * INDENT, words + 2 * INDENT)

    @settings(deadline=None, max_examples=200)
    @given(tables())
    def test_from_the_width_on_that_is_said_nothing_is_missing(self, table: Table) -> None:
        needed = lay_out(table, 1).needed
        assert len(lay_out(table, needed).pieces) == 1
        assert lay_out(table, needed).left_out == ()
        if needed > 1 and len(lay_out(table, needed).pieces[0].columns) > 1:
            less = lay_out(table, needed - 1)
            first = less.pieces[0]
            assert less.left_out or len(less.pieces) > 1 or first.label_above or first.below

    @settings(deadline=None, max_examples=200)
    @given(tables(), st.integers(1, 120))
    def test_high_ranks_go_first(self, table: Table, width: int) -> None:
        found = lay_out(table, width)
        kept = {at for piece in found.pieces for at in (*piece.columns, *piece.below)}
        gone = [table.columns[at].rank for at in found.left_out]
        stay = [table.columns[at].rank for at in kept if at and table.columns[at].rank]
        assert not gone or not stay or min(gone) >= max(stay)


def _unbroken(table: Table, at: int) -> list[str]:
    return [] if table.columns[at].folds else [line.plain for line in table.column(at)]


def test_columns_of_one_rank_are_divided_and_the_label_is_repeated() -> None:
    table = Table([Column("path", words=True), *(Column(f"{size}K") for size in (4, 16, 64, 256))], wide=True)
    table.add("move", "804", "173", "82.3", "70.1")
    table.add("copy", "1041", "739", "", "600")
    assert printed(table, 16).splitlines()[:7] == [
        *("path    4K  16K", "move   804  173", "copy  1041  739", ""),
        *("path   64K  256K", "move  82.3  70.1", "copy         600"),
    ]
    said = (
        "in 2 parts at 16 columns; side by side from 27 columns on (a wider terminal, COLUMNS=27) or with gcproto show"
    )
    assert " ".join(printed(table, 16).split()).endswith(f"{said} --wide")


def test_a_column_that_is_too_wide_alone_is_broken_at_blanks() -> None:
    """Twenty columns cut figures in the middle: the table was laid out for forty."""
    table = Table([Column("scenario", words=True), Column("ns/page, median of all rounds")])
    table.add("small", ["12345678 0.389x", "restored 1536 at 6103"])
    assert printed(table, 20).splitlines() == [
        *("  ns/page, median of", "          all rounds", "small"),
        *("     12345678 0.389x", "    restored 1536 at", "                6103"),
    ]


def test_a_label_that_is_too_wide_has_a_line_of_its_own() -> None:
    table = Table([Column("scenario", words=True), Column("old"), Column("new")])
    table.add("small move 2M skewed, 2 threads", "12.5", "13.5")
    assert [line.split() for line in printed(table, 40).splitlines()] == [
        ["old", "new"],
        ["small", "move", "2M", "skewed,", "2", "threads"],
        ["12.5", "13.5"],
    ]


def test_a_column_without_anything_in_it_is_not_shown() -> None:
    table = Table([Column("way", words=True), Column("p99.9"), Column("faults")])
    table.add("copy", "", "3")
    assert printed(table, 80).split() == ["way", "faults", "copy", "3"]


def test_a_table_without_rows_is_not_shown() -> None:
    assert printed(Table([Column("way")]), 80) == ""


class TestText:
    @given(st.text(st.characters()))
    def test_nothing_that_acts_on_a_terminal_is_left(self, hostile: str) -> None:
        out = StringIO()
        say(Console(file=out, width=80, color_system=None), hostile)
        table = Table([Column(hostile.replace("\n", " "), words=True), Column("x", folds=True)])
        table.add(hostile, hostile)
        print_table(table, Console(file=out, width=80, color_system=None))
        for char in out.getvalue():
            assert char == "\n" or char.isprintable() or char.isspace(), repr(char)
        assert not {"\x1b", "\r", "\x07", "\x9b", "\u202e", "\u2028"} & set(out.getvalue())

    @pytest.mark.parametrize(
        ("hostile", "shown"),
        [
            ("\x1b[31mred", r"\x1b[31mred"),
            ("[bold]b[/]", "[bold]b[/]"),
            ("[/]", "[/]"),
            ("\\", "\\"),
            ("a\tb\nc", "a b c"),
            ("\u202egnp", r"\u202egnp"),
            ("\udc80", r"\udc80"),
            ("64 KiB é", "64 KiB é"),
        ],
    )
    def test_text_is_data(self, hostile: str, shown: str) -> None:
        assert plain(hostile) == shown
        out = StringIO()
        Console(file=out, width=80, color_system=None).print(text("<", (hostile, "bold"), ">"))
        assert out.getvalue() == f"<{shown}>\n"

    @given(st.lists(st.text("abc0123456789.-x%", min_size=1, max_size=30), min_size=1), st.integers(1, 60))
    def test_paragraphs_are_broken_at_blanks_only(self, words: list[str], width: int) -> None:
        out = StringIO()
        say(Console(file=out, width=width, color_system=None), " ".join(words), indent=2)
        assert out.getvalue().split() == words
        longest = max(map(len, words)) + 2
        assert max(map(len, out.getvalue().splitlines())) <= max(width, longest)
