"""A grid of heaps as a table: a line for each cell, a column for each mode, and what is to be said of ``auto``."""

from rich.console import Console

from gcproto.report import labels
from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.table import Cell, Column, Table
from gcproto.report.terminal.kit.text import say
from gcproto.report.words.grids import INVALID, LIMIT, mode_texts, share_text, verdict_lines
from gcproto.results.heaps.cells import Judged, judged
from gcproto.results.schema import Result


def print_grid(result: Result, console: Console, limit: float = LIMIT) -> None:
    """Print the mutator time and the MMU10 of each mode in each cell, and the verdict.

    Args:
        result: of ``gcproto gc grid``.
        console: where to.
        limit: that auto may be worse than the best fixed mode.

    """
    found, floors = judged(result.measurements, limit)
    if not found:
        return
    modes = list(dict.fromkeys(name for one in found for name in one.cell.modes))
    console.print()
    say(
        console,
        ("Modes by cell", "bold"),
        ": median wall ms, and below it MMU10. Auto to best: its time to that of the fixed mode with the least median. "
        "Below it: its MMU10 less that of the fixed mode with the largest. Both are medians of rounds",
    )
    table = Table([Column("cell", words=True), *(Column(one) for one in modes), Column("auto\nto best")], gap=2)
    for one in found:
        table.add(one.cell.cell.text, *(_mode(one, name) for name in modes), _auto(one))
    print_table(table, console)
    for line in verdict_lines(found, limit, floors):
        say(console, line)


def _mode(one: Judged, name: str) -> Cell:
    wall, share = mode_texts(one, name)
    if not wall or wall == INVALID:
        return [(wall, "red")] if wall else ""
    return [(wall, "bold" if name == one.cell.best else ""), (share, "dim")]


def _auto(one: Judged) -> Cell:
    time = "" if one.time is None else f"{labels.number(one.time.value)}x ({labels.bounds(one.time)})"
    style = "yellow" if one.objections else "green" if one.better else ""
    return [(time, style), (share_text(one), "dim")]
