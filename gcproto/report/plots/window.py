"""The window after the flip: what a mutator's touch of a page and the serving of a fault take, by percentile."""

from typing import Any

from gcproto.report import labels
from gcproto.report.plots.axes import axes, curves_on, heading, log_scale
from gcproto.report.plots.look import Look
from gcproto.report.plots.plot import Data, Plot
from gcproto.results.schema import Latency, Result

SIZE = (372, 330)
LABEL_ROOM = 112
POINTS = (("p50", "p50"), ("p90", "p90"), ("p99", "p99"), ("p99.9", "p999"), ("longest", "max"))


def latency(result: Result, name: str, which: str, title: str) -> Plot | None:
    """Percentiles of single events in each way; None if there are none."""
    found = {
        one.scenario.arm: one.latency[which]
        for one in result.measurements
        if one.valid and which in one.latency and one.latency[which].n and not one.scenario.replica
    }
    if not found:
        return None
    rows = [(way, str(one.n), *(_us(value) for _, value in _points(one))) for way, one in found.items()]
    heads = ("way", "events", *(f"{label} us" for label, _ in POINTS))
    text = f"{title}, microseconds. " + " ".join(
        f"{way}: "
        + ", ".join(f"{label} {_us(value)}" for (label, _), (_, value) in zip(POINTS, _points(one), strict=True))
        + "."
        for way, one in found.items()
    )
    return Plot(
        f"{name}-{which}", title, text, lambda figure, look: _draw(figure, look, found), Data(heads, rows), (SIZE,)
    )


def _points(one: Latency) -> list[tuple[int, float | None]]:
    return [(at, getattr(one, attribute)) for at, (_, attribute) in enumerate(POINTS)]


def _us(value: float | None) -> str:
    return "too few" if value is None else labels.number(value / 1e3)


def _draw(figure: Any, look: Look, found: dict[str, Latency]) -> None:
    area = axes(figure, look, 46, 32, LABEL_ROOM, 28)
    heading(figure, look, "us, log scale")
    curves = {way: [(float(at), value / 1e3) for at, value in _points(one) if value] for way, one in found.items()}
    every = [value for points in curves.values() for _, value in points]
    log_scale(area.yaxis, min(every), max(every))
    area.set_xlim(-0.3, len(POINTS) - 0.7)
    area.set_xticks(range(len(POINTS)), [label for label, _ in POINTS])
    curves_on(area, look, curves, lambda x, y: f", {POINTS[int(x)][0]}: {labels.number(y)} us", LABEL_ROOM)
