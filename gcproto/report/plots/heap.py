"""Heaps: pauses, mutator utilisation, fault latency, phases of a collection, memory over time."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from gcproto.report import labels
from gcproto.report.plots.axes import Curve, axes, curves_on, end_labels, heading, log_scale, short
from gcproto.report.plots.look import Look, Style, clean, style_of
from gcproto.report.plots.plot import Data, Plot
from gcproto.report.words.kinds import Workload, workloads
from gcproto.report.words.ratios import usable
from gcproto.report.words.rows import short_modes
from gcproto.results import names
from gcproto.results.schema import Collection, Mmu, Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

SIZE = (372, 330)
LABEL_ROOM = 84
MS, US = 1e6, 1e3


class Mode(NamedTuple):
    """A mode of a heap with its name in this result."""

    name: str
    workload: Workload

    @property
    def style(self) -> Style:
        """In all pictures."""
        return style_of(self.workload.at)


def placements(result: Result) -> list[str]:
    """The placements of the modes of a run."""
    return list(dict.fromkeys(one.at.placement for one in workloads(result.measurements)))


def modes(result: Result, placement: str | None = None) -> list[Mode]:
    """A heap's modes; invalid ones are not drawn (they have their own table).

    Args:
        result: the run.
        placement: only those of this one.

    """
    short = short_modes(result)
    return [
        Mode(short[one.at], one)
        for one in workloads(result.measurements)
        if usable(one.measured) and placement in {None, one.at.placement}
    ]


def suffix(result: Result, placement: str | None) -> str:
    """Of a picture's name: of one placement where a run has several."""
    known = placements(result)
    if placement is None or len(known) < 2:
        return ""
    # An unknown placement came from a file, so it is not used for an anchor.
    return f"-{placement if placement in names.PLACEMENTS_SHORT else known.index(placement)}"


def where(result: Result, placement: str | None) -> str:
    """Of a picture's title: of one placement where a run has several."""
    several = placement is not None and len(placements(result)) > 1
    return f", collector: {names.PLACEMENTS_SHORT.get(placement or '', placement)}" if several else ""


def measured(one: Workload) -> Iterator[tuple[int, Collection]]:
    """The measured collections of all valid rounds, with the round."""
    rounds = one.measured.rounds
    for number, collections in enumerate(one.figures.collections):
        for collection in collections:
            if collection.measured:
                yield rounds[number] if number < len(rounds) else number, collection


