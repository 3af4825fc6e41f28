"""A table as data: columns with their ranks, and the cells."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.text import Text

from gcproto.report.terminal.kit.text import Part, text

Cell = Part | list[Part]
"""One line or several."""

TEXT_LEAST = 24
"""Least width of a column of sentences, in cells of the terminal. Narrower ones go below their row instead."""


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        head: lines are divided by line feeds.
        rank: 0 for a column that is always shown. The column of the highest rank is omitted first.
        words: it holds words, which begin at the left; else figures.
        folds: it holds sentences, which may be broken at blanks or moved below their row.
        name:  name in the line of omitted columns and before a sentence below its row; "" for the head in the first,
        for none in the second.

    """

    head: str
    rank: int = 0
    words: bool = False
    folds: bool = False
    name: str = ""

    @property
    def title(self) -> str:
        """In one line."""
        return self.name or self.head.replace("\n", " ")


@dataclass(frozen=True)
class Row:
    """Cells, each of some lines; a group has a single one, the title of the rows below."""

    cells: tuple[tuple[Text, ...], ...]
    style: str = ""
    group: bool = False


@dataclass
class Table:
    """A table.

    The first column is the row's label: it is repeated in each part of a table that is divided.

    Attributes:
        columns: all of them.
        gap: blanks between columns.
        heads: whether they are shown.
        wide: ``gcproto show --wide`` shows the whole table.
        rows: from top to bottom.

    """

    columns: list[Column]
    gap: int = 2
    heads: bool = True
    wide: bool = False
    rows: list[Row] = field(default_factory=list)

    def add(self, *cells: Cell, style: str = "") -> None:
        """Add a row; missing cells at its end are empty."""
        missing: list[Cell] = [""] * (len(self.columns) - len(cells))
        self.rows.append(Row(tuple(_lines(cell) for cell in (*cells, *missing)), style))

    def group(self, title: Part) -> None:
        """Add the title of the rows that follow."""
        self.rows.append(Row((_lines(title),), "bold", group=True))

    def column(self, at: int) -> Iterable[Text]:
        """All lines of a column's cells."""
        return (line for row in self.rows if not row.group for line in row.cells[at])


def _lines(cell: Cell) -> tuple[Text, ...]:
    parts = cell if isinstance(cell, list) else [cell]
    lines = (line for part in parts for line in text(part, lines=True).split("\n", allow_blank=True))
    return tuple(line for line in lines if line.plain.strip())
