"""Series over kernels as tables, and a comparison of two kernels."""

from collections.abc import Sequence

from rich.console import Console

from gcproto.report import labels
from gcproto.report.terminal.functions import in_a_line
from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.figures import INVALID
from gcproto.report.terminal.kit.table import Column, Table
from gcproto.report.terminal.kit.text import Part, say
from gcproto.results import names
from gcproto.results.facts import brief, compiler_of, release_of
from gcproto.results.profiles.explain import Explanation
from gcproto.results.schema import UNIT_INSTRUCTIONS, Result, Scenario
from gcproto.results.series import Series, short
from gcproto.results.steps import THRESHOLD, Step, canary_change


def print_history(
    series: Series, found: Sequence[Step], explained: Sequence[Explanation | None], console: Console
) -> None:
    """Print a line for each scenario, a column for each kernel, then the steps.

    Args:
        series: over kernels.
        found: its steps.
        explained: of each, the functions that make it up; None where a kernel was not profiled.
        console: where.

    """
    say(console, f"{series.unit}, midmean; kernels by version; {series.platform}", style="bold")
    stepped = {(one.scenario, one.after): one.change for one in found}
    table = Table([Column("scenario", words=True), *(Column(_label(kernel, series)) for kernel in series.kernels)])
    for scenario in series.cells:
        cells = []
        for kernel in series.kernels:
            change = stepped.get((scenario, kernel))
            style = "" if change is None else "bold red" if change > 0 else "bold green"
            cells.append(_value(series, scenario, kernel, style))
        table.add(names.scenario(scenario, series.page_size), *cells)
    print_table(table, console)
    _print_failures(series, console)
    _print_steps(series, found, explained, console)


def _label(kernel: str, series: Series) -> str:
    """A kernel's version, with the differences to other kernels of that version."""
    version = _version(kernel)
    alike = [one for one in series.kernels if _version(one) == version]
    return version if len(alike) == 1 else short(kernel)


def _version(kernel: str) -> str:
    return brief(kernel)


def _value(series: Series, scenario: Scenario, kernel: str, style: str) -> Part:
    cell = series.cells[scenario].get(kernel)
    if cell is None:
        return "-"
    return INVALID if cell.value is None else (labels.number(cell.value), style)


def _print_failures(series: Series, console: Console) -> None:
    for one in series.failures:
        say(console, f"{short(one.kernel)}, boot {one.boot}: {one.outcome}: {one.why}", style="red")


def _print_steps(
    series: Series, found: Sequence[Step], explained: Sequence[Explanation | None], console: Console
) -> None:
    console.print()
    count = "1 step" if len(found) == 1 else f"{len(found)} steps"
    say(console, count if found else "no step beyond the threshold", style="bold")
    place = None
    for one, why in zip(found, explained, strict=True):
        if (one.before, one.after) != place:
            place = (one.before, one.after)
            canary = "no canary" if one.canary is None else f"canary {one.canary:+.1%}"
            say(console, f"{short(one.before)} -> {short(one.after)} ({canary})")
        figures = f"{labels.number(one.old)} -> {labels.number(one.new)}"
        cause = one.cause or "no known change"
        say(
            console,
            f"{one.change:+6.1%}  {names.scenario(one.scenario, series.page_size)}: {figures}; {cause}",
            indent=2,
        )
        if why:
            say(console, in_a_line(why), style="dim", indent=4)


def print_compilers(results: Sequence[Result], before: str, after: str, console: Console) -> None:
    """Say it if two kernels are of different compilers; nothing if they are not, or if one is not known.

    Args:
        results: of guests.
        before: a kernel.
        after: another one.
        console: where.

    """
    old, new = (
        sorted({compiler_of(one) for one in results if release_of(one) == kernel} - {""}) for kernel in (before, after)
    )
    if old and new and old != new:
        which = f"{short(before)} by {', '.join(old)}, {short(after)} by {', '.join(new)}"
        say(console, f"different compilers: {which}; a part of each change may be the compiler's", style="dim")


def print_pair(series: Series, before: str, after: str, found: Sequence[Step], void: str, console: Console) -> None:
    """Print two kernels side by side; changes are marked."""
    marked = {one.scenario for one in found}
    table = Table(
        [
            Column("scenario", words=True),
            Column(short(before)),
            Column(short(after)),
            Column("change"),
            Column("spread", rank=1),
            Column("", words=True, name="mark"),
        ]
    )
    only: list[str] = []
    # An instruction is not a time.
    more, less = ("more", "fewer") if series.unit.startswith(UNIT_INSTRUCTIONS.split("/")[0]) else ("slower", "faster")
    for scenario, cells in series.cells.items():
        old, new = cells.get(before), cells.get(after)
        name = names.scenario(scenario, series.page_size)
        if not old or not new or not old.value or new.value is None:
            only.append(name)
            continue
        change = new.value / old.value - 1
        mark = "" if scenario not in marked else more if change > 0 else less
        spread = max(old.spread, new.spread)
        table.add(name, labels.number(old.value), labels.number(new.value), f"{change:+.1%}", f"{spread:.2%}", mark)
    print_table(table, console)
    for name in only:
        say(console, f"not in both: {name}", style="dim")
    for one in found:
        if one.cause:
            say(console, f"{names.scenario(one.scenario, series.page_size)}: {one.cause}")
    canary = canary_change(series, before, after)
    if canary is not None:
        say(console, f"canary: {canary:+.2%}")
    say(console, f"{series.unit}; marked: a change beyond {THRESHOLD:.0%} and the spread", style="dim")
    if void:
        say(console, f"VOID: {void}", style="bold red")
