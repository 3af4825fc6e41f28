"""Heaps: pauses, mutator utilisation, fault latency, phases of a collection, memory over time."""

from collections.abc import Iterator, Sequence
from typing import Any

from gcproto.report import labels
from gcproto.report.claims import mode_subject
from gcproto.report.plots.axes import axes, curves_on, end_labels, heading, log_scale, short
from gcproto.report.plots.look import Look, clean, style_of
from gcproto.report.plots.plot import Data, Plot
from gcproto.results.schema import Collection, Measurement, Result

SIZE = (372, 330)
LABEL_ROOM = 84
MS, US = 1e6, 1e3


def modes(result: Result) -> list[tuple[str, Measurement]]:
    """Names and measurements of a heap's modes; invalid ones are not drawn (they stand in a table of their own)."""
    return [(mode_subject(one, result), one) for one in result.measurements if one.valid and one.samples]


def measured(one: Measurement) -> Iterator[tuple[int, Collection]]:
    """The measured collections of all valid rounds, with the round."""
    for number, collections in enumerate(one.collections):
        for collection in collections:
            if collection.measured:
                yield one.rounds[number] if number < len(one.rounds) else number, collection


def pauses(result: Result, name: str) -> Plot | None:
    """Every pause of every mode; None if nothing ever paused."""
    found = {
        mode: sorted((pause.stop_ns + pause.ns) / MS for _, one in measured(measurement) for pause in one.pauses)
        for mode, measurement in modes(result)
    }
    found = {mode: [one for one in values if one > 0] for mode, values in found.items() if values}
    found = {mode: values for mode, values in found.items() if values}
    if not found:
        return None
    heads = ("mode", "round", "collection", "pause", "to stop ns", "stopped ns")
    samples = [
        (mode, number, one.number, pause.name, pause.stop_ns, pause.ns)
        for mode, measurement in modes(result)
        for number, one in measured(measurement)
        for pause in one.pauses
    ]
    rows = [(mode, str(len(v)), labels.number(v[len(v) // 2]), labels.number(v[-1])) for mode, v in found.items()]
    text = "Pauses, with the time until all mutators stood, ms. " + " ".join(
        f"{mode}: {count} pauses, median {middle}, longest {longest}." for mode, count, middle, longest in rows
    )
    data = Data(("mode", "pauses", "median ms", "longest ms"), rows, heads, samples)
    size = (372, 86 + 34 * len(found))
    return Plot(
        f"{name}-pauses",
        "Pauses",
        text,
        lambda figure, look: _draw_pauses(figure, look, found),
        data,
        (size,),
        f"A dot is one pause with the time to stop (of more than {DOTS} the {LONGEST} longest and "
        "an even sample of the others); the number is the longest.",
    )


def _draw_pauses(figure: Any, look: Look, found: dict[str, list[float]]) -> None:
    area = axes(figure, look, 92, 44, 62, 14)
    area.grid(visible=False, axis="y")
    area.set_yticks(range(len(found)), [clean(mode, 14) for mode in found])
    area.set_ylim(len(found) - 0.5, -0.5)
    every = [value for values in found.values() for value in values]
    log_scale(area.xaxis, min(every), max(every), most=5)
    area.set_xlabel("ms, log scale", fontsize=11, color=look.colour("muted"))
    for at, (mode, values) in enumerate(found.items()):
        colour = look.colour(style_of(mode)[0])
        shown = thinned(values)
        # Hundreds of dots on one line: neighbours stand a little above and below, always in the same order.
        ys = [at + (number * 7 % 11 - 5) * 0.045 for number in range(len(shown))]
        area.plot(shown, ys, linestyle="none", marker="o", markersize=4, color=colour, alpha=0.55, markeredgewidth=0)
        area.text(
            1 + 8 / area.bbox.width,
            at,
            f"{labels.number(values[-1])} ms",
            transform=area.get_yaxis_transform(),
            va="center",
            fontsize=11.5,
        )


DOTS = 150
LONGEST = 30


def thinned(values: list[float]) -> list[float]:
    """Of ascending values at most ``DOTS``: the longest ones all, of the others an even sample."""
    if len(values) <= DOTS:
        return values
    rest, top = values[:-LONGEST], values[-LONGEST:]
    return rest[:: -(-len(rest) // (DOTS - LONGEST))] + top


def mmu(result: Result, name: str) -> Plot | None:
    """Minimum mutator utilisation by window; None without any."""
    curves: dict[str, list[tuple[float, float]]] = {}
    rows = []
    for mode, one in modes(result):
        windows = sorted(float(key.split()[1]) for key in one.figures if key.startswith("mmu ") and key.endswith(" ms"))
        points = [
            (window, one.figures[f"mmu {window:g} ms"]) for window in windows if f"mmu {window:g} ms" in one.figures
        ]
        if points:
            curves[mode] = points
            rows.append((mode, *(f"{100 * value:.1f}" for _, value in points)))
    if not curves:
        return None
    longest = max(curves.values(), key=len)
    rows = [(*row, *[""] * (len(longest) + 1 - len(row))) for row in rows]
    heads = ("mode", *(f"{window:g} ms, %" for window, _ in longest))
    text = "Minimum mutator utilisation: the least share of any window that a mutator could work, percent. " + " ".join(
        f"{mode}: " + ", ".join(f"{100 * value:.0f} in {window:g} ms" for window, value in points) + "."
        for mode, points in curves.items()
    )
    return Plot(
        f"{name}-mmu",
        "Mutator utilisation (MMU)",
        text,
        lambda figure, look: _draw_mmu(figure, look, curves),
        Data(heads, rows),
        (SIZE,),
        "The least share of any window that a mutator could work; higher is better. Median of rounds.",
    )


def _draw_mmu(figure: Any, look: Look, curves: dict[str, list[tuple[float, float]]]) -> None:
    area = axes(figure, look, 46, 46, LABEL_ROOM, 28)
    heading(figure, look, "least share of a window for the mutator")
    windows = [window for points in curves.values() for window, _ in points]
    log_scale(area.xaxis, min(windows), max(windows), most=5)
    area.set_ylim(-3, 103)
    area.set_yticks([0, 25, 50, 75, 100], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    area.set_xlabel("window, ms, log scale", fontsize=11, color=look.colour("muted"))
    curves_on(
        area,
        look,
        {mode: [(x, 100 * y) for x, y in points] for mode, points in curves.items()},
        lambda x, y: f": {y:.1f} % in {x:g} ms",
        LABEL_ROOM,
    )


def memory(result: Result, name: str) -> Plot | None:
    """Resident memory over the last valid round; None if it was not recorded."""
    curves = {}
    for mode, one in modes(result):
        points = [(when / 1e9, value) for when, value in one.series.get("resident MiB", [])]
        if len(points) > 1:
            curves[mode] = points
    if not curves:
        return None
    rows = [
        (mode, labels.number(points[-1][0]), f"{max(value for _, value in points):.0f}")
        for mode, points in curves.items()
    ]
    samples = [(mode, when, value) for mode, points in curves.items() for when, value in points]
    text = "Resident memory of the process over the last round, MiB. " + " ".join(
        f"{mode}: up to {most} in {end} s." for mode, end, most in rows
    )
    data = Data(("mode", "seconds", "most MiB"), rows, ("mode", "seconds", "resident MiB"), samples)
    return Plot(
        f"{name}-memory",
        "Memory over time",
        text,
        lambda figure, look: _draw_memory(figure, look, curves),
        data,
        (SIZE,),
        "Resident memory of the whole process in the last valid round of each mode.",
    )


def _draw_memory(figure: Any, look: Look, curves: dict[str, list[tuple[float, float]]]) -> None:
    area = axes(figure, look, 46, 46, LABEL_ROOM, 28)
    heading(figure, look, "MiB resident")
    ends = []
    for mode, points in curves.items():
        role, _, line = style_of(mode)
        area.plot(
            [x for x, _ in points], [y for _, y in points], color=look.colour(role), linestyle=line, linewidth=1.5
        )
        ends.append((*points[-1], mode, role))
    top = max(value for points in curves.values() for _, value in points)
    area.set_ylim(0, top * 1.05)
    area.set_xlim(0, max(points[-1][0] for points in curves.values()) * 1.02)
    area.yaxis.set_major_formatter(lambda value, _at: short(value))
    area.set_xlabel("seconds", fontsize=11, color=look.colour("muted"))
    end_labels(area, look, ends, LABEL_ROOM - 16)


def collection_rows(result: Result) -> tuple[Sequence[str], list[tuple[object, ...]]]:
    """Every collection with its phases and sizes, for a file; its map is in the result."""
    phases = sorted({name for _, one in modes(result) for _, each in measured(one) for name in each.phases})
    heads = (
        "mode",
        "round",
        "collection",
        *(f"{name} ns" for name in phases),
        "pauses ns",
        "objects",
        "live bytes",
        "used before",
        "used after",
        "dense",
        "kept",
        "compacted",
        "slid",
        "resident",
    )
    rows: list[tuple[object, ...]] = []
    for mode, measurement in modes(result):
        for number, one in measured(measurement):
            stops = sum(pause.stop_ns + pause.ns for pause in one.pauses)
            rows.append(
                (
                    mode,
                    number,
                    one.number,
                    *(one.phases.get(name, "") for name in phases),
                    stops,
                    one.objects,
                    one.live_bytes,
                    one.used_before,
                    one.used_after,
                    one.dense,
                    one.kept,
                    one.compacted,
                    one.slid,
                    one.resident,
                )
            )
    return heads, rows
