"""Ratios with their intervals, one line each: left of the middle the first way costs less, right of it more."""

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from gcproto.report import labels
from gcproto.report.plots.axes import axes, log_scale
from gcproto.report.plots.look import Look, clean
from gcproto.report.plots.plot import NARROW, WIDE, Plot
from gcproto.report.plots.samples import rows_data
from gcproto.report.words.ratios import Ratio, Refusal, Row, S, bounds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

ROW_WIDE, ROW_NARROW = 30, 46
SUBJECT, ARM = 72, 26
"""Limit of the characters of a line's words."""
CAPTION = (
    "Ratio to copy, with its 95 % interval, log scale. Filled: a difference. Hollow: no sure difference. "
    "Two markers: the rounds fall into two modes. Grey: refused. Grey band: the noise floor of the run."
)
SEVERAL = " Small dots: single runs; the large marker is their random-effects mean."


def plot(name: str, title: str, rows: Sequence[Row[S]], *, what: str, caption: str = "", arms: bool = True) -> Plot:
    """A picture of ratios.

    Args:
        name: of the picture.
        title: likewise.
        rows: one at least.
        what: the subject that costs less or more: ``move``, ``the mode``.
        caption: further explanation.
        arms: whether the arm is named beside the subject, and not in it.

    """
    text = f"{title}. " + " ".join(f"{one.subject}: {in_words(one)}." for one in rows)
    sizes = ((WIDE, 66 + ROW_WIDE * len(rows)), (NARROW, 74 + ROW_NARROW * len(rows)))
    many = SEVERAL if any(isinstance(one, Ratio) and one.members for one in rows) else ""
    said = f"{caption} {CAPTION}{many}".strip()
    return Plot(
        name, title, text, lambda figure, look: _draw(figure, look, rows, what, arms), rows_data(rows), sizes, said
    )


def in_words(one: Row[S]) -> str:
    """``move costs 0.082x copy (0.081-0.083, in this run)``."""
    if isinstance(one, Refusal):
        return f"{one.arm} is refused: {one.figures}"
    done = f"; {one.done}" if one.done else ""
    if not one.differs:
        return f"{one.arm} {one.versus}{one.within}, no sure difference: {one.why_not}{done}"
    interval = "" if one.two_valued else f"{bounds(one.value)}, "
    return f"{one.arm} {one.versus} ({interval}{one.standing.value.lower()}){done}"


def _points(one: Ratio[S]) -> list[tuple[float, float | None]]:
    """The drawn values: the ratio, or one for each mode."""
    return one.mode_ratios if one.two_valued else [(one.value.value, None)]


def _draw(figure: "Figure | SubFigure", look: Look, rows: Sequence[Row[S]], what: str, arms: bool) -> None:
    narrow = look.narrow
    margins = (14, 34, 14, 40) if narrow else (_left(rows, arms), 36, 196, 30)
    found = axes(figure, look, *margins)
    found.grid(visible=False, axis="y")
    found.set_yticks([])
    ratios = [one for one in rows if isinstance(one, Ratio)]
    values = [value for one in ratios for value in (one.value.low, one.value.value, one.value.high) if value > 0]
    values += [value for one in ratios for value, _ in _points(one) if value > 0]
    values += [member.ratio.value for one in ratios for member in one.members]
    low, high = min([*values, 0.5]), max([*values, 2.0])
    _ratio_scale(found, low, high, 5 if narrow else 8)
    found.set_ylim(len(rows) - 0.5, -0.5)
    floor = max((one.floor.value for one in ratios), default=0.0)
    found.axvspan(1 / (1 + floor), 1 + floor, color=look.colour("band"), linewidth=0, zorder=0)
    found.axvline(1, color=look.colour("muted"), linewidth=1.2, zorder=1)
    for at, one in enumerate(rows):
        if isinstance(one, Ratio):
            _row(found, look, at + (0.22 if narrow else 0), one)
        _words(found, look, at, one, margins, arms)
    _ends(found, look, what, floor)


def _left(rows: Sequence[Row[S]], arms: bool) -> int:
    """Room for the words of a wide picture, pixels."""
    subject = max(len(clean(one.subject, SUBJECT)) for one in rows)
    arm = max(len(clean(one.arm, ARM)) for one in rows) if arms else 0
    return min(560, 30 + round(6.4 * subject) + round(5.9 * arm))


def _ends(found: "Axes", look: Look, what: str, floor: float) -> None:
    ends = (
        (f"\N{LEFTWARDS ARROW} {what} costs less", 1 / (1 + floor), "right"),
        (f"{what} costs more \N{RIGHTWARDS ARROW}", 1 + floor, "left"),
    )
    for text, x, align in ends:
        if look.narrow:
            side = 0 if align == "right" else 1
            put = partial(found.text, transform=found.transAxes, ha="right" if side else "left", fontsize=11)
            put(side, 1.0 + 10 / found.bbox.height, text, color=look.colour("muted"))
            continue
        found.annotate(
            text,
            (x, 1),
            xycoords=("data", "axes fraction"),
            xytext=(-4 if align == "right" else 4, 7),
            textcoords="offset points",
            ha=align,
            va="bottom",
            fontsize=11,
            color=look.colour("muted"),
        )


