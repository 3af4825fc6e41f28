"""Misses of a model of caches as tables, by function."""

from collections.abc import Sequence

from rich.console import Console

from gcproto.counted import counted
from gcproto.report import labels
from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.table import Column, Table
from gcproto.report.terminal.kit.text import say
from gcproto.results import names
from gcproto.results.profiles.events import events
from gcproto.results.profiles.explain import Profiled, merged
from gcproto.results.profiles.misses import LEVELS, MODEL, geometry, missing
from gcproto.results.schema import Result
from gcproto.results.series import page_size_of, short
from gcproto.sizes import size


def print_caches(results: Sequence[Result], console: Console, *, every: bool = False) -> None:
    """Print what the functions of each scenario missed in the model; nothing without a model.

    Args:
        results: of guests.
        console: where.
        every: all functions that missed a line, not only those with most of the misses.

    """
    found = [one for one in merged(results) if one.profile.caches]
    for one in found:
        console.print()
        page_size = page_size_of(results[0])
        name = f"{short(one.release)}: {names.scenario(one.scenario, page_size)}"
        memory = f", {size(one.scenario.pages * page_size)} a round" if hasattr(one.scenario, "pages") else ""
        say(console, (name, "bold"), f"{memory}: lines missed a page in a model of caches ({geometry(one.profile)})")
        _print(one, console, every=every)
    if found:
        console.print()
        say(console, MODEL, style="dim")


def _print(one: Profiled, console: Console, *, every: bool) -> None:
    table = Table([Column("function", words=True), *(Column(level.name) for level in one.profile.caches)])
    shown = missing(one.profile, every=every)
    for function in shown:
        table.add(function.name, *(labels.number(getattr(function, level)) for level in LEVELS))
    sums = events(one.profile)
    table.add("all functions", *(labels.number(getattr(sums, level)) for level in LEVELS))
    print_table(table, console)
    left = len(missing(one.profile, every=True)) - len(shown)
    if left:
        say(console, f"{counted(left, 'more function')} with the rest: --every", style="dim")
