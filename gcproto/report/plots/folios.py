"""Heaps of large folios: how long folios survive collections."""

import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gcproto.report.plots.axes import Curve, axes, end_labels, heading
from gcproto.report.plots.heap import SIZE, Mode, modes, suffix, where
from gcproto.report.plots.look import Look
from gcproto.report.plots.plot import Data, Plot
from gcproto.results.folios import large_share
from gcproto.results.schema import Collection, Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

LABEL_ROOM = 136


def survival(result: Result, name: str, placement: str | None = None) -> Plot | None:
    """Share of a heap in large folios after each collection; None if folios were not counted."""
    every = modes(result, placement)
    curves = [Curve(mode.name, mode.style, points) for mode in every if (points := _points(mode))]
    if not curves:
        return None
    rows = [(one.name, f"{len(one.points)}", f"{one.points[0][1]:.0%}", f"{one.points[-1][1]:.0%}") for one in curves]
    text = "Share of the heap's pages in large folios after each collection, medians over the rounds. " + " ".join(
        f"{mode}: {first} after the first, {last} after the last of {count}." for mode, count, first, last in rows
    )
    return Plot(
        f"{name}-folios{suffix(result, placement)}",
        f"How long folios survive{where(result, placement)}",
        text,
        lambda figure, look: _draw(figure, look, curves),
        Data(("mode", "collections", "after the first", "after the last"), rows, *_samples(every)),
        (SIZE,),
        "Share of the pages in use that lie in large folios after each collection. Fresh memory comes in large ones; "
        "what was copied, or moved in parts, lies in small ones.",
    )


def _samples(every: Sequence[Mode]) -> tuple[Sequence[str], list[tuple[object, ...]]]:
    """Every collection whose folios were counted."""
    counted = [
        (mode, number, cycle)
        for mode in every
        for number, some in enumerate(mode.workload.figures.collections)
        for cycle in some
        if _counted(cycle)
    ]
    orders = sorted({order for _, _, cycle in counted for order in cycle.folios.by_order})
    heads = (
        *("mode", "round", "collection"),
        *(f"pages of order {order}" for order in orders),
        *("swapped pages", "zero pages", "splits", "restored pages"),
    )
    rows: list[tuple[object, ...]] = []
    for mode, number, cycle in counted:
        rounds = mode.workload.measured.rounds
        rows.append(
            (
                *(mode.name, rounds[number] if number < len(rounds) else number, cycle.number),
                *(cycle.folios.by_order.get(order, 0) for order in orders),
                *(cycle.folios.swapped, cycle.folios.zero, sum(cycle.splits.values()), cycle.collector.restored),
            )
        )
    return heads, rows


def _counted(cycle: Collection) -> bool:
    return bool(cycle.folios.by_order)


def _points(mode: Mode) -> list[tuple[float, float]]:
    """By number of the collection, up to the number that half of the rounds reach."""
    every = mode.workload.figures.collections
    by_number: dict[int, list[float]] = {}
    for some in every:
        for cycle in some:
            if _counted(cycle):
                by_number.setdefault(cycle.number, []).append(large_share(cycle))
    return [
        (float(number), statistics.median(values))
        for number, values in sorted(by_number.items())
        if 2 * len(values) >= len(every)
    ]


def _draw(figure: "Figure | SubFigure", look: Look, curves: Sequence[Curve]) -> None:
    area = axes(figure, look, 46, 46, LABEL_ROOM, 28)
    heading(figure, look, "share in large folios")
    ends = []
    for one in curves:
        role, marker, line = one.style
        few = len(one.points) <= 20
        xs, ys = [x for x, _ in one.points], [y for _, y in one.points]
        area.plot(
            xs,
            ys,
            color=look.colour(role),
            linestyle=line,
            linewidth=1.5,
            marker=marker if few else None,
            markersize=4,
        )
        ends.append((*one.points[-1], one.name, role))
    area.set_ylim(0, 1.05)
    last = max(one.points[-1][0] for one in curves)
    area.set_xlim(0, last * 1.02 + 0.5)
    area.yaxis.set_major_formatter(lambda value, _at: f"{value:.0%}")
    area.xaxis.set_major_formatter(lambda value, _at: f"{value:.0f}" if value == int(value) else "")
    area.set_xlabel("collection", fontsize=11, color=look.colour("muted"))
    end_labels(area, look, ends, LABEL_ROOM - 16)
