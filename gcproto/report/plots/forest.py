"""Ratios with their intervals, one line each: left of the middle the first way is cheaper, right of it dearer."""

import math
from collections.abc import Sequence
from typing import Any

from gcproto.report import labels
from gcproto.report.claims import Claim
from gcproto.report.plots.axes import axes, log_scale
from gcproto.report.plots.look import Look, clean
from gcproto.report.plots.plot import NARROW, WIDE, Plot
from gcproto.report.plots.samples import claims_data

ROW_WIDE, ROW_NARROW = 30, 46


def plot(name: str, title: str, claims: Sequence[Claim], *, what: str, caption: str) -> Plot:
    """A picture of claims.

    Args:
        name: of the picture.
        title: likewise.
        claims: one at least.
        what: what is cheaper or dearer: ``move``, ``the mode``.
        caption: how to read it.

    """
    text = f"{title}. " + " ".join(f"{one.subject}: {in_words(one)}." for one in claims)
    sizes = ((WIDE, 66 + ROW_WIDE * len(claims)), (NARROW, 74 + ROW_NARROW * len(claims)))
    return Plot(
        name, title, text, lambda figure, look: _draw(figure, look, claims, what), claims_data(claims), sizes, caption
    )


def in_words(one: Claim) -> str:
    """``12.3x cheaper than copy (12.1-12.6, sure)``."""
    if not one.sure:
        said = (
            f"{one.arm} is {one.versus}, not sure" if one.few else f"{one.arm} and {one.other} show no sure difference"
        )
        return f"{said}: {one.why_not}"
    return f"{one.arm} is {one.factor} than {one.other} ({labels.bounds(one.times)}, sure)"


def _draw(figure: Any, look: Look, claims: Sequence[Claim], what: str) -> None:
    narrow = look.narrow
    margins = (14, 34, 14, 40) if narrow else (346, 36, 206, 30)
    found = axes(figure, look, *margins)
    found.grid(visible=False, axis="y")
    found.set_yticks([])
    values = [value for one in claims for value in (one.ratio.low, one.ratio.value, one.ratio.high) if value > 0]
    low, high = min([*values, 0.5]), max([*values, 2.0])
    _ratio_scale(found, low, high, 5 if narrow else 9)
    found.set_ylim(len(claims) - 0.5, -0.5)
    floor = max(one.floor for one in claims)
    found.axvspan(1 / (1 + floor), 1 + floor, color=look.colour("band"), linewidth=0, zorder=0)
    found.axvline(1, color=look.colour("muted"), linewidth=1.2, zorder=1)
    for at, one in enumerate(claims):
        _row(found, look, at + (0.22 if narrow else 0), one)
        _words(found, look, at, one, margins)
    ends = (
        (f"\N{LEFTWARDS ARROW} {what} cheaper", 1 / (1 + floor), "right"),
        (f"{what} dearer \N{RIGHTWARDS ARROW}", 1 + floor, "left"),
    )
    for text, x, align in ends:
        if narrow:
            side = 0 if align == "right" else 1
            found.text(
                side,
                1.0 + 10 / found.bbox.height,
                text,
                transform=found.transAxes,
                ha="right" if side else "left",
                fontsize=11,
                color=look.colour("muted"),
            )
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


def _role(one: Claim) -> str:
    return "plain" if not one.sure and not one.few else "good" if one.ratio.value < 1 else "bad"


def _row(found: Any, look: Look, y: float, one: Claim) -> None:
    colour = look.colour(_role(one))
    found.plot([max(one.ratio.low, 1e-9), one.ratio.high], [y, y], color=colour, linewidth=3, solid_capstyle="round")
    (dot,) = found.plot(
        [one.ratio.value],
        [y],
        marker="o",
        markersize=9,
        color=colour,
        markeredgecolor=colour,
        markeredgewidth=1.6,
        markerfacecolor=colour if one.sure else look.colour("paper"),
        linestyle="none",
        zorder=3,
    )
    dot.set_gid(look.tell([f"{one.subject}: {in_words(one)}"]))


def _words(found: Any, look: Look, at: int, one: Claim, margins: tuple[int, ...]) -> None:
    subject, versus = clean(one.subject, 44), f"vs {clean(one.other, 30)}"
    factor, bounds = one.factor + "?" * one.few, labels.bounds(one.times)
    width = found.bbox.width
    if look.narrow:
        up = at - 0.24
        paper = {"facecolor": look.colour("paper"), "edgecolor": "none", "pad": 1.5}  # lines end where words stand
        put: dict[str, Any] = {"transform": found.get_yaxis_transform(), "va": "center", "bbox": paper, "zorder": 4}
        found.text(
            0,
            up,
            clean(one.subject.replace(" a call", ""), 34),
            ha="left",
            fontsize=12,
            color=look.colour("ink"),
            **put,
        )
        found.text(1, up, factor, ha="right", fontsize=12, weight="bold" if one.sure else "normal", **put)
        return
    put = {"transform": found.get_yaxis_transform(), "va": "center"}
    found.text(-(margins[0] - 2) / width, at, subject, ha="left", fontsize=12.5, **put)
    found.text(-12 / width, at, versus, ha="right", fontsize=10.5, color=look.colour("muted"), **put)
    found.text(1 + 12 / width, at, factor, ha="left", fontsize=12.5, weight="bold" if one.sure else "normal", **put)
    found.text(1 + (margins[2] - 2) / width, at, bounds, ha="right", fontsize=10.5, color=look.colour("muted"), **put)


def _ratio_scale(area: Any, low: float, high: float, most: int) -> None:
    """A logarithmic axis with the same round numbers on both sides of 1."""
    from matplotlib.ticker import FixedFormatter, FixedLocator

    log_scale(area.xaxis, low, high)
    left, right = area.get_xlim()
    for steps in (
        (1.5, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000),
        (2, 5, 10, 30, 100, 300, 1000),
        (3, 10, 100, 1000),
        (10, 100, 1000),
        (30, 1000),
    ):
        ticks = (
            [1 / step for step in reversed(steps) if 1 / step >= left]
            + [1.0]
            + [step for step in steps if step <= right]
        )
        if len(ticks) <= most:
            break
    area.xaxis.set_major_locator(FixedLocator(ticks))
    area.xaxis.set_major_formatter(FixedFormatter([_tick(one) for one in ticks]))


def _tick(value: float) -> str:
    if math.isclose(value, 1):
        return "same"
    return f"{1 / value:.3g}x" if value < 1 else f"{value:.3g}x"
