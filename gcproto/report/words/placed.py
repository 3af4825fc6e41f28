"""Heaps and windows by where the collector runs: on a processor of its own, on a shared one, or wherever.

The scheduler decides more than the mode does where threads share processors, so what is steady leads.
"""

import math
from collections.abc import Sequence
from typing import TypeVar

from gcproto.report import labels, placement
from gcproto.report.words.claims import Claim, Refusal, Row
from gcproto.report.words.finding import Small
from gcproto.results import names
from gcproto.results.schema import Measurement, Result, WindowScenario, WorkloadScenario

P = TypeVar("P", WorkloadScenario, WindowScenario)

OWN, SHARED, UNPLACED = "own", "shared", "unplaced"
HEADS = {OWN: "collector's own processor", SHARED: "shared processor", UNPLACED: "placed by the scheduler"}
GAINS = {
    OWN: "A runtime that can spare the collector a processor gains.",
    SHARED: "A runtime gains even where the collector shares a processor.",
    UNPLACED: "This holds for the placements that the scheduler chose in this run.",
}
LOSES = {
    OWN: "A runtime loses even if it spares the collector a processor.",
    SHARED: "A runtime whose collector shares a processor loses.",
    UNPLACED: "This holds for the placements that the scheduler chose in this run.",
}
NOTHING = {
    OWN: "A runtime that spares the collector a processor gains nothing that is sure.",
    SHARED: "A runtime whose collector shares a processor gains nothing that is sure.",
    UNPLACED: "The figure depends on where the scheduler puts the collector.",
}


def unsteadiness(one: Row[P]) -> float:
    """Sorts the steadiest first: the width of its interval, on a log scale; beyond all for what is bimodal."""
    if isinstance(one, Refusal) or one.mode_ratios or one.apart:
        return math.inf
    value = one.value
    return math.log(value.high / value.low) if value.low > 0 else math.inf


def leads(rows: Sequence[Row[P]]) -> list[Row[P]]:
    """Rows of different placements, the steadiest first; equally steady ones in a fixed order."""
    order = list(HEADS)
    rank = {name: number for number, name in enumerate(order)}
    return sorted(rows, key=lambda one: (unsteadiness(one), rank.get(one.at.placement, len(order))))


def by_placement(rows: Sequence[Row[P]]) -> dict[str, list[Row[P]]]:
    """Rows of each placement."""
    found: dict[str, list[Row[P]]] = {}
    for one in rows:
        found.setdefault(one.at.placement, []).append(one)
    return found


def says(one: Row[P]) -> str:
    """What it means for a runtime, in two sentences."""
    where = names.placement(one.at)
    if isinstance(one, Refusal):
        return f"If {where}, {one.arm} is refused: {one.figures}."
    sure = "" if one.differs else ", no sure difference"
    means = NOTHING if not one.differs else GAINS if one.cheaper else LOSES
    meaning = means.get(one.at.placement, "")
    return f"If {where}, {one.arm} {one.versus} ({labels.bounds(one.value)}){sure}. {meaning}".strip()


def missing(placements: Sequence[str]) -> str:
    """Placements that were not measured, in a sentence; "" if the two that matter were."""
    lacking = [
        text for name, text in ((OWN, "a processor of its own"), (SHARED, "a shared one")) if name not in placements
    ]
    return f"Not measured: a collector on {names.several(lacking)}." if lacking else ""


def crowded(result: Result) -> str:
    """That more threads ran than there are processors, as a sentence; "" if not."""
    said = placement.crowded(result.measurements, result)
    return f"{said}." if said else ""


def table_of(rows: Sequence[Row[P]], what: str) -> Small:
    """Each way or mode in each placement.

    Args:
        rows: all of a group.
        what: head of the first column.

    """
    found: dict[str, dict[str, str]] = {}
    for one in rows:
        found.setdefault(_way(one), {})[one.at.placement] = _cell(one)
    return _small(what, found)


def _small(what: str, found: dict[str, dict[str, str]]) -> Small:
    measured = {name for cells in found.values() for name in cells}
    placements = [name for name in HEADS if name in measured] + sorted(measured - HEADS.keys())
    heads = (what, *(HEADS.get(name, name) for name in placements))
    return Small(
        heads, [(way, *(cells.get(name, "not measured") for name in placements)) for way, cells in found.items()]
    )


def _way(one: Row[P]) -> str:
    return one.at.way if isinstance(one.at, WindowScenario) else one.subject


def _cell(one: Row[P]) -> str:
    if isinstance(one, Refusal):
        return "refused"
    unsure = "" if one.differs else "?"
    return f"{one.factor}{unsure} ({labels.bounds(one.value)})"


def notes_of(found: Sequence[Measurement], total: int) -> list[str]:
    """Notes of measurements, each once; those that all have come without names.

    Args:
        found: the measurements.
        total: of the run.

    """
    by_note: dict[str, list[str]] = {}
    for one in found:
        for note in one.notes:
            by_note.setdefault(note, []).append(names.arm(one.scenario))
    return [
        f"All: {note}." if len(arms) == total else f"{', '.join(dict.fromkeys(arms))}: {note}."
        for note, arms in by_note.items()
    ]


def claims_with(rows: Sequence[Row[P]]) -> list[Claim[P]]:
    """Those with a ratio."""
    return [one for one in rows if isinstance(one, Claim)]
