"""A grid of heaps as a table: a line for each cell, a column for each mode, and what is to be said of ``auto``."""

from rich.console import Console

from gcproto.report import labels
from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.table import Cell, Column, Table
from gcproto.report.terminal.kit.text import say
from gcproto.report.words.grids import LIMIT, judged, verdict_lines
from gcproto.results.heaps.cells import Judged, floors_of, mmu_of
from gcproto.results.schema import Interval, Result, WorkloadFigures


def print_grid(result: Result, console: Console, limit: float = LIMIT) -> None:
    """Print the mutator time and the MMU10 of each mode in each cell, and the verdict.

    Args:
        result: of ``gcproto gc grid``.
        console: where to.
        limit: that auto may be worse than the best fixed mode.

    """
    found = judged(result, limit)
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
    for line in verdict_lines(found, limit, floors_of(result.measurements)):
        say(console, line)


def _mode(one: Judged, name: str) -> Cell:
    mode = one.cell.modes.get(name)
    if mode is None or not isinstance(mode.figures, WorkloadFigures) or mode.figures.wall_ms is None:
        return [("INVALID", "red")] if name in one.cell.invalid else ""
    best = "bold" if name == one.cell.best else ""
    share = mmu_of(mode)
    return [(labels.number(mode.figures.wall_ms), best), (f"{share:.2f}" if share is not None else "", "dim")]


def _auto(one: Judged) -> Cell:
    time = "" if one.time is None else f"{labels.number(one.time.value)}x ({labels.bounds(one.time)})"
    share = "" if one.share is None else _signed(one.share)
    style = "yellow" if one.objections else "green" if one.better else ""
    return [(time, style), (share, "dim")]


def _signed(found: Interval) -> str:
    return f"{found.value:+.2f} ({found.low:+.2f} to {found.high:+.2f})"
