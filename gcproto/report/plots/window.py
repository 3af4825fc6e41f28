"""The window after the flip: the time of a mutator's touch and of serving a fault, by percentile."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from gcproto.report import labels
from gcproto.report.plots.axes import Curve, axes, curves_on, heading, log_scale
from gcproto.report.plots.look import Look, style_of
from gcproto.report.plots.plot import Data, Plot
from gcproto.report.words.kinds import Window, windows
from gcproto.report.words.ratios import usable
from gcproto.results import names
from gcproto.results.schema import Latency, Result, WindowFigures

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

SIZE = (372, 330)
LABEL_ROOM = 112
POINTS: tuple[tuple[str, Callable[[Latency], float | None]], ...] = (
    ("p50", lambda one: one.p50),
    ("p90", lambda one: one.p90),
    ("p99", lambda one: one.p99),
    ("p99.9", lambda one: one.p999),
    ("longest", lambda one: one.max),
)


def placements(result: Result) -> list[str]:
    """The placements of the ways of a run."""
    return list(dict.fromkeys(one.at.placement for one in windows(result.measurements)))


def access(result: Result, name: str, placement: str) -> Plot | None:
    """A mutator's first touch of a page."""
    return _latency(result, f"{name}-access", "A mutator's first touch of a page", placement, lambda one: one.access)


def fault(result: Result, name: str, placement: str) -> Plot | None:
    """Serving a fault."""
    return _latency(result, f"{name}-fault", "Serving a fault", placement, lambda one: one.fault)


def _latency(
    result: Result, name: str, title: str, placement: str, which: Callable[[WindowFigures], Latency | None]
) -> Plot | None:
    """Percentiles of single events in each way; None without any."""
    found: list[tuple[Window, Latency]] = []
    for one in windows(result.measurements):
        latency = which(one.figures)
        if one.at.placement == placement and usable(one.measured) and not one.at.replica and latency and latency.n:
            found.append((one, latency))
    if not found:
        return None
    several = len(placements(result)) > 1
    where = (
        f", collector: {names.PLACEMENTS_SHORT.get(placement, placement)}"
        if several or placement != names.UNPLACED
        else ""
    )
    rows = [(one.at.way, str(each.n), *(_us(of(each)) for _, of in POINTS)) for one, each in found]
    heads = ("way", "events", *(f"{label} us" for label, _ in POINTS))
    text = f"{title}{where}, microseconds. " + " ".join(
        f"{row[0]}: " + ", ".join(f"{label} {value}" for (label, _), value in zip(POINTS, row[2:], strict=True)) + "."
        for row in rows
    )
    known = placements(result)
    # An unknown placement came from a file, so it is not used for an anchor.
    suffix = f"-{placement if placement in names.PLACEMENTS_SHORT else known.index(placement)}" if several else ""
    return Plot(
        f"{name}{suffix}",
        f"{title}{where}",
        text,
        lambda figure, look: _draw(figure, look, found),
        Data(heads, rows),
        (SIZE,),
        "Percentiles of single events, pooled over all rounds, if their number supports them.",
    )


def _us(value: float | None) -> str:
    return "too few" if value is None else labels.number(value / 1e3)


def _draw(figure: "Figure | SubFigure", look: Look, found: list[tuple[Window, Latency]]) -> None:
    area = axes(figure, look, 46, 32, LABEL_ROOM, 28)
    heading(figure, look, "us, log scale")
    curves = []
    for one, latency in found:
        values = [(float(at), of(latency)) for at, (_, of) in enumerate(POINTS)]
        points = [(at, value / 1e3) for at, value in values if value]
        curves += [Curve(one.at.way, style_of(one.at), points)] if points else []
    every = [value for one in curves for _, value in one.points] or [1.0]
    log_scale(area.yaxis, min(every), max(every))
    area.set_xlim(-0.3, len(POINTS) - 0.7)
    area.set_xticks(range(len(POINTS)), [label for label, _ in POINTS])
    curves_on(area, look, curves, lambda x, y: f", {POINTS[int(x)][0]}: {labels.number(y)} us", LABEL_ROOM)
