"""A comparison for people: what is not comparable first, then one table."""

from rich.console import Console

from benchmarks.jvm.document import Document
from benchmarks.jvm.figures import BASELINE, Row, rows
from gcproto.report import labels
from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.table import Cell, Column, Table
from gcproto.report.terminal.kit.text import say
from gcproto.results.schema import Interval
from gcproto.sizes import size

CAVEATS = (
    "mutators: HotSpot interprets, then compiles while the work runs. numba's code is compiled ahead. Compare wall "
    "time and LBO within a runtime only",
    "barriers: gcproto, Serial and G1 mark cards when references are stored, and G1 has a barrier for marking. ZGC and "
    "Shenandoah have barriers for loads, in which mutators may move objects",
    "faults: in the concurrent modes of gcproto, mutators evacuate pages. Their CPU time is not the collector's",
    "generations: Serial and G1 mostly collect young objects. Each collection of gcproto, ZGC and Shenandoah is one of "
    "the whole heap. Full collections of HotSpot are asked for by System.gc() after the measured time",
    "objects: a node has 32 bytes in gcproto, and in HotSpot with compressed references. ZGC has no such references. "
    "MiB are of 32-byte objects everywhere",
    "allocation: gcproto cuts buffers of 64 KiB for threads, HotSpot adapts their size. HotSpot clears each of them",
    "threads: gcproto collects on one thread, which has a processor of its own. G1, ZGC and Shenandoah have as many as "
    "they choose, unplaced. Serial has one. CPU time is the sum",
    "roots: HotSpot's collectors also trace classes, compiled code and the JVM's own roots, and may unload classes",
)
"""What is not comparable."""

COLUMNS = (
    Column("", words=True),
    Column("GCs"),
    Column("wall\nms"),
    Column("LBO\nwall"),
    Column("LBO\nCPU"),
    Column("pause ms\np50"),
    Column("\nmax"),
    Column("GC CPU\nms"),
    Column("full:\npause ms"),
    Column(f"to\n{BASELINE}"),
    Column("full:\nCPU ms"),
    Column("us a\nMiB"),
    Column("ns an\nobject"),
    Column(f"to\n{BASELINE}"),
)
RUNTIMES = {"gcproto": "gcproto's modes", "hotspot": "HotSpot"}
WIDTH = 118


def show(document: Document) -> None:
    """Print a comparison to standard output."""
    console = Console(highlight=False, width=WIDTH)
    asked = document.asked
    say(console, f"{document.jvm}")
    say(
        console,
        f"trees: {size(asked.live_bytes)} live in {asked.live_objects} objects, heaps of {size(asked.heap_bytes)}, "
        f"{asked.operations} operations, one mutator",
    )
    console.print()
    say(console, "Not comparable:", style="bold")
    for caveat in CAVEATS:
        say(console, f"- {caveat}")
    console.print()
    table = Table(list(COLUMNS), gap=1)
    runtime = ""
    for row in rows(document):
        if row.subject.runtime != runtime:
            runtime = row.subject.runtime
            table.group(RUNTIMES[runtime])
        table.add(*_cells(row))
    print_table(table, console)
    console.print()
    for line in _remarks(document):
        say(console, line)


def _cells(row: Row) -> list[Cell]:
    return [
        row.subject.name,
        *(
            _number(value)
            for value in (
                row.collections,
                row.wall_ms,
                row.lbo_wall,
                row.lbo_cpu,
                row.pause_p50_ms,
                row.pause_max_ms,
                row.collector_ms,
                row.full_pause_ms,
            )
        ),
        _ratio(row.pause_ratio),
        _number(row.full_cpu_ms),
        _number(row.full_us_mib),
        _number(row.full_ns_object),
        _ratio(row.cpu_ratio),
    ]


def _number(value: float | None) -> str:
    return "" if value is None else labels.number(value)


def _ratio(found: Interval | None) -> Cell:
    return [f"{labels.number(found.value)}x", (labels.bounds(found), "dim")] if found else ""


def _remarks(document: Document) -> list[str]:
    found = [f"{one.what} was not measured: {one.reason}" for one in document.skips]
    for row in rows(document):
        name = row.subject.name
        if row.invalid:
            why = next(run.invalid for run in document.runs if run.collector == name and run.invalid)
            found.append(f"{name}: {row.invalid} invalid rounds: {why}")
        if row.stall_ms:
            found.append(f"{name}: the mutator waited {labels.number(row.stall_ms)} ms for the collector, in no pause")
        if row.compiler_ms:
            found.append(f"{name}: compilers took {labels.number(row.compiler_ms)} ms of CPU time in the measured time")
        if row.held_bytes_object:
            found.append(
                f"{name}: {row.held_bytes_object:.1f} bytes in use for each live object after a full collection"
            )
    rounds = max((row.rounds for row in rows(document)), default=0)
    complete = "" if document.producer.complete else "; it was interrupted"
    return [*found, *document.notes, f"{rounds} rounds and 1 of warm-up{complete}"]
