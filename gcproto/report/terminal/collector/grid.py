"""A grid of heaps as a table: a line for each cell, a column for each mode, and what is to be said of ``auto``."""

from collections.abc import Mapping, Sequence

from rich.console import Console

from gcproto.counted import counted
from gcproto.report import labels
from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.table import Cell, Column, Table
from gcproto.report.terminal.kit.text import say
from gcproto.results.heaps.cells import AUTO, Judged, compared, floors_of, judge, mmu_of
from gcproto.results.schema import Interval, Noise, Result, WorkloadFigures

LIMIT = 0.05
"""Of the time and of 10 ms, where nothing else is asked."""


def print_grid(result: Result, console: Console, limit: float = LIMIT) -> None:
    """Print the mutator time and the MMU10 of each mode in each cell, and the verdict.

    Args:
        result: of ``gcproto gc grid``.
        console: where to.
        limit: that auto may be worse than the best fixed mode.

    """
    floors = floors_of(result.measurements)
    found = judge(compared(result.measurements), limit, floors)
    if not found:
        return
    modes = list(dict.fromkeys(name for one in found for name in one.cell.modes))
    console.print()
    say(
        console,
        ("Modes by cell", "bold"),
        ": wall ms, and below it MMU10. Auto to best: its time to the best fixed mode, paired by round; below it its "
        "MMU10 less the largest of a fixed mode",
    )
    table = Table([Column("cell", words=True), *(Column(one) for one in modes), Column("auto\nto best")], gap=2)
    for one in found:
        table.add(one.cell.cell.text, *(_mode(one, name) for name in modes), _auto(one))
    print_table(table, console)
    for line in verdict_lines(found, limit, floors):
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


def verdict_lines(found: Sequence[Judged], limit: float, floors: Mapping[str, Noise]) -> list[str]:
    """What the grid says of auto, and in which cells it falls short.

    Args:
        found: cells.
        limit: that auto may be worse.
        floors: noise of the cells of each memory.

    """
    tested = [one for one in found if AUTO in one.cell.modes and one.time]
    if not tested:
        return ["auto was not measured beside a fixed mode in three rounds"]
    slow = [one for one in tested if any(text.startswith("time") for text in one.objections)]
    rough = [one for one in tested if any(text.startswith("MMU10") for text in one.objections)]
    better = sum(one.better for one in tested)
    differs = ", ".join(f"{noise.floor:.0%} with {memory} folios" for memory, noise in floors.items())
    noise = f"; the same work measured twice differs by up to {differs} (A/A)" * bool(differs)
    by_chance = sum(pair.high < 1 or pair.low > 1 for each in floors.values() for pair in each.pairs)
    pairs = sum(len(each.pairs) for each in floors.values())
    luck = f". Of {counted(pairs, 'A/A pair')} {by_chance} exclude 1 as well, half of them by chance below it"
    lines = [
        f"auto takes at most {limit:.0%} longer than the best fixed mode in {len(tested) - len(slow)} of "
        f"{counted(len(tested), 'cell')}. It has at most {limit:.0%} less of its worst 10 ms in "
        f"{len(tested) - len(rough)}. It is faster than all fixed modes, beyond the interval, in {better}{noise}"
        + luck
        * bool(pairs)
    ]
    return lines + [f"{one.cell.cell.text}: {'; '.join(one.objections)}" for one in found if one.objections]
