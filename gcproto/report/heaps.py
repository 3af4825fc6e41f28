"""Workloads on heaps as a table, and what it says in a line for each heap size."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gcproto.report import labels
from gcproto.results.schema import Latency, Measurement, Result
from gcproto.results.series import page_size_of

COLUMNS = (
    "mode",
    "heap",
    "wall",
    "to copy",
    "LBO",
    "cpu",
    "GCs",
    "mark",
    "compact",
    "pause",
    "MMU10",
    "faults",
    "p50 us",
    "p99",
    "copied",
    "RSS",
)


def print_heaps(measurements: list[Measurement], result: Result, console: Console) -> None:
    """Print a line for each mode and heap size; times of phases are medians over collections.

    Args:
        measurements: of sources ``heap-...``.
        result: that they are from.
        console: where to.

    """
    options = result.producer.options
    one = measurements[0].scenario
    console.print(
        f"\n[bold]Heaps[/]: {one.source.removeprefix('heap-')}, {one.threads - 1} mutators, "
        f"{int(options.get('live', 0)) >> 20} MiB live; ms and MiB; pause: the longest, with the time to stop",
        highlight=False,
    )
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.collapse_padding = True
    for number, name in enumerate(COLUMNS):
        table.add_column(name, justify="right" if number else "left", no_wrap=True)
    for measurement in sorted(measurements, key=lambda each: each.scenario.pages):
        table.add_row(*_row(measurement, page_size_of(result)))
    console.print(table)
    for measurement in measurements:
        name, choices = _split(measurement.scenario.arm)
        notes = [f"with {choices}"] if choices else []
        for note in notes + measurement.notes:
            console.print(f"[dim]{escape(f'{name}: {note}')}[/]", highlight=False)


def _split(arm: str) -> tuple[str, str]:
    """The mode, with a star if it has options, and these: they are too long for a column."""
    mode, _, options = arm.partition("[")
    return mode + "*" * bool(options), options.removesuffix("]")


def longest_pause(one: Measurement) -> float | None:
    """Of any kind, ms, with the time to stop; None if nothing ever paused."""
    found = [value for name, value in one.figures.items() if name.startswith("pause ") and name.endswith(" max ms")]
    return max(found, default=None)


def _row(one: Measurement, page_size: int) -> list[str]:
    heap = labels.size(one.scenario.pages * page_size)
    if not one.valid or one.median is None:
        return [_split(one.scenario.arm)[0], heap, "[bold red]INVALID[/]"]
    figures = one.figures
    ratio = one.ratio_to_copy
    fault = one.latency.get("fault")
    return [
        _split(one.scenario.arm)[0],
        heap,
        _number(figures.get("wall ms")),
        f"{labels.number(ratio.value)}x\n[dim]{labels.bounds(ratio)}[/]" if ratio else "",
        _number(figures.get("lbo wall")),
        _number(figures.get("lbo cpu")),
        f"{figures.get('collections', 0):.0f}",
        _number(figures.get("mark ms")),
        _number(figures.get("compact ms")),
        _number(longest_pause(one)),
        _number(figures.get("mmu 10 ms")),
        f"{figures.get('faults', 0):.0f}" + (f"\n[yellow]EBUSY {one.outcome.ebusy}[/]" if one.outcome.ebusy else ""),
        _microseconds(fault, "p50"),
        _microseconds(fault, "p99"),
        _number(figures.get("copied MiB")),
        f"{figures.get('resident max MiB', 0):.0f}",
    ]


def _number(value: float | None) -> str:
    return "" if value is None else labels.number(value)


def _microseconds(latency: Latency | None, name: str) -> str:
    value = getattr(latency, name) if latency else None
    return "" if value is None else labels.number(value / 1000)