def pauses(result: Result, name: str, placement: str | None = None) -> Plot | None:
    """Every pause of every mode; None without a pause."""
    every = modes(result, placement)
    found: dict[str, tuple[list[float], Style]] = {}
    for mode in every:
        values = ((pause.stop_ns + pause.ns) / MS for _, one in measured(mode.workload) for pause in one.pauses)
        above = sorted(one for one in values if one > 0)
        if above:
            found[mode.name] = above, mode.style
    if not found:
        return None
    heads = ("mode", "round", "collection", "pause", "to stop ns", "stopped ns")
    samples = [
        (mode.name, number, one.number, pause.name, pause.stop_ns, pause.ns)
        for mode in every
        for number, one in measured(mode.workload)
        for pause in one.pauses
    ]
    rows = [(mode, str(len(v)), labels.number(v[len(v) // 2]), labels.number(v[-1])) for mode, (v, _) in found.items()]
    text = "Pauses, with the time until all mutators stopped, ms. " + " ".join(
        f"{mode}: {count} pauses, median {middle}, longest {longest}." for mode, count, middle, longest in rows
    )
    data = Data(("mode", "pauses", "median ms", "longest ms"), rows, heads, samples)
    size = (372, 86 + 34 * len(found))
    return Plot(
        f"{name}-pauses{suffix(result, placement)}",
        f"Pauses{where(result, placement)}",
        text,
        lambda figure, look: _draw_pauses(figure, look, found),
        data,
        (size,),
        f"A dot is one pause with the time to stop. Of more than {DOTS}, the {LONGEST} longest and "
        "an even sample of the others are drawn. The number is the longest.",
    )


def _draw_pauses(figure: "Figure | SubFigure", look: Look, found: dict[str, tuple[list[float], Style]]) -> None:
    area = axes(figure, look, 92, 44, 62, 14)
    area.grid(visible=False, axis="y")
    area.set_yticks(range(len(found)), [clean(mode, 14) for mode in found])
    area.set_ylim(len(found) - 0.5, -0.5)
    every = [value for values, _ in found.values() for value in values]
    log_scale(area.xaxis, min(every), max(every), most=5)
    area.set_xlabel("ms, log scale", fontsize=11, color=look.colour("muted"))
    for at, (values, (role, _, _)) in enumerate(found.values()):
        colour = look.colour(role)
        shown = thinned(values)
        # Hundreds of dots on one line: neighbours are drawn slightly above and below, always in the same order.
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
    """At most ``DOTS`` of ascending values: all of the longest, and an even sample of the others."""
    if len(values) <= DOTS:
        return values
    rest, top = values[:-LONGEST], values[-LONGEST:]
    return rest[:: -(-len(rest) // (DOTS - LONGEST))] + top


def mmu(result: Result, name: str, placement: str | None = None) -> Plot | None:
    """Minimum mutator utilisation by window; None without any."""
    curves: list[Curve] = []
    for mode in modes(result, placement):
        found = sorted(of_every_round(mode.workload), key=lambda one: one.window_ms)
        points = [(float(one.window_ms), one.median) for one in found if one.window_ms > 0]
        curves += [Curve(mode.name, mode.style, points)] if points else []
    if not curves:
        return None
    windows = sorted({window for one in curves for window, _ in one.points})
    known = [(one.name, dict(one.points)) for one in curves]
    rows = [(mode, *(f"{100 * values[one]:.1f}" if one in values else "" for one in windows)) for mode, values in known]
    heads = ("mode", *(f"{window:g} ms, %" for window in windows))
    text = "Minimum mutator utilisation: the least share of any window that a mutator could work, percent. " + " ".join(
        f"{one.name}: " + ", ".join(f"{100 * value:.0f} in {window:g} ms" for window, value in one.points) + "."
        for one in curves
    )
    return Plot(
        f"{name}-mmu{suffix(result, placement)}",
        f"Mutator utilisation (MMU){where(result, placement)}",
        text,
        lambda figure, look: _draw_mmu(figure, look, curves),
        Data(heads, rows),
        (SIZE,),
        "The least share of any window that a mutator could work; higher is better. Median of rounds. A window longer "
        "than the shortest round is omitted.",
    )


def of_every_round(one: Workload) -> list[Mmu]:
    """Windows that fit in every round. The median of the others would be that of the longest rounds."""
    rounds = len(one.measured.samples)
    return [each for each in one.figures.mmu if not each.rounds or len(each.rounds) == rounds]


def _draw_mmu(figure: "Figure | SubFigure", look: Look, curves: Sequence[Curve]) -> None:
    area = axes(figure, look, 46, 46, LABEL_ROOM, 28)
    heading(figure, look, "least share of a window for the mutator")
    windows = [window for one in curves for window, _ in one.points]
    log_scale(area.xaxis, min(windows), max(windows), most=5)
    area.set_ylim(-3, 103)
    area.set_yticks([0, 25, 50, 75, 100], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    area.set_xlabel("window, ms, log scale", fontsize=11, color=look.colour("muted"))
    shown = [Curve(one.name, one.style, [(x, 100 * y) for x, y in one.points]) for one in curves]
    curves_on(area, look, shown, lambda x, y: f": {y:.1f} % in {x:g} ms", LABEL_ROOM)


def memory(result: Result, name: str, placement: str | None = None) -> Plot | None:
    """Resident memory over the last valid round; None if it was not recorded."""
    curves = []
    for mode in modes(result, placement):
        points = [(when / 1e9, value) for when, value in mode.workload.figures.resident]
        curves += [Curve(mode.name, mode.style, points)] if len(points) > 1 else []
    if not curves:
        return None
    rows = [
        (one.name, labels.number(one.points[-1][0]), f"{max(value for _, value in one.points):.0f}") for one in curves
    ]
    samples = [(one.name, when, value) for one in curves for when, value in one.points]
    text = "Resident memory of the process over the last round, MiB. " + " ".join(
        f"{mode}: up to {most} in {end} s." for mode, end, most in rows
    )
    data = Data(("mode", "seconds", "most MiB"), rows, ("mode", "seconds", "resident MiB"), samples)
    return Plot(
        f"{name}-memory{suffix(result, placement)}",
        f"Memory over time{where(result, placement)}",
        text,
        lambda figure, look: _draw_memory(figure, look, curves),
        data,
        (SIZE,),
        "Resident memory of the whole process in the last valid round of each mode.",
    )


def _draw_memory(figure: "Figure | SubFigure", look: Look, curves: Sequence[Curve]) -> None:
    area = axes(figure, look, 46, 46, LABEL_ROOM, 28)
    heading(figure, look, "MiB resident")
    ends = []
    for one in curves:
        role, _, line = one.style
        xs, ys = [x for x, _ in one.points], [y for _, y in one.points]
        area.plot(xs, ys, color=look.colour(role), linestyle=line, linewidth=1.5)
        ends.append((*one.points[-1], one.name, role))
    top = max(value for one in curves for _, value in one.points)
    area.set_ylim(0, top * 1.05 or 1.0)
    area.set_xlim(0, max(one.points[-1][0] for one in curves) * 1.02 or 1.0)
    area.yaxis.set_major_formatter(lambda value, _at: short(value))
    area.set_xlabel("seconds", fontsize=11, color=look.colour("muted"))
    end_labels(area, look, ends, LABEL_ROOM - 16)


def collection_rows(every: Sequence[Mode]) -> tuple[Sequence[str], list[tuple[object, ...]]]:
    """Every collection with its phases and sizes, for a file; its map is in the result."""
    phases = sorted({name for mode in every for _, one in measured(mode.workload) for name in one.phases.by_name()})
    heads = (
        *("mode", "round", "collection"),
        *(f"{name} ns" for name in phases),
        *("pauses ns", "objects", "live bytes", "used before", "used after"),
        *("dense", "kept", "compacted", "slid", "resident"),
    )
    rows: list[tuple[object, ...]] = []
    for mode in every:
        for number, one in measured(mode.workload):
            stops = sum(pause.stop_ns + pause.ns for pause in one.pauses)
            took = one.phases.by_name()
            rows.append(
                (
                    *(mode.name, number, one.number),
                    *(took.get(name, "") for name in phases),
                    *(stops, one.objects, one.live_bytes, one.used_before, one.used_after),
                    *(one.dense, one.kept, one.compacted, one.slid, one.resident),
                )
            )
    return heads, rows
