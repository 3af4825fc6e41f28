"""What heaps of large folios are made of from collection to collection, and what was moved in parts of folios."""

import statistics
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from gcproto.report import labels
from gcproto.results.folios import PARTS, large_share, parts_of
from gcproto.results.schema import Measurement, Result
from gcproto.results.series import page_size_of

SHOWN = (1, 2, 3, 5, 10, 20, 50)
"""Collections that have a column, as far as there are so many, and the last one."""


def print_folios(measurements: Sequence[Measurement], result: Result, console: Console) -> None:
    """Print how much of each heap lies in large folios after its collections, and the moves of parts of folios.

    Args:
        measurements: of sources ``heap-...``; those whose folios were not counted are left out.
        result: that they are from.
        console: where to.

    """
    known = [one for one in measurements if one.valid and _counted(one)]
    if not known:
        return
    page = page_size_of(result)
    _print_survival(known, page, console)
    _print_parts(known, page, console)


def _counted(one: Measurement) -> bool:
    return any(cycle.folios for some in one.collections for cycle in some)


def _name(one: Measurement, page: int) -> tuple[str, str]:
    size = labels.size(page << one.scenario.order) if one.scenario.order else "system"
    return one.scenario.arm, size


def _print_survival(known: Sequence[Measurement], page: int, console: Console) -> None:
    most = max(len(some) for one in known for some in one.collections)
    shown = [number for number in SHOWN if number < most]
    console.print(
        "\n[bold]Folios of the heap[/]: share of its pages in large folios after so many collections, medians over the "
        "rounds; ns per page from flip to drain, and per page that was made a THP again or populated anew",
        highlight=False,
    )
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.collapse_padding = True
    heads = (
        "mode",
        "folios",
        *(f"GC {number}" for number in shown),
        "last",
        "ns/page",
        "restored",
        "ns",
        "renewed",
        "ns",
    )
    for name in heads:
        table.add_column(name, justify="left" if name in {"mode", "folios"} else "right", no_wrap=True)
    for one in known:
        cells = [_share(one, number - 1) for number in shown] + [_share(one, -1)]
        figures = one.figures
        table.add_row(
            *_name(one, page),
            *cells,
            labels.number(figures["compact ns/page"]) if "compact ns/page" in figures else "",
            *_made(one, "restored"),
            *_made(one, "renewed"),
        )
    console.print(table)


def _share(one: Measurement, at: int) -> str:
    values = [large_share(some[at]) for some in one.collections if len(some) > max(at, 0)]
    return f"{statistics.median(values):.0%}" if values else ""


def _made(one: Measurement, what: str) -> tuple[str, str]:
    pages = one.figures.get(f"{what} pages", 0.0)
    if not pages:
        return "", ""
    return f"{pages / max(1, len(one.collections)):.0f}", labels.number(one.figures[f"{what} ns/page"])


def _print_parts(known: Sequence[Measurement], page: int, console: Console) -> None:
    """By cause, and by who moved them: pages of a round, and their share of all that was moved out of large folios."""
    rows = []
    for one in known:
        cycles = [cycle for some in one.collections for cycle in some]
        for who in ("collector", "faults"):
            parts = parts_of(cycles, who)
            if sum(parts.values()):
                rounds = max(1, len(one.collections))
                rows.append((*_name(one, page), who, *(f"{parts[name] / rounds:.0f}" for name in PARTS)))
    if not rows:
        return
    console.print("\n[bold]Moves of parts of folios[/]: pages in a round, by cause", highlight=False)
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.collapse_padding = True
    for number, name in enumerate(("mode", "folios", "by", *PARTS.values())):
        table.add_column(name, justify="left" if number < 3 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console.print(table)
