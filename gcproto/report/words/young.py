"""Young collections and full ones side by side, and what modes with generations come to against each other."""

from collections.abc import Sequence

from gcproto.report import labels
from gcproto.report.words.kinds import Workload, workloads
from gcproto.results import names
from gcproto.results.schema import KindFigures, Measurement, Result, with_fields
from gcproto.results.series import page_size_of
from gcproto.results.statistics import ratio_interval

PAIRS = {"young-move": "young-copy", "none": "bare"}
"""Modes that differ in one thing: how old pages are mapped; whether mutators have a write barrier."""


def with_generations(result: Result) -> list[Workload]:
    """Measurements of heaps where one has young collections, or says what the write barrier costs; else none."""
    found = [one for one in workloads(result.measurements) if one.measured.valid]
    young = any(kind.young for one in found for kind in one.figures.kinds)
    return found if young or compared(found, page_size_of(result)) else []


def kind_lines(every: Sequence[Workload]) -> list[tuple[Workload, KindFigures]]:
    """A line for each kind of collection of each mode."""
    return [(one, kind) for one in every for kind in one.figures.kinds]


def kind_cells(kind: KindFigures) -> tuple[str, ...]:
    """Figures of a kind of collection, as a table has them: from the kind's name to its longest pause."""
    return (
        "young" if kind.young else "full",
        labels.number(kind.collections),
        labels.number(kind.freed_mib),
        _number(kind.evacuated),
        _number(kind.copied),
        labels.share(kind.old_share),
        labels.number(kind.promoted_mib),
        f"{kind.cards:.0f}" if kind.young else "",
        labels.number(kind.cards_us) if kind.young else "",
        labels.number(kind.mark_ms),
        labels.number(kind.compact_ms),
        labels.number(kind.pause_ms),
    )


def _number(value: float | None) -> str:
    return "" if value is None else labels.number(value)


def compared(every: Sequence[Workload], page_size: int) -> list[str]:
    """A sentence for each pair of modes that differ in one thing, with the interval of the ratio.

    Args:
        every: of a run.
        page_size: of its machine, in bytes.

    """
    by_scenario = {one.at: one for one in every}
    said = []
    for one in every:
        other = PAIRS.get(one.at.mode)
        if not other:
            continue
        policies = [one.at.policy, ""]
        found = (by_scenario.get(with_fields(one.at, mode=other, policy=policy)) for policy in policies)
        base = next((each for each in found if each), None)
        more = names.unlike(one.at, by_scenario, page_size, heap_size=False)
        text = base and _sentence(one, base, more)
        if text:
            said.append(text)
    return said


def _sentence(one: Workload, base: Workload, more: Sequence[str]) -> str:
    wall = _ratio(one.measured, base.measured)
    if not wall:
        return ""
    pair = f"{names.mode(one.at)} against {names.mode(base.at)} in {labels.size(one.at.heap_bytes)}"
    where = ", ".join((pair, *more))
    cpu, base_cpu = one.figures.mutator_cpu_ms, base.figures.mutator_cpu_ms
    spent = f", CPU time of the mutators {labels.number(cpu / base_cpu)}x" if cpu and base_cpu else ""
    what = "the write barrier: " if one.at.mode == "none" else "old pages moved or copied: "
    return f"{what}{where}: mutators take {wall}{spent}"


def _ratio(over: Measurement, under: Measurement) -> str:
    found = ratio_interval(over, under)
    return f"{labels.number(found.value)}x ({labels.bounds(found)})" if found else ""
