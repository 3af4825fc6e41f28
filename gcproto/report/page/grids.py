"""Grids of heaps on the page: a line for each cell, with the time and the MMU10 of each mode."""

from gcproto.report import labels
from gcproto.report.page.model import Grid, Part
from gcproto.report.words import placed
from gcproto.report.words.finding import few_rounds, sentences
from gcproto.report.words.grids import LIMIT, judged, verdict_lines
from gcproto.report.words.runs import Run
from gcproto.results.heaps.cells import Judged, floors_of, mmu_of
from gcproto.results.schema import WorkloadFigures


def grid_part(run: Run) -> Part:
    """The cells of one grid.

    Args:
        run: of ``gcproto gc grid``.

    """
    found = judged(run.result)
    part = Part(f"Grid of heaps: {run.name}")
    if not found:
        part.lines.append("This grid has no cell: it was stopped before the first one ended.")
        return part
    part.lines += sentences(verdict_lines(found, LIMIT, floors_of(run.result.measurements)))
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
    return (
        cell.workload,
        str(cell.mutators),
        cell.placement,
        cell.memory,
        *(_time(one, name) for name in modes),
        *(_share(one, name) for name in modes),
        f"{labels.number(time.value)}x {one.cell.best}" if time else "",
        labels.bounds(time) if time else "",
        f"{one.share.value:+.2f} ({one.share.low:+.2f} to {one.share.high:+.2f})" if one.share else "",
        "; ".join(one.objections),
    )


def _time(one: Judged, name: str) -> str:
    mode = one.cell.modes.get(name)
    if mode is None or not isinstance(mode.figures, WorkloadFigures) or mode.figures.wall_ms is None:
        return "INVALID" if name in one.cell.invalid else ""
    return labels.number(mode.figures.wall_ms)


def _share(one: Judged, name: str) -> str:
    mode = one.cell.modes.get(name)
    share = mmu_of(mode) if mode else None
    return "" if share is None else f"{share:.2f}"
