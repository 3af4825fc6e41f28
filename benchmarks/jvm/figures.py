"""What the runs come to: medians over rounds, ratios with intervals, LBO."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.jvm.document import Document, Run, Subject
from gcproto.results.schema import Interval
from gcproto.results.statistics import paired_ratio

BASELINE = "memmove"
"""The mode that full collections are compared with: everything in one pause, no userfaultfd."""


@dataclass(frozen=True)
class Row:
    """A subject's figures; None where there is nothing to tell.

    Attributes:
        rounds: valid ones;  invalid: others that were measured.
        collections: in the measured time.
        wall_ms, mutator_ms, collector_ms: of it, the latter two CPU time.
        compiler_ms: CPU time of a JVM's compilers in it.
        pause_p50_ms, pause_max_ms: of pauses in it, of all rounds;  stop_max_ms: longest time to stop.
        stall_ms: of mutators that waited for the collector, in it.
        lbo_wall, lbo_cpu: lower-bound overhead within the runtime.
        full_pause_ms: pauses of a full collection, summed;  full_cpu_ms: of its threads.
        full_ns_object, full_us_mib: CPU time for each live object, and for each MiB of them at 32 bytes an object.
        cpu_ratio, pause_ratio: CPU time an object, and pauses, over those of BASELINE.
        held_bytes_object: that a JVM has in use after a full collection, for each live object.

    """

    subject: Subject
    rounds: int
    invalid: int
    collections: float | None = None
    wall_ms: float | None = None
    mutator_ms: float | None = None
    collector_ms: float | None = None
    compiler_ms: float | None = None
    pause_p50_ms: float | None = None
    pause_max_ms: float | None = None
    stop_max_ms: float | None = None
    stall_ms: float | None = None
    lbo_wall: float | None = None
    lbo_cpu: float | None = None
    full_pause_ms: float | None = None
    full_cpu_ms: float | None = None
    full_ns_object: float | None = None
    full_us_mib: float | None = None
    cpu_ratio: Interval | None = None
    pause_ratio: Interval | None = None
    held_bytes_object: float | None = None


NODE_BYTES = 32


def rows(document: Document) -> list[Row]:
    """A row for each subject, in their order."""
    return [_row(document, subject) for subject in document.subjects]


def _row(document: Document, subject: Subject) -> Row:
    runs = document.valid(subject.name)
    invalid = sum(one.collector == subject.name and bool(one.round) for one in document.runs) - len(runs)
    if not runs:
        return Row(subject, 0, invalid)
    pauses = [one for run in runs for one in run.pauses]
    lengths = [(one.stop_ns + one.ns) / 1e6 for one in pauses]
    lbo_wall, lbo_cpu = lower_bound_overheads(document, subject)
    full_ns = _median(runs, ns_an_object)
    return Row(
        subject,
        len(runs),
        invalid,
        collections=_median(runs, lambda run: run.collections),
        wall_ms=_ms(runs, lambda run: run.wall_ns),
        mutator_ms=_ms(runs, lambda run: run.mutator_cpu_ns),
        collector_ms=_ms(runs, lambda run: run.collector_cpu_ns),
        compiler_ms=_ms(runs, lambda run: run.compiler_cpu_ns) if subject.runtime == "hotspot" else None,
        pause_p50_ms=statistics.median(lengths) if lengths else None,
        pause_max_ms=max(lengths, default=None),
        stop_max_ms=max((one.stop_ns / 1e6 for one in pauses), default=None),
        stall_ms=_ms(runs, lambda run: sum(run.stalls_ns)),
        lbo_wall=lbo_wall,
        lbo_cpu=lbo_cpu,
        full_pause_ms=_median(runs, full_pause_ms),
        full_cpu_ms=_median(runs, full_cpu_ms),
        full_ns_object=full_ns,
        full_us_mib=None if full_ns is None else full_ns * (1 << 20) / NODE_BYTES / 1e3,
        cpu_ratio=_ratio(document, subject, ns_an_object),
        pause_ratio=_ratio(document, subject, full_pause_ms),
        held_bytes_object=_median(runs, lambda run: run.held_bytes / document.asked.live_objects or None),
    )


Figure = Callable[[Run], float | None]


def full_pause_ms(run: Run) -> float | None:
    """Of a full collection in a run, the mean."""
    return statistics.fmean(one.paused_ns for one in run.fulls) / 1e6 if run.fulls else None


def full_cpu_ms(run: Run) -> float | None:
    """Of the collector's threads for a full collection in a run, the mean."""
    return statistics.fmean(one.cpu_ns for one in run.fulls) / 1e6 if run.fulls else None


def ns_an_object(run: Run) -> float | None:
    """CPU time for each live object in full collections of a run."""
    objects = sum(one.objects for one in run.fulls)
    return sum(one.cpu_ns for one in run.fulls) / objects if objects else None


def _known(runs: Sequence[Run], figure: Figure) -> dict[int, float]:
    """By round."""
    found = {run.round: figure(run) for run in runs}
    return {number: value for number, value in found.items() if value is not None}


def _median(runs: Sequence[Run], figure: Figure) -> float | None:
    values = _known(runs, figure).values()
    return statistics.median(values) if values else None


def _ms(runs: Sequence[Run], figure: Callable[[Run], int]) -> float:
    return statistics.median(figure(run) for run in runs) / 1e6


def _ratio(document: Document, subject: Subject, figure: Figure) -> Interval | None:
    if subject.name == BASELINE:
        return None
    over, under = _known(document.valid(subject.name), figure), _known(document.valid(BASELINE), figure)
    return paired_ratio(over, under)


def lower_bound_overheads(document: Document, subject: Subject) -> tuple[float | None, float | None]:
    """Lower-bound overhead in wall and CPU time, as gcproto.experiments.workloads.run defines it (Cai et al., 2022).

    The bound is the least cost, over all subjects, without what is known to be the collector's.  It is taken within a
    runtime: code of HotSpot's compilers and code of numba are not the same work.
    """
    group = [document.valid(one.name) for one in document.subjects if one.runtime == subject.runtime]
    known = [runs for runs in group if runs]
    wall = min(_ms(runs, lambda run: run.wall_ns) - _paused_ms(runs) for runs in known)
    cpu = min(_ms(runs, lambda run: run.mutator_cpu_ns) for runs in known)
    mine = document.valid(subject.name)
    over_wall = _ms(mine, lambda run: run.wall_ns) / wall if wall > 0 else None
    total = _ms(mine, lambda run: run.mutator_cpu_ns) + _ms(mine, lambda run: run.collector_cpu_ns)
    return over_wall, total / cpu if cpu > 0 else None


def _paused_ms(runs: Sequence[Run]) -> float:
    """Of a run, with the time to stop, the mean."""
    return statistics.fmean(sum(one.stop_ns + one.ns for one in run.pauses) for run in runs) / 1e6
