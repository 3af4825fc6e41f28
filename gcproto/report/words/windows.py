"""Findings of windows after the flip, by the placement of the collector."""

from collections.abc import Sequence

from gcproto.counted import counted
from gcproto.report import labels
from gcproto.report.words import placed, queued
from gcproto.report.words.finding import Finding, not_compared
from gcproto.report.words.kinds import windows
from gcproto.report.words.ratios import Ratio, Refusal, Standing, apart_note
from gcproto.report.words.runs import Group
from gcproto.report.words.typical import typical
from gcproto.report.words.ways import WindowRow, against_others, single_events
from gcproto.results import names
from gcproto.results.schema import WindowScenario
from gcproto.results.series import page_size_of


def window_finding(group: Group[WindowScenario], place: str) -> Finding | None:
    """A card: the way with the least mutator time in the steadiest placement; None without any."""
    if not group.rows:
        found = windows(measured for run in group.runs for measured in run.result.measurements)
        why = "a ratio takes way copy and another way in one run and placement, with 3 valid rounds each"
        question = f"Mutators after the flip ({size_of(found[0].at)}): move or copy?" if found else ""
        return not_compared(question, why, place) if found else None
    every = placed.by_placement(group.rows)
    ordered = placed.leads([_best(rows) for rows in every.values()])
    lead = ordered[0]
    where = names.placement(lead.at)
    figure = "refused" if isinstance(lead, Refusal) else f"{lead.arm} {lead.versus}"
    said = [
        *_details(lead, group),
        against_others(lead, group.rows),
        single_events(lead),
        *(placed.says(one) for one in ordered),
        placed.missing(list(every)),
    ]
    said += [*apart_note(group.rows), *queued.remarks(group.rows), placed.crowded(group.lead.result)]
    measured = group.lead.result.measurements
    said += placed.notes_of(measured, len(measured))
    return Finding(
        f"Mutators after the flip ({size_of(lead.at)}): move or copy?",
        _answer(ordered),
        f"{figure}, if {where}",
        Standing.REFUSED if isinstance(lead, Refusal) else lead.standing,
        lead.figures if isinstance(lead, Refusal) else f"against copy, {lead.basis}",
        [one for one in said if one],
        place,
        placed.table_of(group.rows, "way", lambda at: at.way),
    )


def size_of(one: WindowScenario) -> str:
    """``512M, 2 mutators``."""
    return f"{labels.size(one.size_bytes)}, {counted(one.mutators, 'mutator')}"


def _best(rows: Sequence[WindowRow]) -> WindowRow:
    """The way with the lowest ratio; a refusal if there are only refusals."""
    ratios = [one for one in rows if isinstance(one, Ratio)]
    return min(ratios, key=lambda one: one.value.value) if ratios else rows[0]


def _answer(ordered: Sequence[WindowRow]) -> str:
    picks = [_pick(one) for one in ordered]
    where = "" if len(set(picks)) == 1 else f" if {names.placement(ordered[0].at)}"
    return f"{picks[0]}{where}"


def _pick(one: WindowRow) -> str:
    """The way's name if it is cheaper; copy if even the best one is not."""
    if isinstance(one, Refusal):
        return "Refused"
    if one.leans:
        return (one.at.way if one.value.value < 1 else "copy") + "?"
    if not one.differs:
        return "Either"
    return one.at.way if one.cheaper else "copy"


def _details(one: WindowRow, group: Group[WindowScenario]) -> list[str]:
    if not isinstance(one, Ratio):
        return []
    to_ms = one.at.size_bytes / page_size_of(group.lead.result) / 1e6
    run = f", run {one.run}" if one.run else ""
    text = (
        f"To touch every page once, mutators took {typical(one.over, to_ms)} ms with {one.at.way}, "
        f"{typical(one.under, to_ms)} ms with copy ({one.rounds} rounds{run})."
    )
    return [text]
