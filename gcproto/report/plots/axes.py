"""Parts of all pictures: axes in pixels, logarithmic scales with round ticks, names at the ends of lines."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gcproto.report import labels
from gcproto.report.plots.look import Look, Style, clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure, SubFigure

LEAST, MOST = 1e-12, 1e21
"""Ends of the longest logarithmic axis."""
LINE = 15
"""Height of a line of text, pixels."""


def axes(figure: "Figure | SubFigure", look: Look, left: float, bottom: float, right: float, top: float) -> "Axes":
    """Axes with these margins, in pixels; a light grid, no frame."""
    width, height = look.width, look.height
    found = figure.add_axes((left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height))
    found.grid(visible=True, which="major", color=look.colour("grid"), linewidth=0.8)
    found.set_axisbelow(True)
    for side in ("top", "right", "left"):
        found.spines[side].set_visible(False)
    found.tick_params(length=0, pad=5)
    return found


def heading(figure: "Figure | SubFigure", look: Look, text: str, x: float = 2) -> None:
    """The name of the vertical axis, above it, so that no text is sideways."""
    figure.text(x / look.width, 1 - 4 / look.height, text, va="top", ha="left", fontsize=11, color=look.colour("muted"))


def ticks_between(low: float, high: float, most: int = 7) -> list[float]:
    """Round numbers for a logarithmic axis: 1, 2 and 5 of each decade, fewer if these are too many."""
    if not (0 < low <= high < math.inf):
        return []
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for subs in ((1, 2, 5), (1, 3), (1,)):
        found = [sub * 10.0**power for power in range(first, last + 1) for sub in subs]
        found = [one for one in found if low * 0.999 <= one <= high * 1.001]
        if len(found) <= most:
            return found
    step = math.ceil(len(found) / most)
    return found[::step]


def log_scale(
    axis: "Axis", low: float, high: float, *, most: int = 7, text: Callable[[float], str] | None = None
) -> None:
    """A logarithmic axis (``axes.xaxis`` or ``axes.yaxis``) from low to high with a little room.

    Args:
        axis: figure of the axis.
        low: of the values shown.
        high: likewise.
        most: ticks.
        text: a function from a tick to its text.

    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    # Damaged results hold numbers beyond any scale. The table shows them.
    low = min(max(low, LEAST), MOST)
    high = min(max(high, low), MOST)
    room = max((high / low) ** 0.06, 1.06)
    low, high = low / room, high * room
    horizontal = axis is axis.axes.xaxis
    (axis.axes.set_xscale if horizontal else axis.axes.set_yscale)("log")
    (axis.axes.set_xlim if horizontal else axis.axes.set_ylim)(low, high)
    axis.set_major_locator(FixedLocator(ticks_between(low, high, most)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _at: (text or short)(value)))


def short(value: float) -> str:
    """A tick: ``0.05``, ``2``, ``500``, ``20k``."""
    if value >= 1e6:
        return f"{value / 1e6:g}M"
    return f"{value / 1000:g}k" if value >= 10_000 else f"{value:g}"


