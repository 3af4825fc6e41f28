"""Profiles by function: where the instructions of a scenario are, and what two kernels differ in."""

from typing import TYPE_CHECKING

from gcproto.report import labels
from gcproto.report.plots.axes import axes
from gcproto.report.plots.look import Look, clean
from gcproto.report.plots.plot import NARROW, WIDE, Data, Plot
from gcproto.results import names
from gcproto.results.profiles.events import events
from gcproto.results.profiles.explain import Explanation, Profiled
from gcproto.results.profiles.misses import LEVELS, missing
from gcproto.results.schema import FunctionProfile
from gcproto.results.series import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

MOST = 24
"""Functions in a picture; the table has all."""
SHOWN = 0.95
"""Share of the instructions that the functions in a picture have, if they are not too many."""
ROW = 18
HEADS = ("function", "instructions/page", "share", "calls/page", "locked", "INVLPG or TLBI", "string iterations")
MISS_HEADS = ("function", "L1D misses/page", "L2 misses/page", "LLC misses/page")
DIFFERENCE_HEADS = ("function", "before", "after", "change", "calls before", "calls after")
INLINED = "What the compiler inlined counts for its caller."


def profile_rows(one: Profiled) -> list[list[str]]:
    """A row for each function, most instructions first; columns as in ``HEADS``."""
    whole = one.profile.instructions or 1.0
    return [
        [
            function.name,
            labels.number(function.instructions),
            f"{function.instructions / whole:.1%}",
            *(labels.number(value) for value in (function.calls, function.locked, function.invlpg, function.rep)),
        ]
        for function in one.profile.functions
    ]


def miss_rows(one: Profiled) -> list[list[str]]:
    """A row for each function that missed lines in the model of caches; columns as in ``MISS_HEADS``."""
    return [
        [function.name, *(labels.number(getattr(function, level)) for level in LEVELS)]
        for function in missing(one.profile, every=True)
    ]


def profile_plot(name: str, one: Profiled, page_size: int) -> Plot:
    """The functions of a scenario as bars.

    Args:
        name: of the picture.
        one: the profile.
        page_size: of the guest.

    """
    shown = _largest(one)
    scenario = names.scenario(one.scenario, page_size)
    found = events(one.profile)
    parts = ", ".join(f"{function.name} {labels.number(function.instructions)}" for function in shown[:8])
    text = (
        f"{scenario} on {short(one.release)}: {labels.number(found.instructions)} instructions a page, "
        f"{labels.number(found.rep)} of them iterations of string instructions. {parts}."
    )
    high = 60 + ROW * len(shown)
    return Plot(
        name,
        f"{scenario}, {short(one.release)}: instructions a page by function",
        text,
        lambda figure, look: _draw_profile(figure, look, shown),
        Data(HEADS, profile_rows(one)),
        ((WIDE, high), (NARROW, high)),
        f"The lighter end of a bar: iterations of string instructions. {INLINED}",
    )


def difference_plot(name: str, one: Explanation, before: str, after: str, page_size: int) -> Plot:
    """What two kernels differ in, as bars to the left (less) and to the right (more).

    Args:
        name: of the picture.
        one: the difference.
        before: release of the kernel that is compared with.
        after: of the other.
        page_size: of the guests.

    """
    scenario = names.scenario(one.scenario, page_size)
    parts = ", ".join(f"{function.name} {function.change:+.1f}" for function in one.functions[:8])
    high = 60 + ROW * min(MOST, len(one.functions))
    return Plot(
        name,
        f"{scenario}: {short(before)} to {short(after)} by function, {one.change:+.1f} instructions a page",
        f"{scenario}, {short(before)} to {short(after)}: {one.change:+.1f} instructions a page. {parts}.",
        lambda figure, look: _draw_difference(figure, look, one),
        Data(DIFFERENCE_HEADS, difference_rows(one)),
        ((WIDE, high), (NARROW, high)),
        f"To the right: more instructions in {short(after)}. {INLINED}",
    )


def difference_rows(one: Explanation) -> list[list[str]]:
    """A row for each function that changed; columns as in ``DIFFERENCE_HEADS``."""
    return [
        [
            function.name,
            labels.number(function.old),
            labels.number(function.new),
            f"{function.change:+.1f}",
            labels.number(function.old_calls),
            labels.number(function.new_calls),
        ]
        for function in one.functions
    ]


def _largest(one: Profiled) -> list[FunctionProfile]:
    so_far, found = 0.0, []
    for function in one.profile.functions[:MOST]:
        if so_far >= SHOWN * one.profile.instructions:
            break
        so_far += function.instructions
        found.append(function)
    return found


def _bars(figure: "Figure | SubFigure", look: Look, functions: list[str]) -> "Axes":
    """Axes with a row for each name, from top to bottom."""
    area = axes(figure, look, 150 if look.narrow else 300, 44, 20 if look.narrow else 90, 8)
    area.grid(visible=False, axis="y")
    area.set_ylim(len(functions) - 0.4, -0.6)
    longest = 20 if look.narrow else 40
    area.set_yticks(range(len(functions)), [clean(name, longest) for name in functions], fontsize=10)
    area.set_xlabel("instructions a page", fontsize=11, color=look.colour("muted"))
    return area


def _draw_profile(figure: "Figure | SubFigure", look: Look, shown: list[FunctionProfile]) -> None:
    area = _bars(figure, look, [one.name for one in shown])
    for at, one in enumerate(shown):
        plain = one.instructions - one.rep
        area.barh(at, plain, 0.7, color=look.colour("move"))
        area.barh(at, one.rep, 0.7, left=plain, color=look.colour("sky"), alpha=0.6)
        (dot,) = area.plot([one.instructions], [at], marker="|", color=look.colour("ink"), linestyle="none")
        calls = f"{labels.number(one.calls)} calls"
        dot.set_gid(look.tell([f"{one.name}: {labels.number(one.instructions)} instructions a page, {calls}"]))
    area.set_xlim(0, 1.08 * (max((one.instructions for one in shown), default=0.0) or 1.0))


def _draw_difference(figure: "Figure | SubFigure", look: Look, one: Explanation) -> None:
    shown = one.functions[:MOST]
    area = _bars(figure, look, [function.name for function in shown])
    area.axvline(0, color=look.colour("muted"), linewidth=0.8)
    for at, function in enumerate(shown):
        area.barh(at, function.change, 0.7, color=look.colour("bad" if function.change > 0 else "good"))
        (dot,) = area.plot([function.change], [at], marker="|", color=look.colour("ink"), linestyle="none")
        values = f"{labels.number(function.old)} to {labels.number(function.new)}"
        dot.set_gid(look.tell([f"{function.name}: {values}, {function.change:+.1f} instructions a page"]))
    widest = max((abs(function.change) for function in shown), default=0.0) or 1.0
    area.set_xlim(-1.1 * widest, 1.1 * widest)
