"""The threshold of density: what is copied, what garbage is kept, and how long it takes, by the threshold."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from statistics import median
from typing import TYPE_CHECKING

from gcproto.report import labels
from gcproto.report.plots.axes import Curve, axes, curves_on, heading
from gcproto.report.plots.look import Look, Style
from gcproto.report.plots.plot import Data, Plot, anchor
from gcproto.report.words.kinds import Workload, workloads
from gcproto.report.words.ratios import usable
from gcproto.results import names
from gcproto.results.schema import Collection, Result, WorkloadExperiment, WorkloadScenario, with_fields
from gcproto.results.series import page_size_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

SIZE = (372, 330)
LABEL_ROOM = 96
LEAST = 3
"""Thresholds that make a curve."""
WHOLE = 1000
NOTHING = 103.0
"""Place on the axis of a threshold that nothing reaches."""
STYLES: tuple[Style, ...] = (
    ("move", "D", "-"),
    ("copy", "o", "-"),
    ("split", "^", "-"),
    ("remap", "v", "-."),
    ("tao", "P", "--"),
    ("sky", "h", "-"),
    ("discard", "s", "--"),
    ("plain", "x", ":"),
)


@dataclass(frozen=True)
class Figures:
    """Medians over the full collections of a heap at one threshold.

    Attributes:
        copied: words that are copied one by one when pages are built, as a share of the live bytes.
        kept: garbage that to-space keeps, likewise.
        after_ms: from the flip to the drain.
        pause_ms: the flip, with the time to stop.

    """

    copied: float
    kept: float
    after_ms: float
    pause_ms: float


@dataclass(frozen=True)
class Panel:
    """One of the pictures: its name, its title, what is upwards, and the value of a point."""

    name: str
    title: str
    upwards: str
    value: Callable[[Figures], float]


PANELS = (
    Panel("copied", "Copied", "% of the live bytes, in pages that are built", lambda one: 100 * one.copied),
    Panel("kept", "Garbage kept", "% of the live bytes", lambda one: 100 * one.kept),
    Panel("after", "Time after the flip", "ms from flip to drain", lambda one: one.after_ms),
    Panel("pause", "Pause", "ms, the flip with the time to stop", lambda one: one.pause_ms),
)


def figures_of(one: Workload, page: int) -> Figures | None:
    """Figures of a heap's full collections; None where it had none.

    Args:
        one: a measurement.
        page: bytes.

    """
    full = [cycle for some in one.figures.collections for cycle in some if cycle.measured and not cycle.young]
    full = [cycle for cycle in full if cycle.live_bytes]
    if not full:
        return None

    def middle(value: Callable[[Collection], float]) -> float:
        return median(map(value, full))

    return Figures(
        copied=middle(lambda cycle: _built(cycle) * page / cycle.live_bytes),
        kept=middle(lambda cycle: max(0.0, _produced(cycle) * page / cycle.live_bytes - 1)),
        after_ms=middle(lambda cycle: (cycle.phases.compact + cycle.phases.drain) / 1e6),
        pause_ms=middle(lambda cycle: sum(p.stop_ns + p.ns for p in cycle.pauses if p.name == "flip") / 1e6),
    )


def _built(one: Collection) -> int:
    return one.collector.built + one.faults.built


def _produced(one: Collection) -> int:
    """To-space pages of what was marked: in place and built.  Those allocated since then are moved down whole."""
    return one.dense + one.kept + _built(one)


Sweeps = dict[str, dict[int, Figures]]
"""Figures by the heap's name and by threshold."""


def known(results: Iterable[Result]) -> dict[str, Sweeps]:
    """Figures by threshold, of heaps that differ in it only, by what they have in common: memory and mode.

    Args:
        results: of ``gcproto gc --dense LIST``.

    """
    found: dict[str, Sweeps] = {}
    for result in results:
        page = page_size_of(result)
        for one in workloads(result.measurements):
            permille = one.at.options.dense_permille
            if permille is None or not usable(one.measured) or one.at.replica:
                continue
            figures = figures_of(one, page)
            if figures:
                heap, alike = _names(one.at, result, page)
                found.setdefault(alike, {}).setdefault(heap, {})[permille] = figures
    swept = {
        alike: {heap: points for heap, points in heaps.items() if len(points) >= LEAST}
        for alike, heaps in found.items()
    }
    return {alike: heaps for alike, heaps in swept.items() if heaps}


def _names(at: WorkloadScenario, result: Result, page: int) -> tuple[str, str]:
    """``javac`` and ``64K move``: the heap, and what it has in common with others, without the threshold."""
    experiment = result.experiment
    recording = experiment.recording if isinstance(experiment, WorkloadExperiment) else ""
    heap = PurePath(recording).name.partition(".")[0] or at.workload
    usual = with_fields(at, options=with_fields(at.options, dense_permille=None, granule=None, regions=None))
    return heap, f"{names.memory(at, page)} {names.mode(usual)}"


def sweep(results: Iterable[Result], name: str) -> list[Plot]:
    """Pictures of a sweep over the threshold for each memory and mode; empty without one.

    Args:
        results: of heaps.
        name: of the pictures.

    """
    return [
        _plot(panel, alike, heaps, anchor(name, "density", alike.replace(" ", "-"), panel.name))
        for alike, heaps in known(results).items()
        for panel in PANELS
    ]


def _x(permille: int) -> float:
    return permille / 10 if permille <= WHOLE else NOTHING


def _text(permille: int) -> str:
    return f"{permille / 10:g} %" if permille <= WHOLE else "none"


def _plot(panel: Panel, alike: str, heaps: Sweeps, name: str) -> Plot:
    thresholds = sorted({one for points in heaps.values() for one in points})
    rows = [
        (heap, *(labels.number(panel.value(points[one])) if one in points else "" for one in thresholds))
        for heap, points in heaps.items()
    ]
    curves = [
        Curve(heap, STYLES[at % len(STYLES)], [(_x(one), panel.value(points[one])) for one in sorted(points)])
        for at, (heap, points) in enumerate(heaps.items())
    ]
    text = f"{alike}: {panel.title}, {panel.upwards}, by the threshold of density. " + " ".join(
        f"{one.name}: " + ", ".join(f"{labels.number(y)} at {x:g} %" for x, y in one.points) + "." for one in curves
    )
    return Plot(
        name,
        f"{panel.title}, {alike}",
        text,
        lambda figure, look: _draw(figure, look, panel, curves, thresholds),
        Data(("heap", *map(_text, thresholds)), rows),
        (SIZE,),
        "Across: the share of live bytes from which a granule keeps its layout. None: everything is compacted. "
        "Medians over the full collections of all rounds.",
    )


def _draw(
    figure: "Figure | SubFigure", look: Look, panel: Panel, curves: Sequence[Curve], thresholds: Sequence[int]
) -> None:
    area = axes(figure, look, 44, 46, LABEL_ROOM, 28)
    heading(figure, look, panel.upwards)
    xs = [_x(one) for one in thresholds]
    area.set_xlim(min(xs) - 2, max(xs) + 2)
    area.set_ylim(0, 1.08 * max(max(y for one in curves for _, y in one.points), 1e-6))
    shown = [one for at, one in enumerate(thresholds) if at % (1 + len(thresholds) // 7) == 0 or one > WHOLE]
    area.set_xticks([_x(one) for one in shown], [_text(one).removesuffix(" %") for one in shown])
    area.set_xlabel("threshold, % live", fontsize=11, color=look.colour("muted"))
    curves_on(area, look, curves, lambda x, y: f": {labels.number(y)} at {x:g} %", LABEL_ROOM)