def sizes_axis(axes_: "Axes", sizes: Sequence[int]) -> None:
    """A horizontal axis of bytes per call: logarithmic, with the usual names of sizes."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    axes_.set_xscale("log", base=2)
    room = max((max(sizes) / min(sizes)) ** 0.05, 1.2)
    axes_.set_xlim(min(sizes) / room, max(sizes) * room)
    shown = _apart([math.log2(size) for size in sizes], (axes_.bbox.width or 300) / 34)
    axes_.xaxis.set_major_locator(FixedLocator([sizes[at] for at in shown]))
    axes_.xaxis.set_major_formatter(FixedFormatter([labels.size(sizes[at]) for at in shown]))
    axes_.xaxis.set_minor_locator(NullLocator())


def _apart(places: Sequence[float], most: float) -> list[int]:
    """Those of ascending places that leave room for a text each, with the first and the last."""
    span = (places[-1] - places[0]) or 1.0
    least = span / most
    kept = [0]
    for at in range(1, len(places)):
        if places[at] - places[kept[-1]] >= least:
            kept.append(at)
    if kept[-1] != len(places) - 1:
        kept[-1 if len(kept) > 1 else 0 : len(kept)] = [len(places) - 1] if len(kept) > 1 else [0, len(places) - 1]
    return kept


@dataclass(frozen=True)
class Curve:
    """A line of a picture: its name, its style, its points from left to right."""

    name: str
    style: Style
    points: Sequence[tuple[float, float]]


def curves_on(
    area: "Axes", look: Look, curves: Sequence[Curve], tell: Callable[[float, float], str], room: float
) -> None:
    """Lines with markers that show their values, and names at their ends.

    Args:
        area: axes whose limits are set.
        look: of the picture.
        curves: each with a point at least.
        tell: text after the name when the pointer rests on a point.
        room: pixels to the right of the axes.

    """
    ends = []
    for one in curves:
        role, marker, line = one.style
        xs, ys = [x for x, _ in one.points], [y for _, y in one.points]
        area.plot(xs, ys, color=look.colour(role), linestyle=line, linewidth=2)
        (dots,) = area.plot(xs, ys, color=look.colour(role), marker=marker, markersize=5, linestyle="none")
        dots.set_gid(look.tell([f"{one.name}{tell(x, y)}" for x, y in one.points]))
        ends.append((xs[-1], ys[-1], one.name, role))
    end_labels(area, look, ends, room - 16)


def end_labels(axes_: "Axes", look: Look, ends: Sequence[tuple[float, float, str, str]], room: float) -> None:
    """Names beside the ends of lines, none above another, each led to its line.

    Args:
        axes_: whose limits are set.
        look: of the picture.
        ends: place and value where a line ends, its name, the role of its colour.
        room: pixels to the right of the axes.

    """
    transform = axes_.transData.transform
    height = axes_.bbox.height
    corner = (axes_.bbox.x0, axes_.bbox.y0)
    places = [(transform((x, y)) - corner, name, role) for x, y, name, role in _known(ends)]
    ordered = sorted(places, key=lambda one: float(one[0][1]))
    wanted = [float(place[1]) for place, _, _ in ordered]
    for (place, name, role), y in zip(ordered, spread(wanted, LINE, -8.0, height + 8.0), strict=True):
        axes_.annotate(
            clean(name, max(6, int(room / 6.7))),
            xy=(float(place[0]) / axes_.bbox.width, float(place[1]) / height),
            xytext=(1 + 14 / axes_.bbox.width, y / height),
            xycoords="axes fraction",
            textcoords="axes fraction",
            va="center",
            ha="left",
            fontsize=11,
            color=look.colour("ink"),
            arrowprops={"arrowstyle": "-", "color": look.colour(role), "linewidth": 0.9, "shrinkA": 1, "shrinkB": 4},
            annotation_clip=False,
        )


def _known(ends: Sequence[tuple[float, float, str, str]]) -> list[tuple[float, float, str, str]]:
    return [one for one in ends if math.isfinite(one[0]) and math.isfinite(one[1])]


def spread(wanted: Sequence[float], least: float, low: float, high: float) -> list[float]:
    """Ascending places, moved as little as possible to be ``least`` apart and, if they fit, between low and high."""
    groups: list[list[float]] = []  # each: sum of wished places of its first member, members
    for place in wanted:
        groups.append([place, 1])
        while len(groups) > 1 and _bottom(groups[-2]) + groups[-2][1] * least > _bottom(groups[-1]):
            total, members = groups.pop()
            before = groups[-1]
            before[0] += total - members * before[1] * least
            before[1] += members
    found = [_bottom(group) + at * least for group in groups for at in range(int(group[1]))]
    over = max(0.0, (found[-1] - high) if found else 0.0)
    found = [one - over for one in found]
    for at in range(len(found) - 2, -1, -1):
        found[at] = min(found[at], found[at + 1] - least)
    if found and found[0] < low and (len(found) - 1) * least <= high - low:
        found[0] = low
        for at in range(1, len(found)):
            found[at] = max(found[at], found[at - 1] + least)
    return found


def _bottom(group: Sequence[float]) -> float:
    return group[0] / group[1]
