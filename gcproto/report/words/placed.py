"""Heaps and windows by placement of the collector: its own processor, a shared one, or unplaced.

If threads share processors, the scheduler matters more than the mode. So steady placements lead.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from gcproto.report import placement
from gcproto.report.words.finding import Small
from gcproto.report.words.ratios import Ratio, Refusal, Row
from gcproto.results import names
from gcproto.results.schema import Measurement, Result, WindowScenario, WorkloadScenario

P = TypeVar("P", WorkloadScenario, WindowScenario)

OWN, SHARED, UNPLACED = "own", "shared", "unplaced"
GAINS = {
    OWN: "A runtime that has a processor for its collector gains.",
    SHARED: "A runtime gains even where the collector shares a processor.",
    UNPLACED: "This holds for the placements that the scheduler chose in this run.",
}
LOSES = {
    OWN: "A runtime loses even if its collector has a processor of its own.",
    SHARED: "A runtime whose collector shares a processor loses.",
    UNPLACED: "This holds for the placements that the scheduler chose in this run.",
}
NOTHING = {
    OWN: "A runtime that has a processor for its collector gains nothing that is sure.",
    SHARED: "A runtime whose collector shares a processor gains nothing that is sure.",
    UNPLACED: "The figure depends on where the scheduler puts the collector.",
}


def unsteady(one: Row[P]) -> bool:
    """Whether it has no single value: its rounds have two modes, or runs differ by more than their intervals."""
    return isinstance(one, Refusal) or bool(one.mode_ratios or one.apart)


def leads(rows: Sequence[Row[P]]) -> list[Row[P]]:
    """Rows of different placements, steady ones first; the collector's own processor before a shared one.

    What the scheduler places is last: its figure is of one run, however narrow its interval.
    """
    return sorted(rows, key=lambda one: (_rank(one) == len(names.PLACEMENTS_SHORT) - 1, unsteady(one), _rank(one)))


def _rank(one: Row[P]) -> int:
    order = list(names.PLACEMENTS_SHORT)
    return order.index(one.at.placement) if one.at.placement in order else len(order) - 1


def by_placement(rows: Sequence[Row[P]]) -> dict[str, list[Row[P]]]:
    """Rows of each placement, in the order of ``names.PLACEMENTS_SHORT``."""
    found: dict[str, list[Row[P]]] = {}
    for one in sorted(rows, key=_rank):
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
    if one.differs and not one.across and one.at.placement != UNPLACED:
        meaning = f"In this run a{meaning[1:]}" if meaning else ""
    said = f"If {where}, {one.arm} {one.versus}{one.within}{sure}. {meaning}".strip()
    return f"{said} {apart(one)}".strip()


AGAIN = "The scheduler placed the threads differently in each run."


def apart(one: Ratio[P]) -> str:
    """A note that runs do not agree, with the reason if it is known; "" if they agree."""
    if not one.apart:
        return ""
    said = f"{one.apart[:1].upper()}{one.apart[1:]}."
    return f"{said} {AGAIN}" if one.at.placement == UNPLACED else said


def missing(placements: Sequence[str]) -> str:
    """A sentence on placements that were not measured; "" if the two important ones were."""
    lacking = [
        text for name, text in ((OWN, "a processor of its own"), (SHARED, "a shared one")) if name not in placements
    ]
    return f"Not measured: a collector on {names.several(lacking)}." if lacking else ""


def crowded(result: Result) -> str:
    """A sentence if more threads ran than there are processors; "" otherwise."""
    said = placement.crowded(result.measurements, result)
    return f"{said}." if said else ""


def table_of(rows: Sequence[Row[P]], what: str, name: Callable[[P], str]) -> Small:
    """Each way or mode in each placement.

    Args:
        rows: all of a group.
        what: head of the first column.
        name: of a way or mode, without its placement.

    """
    found: dict[str, dict[str, str]] = {}
    for one in rows:
        found.setdefault(name(one.at), {})[one.at.placement] = _cell(one)
    return _small(what, found)


def _small(what: str, found: dict[str, dict[str, str]]) -> Small:
    measured = {name for cells in found.values() for name in cells}
    placements = [name for name in names.PLACEMENTS_SHORT if name in measured] + sorted(
        measured - names.PLACEMENTS_SHORT.keys()
    )
    heads = (what, *(names.PLACEMENTS_SHORT.get(name, name) for name in placements))
    return Small(
        heads, [(way, *(cells.get(name, "not measured") for name in placements)) for way, cells in found.items()]
    )


def _cell(one: Row[P]) -> str:
    if isinstance(one, Refusal):
        return "refused"
    return one.cell


def notes_of(found: Sequence[Measurement], total: int) -> list[str]:
    """Notes of measurements, each once. Notes that all measurements share have no names.

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
