"""A comparison of two results as a table."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gcproto.report import labels
from gcproto.results.compare import Comparison
from gcproto.results.schema import Interval, Scenario
from gcproto.results.series import page_size_of

CLASSES = {
    "contents": "arms that read and write contents (divided out above)",
    "tables": "arms that rewrite page tables (divided out above)",
    "gauge": "memory and caches without the kernel (a gauge of the machine, never marked)",
}
MARKS = {True: "slower", False: "faster"}


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print a line for each scenario, then the arms, the drift and what only one run has.

    Args:
        comparison: of two results.
        console: where to.

    """
    page_size = page_size_of(comparison.base)
    for warning in comparison.warnings:
        console.print(f"[bold yellow]{escape(warning)}[/]", highlight=False)
    console.print(_lines(comparison, page_size))
    console.print()
    console.print(_arms(comparison))
    console.print()
    for kind, drift in sorted(comparison.drift.items()):
        console.print(f"{CLASSES[kind]}: the new run is {drift - 1:+.1%} as a whole", highlight=False)
    console.print(
        f"marked: an interval without 1, and more than {comparison.floor:.1%} (threshold, A/A noise) and more than "
        "scenarios of an arm and rounds of a scenario scatter",
        highlight=False,
    )
    for text, scenarios in (("only in BASE", comparison.only_base), ("only in NEW", comparison.only_new)):
        for scenario in scenarios:
            console.print(f"{text}: {escape(labels.scenario_text(scenario, page_size))}", highlight=False)
    console.print(summary(comparison), highlight=False)


def summary(comparison: Comparison) -> str:
    """``76 of 79 scenarios unchanged; slower: ...; arms: move slower by 10.2 %``."""
    marked = [line for line in comparison.lines if line.significant]
    arms = [line for line in comparison.arms if line.significant]
    texts = [f"{len(comparison.lines) - len(marked)} of {len(comparison.lines)} scenarios unchanged"]
    texts += [f"arm {arm.arm}: {_mark(arm.ratio, significant=True)} by {abs(arm.ratio.value - 1):.1%}" for arm in arms]
    if not arms:
        texts.append("no arm changed")
    return "; ".join(texts)


def _mark(ratio: Interval, *, significant: bool) -> str:
    return MARKS[ratio.value > 1] if significant else ""


def _coloured(ratio: Interval, *, significant: bool) -> str:
    mark = _mark(ratio, significant=significant)
    return f"[{'red' if mark == 'slower' else 'green'}]{mark}[/]" if mark else ""


def _lines(comparison: Comparison, page_size: int) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.collapse_padding = True
    table.add_column("scenario", no_wrap=True)
    for name in ("base", "new", "new/base", "interval"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for line in comparison.lines:
        table.add_row(
            escape(_name(line.scenario, page_size)),
            labels.number(line.base),
            labels.number(line.new),
            f"{line.ratio.value:.3f}",
            f"{line.ratio.low:.3f}-{line.ratio.high:.3f}",
            _coloured(line.ratio, significant=line.significant),
        )
    return table


def _name(scenario: Scenario, page_size: int) -> str:
    return labels.scenario_text(scenario, page_size)


def _arms(comparison: Comparison) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.collapse_padding = True
    table.add_column("all scenarios of an arm", no_wrap=True)
    for name in ("scenarios", "new/base", "interval"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for line in comparison.arms:
        table.add_row(
            escape(line.arm),
            str(line.scenarios),
            f"{line.ratio.value:.3f}",
            f"{line.ratio.low:.3f}-{line.ratio.high:.3f}",
            _coloured(line.ratio, significant=line.significant),
        )
    return table
