"""Series over kernels as tables, and a comparison of two kernels."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gcproto.report import labels
from gcproto.results.schema import Scenario
from gcproto.results.series import Series, short
from gcproto.results.steps import Step, canary_change

PAGE = 4096


def print_history(series: Series, found: Sequence[Step], console: Console) -> None:
    """Print a line for each scenario, a column for each kernel, then the steps."""
    console.print(f"{series.unit}, midmean; kernels by version", style="bold")
    stepped = {(one.scenario, one.after): one.change for one in found}
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("scenario", no_wrap=True)
    for kernel in series.kernels:
        table.add_column(_label(kernel, series), justify="right")
    for scenario in series.cells:
        cells = []
        for kernel in series.kernels:
            change = stepped.get((scenario, kernel))
            style = "" if change is None else "bold red" if change > 0 else "bold green"
            text = _value(series, scenario, kernel)
            cells.append(f"[{style}]{text}[/]" if style else text)
        table.add_row(escape(labels.scenario_text(scenario, PAGE)), *cells)
    console.print(table)
    _print_failures(series, console)
    _print_steps(found, console)


def _label(kernel: str, series: Series) -> str:
    """A kernel's version, with what tells it from others of that version."""
    version = short(kernel).split("+")[0].split("-")[0]
    alike = [one for one in series.kernels if short(one).split("+")[0].split("-")[0] == version]
    return version if len(alike) == 1 else short(kernel)


def _value(series: Series, scenario: Scenario, kernel: str) -> str:
    cell = series.cells[scenario].get(kernel)
    if cell is None:
        return "-"
    return "INVALID" if cell.value is None else labels.number(cell.value)


def _print_failures(series: Series, console: Console) -> None:
    for one in series.failures:
        console.print(f"{escape(short(one.kernel))}, boot {one.boot}: {one.outcome}: {escape(one.why)}", style="red")


def _print_steps(found: Sequence[Step], console: Console) -> None:
    console.print(f"\n{len(found)} steps" if found else "\nno steps", style="bold")
    place = None
    for one in found:
        if (one.before, one.after) != place:
            place = (one.before, one.after)
            canary = "no canary" if one.canary is None else f"canary {one.canary:+.1%}"
            console.print(f"{escape(short(one.before))} -> {escape(short(one.after))} ({canary})")
        name = escape(labels.scenario_text(one.scenario, PAGE))
        cause = escape(one.cause or "no known change")
        figures = f"{labels.number(one.old)} -> {labels.number(one.new)}"
        console.print(f"  {one.change:+6.1%}  {name}: {figures}; {cause}", highlight=False, soft_wrap=True)


def print_pair(series: Series, before: str, after: str, found: Sequence[Step], void: str, console: Console) -> None:
    """Print two kernels side by side, what changed marked."""
    marked = {one.scenario: one for one in found}
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("scenario", no_wrap=True)
    for name in (short(before), short(after), "change", "spread", ""):
        table.add_column(name, justify="right" if name else "left")
    only: list[str] = []
    for scenario, cells in series.cells.items():
        old, new = cells.get(before), cells.get(after)
        name = escape(labels.scenario_text(scenario, PAGE))
        if not old or not new or old.value is None or new.value is None:
            only.append(name)
            continue
        change = new.value / old.value - 1
        mark = "" if scenario not in marked else "slower" if change > 0 else "faster"
        spread = max(old.spread, new.spread)
        values = (labels.number(old.value), labels.number(new.value), f"{change:+.1%}", f"{spread:.2%}", mark)
        table.add_row(name, *values)
    console.print(table)
    for name in only:
        console.print(f"not in both: {name}", style="dim")
    for one in found:
        if one.cause:
            console.print(f"{labels.scenario_text(one.scenario, PAGE)}: {one.cause}", highlight=False, soft_wrap=True)
    canary = canary_change(series, before, after)
    if canary is not None:
        console.print(f"canary: {canary:+.2%}")
    if void:
        console.print(f"VOID: {escape(void)}", style="bold red")
