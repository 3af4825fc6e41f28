"""The window after the flip as a table, and what it says in a line."""

from rich.console import Console
from rich.table import Table

from gcproto.report import labels
from gcproto.results.schema import Interval, Latency, Measurement

COLUMNS = ("way", "mutators ms", "to copy", "collector ms", "touch p50", "p99", "p99.9", "faults", "fault p50", "p99")


def print_windows(measurements: list[Measurement], console: Console) -> None:
    """Print a line for each way; times of single events in microseconds.

    Args:
        measurements: of source ``window``.
        console: where to.

    """
    one = measurements[0].scenario
    console.print(
        f"\n[bold]The window after the flip[/]: {labels.size(one.granule_bytes)} in {one.pages} pages, "
        f"{one.threads - 1} mutators and the collector; touches and faults in microseconds",
        highlight=False,
    )
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.collapse_padding = True
    for number, name in enumerate(COLUMNS):
        table.add_column(name, justify="right" if number else "left", no_wrap=True)
    for measurement in measurements:
        table.add_row(*_row(measurement))
    console.print(table)
    for measurement in measurements:
        if measurement.figures.get("uncounted"):
            console.print(
                f"[yellow]{measurement.scenario.arm}: {measurement.figures['uncounted']:.0f} pages of "
                f"{measurement.outcome.asked} were moved though every MOVE for them said EEXIST "
                "(gcproto doctor: a step that the kernel repeats)[/]",
                highlight=False,
            )
    console.print(_summary(measurements), highlight=False)


def _row(one: Measurement) -> list[str]:
    if not one.valid or one.median is None:
        return [one.scenario.arm, "[bold red]INVALID[/]"]
    pages = one.scenario.pages
    access, fault = one.latency["access"], one.latency["fault"]
    ratio = one.ratio_to_copy
    return [
        one.scenario.arm,
        labels.number(one.median * pages / 1e6),
        f"{labels.number(ratio.value)}x\n[dim]{labels.bounds(ratio)}[/]" if ratio else "",
        labels.number(one.figures.get("collector ns/page", 0.0) * pages / 1e6),
        _us(access.p50),
        _us(access.p99),
        _us(access.p999),
        f"{one.figures.get('faults', 0.0):.0f}"
        + (f"\n[yellow]EBUSY {labels.per_round(one.outcome.ebusy, one)}[/]" if one.outcome.ebusy else ""),
        _us(fault.p50),
        _us(fault.p99),
    ]


def _us(value: float | None) -> str:
    return "" if value is None else labels.number(value / 1000)


def _summary(measurements: list[Measurement]) -> str:
    """The shortest mutator phase, and what a touch costs there against copying."""
    valid = [one for one in measurements if one.valid and one.median is not None]
    copy = next((one for one in valid if one.scenario.arm == "copy"), None)
    if copy is None or len(valid) < 2:
        return "no copy mode beside it to compare with"
    best = min(valid, key=lambda one: one.median or 0.0)
    if best is copy:
        return "copy has the shortest mutator phase here"
    ratio = best.ratio_to_copy
    if ratio is None:
        return f"{best.scenario.arm} has the shortest mutator phase; too few runs to say by how much"
    text = f"{best.scenario.arm} has the shortest mutator phase: {_times(ratio)} of copy mode's"
    one, other = best.latency["access"], copy.latency["access"]
    return f"{text}; a touch takes {_pair(one, other)} of it"


def _times(ratio: Interval) -> str:
    return f"{labels.number(ratio.value)} ({labels.bounds(ratio)})"


def _pair(one: Latency, other: Latency) -> str:
    texts = []
    for name, a, b in (("p50", one.p50, other.p50), ("p99", one.p99, other.p99), ("p99.9", one.p999, other.p999)):
        if a is not None and b:
            texts.append(f"{labels.number(a / b)} at {name}")
    return ", ".join(texts)
