"""Prints a table to fit the terminal, and names what it omitted."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rich.console import Console
from rich.text import Text

from gcproto.report.terminal.kit.fit import INDENT, Layout, Piece, lay_out
from gcproto.report.terminal.kit.table import Row, Table
from gcproto.report.terminal.kit.text import say, text, wrapped

NOTHING = "-"
"""A cell for an unknown value. It gets no line below its row."""


def print_table(table: Table, console: Console) -> None:
    """Print a table without cutting a figure, on a terminal of any width.

    Args:
        table: with its rows.
        console: the terminal; its width decides the layout.

    """
    if not table.rows:
        return
    found = lay_out(table, console.width)
    for number, piece in enumerate(found.pieces):
        if number:
            console.print()
        for line in _piece(table, piece, console.width, first=number == 0):
            line.rstrip()
            console.print(line, soft_wrap=True)
    _say_what_is_missing(table, found, console)


def _say_what_is_missing(table: Table, found: Layout, console: Console) -> None:
    option = " or with gcproto show --wide" if table.wide else ""
    if found.left_out:
        names = ", ".join(table.columns[at].title for at in found.left_out)
        how = f"shown from {found.needed} columns on (a wider terminal, COLUMNS={found.needed}){option}"
        say(console, f"omitted at {console.width} columns: {names}; {how}", style="dim")
    elif len(found.pieces) > 1:
        how = f"side by side from {found.needed} columns on (a wider terminal, COLUMNS={found.needed}){option}"
        say(console, f"in {len(found.pieces)} parts at {console.width} columns; {how}", style="dim")


def _piece(table: Table, piece: Piece, width: int, *, first: bool) -> Iterator[Text]:
    if table.heads and piece.columns:
        heads = [
            [part for line in table.columns[at].head.split("\n") for part in wrapped(text(line), room)]
            for at, room in zip(piece.columns, piece.widths, strict=True)
        ]
        depth = max(len(head) for head in heads)
        padded = [[Text()] * (depth - len(head)) + head for head in heads]
        yield from _styled(_side_by_side(table, piece, padded, indent=_indent(piece)), "bold")
    title: Row | None = None
    for row in table.rows:
        if row.group:
            title = row
            continue
        # A later part has only the rows for which it has cells.
        if not first and not any(row.cells[at] for at in (*piece.columns, *piece.below) if at):
            continue
        if title:
            yield from _styled(_broken(title.cells[0], width, 0), title.style)
            title = None
        yield from _styled(_row(table, piece, row, width), row.style)


def _row(table: Table, piece: Piece, row: Row, width: int) -> Iterator[Text]:
    if piece.label_above:
        yield from _broken(row.cells[0], width, 0)
    cells = [
        [part for line in row.cells[at] for part in wrapped(line, room)]
        for at, room in zip(piece.columns, piece.widths, strict=True)
    ]
    yield from _side_by_side(table, piece, cells, indent=_indent(piece))
    for at in piece.below:
        name = table.columns[at].name
        lines = [line for line in row.cells[at] if line.plain != NOTHING]
        if lines and name:
            lines[0] = text(f"{name}: ", lines[0])
        yield from _broken(lines, width, 2 * INDENT)


def _indent(piece: Piece) -> int:
    return INDENT if piece.label_above else 0


def _broken(lines: Sequence[Text], width: int, indent: int) -> Iterator[Text]:
    for line in lines:
        for part in wrapped(line, width - indent):
            yield text(" " * indent, part)


def _side_by_side(table: Table, piece: Piece, cells: Sequence[Sequence[Text]], *, indent: int) -> Iterator[Text]:
    for parts in zip_longest(*cells):
        line = Text(" " * indent)
        for number, (part, at, room) in enumerate(zip(parts, piece.columns, piece.widths, strict=True)):
            own = part.copy() if part else Text()
            missing = " " * (room - own.cell_len)
            left = table.columns[at].words or table.columns[at].folds
            line.append(" " * (table.gap if number else 0))
            line.append_text(text(own, missing) if left else text(missing, own))
        yield line


def _styled(lines: Iterator[Text], style: str) -> Iterator[Text]:
    for line in lines:
        if style:
            line.stylize_before(style)
        yield line
