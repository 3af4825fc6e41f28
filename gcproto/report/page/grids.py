"""Grids of heaps on the page: a line for each cell, with the time and the MMU10 of each mode."""

from gcproto.report import labels
from gcproto.report.page.model import Grid, Part
from gcproto.report.words import placed
from gcproto.report.words.finding import few_rounds, sentences
from gcproto.report.words.grids import LIMIT, mode_texts, share_text, verdict_lines
from gcproto.report.words.runs import Run
from gcproto.results.heaps.cells import Judged, judged


def grid_part(run: Run) -> Part:
    """The cells of one grid.

    Args:
        run: of ``gcproto gc grid``.

    """
    found, floors = judged(run.result.measurements, LIMIT)
    part = Part(f"Grid of heaps: {run.name}")
    if not found:
        part.lines.append("This grid has no cell: it was stopped before the first one ended.")
        return part
    part.lines += sentences(verdict_lines(found, LIMIT, floors))
    part.lines += sentences(few_rounds(run.result.measurements))
    part.lines += placed.notes_of(run.result.measurements, len(run.result.measurements))
    modes = list(dict.fromkeys(name for one in found for name in (*one.cell.modes, *one.cell.invalid)))
    heads = (
        *("workload", "mutators", "collector", "folios"),
        *(f"{name} ms" for name in modes),
        *(f"{name} MMU10" for name in modes),
        *("auto to best", "95 % interval", "auto's MMU10 less best", "what is not good enough"),
    )
    part.grids.append(Grid("Cells of the grid", heads, [_row(one, modes) for one in found], 1, folded=False))
    return part


def _row(one: Judged, modes: list[str]) -> tuple[str, ...]:
    cell, time = one.cell.cell, one.time
    walls, shares = zip(*(mode_texts(one, name) for name in modes), strict=True)
    return (
        cell.workload,
        str(cell.mutators),
        cell.placement,
        cell.memory,
        *walls,
        *shares,
        f"{labels.number(time.value)}x {one.cell.best}" if time else "",
        labels.bounds(time) if time else "",
        share_text(one),
        "; ".join(one.objections),
    )
