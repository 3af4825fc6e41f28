"""The heap map: the outcome of every page of the moving space, collection by collection."""

from dataclasses import dataclass

from gcproto.report.plots.heap import measured, modes
from gcproto.results.page_map import LETTERS, decode, totals
from gcproto.results.schema import Result
from gcproto.results.series import page_size_of

MAX_TEXT = 600_000
"""Limit of the characters of one result's maps on a page."""


@dataclass(frozen=True)
class Step:
    """One collection: its runs as they were recorded, and pages by letter."""

    name: str
    runs: str
    totals: dict[str, int]


@dataclass(frozen=True)
class HeapMap:
    """Modes with their collections; ``notes`` name unreadable maps and collections that were omitted."""

    modes: list[tuple[str, list[Step]]]
    notes: list[str]
    page_size: int

    def document(self) -> list[dict[str, object]]:
        """The map as data for the script of the page."""
        return [
            {"mode": mode, "steps": [{"name": step.name, "runs": step.runs} for step in steps]}
            for mode, steps in self.modes
        ]

    def rows(self) -> list[tuple[str, ...]]:
        """A line for each collection: the same in figures."""
        return [
            (mode, step.name, *(str(step.totals.get(letter, 0)) for letter in LETTERS))
            for mode, steps in self.modes
            for step in steps
        ]


def heap_map(result: Result) -> HeapMap | None:
    """Of a heap's result; None if no collection has a map."""
    found: list[tuple[str, list[Step]]] = []
    problems: list[str] = []
    recorded = False
    for mode, workload in modes(result):
        steps = []
        for number, one in measured(workload):
            if not one.map:
                continue
            recorded = True
            name = f"round {number}, collection {one.number}"
            try:
                steps.append(Step(name, one.map, totals(decode(one.map))))
            except ValueError as error:
                problems.append(f"{mode}, {name}: its map can't be read: {error}")
        if steps:
            found.append((mode, steps))
    page_size = page_size_of(result)
    room = _thin(found, MAX_TEXT)
    return HeapMap(found, problems + room, page_size) if recorded else None


def thinner(one: HeapMap, limit: int) -> HeapMap:
    """The map with as many of its collections as fit on a page.

    Args:
        one: the map.
        limit: characters.

    """
    found = [(mode, list(steps)) for mode, steps in one.modes]
    said = _thin(found, limit)
    return HeapMap(found, [*one.notes, *said], one.page_size)


def _thin(found: list[tuple[str, list[Step]]], limit: int) -> list[str]:
    """Keep an even sample of the collections of each mode if all are too many for a page. Returns the note."""
    size = sum(len(step.runs) for _, steps in found for step in steps)
    if size <= limit:
        return []
    every = -(-size // limit)
    before = sum(len(steps) for _, steps in found)
    for _, steps in found:
        steps[:] = steps[:1] + steps[1:-1][every - 1 :: every] + steps[1:][-1:]
    after = sum(len(steps) for _, steps in found)
    return [
        f"The heap map shows {after} of {before} collections, every {every}th, because all of them do not fit. "
        "The result file has all."
    ]
