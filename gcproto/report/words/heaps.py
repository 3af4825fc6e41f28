"""Findings of workloads on heaps: move against copy, by the placement of the collector."""

from collections.abc import Sequence

from gcproto.report import labels
from gcproto.report.words import placed
from gcproto.report.words.cases import pick_of
from gcproto.report.words.finding import Finding, not_compared
from gcproto.report.words.kinds import Workload, kind_of, workloads
from gcproto.report.words.ratios import Ratio, Refusal, Row, Standing, apart_note
from gcproto.report.words.rows import condition, mode_subject
from gcproto.report.words.runs import Group
from gcproto.report.words.typical import typical
from gcproto.results import names
from gcproto.results.schema import Measurement, ModeOptions, WorkloadScenario

MOVING = ("move", "art", "thread")
"""Modes that move, the one that answers first."""

HeapRow = Row[WorkloadScenario]


def heap_finding(group: Group[WorkloadScenario], place: str) -> Finding | None:
    """A card; None if nothing was measured."""
    moving = [one for one in group.rows if one.at.mode in MOVING]
    if not moving:
        found = workloads(measured for run in group.runs for measured in run.result.measurements)
        why = "a ratio takes a mode that moves and mode copy in one run, with 3 valid rounds each"
        return not_compared(f"A whole heap ({found[0].at.workload}): move or copy?", why, place) if found else None
    every = placed.by_placement(moving)
    ordered = placed.leads([_first(rows) for rows in every.values()])
    lead = ordered[0]
    where = names.placement(lead.at)
    figure = "refused" if isinstance(lead, Refusal) else f"{lead.arm} {lead.versus} mode"
    more = ", ".join(condition(lead.at, group.lead.result))
    only = [f"These sentences are of {more}; the table has every condition."] * bool(more)
    said = [*only, *_details(lead), *(placed.says(one) for one in ordered), placed.missing(list(every))]
    said += [*apart_note(group.rows), placed.crowded(group.lead.result)]
    return Finding(
        f"A whole heap ({lead.at.workload}): move or copy?",
        _answer(ordered),
        f"{figure}, if {where}" + f" ({more})" * bool(more),
        Standing.REFUSED if isinstance(lead, Refusal) else lead.standing,
        lead.figures if isinstance(lead, Refusal) else lead.basis,
        [one for one in said if one],
        place,
        placed.table_of(group.rows, "mode", lambda at: mode_subject(at, group.lead.result, where=False)),
    )


def _first(rows: Sequence[HeapRow]) -> HeapRow:
    """The mode that gives the answer: ``move`` without options, else the next mode that moves."""
    return min(rows, key=lambda one: (one.at.options != ModeOptions(), MOVING.index(one.at.mode)))


def _answer(ordered: Sequence[HeapRow]) -> str:
    picks = [_pick(one) for one in ordered]
    where = "" if len(set(picks)) == 1 else f" if {names.placement(ordered[0].at)}"
    return f"{picks[0]}{where}"


def _pick(one: HeapRow) -> str:
    return pick_of(one).text


def _details(one: HeapRow) -> list[str]:
    if not isinstance(one, Ratio):
        return []
    run = f", run {one.run}" if one.run else ""
    factor, unit = labels.readable(one.over)
    times = (
        f"Mutators took {typical(one.over, factor)} {unit} with {one.arm}, "
        f"{typical(one.under, factor)} with {one.other} ({one.rounds} rounds{run})."
    )
    pauses = [_longest_pause(each) for each in (one.over, one.under)]
    return [times, *(text for text in pauses if text)]


def _longest_pause(one: Measurement) -> str:
    match kind_of(one):
        case Workload(_, at, figures) if figures.longest_pause_ms is not None:
            return f"Longest pause with {names.mode(at)}: {labels.number(figures.longest_pause_ms)} ms."
        case _:
            return ""
