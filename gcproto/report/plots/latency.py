"""How long single events took, by percentile, from the histograms of a result."""

from typing import Any

from gcproto.report import labels
from gcproto.report.plots.axes import axes, curves_on, heading, log_scale
from gcproto.report.plots.heap import LABEL_ROOM, SIZE, US, modes
from gcproto.report.plots.look import Look
from gcproto.report.plots.plot import Data, Plot
from gcproto.results.schema import Result

PERCENTILES = (0.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.95, 99.99, 99.999, 100.0)


def latency(result: Result, name: str, which: str, title: str) -> tuple[Plot | None, list[str]]:
    """A percentile plot of a histogram; what could not be read is said in words."""
    curves: dict[str, list[tuple[float, float]]] = {}
    rows: list[tuple[str, ...]] = []
    samples: list[tuple[object, ...]] = []
    problems = []
    for mode, one in modes(result):
        text = one.histograms.get(which)
        if not text:
            continue
        try:
            values, count = percentiles_of(text)
        except ValueError as error:
            problems.append(f"{mode}: the histogram of {which} can't be read: {error}")
            continue
        curves[mode] = [(1 / (1 - min(at, 100 - 50 / count) / 100), value / US) for at, value in values if value > 0]
        by_percent = dict(values)
        rows.append(
            (
                mode,
                str(count),
                *(
                    labels.number(by_percent[at] / US) if at in by_percent else "too few"
                    for at in (50.0, 90.0, 99.0, 99.9)
                ),
                labels.number(values[-1][1] / US),
            )
        )
        samples += [(mode, at, value, count) for at, value in values]
    curves = {mode: points for mode, points in curves.items() if points}
    if not curves:
        return None, problems
    heads = ("mode", "events", "p50 us", "p90 us", "p99 us", "p99.9 us", "longest us")
    text = f"{title}, microseconds. " + " ".join(
        f"{mode}: {count} events, p50 {p50}, p90 {p90}, p99 {p99}, p99.9 {p999}, longest {longest}."
        for mode, count, p50, p90, p99, p999, longest in rows
    )
    data = Data(heads, rows, ("mode", "percentile", "ns", "events"), samples)
    return Plot(
        f"{name}-{which}",
        title,
        text,
        lambda figure, look: _draw_latency(figure, look, curves),
        data,
        (SIZE,),
        "Percentiles as far as the number of events carries them; the last point of a line is the longest event.",
    ), problems


def percentiles_of(text: str) -> tuple[list[tuple[float, float]], int]:
    """Percentiles of an encoded HdrHistogram that its events can carry, the longest last; and the events.

    Raises:
        ValueError: it is no such histogram, or an empty one.

    """
    from hdrh.histogram import HdrHistogram

    try:
        histogram = HdrHistogram.decode(text)
        count = int(histogram.get_total_count())
    except Exception as error:  # whatever its parts (base64, zlib, ctypes) raise for foreign bytes
        raise ValueError(str(error) or type(error).__name__) from error
    if count <= 0:
        raise ValueError("it is empty")
    carried = [at for at in PERCENTILES if at == 0 or at < 100 * (1 - 1 / count)]
    found = [(at, float(histogram.get_value_at_percentile(at))) for at in carried if at > 0]
    return [*found, (100.0, float(histogram.get_max_value()))], count


def _draw_latency(figure: Any, look: Look, curves: dict[str, list[tuple[float, float]]]) -> None:
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    area = axes(figure, look, 46, 46, LABEL_ROOM, 28)
    heading(figure, look, "us, log scale")
    every = [value for points in curves.values() for _, value in points]
    log_scale(area.yaxis, min(every), max(every))
    far = max(x for points in curves.values() for x, _ in points)
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
