"""One line for each scenario, with the figures that all kinds of measurements have."""

from collections.abc import Sequence

from gcproto.report import labels
from gcproto.report.terminal.kit.figures import INVALID, Baselines, done, no_ratio
from gcproto.report.terminal.kit.table import Column, Table
from gcproto.report.terminal.kit.text import Part
from gcproto.results import names
from gcproto.results.baseline import refused
from gcproto.results.schema import Measurement, PathScenario, PolicyScenario, Scenario, WindowScenario, WorkloadScenario
from gcproto.results.statistics import P90_FROM, percentiles

COUNTS = {
    "moved": "moved",
    "remapped": "remapped",
    "copied": "copied",
    "ebusy→copy": "copied_after_ebusy",
    "zeroed": "zeroed",
    "left": "left",
    "splits": "splits",
    "ebusy": "ebusy",
    "eagain": "eagain",
    "enoent": "enoent",
    "eexist": "eexist",
    "calls": "calls",
}
"""Heads of columns, and fields of the outcome."""

HEADS: dict[type, tuple[str, ...]] = {
    PathScenario: ("source", "arm", "granule", "align", "threads", "memory", "frames"),
    WorkloadScenario: ("workload", "mode", "folios", "heap", "mutators", "placement"),
    PolicyScenario: ("heap", "policy"),
    WindowScenario: ("way", "size", "mutators", "placement"),
}


def wide_table(measurements: Sequence[Measurement], kind: type, page_size: int) -> Table:
    """The table.

    Args:
        measurements: all of a result.
        kind: of the scenarios that are shown.
        page_size: bytes of a base page.

    """
    baselines = Baselines(measurements)
    columns = [Column(name, words=True) for name in HEADS[kind]]
    columns += [Column(name, name=full) for name, full in (("unit", ""), ("median", ""), ("95 %", "its interval"))]
    columns += [Column("p90"), Column("p99"), Column("to copy"), Column("95 %", name="its interval")]
    columns += [Column("modes"), Column("done"), Column("rounds"), Column("bad")]
    columns += [Column(name) for name in COUNTS] + [Column("path", words=True), Column("proof", words=True)]
    table = Table(columns)
    for one in measurements:
        if isinstance(one.scenario, kind):
            table.add(*_who(one.scenario, page_size), *_figures(one, baselines), *_outcome(one))
    return table


def _who(one: Scenario, page_size: int) -> list[str]:
    """Cells of HEADS."""
    match one:
        case PathScenario():
            again = " (A/A)" * bool(one.replica)
            cells = [names.source(one, page_size), one.arm + again, labels.size(one.granule_bytes), one.alignment]
            return [*cells, str(one.threads), one.working_set, one.frames]
        case WorkloadScenario():
            again = " (A/A)" * bool(one.replica)
            cells = [one.workload, names.mode(one) + again, names.memory(one, page_size), labels.size(one.heap_bytes)]
            return [*cells, str(one.mutators), one.placement]
        case PolicyScenario():
            return [names.heap(one, page_size), one.policy]
        case WindowScenario():
            again = " (A/A)" * bool(one.replica)
            return [one.way + again, labels.size(one.size_bytes), str(one.mutators), one.placement]


def _figures(one: Measurement, baselines: Baselines) -> list[Part | list[Part]]:
    tail = percentiles(one.samples) if one.samples else {}
    quotable = one.ratio_to_copy if not refused(one) and not no_ratio(one, baselines) else None
    modes = " | ".join(f"{labels.number(mode.median)} in {labels.share(mode.share)}" for mode in one.modes)
    part: list[Part] = ["refused"] if refused(one) else done(one)
    return [
        one.unit,
        labels.number(one.median) if one.valid and one.median is not None else INVALID,
        labels.bounds(one.ci) if one.ci else "",
        labels.number(tail["p90"]) if "p90" in tail else f"n<{P90_FROM}",
        labels.number(tail["p99"]) if "p99" in tail else "n<100",
        labels.number(quotable.value) if quotable else no_ratio(one, baselines),
        labels.bounds(quotable) if quotable else "",
        modes,
        part,
        str(len(one.samples)),
        str(len(one.invalid_rounds)),
    ]


def _outcome(one: Measurement) -> list[str]:
    return [*(str(getattr(one.outcome, name)) for name in COUNTS.values()), one.proof.path, one.proof.level]