def _role(one: Ratio[S]) -> str:
    return "plain" if not one.differs and not one.leans else "good" if one.value.value < 1 else "bad"


def _row(found: "Axes", look: Look, y: float, one: Ratio[S]) -> None:
    colour = look.colour(_role(one))
    value = one.value
    if not one.two_valued:
        found.plot([max(value.low, 1e-9), value.high], [y, y], color=colour, linewidth=3, solid_capstyle="round")
    if one.members:
        xs = [member.ratio.value for member in one.members]
        (small,) = found.plot(
            xs, [y] * len(xs), marker="o", markersize=4, color=look.colour("ink"), linestyle="none", zorder=4
        )
        small.set_gid(
            look.tell(
                [f"{one.subject}, run {member.run}: {labels.number(member.ratio.value)}x" for member in one.members]
            )
        )
    for ratio, share in _points(one):
        (dot,) = found.plot(
            [ratio],
            [y],
            marker="o" if share is None else "d",
            markersize=9 if share is None else 5 + 6 * math.sqrt(share),
            color=colour,
            markeredgecolor=colour,
            markeredgewidth=1.6,
            markerfacecolor=colour if one.differs else look.colour("paper"),
            linestyle="none",
            zorder=3,
        )
        in_mode = "" if share is None else f"; {labels.number(ratio)}x in {labels.share(share)} of the rounds"
        dot.set_gid(look.tell([f"{one.subject}: {in_words(one)}{in_mode}"]))


def _figures(one: Row[S]) -> tuple[str, str, bool]:
    """The ratio, its bounds, and whether it stands out."""
    if isinstance(one, Refusal):
        return "refused", "", False
    part = "" if one.part is None else f", {labels.share(one.part)} done"
    return (
        one.factor + "?" * one.leans,
        (part.removeprefix(", ") if one.two_valued else bounds(one.value) + part),
        one.differs,
    )


def _words(found: "Axes", look: Look, at: int, one: Row[S], margins: tuple[int, ...], arms: bool) -> None:
    factor, bounds, strong = _figures(one)
    arm = clean(one.arm, ARM)
    width = found.bbox.width
    weight = "bold" if strong else "normal"
    ink = look.colour("plain" if isinstance(one, Refusal) else "ink")
    if look.narrow:
        up = at - 0.24
        paper = {"facecolor": look.colour("paper"), "edgecolor": "none", "pad": 1.5}  # lines end where words begin
        put = partial(found.text, transform=found.get_yaxis_transform(), va="center", bbox=paper, zorder=4)
        room = int((width - 8 * len(factor)) / 6.1)
        text = clean(one.subject if one.arm == "move" or not arms else f"{one.subject}: {arm}", max(room, 12))
        put(0, up, text, ha="left", fontsize=10.5, color=ink)
        put(1, up, factor, ha="right", fontsize=11.5, weight=weight, color=ink)
        return
    put = partial(found.text, transform=found.get_yaxis_transform(), va="center")
    put(-(margins[0] - 2) / width, at, clean(one.subject, SUBJECT), ha="left", fontsize=11.5, color=ink)
    if arms:
        put(-12 / width, at, arm, ha="right", fontsize=10.5, color=look.colour("muted"))
    size = 12.5 if len(factor) < 12 else 10
    put(1 + 12 / width, at, factor, ha="left", fontsize=size, weight=weight, color=ink)
    if len(factor) < 12:
        right = 1 + (margins[2] - 2) / width
        put(right, at, bounds, ha="right", fontsize=10.5, color=look.colour("muted"))


ROOM = 40
"""Least distance of two ticks, pixels."""

TICKS: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...] = (
    (
        (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7),
        (1.5, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000),
    ),
    ((0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.5), (2, 5, 10, 30, 100, 300, 1000)),
    ((0.001, 0.01, 0.1, 0.5), (2, 10, 100, 1000)),
    ((0.001, 0.01, 0.1), (10, 100, 1000)),
    ((1e-9, 1e-6, 1e-3), (1e3, 1e6, 1e9)),
)
"""Round ratios below and above 1, many of them and few."""


def _ratio_scale(area: "Axes", low: float, high: float, most: int) -> None:
    """A logarithmic axis with round ratios on both sides of 1."""
    from matplotlib.ticker import FixedFormatter, FixedLocator

    log_scale(area.xaxis, low, high)
    left, right = area.get_xlim()
    ticks: list[float] = [1.0]
    for less, more_ in TICKS:
        ticks = [one for one in less if one >= left] + [1.0] + [one for one in more_ if one <= right]
        if len(ticks) <= most and _apart(ticks, area, right / left):
            break
    area.xaxis.set_major_locator(FixedLocator(ticks))
    area.xaxis.set_major_formatter(FixedFormatter([_tick(one) for one in ticks]))


def _apart(ticks: Sequence[float], area: "Axes", span: float) -> bool:
    """Whether there is room for the words of each tick."""
    per_pixel = math.log(span) / (area.bbox.width or 300)
    return all(math.log(b / a) >= ROOM * per_pixel for a, b in pairwise(ticks))


def _tick(value: float) -> str:
    return "copy" if math.isclose(value, 1) else f"{value:g}x"
