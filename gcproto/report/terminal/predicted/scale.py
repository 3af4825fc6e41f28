"""A heap of another size, as tables: what is predicted for it, and how well sizes that were omitted are predicted."""

from rich.console import Console

from gcproto.counted import counted
from gcproto.model.scale import Omitted, Scale
from gcproto.report import labels
from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.table import Cell, Column, Table
from gcproto.report.terminal.kit.text import say
from gcproto.sizes import MIB


def print_scale(found: Scale, console: Console) -> None:
    """Print predictions with their intervals, errors by size, and what limits them."""
    heap = found.heap
    size, live = (pages * found.page_bytes / MIB for pages in (heap.used, heap.live))
    console.print()
    where = f" for {found.host}" if found.host else ""
    objects = counted(round(heap.objects), "object")
    say(
        console,
        ("Prediction", "bold"),
        f"{where}: a heap of {size:,.0f} MiB, {live:,.0f} MiB live in {objects}; ms. Fitted on heaps of "
        f"{found.from_mib:,.0f} to {found.to_mib:,.0f} MiB. Interval: what the measured value was, over the predicted "
        "one, for sizes that were omitted.",
    )
    names = [figure.name for figure in found.policies[0].figures]
    table = Table([Column("folios", words=True), Column("policy", words=True), *(Column(name) for name in names)])
    for one in found.policies:
        cells: list[Cell] = [
            [labels.number(figure.ms), (f"{labels.number(figure.low)}-{labels.number(figure.high)}", "dim")]
            for figure in one.figures
        ]
        table.add(one.memory, one.policy, *cells)
    print_table(table, console)
    console.print()
    say(console, ("Sizes omitted", "bold"), ": error of a prediction from all other sizes")
    sizes = Table([Column("policy", words=True), Column("heap", words=True), Column("MiB"), *map(Column, names)])
    for one in found.policies:
        for rows in zip(*(figure.omitted for figure in one.figures), strict=True):
            first = rows[0]
            sizes.add(one.policy, first.workload, f"{first.used_mib:,.0f}", *map(_error, rows))
    print_table(sizes, console)
    for one in found.policies:
        text = ", ".join(f"{figure.name} {figure.largest:.0%}" for figure in one.figures)
        say(console, f"{one.policy}: the largest heap, predicted from smaller ones, is off by {text}.")
    for remark in found.remarks:
        say(console, remark, style="dim")


def _error(one: Omitted) -> str:
    return f"{one.error:+.0%}"
