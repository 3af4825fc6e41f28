"""Guests of several architectures or page sizes beside each other, as tables."""

from collections.abc import Mapping, Sequence

from rich.console import Console

from gcproto.report import labels
from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.table import Cell, Column, Table
from gcproto.report.terminal.kit.text import say
from gcproto.results.facts import brief, short
from gcproto.results.platforms import INCOMPARABLE, Beside, Newest, Same
from gcproto.results.series import Series


def print_beside(found: Sequence[Beside], platforms: Mapping[str, Series], console: Console) -> None:
    """Print the steps of all platforms, and on which of them each is one.

    Args:
        found: steps.
        platforms: series by platform.
        console: where to.

    """
    console.print()
    say(console, "Steps beside each other; each platform's change of its own value", style="bold")
    columns = [Column("kernels", words=True), Column("scenario", words=True)]
    table = Table([*columns, *(Column(_short(one)) for one in platforms), Column("steps on", words=True, name="on")])
    for one in found:
        on = one.stepping
        where = "all" if len(on) == len(platforms) else " and ".join(map(_short, on)) + " only"
        table.add(f"{one.before} -> {one.after}", one.name, *(_cell(one, each) for each in platforms), where)
    print_table(table, console)
    say(console, INCOMPARABLE, style="dim")


def print_newest(found: Sequence[Newest], kernels: Mapping[str, str], console: Console) -> None:
    """Print the newest kernel of each platform, scenario by scenario.

    Args:
        found: scenarios that at least two of them measured.
        kernels: name of the newest kernel of each platform.
        console: where to.

    """
    console.print()
    say(console, "The newest kernels; instructions per page of the platform", style="bold")
    heads = (f"{brief(kernel)}\n{_short(platform)}" for platform, kernel in kernels.items())
    table = Table([Column("scenario", words=True), *map(Column, heads)])
    for one in found:
        values = (one.values.get(platform) for platform in kernels)
        table.add(one.name, *("-" if value is None else labels.number(value) for value in values))
    print_table(table, console)


def _short(platform: str) -> str:
    """``arm64 16K``."""
    return " ".join(platform.split()[:2])


def _cell(one: Beside, platform: str) -> Cell:
    change = one.changes.get(platform)
    if change is None:
        return "-"
    style = "" if not change.step else "bold red" if change.change > 0 else "bold green"
    return (f"{change.change:+.1%}", style)


def print_between(found: Sequence[Same], before: str, after: str, console: Console) -> None:
    """Print the same work in two kernels of different platforms.

    Args:
        found: the work.
        before: name of the one kernel.
        after: name of the other.
        console: where to.

    """
    say(console, "ACROSS ARCHITECTURES: no regression, and no gain, follows from this table", style="bold yellow")
    table = Table([Column("scenario", words=True), Column(short(before)), Column(short(after)), Column("ratio")])
    for one in found:
        table.add(one.name, labels.number(one.old), labels.number(one.new), f"{one.new / one.old:.2f}")
    print_table(table, console)
    say(console, f"{INCOMPARABLE}; ratios to the canary or to copy of the same platform are", style="dim")
