"""A comparison of two kernels over several boots as a table."""

from rich.console import Console

from gcproto.counted import counted
from gcproto.report.labels import number
from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.table import Column, Table
from gcproto.report.terminal.kit.text import Part, say
from gcproto.results import names
from gcproto.results.comparison.boots import BootComparison
from gcproto.results.pool import Pooled
from gcproto.results.series import page_size_of

MARKS = {True: ("slower", "red"), False: ("faster", "green")}


def print_boots(found: BootComparison, console: Console) -> None:
    """Print a line for each scenario and each arm, and what the columns say.

    Args:
        found: the comparison.
        console: the terminal.

    """
    page_size = page_size_of(found.pairs[0].base)
    for warning in found.warnings:
        say(console, warning, style="bold yellow")
    table = Table([*_head("scenario"), Column("base", rank=2), Column("new", rank=1), *_columns()], gap=1)
    for line in found.lines:
        table.add(
            names.scenario(line.scenario, page_size),
            number(line.base),
            number(line.new),
            *_cells(line.ratio, changed=line.changed),
        )
    print_table(table, console)
    console.print()
    arms = Table([*_head("all scenarios of an arm"), Column("scenarios", rank=1), *_columns()], gap=1)
    for arm in found.arms:
        arms.add(arm.arm, str(arm.scenarios), *_cells(arm.ratio, changed=arm.changed))
    print_table(arms, console)
    console.print()
    say(
        console,
        f"{counted(len(found.pairs), 'pair')} of boots, {found.base} and {found.new}. new/base is the mean over the "
        "pairs, with its interval. A further pair would be in the range of the next pair. Between is the standard "
        "deviation between pairs, beyond that of their rounds",
    )
    say(console, f"marked: the range of the next pair excludes 1, and the change exceeds {found.floor:.1%}")
    changed = [line for line in found.lines if line.changed]
    say(console, f"in {len(found.lines) - len(changed)} of {len(found.lines)} scenarios no change beyond that of boots")


def _head(text: str) -> list[Column]:
    return [Column(text, words=True)]


def _columns() -> list[Column]:
    return [
        Column("new/base"),
        Column("interval"),
        Column("next pair", rank=1),
        Column("between", rank=1),
        Column("", words=True, name="mark"),
    ]


def _cells(ratio: Pooled, *, changed: bool) -> tuple[Part, ...]:
    low, high = ratio.predicted_low or ratio.low, ratio.predicted_high or ratio.high
    return (
        f"{ratio.value:.3f}",
        _range(ratio.low, ratio.high),
        _range(low, high),
        f"{ratio.tau or 0:.1%}",
        MARKS[ratio.value > 1] if changed else "",
    )


def _range(low: float, high: float) -> str:
    """Few pairs may have any interval."""
    return f"{low:.3f}-{high:.3f}" if high < 1000 else f"{low:.3f}-{number(high)}"
