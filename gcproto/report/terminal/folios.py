"""Heaps of large folios: their folios after each collection, and moves of parts of folios."""

import statistics
from collections.abc import Sequence
from typing import Literal

from rich.console import Console

from gcproto.report import labels
from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.table import Column, Table
from gcproto.report.terminal.kit.text import say
from gcproto.report.words.kinds import Workload, workloads
from gcproto.results import names
from gcproto.results.folios import PARTS, large_share, parts_of
from gcproto.results.schema import Collection, MadeLarge, Measurement, Result, WorkloadFigures, WorkloadScenario
from gcproto.results.series import page_size_of

SHOWN = (1, 2, 3, 5, 10, 20, 50)
"""Collections that have a column, if there are so many; the last one always has."""

MOVERS: tuple[Literal["collector", "faults"], ...] = ("collector", "faults")


def print_folios(measurements: Sequence[Measurement], result: Result, console: Console) -> None:
    """Print the share of each heap in large folios after its collections, and the moves of parts of folios.

    Args:
        measurements: of workloads; those whose folios were not counted are omitted.
        result: run that they are from.
        console: the terminal.

    """
    known = [one for one in workloads(measurements) if one.measured.valid and _counted(one.figures)]
    if not known:
        return
    page = page_size_of(result)
    _print_survival(known, page, console)
    _print_parts(known, page, console)


def _counted(found: WorkloadFigures) -> bool:
    return any(cycle.folios.by_order for some in found.collections for cycle in some)


def _who(one: WorkloadScenario, known: Sequence[Workload], page: int) -> tuple[str, str]:
    """The mode, with its placement if one was given and the conditions in which these heaps differ, and the folios."""
    text = names.memory(one, page)
    more = [word for word in names.unlike(one, (other.at for other in known), page) if word != text]
    return ", ".join((names.mode(one), *names.placed(one), *more)), text


def _print_survival(known: Sequence[Workload], page: int, console: Console) -> None:
    most = max(len(some) for one in known for some in one.figures.collections)
    shown = [number for number in SHOWN if number < most]
    console.print()
    say(
        console,
        ("Folios of the heap", "bold"),
        ": share of its pages in large folios after each collection, medians over the rounds. Times are ns "
        "from flip to drain for each page that compacting threads produced. Then: ns for each page that became a THP "
        "again or was populated again.",
    )
    columns = [Column("mode", words=True), Column("folios", words=True)]
    # The first and the last collection matter most. Columns between them are omitted first.
    columns += [Column(f"GC {number}", rank=3 + at if at else 0) for at, number in enumerate(shown)]
    columns += [Column("last"), Column("ns/page", rank=2)]
    for what in ("restored", "renewed"):
        columns += [Column(what, rank=1), Column("ns", rank=1, name=f"ns for a {what} page")]
    table = Table(columns, gap=1, wide=True)
    for _, scenario, figures in known:
        table.add(
            *_who(scenario, known, page),
            *(_share(figures, number - 1) for number in shown),
            _share(figures, -1),
            "" if figures.compact_ns_page is None else labels.number(figures.compact_ns_page),
            *_made(figures.folios.restored if figures.folios else None),
            *_made(figures.folios.renewed if figures.folios else None),
        )
    print_table(table, console)


def _share(found: WorkloadFigures, at: int) -> str:
    values = [large_share(some[at]) for some in found.collections if len(some) > max(at, 0)]
    return f"{statistics.median(values):.0%}" if values else ""


def _made(found: MadeLarge | None) -> tuple[str, str]:
    return (f"{found.pages:.0f}", labels.number(found.ns_page)) if found and found.pages else ("", "")


def _print_parts(known: Sequence[Workload], page: int, console: Console) -> None:
    """Pages per round by cause and by mover, and their share of all pages moved out of large folios."""
    columns = [Column("mode", words=True), Column("folios", words=True), Column("by", words=True)]
    table = Table([*columns, *(Column(name.replace(" at ", "\nat ")) for name in PARTS.values())], gap=1, wide=True)
    for _, scenario, figures in known:
        cycles: list[Collection] = [cycle for some in figures.collections for cycle in some]
        for mover in MOVERS:
            parts = parts_of(cycles, mover)
            counts = [int(getattr(parts, name)) for name in PARTS]
            if sum(counts):
                rounds = max(1, len(figures.collections))
                table.add(*_who(scenario, known, page), mover, *(f"{count / rounds:.0f}" for count in counts))
    if table.rows:
        console.print()
        say(console, ("Moves of parts of folios", "bold"), ": pages per round, by cause")
        print_table(table, console)
