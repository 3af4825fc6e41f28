"""Young collections and full ones as a table: what they evacuate and copy for what they free."""

from collections.abc import Sequence

from rich.console import Console

from gcproto.report import labels
from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.table import Column, Table
from gcproto.report.terminal.kit.text import say
from gcproto.report.words.rows import starred
from gcproto.report.words.young import compared, kind_cells, kind_lines, with_generations
from gcproto.results import names
from gcproto.results.schema import Measurement, Result
from gcproto.results.series import page_size_of

COLUMNS = [
    Column("mode", words=True),
    Column("heap", rank=7),
    Column("kind", words=True),
    Column("GCs"),
    Column("freed\nMiB", name="MiB freed"),
    Column("evacuated\na byte freed", name="evacuated a byte freed"),
    Column("copied\na byte freed", name="copied a byte freed"),
    Column("in\nplace", rank=3, name="in place"),
    Column("promoted\nMiB", rank=6, name="MiB promoted"),
    Column("dirty\ncards", rank=4, name="dirty cards"),
    Column("cards\nus", rank=3, name="us for cards"),
    Column("mark\nms", rank=5, name="ms marking"),
    Column("compact\nms", rank=2, name="ms compacting"),
    Column("pause\nms", name="ms of the longest pause"),
]


def print_kinds(measurements: Sequence[Measurement], result: Result, console: Console) -> None:
    """Print a line for each kind of collection; nothing where no heap has generations.

    Args:
        measurements: of workloads.
        result: that they are from.
        console: where to.

    """
    found = with_generations(result)
    if not found or not measurements:
        return
    lines = kind_lines(found)
    if lines:
        console.print()
        say(
            console,
            ("Young and full collections", "bold"),
            ": medians of a collection. Evacuated: bytes mapped in to-space. Copied: by UFFDIO_COPY and to build "
            "pages. In place: pages that are not compacted. Pause: the longest, with the time to stop.",
        )
        table = Table(COLUMNS, gap=1, wide=True)
        page = page_size_of(result)
        every = [one.at for one in found]
        short = starred(every)
        for one, kind in lines:
            name = ", ".join((short[one.at], *names.unlike(one.at, every, page, heap_size=False)))
            table.add(name, labels.size(one.at.heap_bytes), *kind_cells(kind))
        print_table(table, console)
    for text in compared(found, page_size_of(result)):
        say(console, text, style="dim")
