"""Grids of heaps in words: how ``auto`` fares in each cell, the same on a terminal and on a page."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import exp, log

from gcproto.counted import counted
from gcproto.report import labels
from gcproto.report.words.finding import Finding, not_compared
from gcproto.report.words.ratios import Standing
from gcproto.report.words.runs import Run
from gcproto.results import names
from gcproto.results.heaps.cells import AUTO, Compared, Judged, compared, floors_of, judge
from gcproto.results.schema import Noise, Result

LIMIT = 0.05
"""Of the time and of 10 ms, where nothing else is asked."""

QUESTION = "Whole heaps: does mode auto choose between move and copy as well as the best fixed mode?"


def judged(result: Result, limit: float = LIMIT) -> list[Judged]:
    """What is to be said of each cell, by the noise of its memory."""
    return judge(compared(result.measurements), limit, floors_of(result.measurements))


def verdict_lines(found: Sequence[Judged], limit: float, floors: Mapping[str, Noise]) -> list[str]:
    """What the grid says of auto, and in which cells it falls short.

    Args:
        found: cells.
        limit: that auto may be worse.
        floors: noise of the cells of each memory.

    """
    tested = _tested(found)
    if not tested:
        return ["auto was not measured beside a fixed mode in three rounds"]
    differs = ", ".join(f"{noise.floor:.0%} with {memory} folios" for memory, noise in floors.items())
    noise = f"; the same work measured twice differs by up to {differs} (A/A)" * bool(differs)
    by_chance = sum(pair.high < 1 or pair.low > 1 for each in floors.values() for pair in each.pairs)
    pairs = sum(len(each.pairs) for each in floors.values())
    luck = f". Of {counted(pairs, 'A/A pair')} {by_chance} exclude 1 as well, half of them by chance below it"
    in_time, cells = len(tested) - _falls_short(tested, "time"), counted(len(tested), "cell")
    smooth, better = len(tested) - _falls_short(tested, "MMU10"), sum(one.better for one in tested)
    return [
        f"auto takes at most {limit:.0%} longer than the best fixed mode in {in_time} of {cells}. It has at most "
        f"{limit:.0%} less of its worst 10 ms in {smooth}. It is faster than all fixed modes, beyond the interval, in "
        f"{better}{noise}" + luck * bool(pairs),
        *best_lines(tested),
        *objection_lines(found),
    ]


def best_lines(tested: Sequence[Judged]) -> list[str]:
    """Which fixed mode is best in how many cells."""
    best = Counter(one.cell.best for one in tested if one.cell.best)
    return [f"the best fixed mode is {names.several([f'{mode} in {n}' for mode, n in best.most_common()])}"]


def objection_lines(found: Sequence[Judged]) -> list[str]:
    """A line for each cell in which auto is not good enough."""
    return [f"in {one.cell.cell.text}: {'; '.join(one.objections)}" for one in found if one.objections]


def _tested(found: Sequence[Judged]) -> list[Judged]:
    return [one for one in found if AUTO in one.cell.modes and one.time]


def _falls_short(found: Sequence[Judged], what: str) -> int:
    return sum(any(text.startswith(what) for text in one.objections) for one in found)


def grid_finding(run: Run, place: str) -> Finding | None:
    """A card of one grid; None if it has no cell.

    Args:
        run: of ``gcproto gc grid``.
        place: anchor of the section with its cells.

    """
    found = judged(run.result)
    if not found:
        return None
    tested = _tested(found)
    if not tested:
        why = "a ratio takes mode auto and a fixed mode in one cell, with 3 valid rounds each"
        return not_compared(QUESTION, why, place)
    good = sum(not one.objections for one in tested)
    means = [f"{text} {what}" for what, text in _means([one.cell for one in tested])]
    return Finding(
        QUESTION,
        f"In {good} of {counted(len(tested), 'cell')}",
        f"auto takes {names.several(means)} (geometric means over cells)",
        Standing.RUN,
        "one grid; a second one names other cells where auto falls short, if noise decides them",
        [f"{text[:1].upper()}{text[1:]}." for text in verdict_lines(found, LIMIT, floors_of(run.result.measurements))],
        place,
    )


def _means(cells: Sequence[Compared]) -> list[tuple[str, str]]:
    """Auto's time to each fixed mode that all cells have, and to the best of each cell."""
    fixed = [name for name in cells[0].fixed if all(name in one.fixed for one in cells)]
    found = [(name, [one.time_to(name) for one in cells]) for name in fixed]
    found.append(("the best fixed mode of each cell", [one.time_to(one.best) if one.best else None for one in cells]))
    texts = []
    for what, each in found:
        values = [one.value for one in each if one and one.value > 0]
        if len(values) == len(cells):
            texts.append((what, f"{labels.number(exp(sum(map(log, values)) / len(values)))}x"))
    return texts
