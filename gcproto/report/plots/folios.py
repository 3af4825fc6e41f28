"""Heaps of large folios: how long folios survive collections."""

import statistics
from typing import Any

from gcproto.report.plots.axes import axes, end_labels, heading
from gcproto.report.plots.heap import LABEL_ROOM, SIZE, modes
from gcproto.report.plots.look import Look, style_of
from gcproto.report.plots.plot import Data, Plot
from gcproto.results.folios import large_share
from gcproto.results.schema import Measurement, Result

Points = list[tuple[float, float]]


def survival(result: Result, name: str) -> Plot | None:
    """Share of a heap in large folios after each collection; None where folios were not counted."""
    curves = {mode: points for mode, one in modes(result) if (points := _points(one))}
    if not curves:
        return None
    rows = [(mode, f"{len(points)}", f"{points[0][1]:.0%}", f"{points[-1][1]:.0%}") for mode, points in curves.items()]
    orders = sorted(
        {order for _, one in modes(result) for some in one.collections for at in some for order in at.folios}
    )
    heads = (
        "mode",
        "round",
        "collection",
        *(f"pages of {_folio(order)}" for order in orders),
        "splits",
        "restored pages",
    )
    samples = [
        (
            *(mode, one.rounds[number] if number < len(one.rounds) else number, cycle.number),
            *(cycle.folios.get(order, 0) for order in orders),
            *(sum(cycle.splits.values()), cycle.collector.get("restored", 0)),
        )
        for mode, one in modes(result)
        for number, some in enumerate(one.collections)
        for cycle in some
        if cycle.folios
    ]
    text = "Share of the heap's pages in large folios after each collection, medians over the rounds. " + " ".join(
        f"{mode}: {first} after the first, {last} after the last of {count}." for mode, count, first, last in rows
    )
    return Plot(
        f"{name}-folios",
        "How long folios survive",
        text,
        lambda figure, look: _draw(figure, look, curves),
        Data(("mode", "collections", "after the first", "after the last"), rows, heads, samples),
        (SIZE,),
        "Share of the pages in use that lie in large folios after each collection; fresh memory comes in large ones, "
        "and what was copied, or moved in parts, lies in small ones.",
    )


def _folio(order: str) -> str:
    return f"order {order}" if order.isdigit() else f"{order} ones"


def _points(one: Measurement) -> Points:
    """By number of the collection, as far as half of the rounds have so many."""
    by_number: dict[int, list[float]] = {}
    for some in one.collections:
        for cycle in some:
            if cycle.folios:
                by_number.setdefault(cycle.number, []).append(large_share(cycle))
    return [
        (float(number), statistics.median(values))
        for number, values in sorted(by_number.items())
        if 2 * len(values) >= len(one.collections)
    ]


def _draw(figure: Any, look: Look, curves: dict[str, Points]) -> None:
    area = axes(figure, look, 46, 46, LABEL_ROOM, 28)
    heading(figure, look, "share in large folios")
    ends = []
    for mode, points in curves.items():
        role, marker, line = style_of(mode)
        few = len(points) <= 20
        area.plot(
            *zip(*points, strict=True),
            color=look.colour(role),
            linestyle=line,
            linewidth=1.5,
            marker=marker if few else None,
            markersize=4,
        )
        ends.append((*points[-1], mode.partition(":")[2] or mode, role))
    area.set_ylim(0, 1.05)
    last = max(points[-1][0] for points in curves.values())
    area.set_xlim(0, last * 1.02 + 0.5)
    area.yaxis.set_major_formatter(lambda value, _at: f"{value:.0%}")
    area.xaxis.set_major_formatter(lambda value, _at: f"{value:.0f}" if value == int(value) else "")
    area.set_xlabel("collection", fontsize=11, color=look.colour("muted"))
    end_labels(area, look, ends, LABEL_ROOM - 16)
