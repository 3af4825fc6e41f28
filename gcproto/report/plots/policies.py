"""Evacuation policies: the cost of a page by policy, heap by heap."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gcproto.report import labels
from gcproto.report.plots.axes import axes, log_scale
from gcproto.report.plots.look import Look, clean, style_of
from gcproto.report.plots.plot import NARROW, WIDE, Plot
from gcproto.report.plots.samples import measurements_data
from gcproto.report.words.kinds import Policy, policies
from gcproto.report.words.ratios import usable
from gcproto.report.words.typical import points, typical
from gcproto.results import names
from gcproto.results.baseline import refused
from gcproto.results.schema import Result
from gcproto.results.series import page_size_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D

ROW = 34


def by_heap(result: Result, name: str) -> Plot | None:
    """A line for each heap, a marker for each policy; None without a heap to show."""
    page_size = page_size_of(result)
    heaps: dict[str, list[Policy]] = {}
    every = [one for one in policies(result.measurements) if usable(one.measured) and (one.measured.median or 0) > 0]
    for one in sorted(every, key=lambda one: -one.at.threads):
        heaps.setdefault(names.heap(one.at, page_size), []).append(one)
    if not heaps:
        return None
    unit = every[0].measured.unit
    text = f"Evacuating a heap, {unit} from flip to drain, by policy. " + " ".join(
        f"{heap}: " + ", ".join(f"{names.policy(one.at)} {_value(one)}" for one in ones) + "."
        for heap, ones in heaps.items()
    )
    high = ROW * len(heaps)
    return Plot(
        f"{name}-heaps",
        "Cost of a page by evacuation policy",
        text,
        lambda figure, look: _draw(figure, look, heaps, unit),
        measurements_data([one.measured for one in every], page_size),
        ((WIDE, 96 + high), (NARROW, 150 + high + 14 * len(heaps))),
        "A marker is a policy, with its 95 % interval; further left costs less. Two markers of one policy: its rounds "
        "fall into two modes. Grey cross: refused. Policies that choose the same do the same work.",
    )


def _value(one: Policy) -> str:
    return "refused" if refused(one.measured) else typical(one.measured)


def _draw(figure: "Figure | SubFigure", look: Look, heaps: dict[str, list[Policy]], unit: str) -> None:
    narrow = look.narrow
    area = axes(figure, look, 16 if narrow else 300, 44, 20, 100 if narrow else 46)
    area.grid(visible=False, axis="y")
    area.set_ylim(len(heaps) - 0.5, -0.5)
    area.set_yticks(range(len(heaps)), [] if narrow else [clean(heap, 42) for heap in heaps])
    every = [one for ones in heaps.values() for one in ones]
    values = [value for one in every for _, low, high, _ in points(one.measured) for value in (low, high) if value > 0]
    log_scale(area.xaxis, min(values), max(values), most=5 if narrow else 8)
    area.set_xlabel(f"{clean(unit)}, log scale", fontsize=11, color=look.colour("muted"))
    for at, (heap, ones) in enumerate(heaps.items()):
        area.axhline(at, color=look.colour("grid"), linewidth=0.8, zorder=0)
        if narrow:
            across = area.get_yaxis_transform()
            area.text(0, at - 0.38, clean(heap, 46), ha="left", va="center", fontsize=10.5, transform=across)
        for number, one in enumerate(ones):
            # Markers of one heap are drawn slightly above each other, because policies that chose the same cost the
            # same.
            _marker(area, look, at + 0.1 + (number - len(ones) / 2) * 0.05, heap, one)
    _legend(figure, look, list({names.policy(one.at): one for one in every}.values()))


def _marker(area: "Axes", look: Look, y: float, heap: str, one: Policy) -> None:
    role, marker, _ = style_of(one.at)
    colour = look.colour("plain" if refused(one.measured) else role)
    shape = "x" if refused(one.measured) else marker
    for middle, low, high, share in points(one.measured):
        area.plot([max(low, 1e-9), high], [y, y], color=colour, linewidth=2.5, alpha=0.5, zorder=1)
        (dot,) = area.plot(
            [middle], [y], marker=shape, markersize=7 * share**0.5, color=colour, linestyle="none", zorder=3
        )
        dot.set_gid(look.tell([f"{heap}, {names.policy(one.at)}: {_value(one)} {one.measured.unit}{_bounds(one)}"]))


def _bounds(one: Policy) -> str:
    return f" ({labels.bounds(one.measured.ci)})" if one.measured.ci else ""


def _legend(figure: "Figure | SubFigure", look: Look, shown: Sequence[Policy]) -> None:
    x, y = 8.0, look.height - 18.0
    for one in shown:
        role, marker, _ = style_of(one.at)
        name = clean(names.policy(one.at), 24)
        width = 22 + 7.2 * len(name)
        if x + width > look.width:
            x, y = 8.0, y - 20
        figure.add_artist(_dot(figure, look, x, y, role, marker))
        figure.text((x + 12) / look.width, y / look.height, name, va="center", fontsize=11)
        x += width + 8


def _dot(figure: "Figure | SubFigure", look: Look, x: float, y: float, role: str, marker: str) -> "Line2D":
    from matplotlib.lines import Line2D

    return Line2D(
        [x / look.width],
        [y / look.height],
        marker=marker,
        markersize=7,
        color=look.colour(role),
        linestyle="none",
        transform=figure.transSubfigure,
    )
