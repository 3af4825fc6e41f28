"""Threads: how compaction scales with compacting threads, and work with mutators, beside the number of processors."""

from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING

from gcproto.counted import counted
from gcproto.report import labels
from gcproto.report.placement import processors
from gcproto.report.plots.axes import Curve, axes, curves_on, heading
from gcproto.report.plots.look import Look, style_of
from gcproto.report.plots.plot import Data, Plot
from gcproto.report.words.kinds import Workload, workloads
from gcproto.report.words.ratios import usable
from gcproto.results import names
from gcproto.results.schema import Result, WorkloadScenario, with_fields

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

SIZE = (372, 330)
LABEL_ROOM = 84
LIMIT = (
    "Right of the dashed line there are more threads than processors, and they take turns. A point there shows what "
    "that costs, not how the collector scales."
)


def _alone(one: WorkloadScenario) -> WorkloadScenario:
    """The same with one compacting thread."""
    return with_fields(one, options=with_fields(one.options, compactors=None))


def _curves(known: dict[Hashable, tuple[Workload, dict[int, float]]], titles: dict[Hashable, str]) -> list[Curve]:
    """Lines of more than one point."""
    return [
        Curve(titles[key], style_of(_alone(one.at)), [(float(x), y) for x, y in sorted(points.items())])
        for key, (one, points) in known.items()
        if len(points) > 1
    ]


def compactors(result: Result, name: str, placement: str) -> Plot | None:
    """Time from flip to drain by the number of compacting threads; None where a run has one number only.

    It is the time of a collection, not of a page that these threads produced. The faster they are, the fewer pages
    faults build. So a time per page would fall even if the collection took as long.

    Args:
        result: the run.
        name: of the picture.
        placement: of the threads.

    """
    known: dict[Hashable, tuple[Workload, dict[int, float]]] = {}
    titles: dict[Hashable, str] = {}
    mutators = 0
    for one in workloads(result.measurements):
        ms = one.figures.phases.compact
        if ms is None or not usable(one.measured) or one.at.placement != placement or one.at.replica:
            continue
        key = _alone(one.at)
        titles[key] = names.mode(key)
        known.setdefault(key, (one, {}))[1][one.at.options.compactors or 1] = ms
        mutators = max(mutators, one.at.mutators)
    allowed = processors(result)
    at = None if allowed is None else float(allowed - mutators)
    return _plot(
        f"{name}-compactors-{placement}",
        f"Compacting threads, {names.PLACEMENTS_SHORT.get(placement, placement)}",
        ("compacting threads", "ms from flip to drain"),
        _curves(known, titles),
        at,
        "Medians of collections.",
    )


def mutators(results: Iterable[Result], name: str) -> Plot | None:
    """Operations in a second by the number of mutators, of runs that differ in it only; None without such runs.

    Args:
        results: of heaps.
        name: of the picture.

    """
    known: dict[Hashable, tuple[Workload, dict[int, float]]] = {}
    titles: dict[Hashable, str] = {}
    counts = set()
    for result in results:
        kernel = result.environment.get("kernel")
        release = kernel.get("release") if isinstance(kernel, dict) else None
        for one in workloads(result.measurements):
            median = one.measured.median
            if not median or not usable(one.measured) or one.at.replica:
                continue
            key = (str(release), processors(result), result.experiment, with_fields(one.at, mutators=0))
            titles[key] = names.mode(one.at)
            known.setdefault(key, (one, {}))[1][one.at.mutators] = 1e9 / median
            counts.add(processors(result))
    curves = _curves(known, titles)
    (allowed,) = counts if len(counts) == 1 else (None,)
    at = None if allowed is None else float(allowed - 1)
    what = ("mutators", "operations a second")
    return _plot(f"{name}-mutators", "Mutators", what, curves, at, "Medians of rounds.")


def _plot(
    name: str, title: str, what: tuple[str, str], curves: Sequence[Curve], at: float | None, points: str
) -> Plot | None:
    """The picture of some curves.

    Args:
        name: of it.
        title: likewise.
        what: across, and upwards.
        curves: of more than one point each.
        at: where every thread still has a processor; None: unknown.
        points: what they are, as a sentence.

    """
    if not curves:
        return None
    counts = sorted({x for one in curves for x, _ in one.points})
    known = [(one.name, dict(one.points)) for one in curves]
    rows = [(mode, *(labels.number(values[x]) if x in values else "" for x in counts)) for mode, values in known]
    text = f"{what[1]} by {what[0]}. " + " ".join(
        f"{one.name}: " + ", ".join(f"{labels.number(y)} with {x:g}" for x, y in one.points) + "." for one in curves
    )
    caption = f"{points} {LIMIT}" if at is not None else points
    return Plot(
        name,
        title,
        text,
        lambda figure, look: _draw(figure, look, what, curves, at),
        Data(("mode", *(f"{x:g}" for x in counts)), rows),
        (SIZE,),
        caption,
    )


def _draw(
    figure: "Figure | SubFigure", look: Look, what: tuple[str, str], curves: Sequence[Curve], at: float | None
) -> None:
    area = axes(figure, look, 52, 46, LABEL_ROOM, 28)
    heading(figure, look, what[1])
    counts = sorted({x for one in curves for x, _ in one.points})
    area.set_xlim(min(counts) - 0.3, max(counts) + 0.3)
    area.set_ylim(0, 1.08 * max(y for one in curves for _, y in one.points))
    area.set_xticks(counts, [f"{x:g}" for x in counts])
    area.set_xlabel(what[0], fontsize=11, color=look.colour("muted"))
    if at is not None:
        area.axvline(at + 0.15, color=look.colour("muted"), linestyle="--", linewidth=1)
    curves_on(area, look, curves, lambda x, y: f": {labels.number(y)} with {x:g}", LABEL_ROOM)


def remark(results: Iterable[Result]) -> str:
    """What this machine's processors can't show of threads; "" where their number is unknown."""
    known = {allowed for result in results if (allowed := processors(result)) is not None}
    if not known:
        return ""
    most = max(known)
    if most > TWO:
        return f"These runs had {most} processors. More threads than that say nothing of how the collector scales."
    return (
        f"These runs had {counted(most, 'processor')}. Compacting threads beside the collector's take turns with "
        "mutators. Such a machine can't show whether several threads compact faster, nor how they contend for locks."
    )


TWO = 2
