"""Fits a table to a width: sentences go below their rows, columns are omitted by rank, the rest is divided.

No figure is ever cut.  A cell is broken at its blanks, and only if it alone is wider than the terminal. The caller
learns what was omitted and reports it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from gcproto.report.terminal.kit.table import TEXT_LEAST, Table

INDENT = 2
"""Blanks before text below its label."""


@dataclass(frozen=True)
class Piece:
    """Columns side by side.

    Attributes:
        columns: places in the table, without the label if that is above.
        widths: width of each column.
        below: columns of sentences below each row.
        label_above: the label has a line of its own.

    """

    columns: tuple[int, ...]
    widths: tuple[int, ...]
    below: tuple[int, ...] = ()
    label_above: bool = False


@dataclass(frozen=True)
class Layout:
    """The printed parts of a table.

    Attributes:
        pieces: one below the other.
        left_out: columns that are not printed.
        needed: width from which nothing is omitted or divided.

    """

    pieces: tuple[Piece, ...]
    left_out: tuple[int, ...]
    needed: int


def lay_out(table: Table, width: int) -> Layout:
    """The layout of a table.

    Args:
        table: with its rows.
        width: of the terminal, in cells.

    """
    sizes = _Sizes(table)
    every = sizes.filled
    needed = sizes.least(every)
    if needed <= width:
        return Layout((sizes.piece(every, width),), (), needed)
    below = tuple(at for at in every if table.columns[at].folds)
    kept = [at for at in every if at not in below]
    ranked = sorted(
        (at for at in every if table.columns[at].rank and at != 0),
        key=lambda at: (-table.columns[at].rank, -at),
    )
    left_out: list[int] = []
    for at in ranked:
        if sizes.natural(kept) <= width:
            break
        left_out.append(at)
        kept = [one for one in kept if one != at]
        below = tuple(one for one in below if one != at)
    pieces = _divided(sizes, kept, width)
    last = pieces[-1]
    pieces[-1] = Piece(last.columns, last.widths, below, last.label_above)
    return Layout(tuple(pieces), tuple(sorted(left_out)), needed)


class _Sizes:
    """Widths of a table's columns."""

    def __init__(self, table: Table) -> None:
        self.table = table
        heads = [[cell_len(line) for line in one.head.split("\n")] if table.heads else [0] for one in table.columns]
        cells = [[line.cell_len for line in table.column(at)] for at in range(len(table.columns))]
        self.widths = [max([*head, *cell], default=0) for head, cell in zip(heads, cells, strict=True)]
        # An empty column is omitted.
        self.filled = [at for at, some in enumerate(cells) if any(some) or at == 0]

    def longest_word(self, at: int) -> int:
        words = (word for line in self.table.column(at) for word in line.plain.split())
        return max((cell_len(word) for word in words), default=0)

    def broken(self, at: int, width: int) -> int:
        """Width of a column alone: that of its longest word if its lines are too wide."""
        heads = self.table.columns[at].head.split() if self.table.heads else []
        least = max([self.longest_word(at), *map(cell_len, heads)], default=0)
        return self.widths[at] if self.widths[at] <= width else max(least, width)

    def text_least(self, at: int) -> int:
        head = cell_len(self.table.columns[at].head) if self.table.heads else 0
        return min(self.widths[at], max(TEXT_LEAST, head, self.longest_word(at)))

    def natural(self, columns: Sequence[int]) -> int:
        return sum(self.widths[at] for at in columns) + self.table.gap * max(0, len(columns) - 1)

    def least(self, columns: Sequence[int]) -> int:
        """Width with sentences broken, TEXT_LEAST or more."""
        spare = sum(self.widths[at] - self.text_least(at) for at in columns if self.table.columns[at].folds)
        return self.natural(columns) - spare

    def piece(self, columns: Sequence[int], width: int) -> Piece:
        """All columns side by side; sentences get the width that remains."""
        widths = {at: self.widths[at] for at in columns}
        over = self.natural(columns) - width
        for at in (one for one in reversed(columns) if self.table.columns[one].folds):
            cut = max(0, min(over, self.widths[at] - self.text_least(at)))
            widths[at] -= cut
            over -= cut
        return Piece(tuple(columns), tuple(widths[at] for at in columns))


def _divided(sizes: _Sizes, kept: Sequence[int], width: int) -> list[Piece]:
    """The label beside the columns, or beside each part of them if there are few; else above them."""
    label, rest = kept[0], kept[1:]
    beside = _parts(sizes, rest, width - sizes.widths[label] - sizes.table.gap)
    above = _parts(sizes, rest, width - INDENT)
    fits = all(sizes.natural([label, *part]) <= width for part in beside)
    if fits and len(beside) < max(2, 2 * len(above)):
        return [_piece(sizes, [label, *part]) for part in beside or [[]]]
    return [_below_label(sizes, part, width - INDENT) for part in above or [[]]]


def _below_label(sizes: _Sizes, part: Sequence[int], width: int) -> Piece:
    """Columns below a line with the label. A single column that is still too wide has its lines broken."""
    widths = [sizes.widths[at] if len(part) > 1 else sizes.broken(at, width) for at in part]
    return Piece(tuple(part), tuple(widths), label_above=True)


def _parts(sizes: _Sizes, columns: Sequence[int], width: int) -> list[list[int]]:
    """As many columns in each part as fit, at least one."""
    parts: list[list[int]] = []
    for at in columns:
        if parts and sizes.natural([*parts[-1], at]) <= width:
            parts[-1].append(at)
        else:
            parts.append([at])
    return parts


def _piece(sizes: _Sizes, columns: Sequence[int]) -> Piece:
    return Piece(tuple(columns), tuple(sizes.widths[at] for at in columns))
