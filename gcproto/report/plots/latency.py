"""The duration of single events, by percentile, from the histograms of a result."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gcproto.report import labels
from gcproto.report.plots.axes import Curve, axes, curves_on, heading, log_scale
from gcproto.report.plots.heap import LABEL_ROOM, SIZE, US, Mode, modes, suffix, where
from gcproto.report.plots.look import Look
from gcproto.report.plots.plot import Data, Plot
from gcproto.results.schema import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

PERCENTILES = (0.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.95, 99.99, 99.999, 100.0)


def faults(result: Result, name: str, placement: str | None = None) -> tuple[Plot | None, list[str]]:
    """Serving a fault; unreadable histograms are named."""
    texts = [(one, one.workload.figures.histograms.fault) for one in modes(result, placement)]
    return _latency(f"{name}-fault{suffix(result, placement)}", f"Serving a fault{where(result, placement)}", texts)


def waits(result: Result, name: str, placement: str | None = None) -> tuple[Plot | None, list[str]]:
    """Waiting for memory until a collection has freed some; unreadable histograms are named."""
    texts = [(one, one.workload.figures.histograms.wait) for one in modes(result, placement)]
    title = f"Waiting for memory{where(result, placement)}"
    return _latency(f"{name}-wait{suffix(result, placement)}", title, texts)


def _latency(name: str, title: str, texts: list[tuple[Mode, str]]) -> tuple[Plot | None, list[str]]:
    curves: list[Curve] = []
    rows: list[tuple[str, ...]] = []
    samples: list[tuple[object, ...]] = []
    problems = []
    for mode, text in texts:
        if not text:
            continue
        try:
            values, count = percentiles_of(text)
        except ValueError as error:
            problems.append(f'{mode.name}: the histogram of "{title}" can\'t be read: {error}')
            continue
        points = [(1 / (1 - min(at, 100 - 50 / count) / 100), value / US) for at, value in values if value > 0]
        curves += [Curve(mode.name, mode.style, points)] if points else []
        by_percent = dict(values)
        carried = (by_percent.get(at) for at in (50.0, 90.0, 99.0, 99.9))
        shown = ("too few" if one is None else labels.number(one / US) for one in carried)
        rows.append((mode.name, str(count), *shown, labels.number(values[-1][1] / US)))
        samples += [(mode.name, at, value, count) for at, value in values]
    if not curves:
        return None, problems
    heads = ("mode", "events", "p50 us", "p90 us", "p99 us", "p99.9 us", "longest us")
    said = f"{title}, microseconds. " + " ".join(
        f"{mode}: {count} events, p50 {p50}, p90 {p90}, p99 {p99}, p99.9 {p999}, longest {longest}."
        for mode, count, p50, p90, p99, p999, longest in rows
    )
    caption = "Percentiles that the number of events supports; the last point of a line is the longest event."
    data = Data(heads, rows, ("mode", "percentile", "ns", "events"), samples)
    return Plot(name, title, said, lambda figure, look: _draw(figure, look, curves), data, (SIZE,), caption), problems


def percentiles_of(text: str) -> tuple[list[tuple[float, float]], int]:
    """Percentiles of an encoded HdrHistogram that its events support, the longest last; and the events.

    Raises:
        ValueError: it is not such a histogram, or an empty one.

    """
    from hdrh.histogram import HdrHistogram

    try:
        histogram = HdrHistogram.decode(text)
        count = int(histogram.get_total_count())
    except Exception as error:  # any exception that its parts (base64, zlib, ctypes) raise for foreign bytes
        raise ValueError(str(error) or type(error).__name__) from error
    if count <= 0:
        raise ValueError("it is empty")
    carried = [at for at in PERCENTILES if at == 0 or at < 100 * (1 - 1 / count)]
    found = [(at, float(histogram.get_value_at_percentile(at))) for at in carried if at > 0]
    return [*found, (100.0, float(histogram.get_max_value()))], count


def _draw(figure: "Figure | SubFigure", look: Look, curves: Sequence[Curve]) -> None:
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    area = axes(figure, look, 46, 46, LABEL_ROOM, 28)
    heading(figure, look, "us, log scale")
    every = [value for one in curves for _, value in one.points]
    log_scale(area.yaxis, min(every), max(every))
    far = max(x for one in curves for x, _ in one.points)
    area.set_xscale("log")
    area.set_xlim(1.7, far * 1.4)
    marks = [(2, "50"), (10, "90"), (100, "99"), (1000, "99.9"), (10_000, "99.99"), (100_000, "99.999")]
    shown = [(x, text) for x, text in marks if x <= far * 1.4]
    area.xaxis.set_major_locator(FixedLocator([x for x, _ in shown]))
    area.xaxis.set_major_formatter(FixedFormatter([text for _, text in shown]))
    area.xaxis.set_minor_locator(NullLocator())
    area.set_xlabel("percentile", fontsize=11, color=look.colour("muted"))
    curves_on(
        area,
        look,
        curves,
        lambda x, y: f": {labels.number(y)} us at the {100 * (1 - 1 / x):.4g}th percentile",
        LABEL_ROOM,
    )
