"""Grids of heaps in words: how ``auto`` fares in each cell, the same on a terminal and on a page."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import exp, log

from gcproto.counted import counted
from gcproto.report import labels
from gcproto.report.words.finding import Finding, not_compared, sentences
from gcproto.report.words.ratios import SURE_FROM, Standing, few_text
from gcproto.report.words.runs import Run
from gcproto.results import names
from gcproto.results.heaps.cells import AUTO, Compared, Judged, judged, mmu_of
from gcproto.results.schema import Measurement, Noise, WorkloadFigures

LIMIT = 0.05
"""Of the time and of 10 ms, where nothing else is asked."""

INVALID = "INVALID"

QUESTION = "Whole heaps: does mode auto choose between move and copy as well as the best fixed mode?"


def mode_texts(one: Judged, name: str) -> tuple[str, str]:
    """The wall time of a mode in ms, or ``INVALID``, and its MMU10; "" for what is unknown."""
    mode = one.cell.modes.get(name)
    share = mmu_of(mode) if mode else None
    wall = mode.figures.wall_ms if mode and isinstance(mode.figures, WorkloadFigures) else None
    text = labels.number(wall) if wall is not None else INVALID if name in one.cell.invalid else ""
    return text, "" if share is None else f"{share:.2f}"


def share_text(one: Judged) -> str:
    """``-0.02 (-0.05 to +0.01)``: auto's MMU10 less the largest of a fixed mode; "" if unknown."""
    share = one.share
    return "" if share is None else f"{share.value:+.2f} ({share.low:+.2f} to {share.high:+.2f})"


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
    return [
        _time_line(tested, limit, floors),
        *_share_line(tested, limit),
        _better_line(tested, floors),
        *best_lines(tested),
        *objection_lines(found),
    ]


def _time_line(tested: Sequence[Judged], limit: float, floors: Mapping[str, Noise]) -> str:
    """In how many cells the ratio is beyond the limit, and how many of these are beyond interval and noise."""
    over = sum(one.time is not None and one.time.value > 1 + limit for one in tested)
    differs = names.several([f"{noise.floor:.0%} with {memory} folios" for memory, noise in floors.items()])
    said = f"auto takes at most {1 + limit:g}x the time of the best fixed mode in {_rest(tested, over)}"
    return f"{said}, by the median ratio of rounds{_beyond(over, _objected(tested, 'time'), 'above 1', differs)}"


def _share_line(tested: Sequence[Judged], limit: float) -> list[str]:
    """The same of MMU10, with the cells in which it cannot fail."""
    known = [one for one in tested if one.share is not None]
    over = sum(one.share is not None and one.share.value < -limit for one in known)
    easy = sum(max(map(_mmu, one.cell.fixed.values()), default=0.0) <= limit for one in known)
    said = f"auto's MMU10 is at most {limit:g} below the largest of a fixed mode in {_rest(known, over)}"
    said += f"; in {counted(easy, 'cell')} no fixed mode has more than {limit:g}" * bool(easy)
    return [said + _beyond(over, _objected(known, "MMU10"), "below 0")] if known else []


def _mmu(one: Measurement) -> float:
    """Its MMU10; 0 if unknown."""
    return mmu_of(one) or 0.0


def _rest(cells: Sequence[Judged], over: int) -> str:
    return f"{len(cells) - over} of {counted(len(cells), 'cell')}"


def _beyond(over: int, named: int, where: str, noise: str = "") -> str:
    """``. Of the other 3, 1 has an interval above 1 and is beyond the noise``; "" without others."""
    has, is_ = ("have", "are") if named > 1 else ("has", "is")
    beyond = f" and {is_} beyond the noise (A/A: {noise})" * bool(noise)
    return f". Of the other {over}, {named or 'none'} {has} an interval {where}{beyond}" if over else ""


def _better_line(tested: Sequence[Judged], floors: Mapping[str, Noise]) -> str:
    """How often auto is faster than the best mode, beside how often the same work is faster than itself."""
    better = sum(one.better for one in tested)
    pairs = [pair for each in floors.values() for pair in each.pairs]
    below = sum(pair.high < 1 for pair in pairs)
    said = f"auto's time to the best fixed mode has an interval below 1 in {better} of {counted(len(tested), 'cell')}"
    luck = f"; so have {below or 'none'} of {counted(len(pairs), 'A/A pair')}, which measure the same work twice"
    return said + luck * bool(pairs)


def best_lines(tested: Sequence[Judged]) -> list[str]:
    """Which fixed mode is best in how many cells."""
    best = Counter(one.cell.best for one in tested if one.cell.best)
    each = names.several([f"{mode} in {n}" for mode, n in best.most_common()])
    return [f"the best fixed mode, by its median time in this run, is {each}"]


def objection_lines(found: Sequence[Judged]) -> list[str]:
    """A line for each cell in which auto is not good enough."""
    return [f"in {one.cell.cell.text}: {'; '.join(one.objections)}" for one in found if one.objections]


def _tested(found: Sequence[Judged]) -> list[Judged]:
    return [one for one in found if AUTO in one.cell.modes and one.time]


def _objected(found: Sequence[Judged], what: str) -> int:
    return sum(any(text.startswith(what) for text in one.objections) for one in found)


def grid_finding(run: Run, place: str) -> Finding | None:
    """A card of one grid; None if it has no cell.

    Args:
        run: of ``gcproto gc grid``.
        place: anchor of the section with its cells.

    """
    found, floors = judged(run.result.measurements, LIMIT)
    if not found:
        return None
    tested = _tested(found)
    if not tested:
        why = "a ratio takes mode auto and a fixed mode in one cell, with 3 valid rounds each"
        return not_compared(QUESTION, why, place)
    good = sum(not one.objections for one in tested)
    means = [f"{text} {what}" for what, text in _means([one.cell for one in tested])]
    rounds = min(len(one.cell.modes[AUTO].samples) for one in tested)
    return Finding(
        QUESTION,
        f"No objection in {good} of {counted(len(tested), 'cell')}",
        f"auto takes {names.several(means)} (geometric means over cells)",
        Standing.UNSURE if rounds < SURE_FROM else Standing.RUN,
        few_text(rounds) if rounds < SURE_FROM else "one grid; where chance decides, another one names other cells",
        sentences(verdict_lines(found, LIMIT, floors)),
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
