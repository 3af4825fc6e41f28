"""Workloads on heaps as a table: a line for each mode and heap size, grouped by all other differences."""

from collections.abc import Sequence

from rich.console import Console

from gcproto.counted import counted
from gcproto.report import labels
from gcproto.report.placement import crowded, steadiest_first
from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.figures import INVALID, Baselines, cost, done, ratio
from gcproto.report.terminal.kit.groups import grouped
from gcproto.report.terminal.kit.table import Cell, Column, Table
from gcproto.report.terminal.kit.text import say
from gcproto.report.words.kinds import Workload, workloads
from gcproto.report.words.rows import starred
from gcproto.results import names
from gcproto.results.schema import Measurement, Result, WorkloadFigures, WorkloadScenario
from gcproto.results.series import page_size_of
from gcproto.sizes import mib_text


def print_heaps(measurements: Sequence[Measurement], result: Result, console: Console) -> None:
    """Print a line for each mode and heap size; times of phases are medians over collections.

    Args:
        measurements: of workloads; others are omitted.
        result: run that they are from.
        console: the terminal.

    """
    found = steadiest_first(workloads(measurements))
    if not found:
        return
    page = page_size_of(result)
    unit = found[0].measured.unit
    common, groups = grouped([_words(one.at, page) for one in found])
    console.print()
    say(
        console,
        ("Heaps", "bold"),
        f": {', '.join(common)}; {labels.million(unit)} and MiB. Wall, GCs, lost, MMU and faults: medians of "
        "rounds. Mark and compact: medians of collections. Pause and stall: the longest of all rounds, a pause with "
        "the time to stop. Lost: of a mutator in faults, with their delivery, and in waiting for memory. Copied: by "
        "UFFDIO_COPY in all rounds",
    )
    crowd = crowded(measurements, result)
    if crowd:
        say(console, crowd, style="yellow")
    table = Table(_columns(unit), gap=1, wide=True)
    baselines = Baselines(measurements)
    short = starred([one.at for one in found])
    for title, places in groups.items():
        if title:
            table.group(", ".join(title))
        for at in sorted(places, key=lambda place: found[place].at.heap_bytes):
            table.add(*_row(found[at], short[found[at].at], baselines))
    print_table(table, console)
    for title, places in groups.items():
        for at in places:
            one = found[at]
            again = " (A/A)" * bool(one.at.replica)
            name = ", ".join((f"{short[one.at]}{again} in {labels.size(one.at.heap_bytes)}", *title))
            for note in _notes(one):
                say(console, f"{name}: {note}", style="dim")


def _words(one: WorkloadScenario, page: int) -> list[str]:
    """Words for the head if all share them, else for the title of the group."""
    mutators = "1 mutator" if one.mutators == 1 else f"{one.mutators} mutators"
    live = f"{mib_text(one.live_bytes)} live" if one.live_bytes else "live bytes unknown"
    return [one.workload, mutators, live, f"{names.memory(one, page)} folios", names.placement(one)]


def _columns(unit: str) -> list[Column]:
    small = labels.thousand(unit)
    return [
        Column("mode", words=True),
        Column("heap"),
        Column("wall"),
        Column("to copy"),
        Column("LBO", rank=4, name="LBO (wall)"),
        Column("cpu", rank=6, name="LBO (cpu)"),
        Column("GCs", rank=7),
        Column("mark", rank=8),
        Column("compact", rank=8),
        Column("pause", rank=2),
        Column("lost", rank=2, name="lost in faults and waiting for memory"),
        Column("MMU1", rank=5),
        Column("MMU10", rank=3),
        Column("MMU100", rank=4),
        Column("stall", rank=6),
        Column("faults", rank=5),
        Column(f"fault {small}\np50", rank=6, name="fault p50"),
        Column("\np99", rank=5, name="fault p99"),
        Column("copied", rank=9),
        Column("RSS", rank=10),
    ]


def _row(heap: Workload, name: str, baselines: Baselines) -> list[Cell]:
    one, scenario, figures = heap
    again = " (A/A)" * bool(scenario.replica)
    label: list[Cell] = [name + again, labels.size(scenario.heap_bytes)]
    if not one.valid or one.median is None:
        return [*label, INVALID]
    return [
        *label,
        _wall(figures, one),
        [*ratio(one, baselines), *done(one)],
        _number(figures.lbo_wall),
        _number(figures.lbo_cpu),
        f"{figures.collections_a_round:.0f}",
        _number(figures.phases.mark),
        _number(figures.phases.compact),
        _number(figures.longest_pause_ms),
        _number(figures.lost_ms),
        *(_number(found.median if found else None) for found in map(figures.mmu_of, (1, 10, 100))),
        _number(figures.stall.ns / 1e6 if figures.stall.cause else None),
        [f"{figures.faults:.0f}", *([(f"EBUSY {one.outcome.ebusy}", "yellow")] if one.outcome.ebusy else [])],
        _thousandth(figures.fault.p50 if figures.fault else None),
        _thousandth(figures.fault.p99 if figures.fault else None),
        _number(figures.copied_mib),
        f"{figures.resident_max_mib:.0f}",
    ]


def _wall(figures: WorkloadFigures, one: Measurement) -> Cell:
    """The wall time. Its median is that of the samples, so they have the same modes."""
    if figures.wall_ms is None or not one.median:
        return ""
    return [*cost(one, figures.wall_ms / one.median)]


def _number(value: float | None) -> str:
    return "" if value is None else labels.number(value)


def _thousandth(value: float | None) -> str:
    return "" if value is None else labels.number(value / 1000)


def _notes(heap: Workload) -> list[str]:
    one, scenario, figures = heap
    notes = [f"with {names.options(scenario)}"] * bool(names.options(scenario))
    notes += [f"reason of its choice: {figures.choice}"] * bool(figures.choice)
    if figures.stall.cause:
        unit = labels.million(one.unit)
        length = f"{labels.number(figures.stall.ns / 1e6)} {unit}"
        notes.append(f"longest stall {length}: {_cause(figures, unit)} (mutator {figures.stall.mutator})")
    notes += [f"{counted(figures.verified, 'collection')} verified; times include these checks"] * bool(
        figures.verified
    )
    return [*notes, *one.notes]


WOKEN_LATE = 1.1
"""A stall by a pause that is this much longer than every pause: its mutator did not run as soon as it could."""


def _cause(figures: WorkloadFigures, unit: str) -> str:
    """The cause of the longest stall. A pause ends when mutators may run, its stall when this one does."""
    cause, longest = figures.stall.cause, figures.longest_pause_ms
    if not cause.startswith("pause") or longest is None or figures.stall.ns <= WOKEN_LATE * longest * 1e6:
        return cause
    return f"{cause} of at most {labels.number(longest)} {unit}, then waiting to run again"
