"""A collection on a time line: concurrent phases, and pauses in which mutators are stopped."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from gcproto.report import labels
from gcproto.report.plots.axes import axes
from gcproto.report.plots.heap import collection_rows, measured, modes, suffix, where
from gcproto.report.plots.look import Look, clean
from gcproto.report.plots.plot import NARROW, WIDE, Data, Plot
from gcproto.results.schema import Collection, Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

PHASES = {
    "initialise": "plain",
    "cards": "tao",
    "mark": "sky",
    "prepare": "tao",
    "split": "copy",
    "compact": "move",
    "drain": "split",
    "promote": "sky",
    "release": "remap",
    "restore": "ink",
    "verify": "band",
}
AFTER = {"final marking": "mark", "flip": "prepare", "recovery": "drain", "verification": "release"}
"""A pause follows this phase; the flip follows splitting ahead, if any.  ``whole collection`` holds the phases."""

MS = 1e6


@dataclass(frozen=True)
class Part:
    """A stretch of a collection: ms since its beginning; a pause stops the mutators."""

    name: str
    start: float
    length: float
    pause: bool


def parts(one: Collection) -> list[Part]:
    """A collection's phases and pauses in their order, end to end; the gaps between them were not recorded."""
    found: list[Part] = []
    at = 0.0
    whole = next((pause for pause in one.pauses if pause.name == "whole collection"), None)
    waiting = [] if whole else list(one.pauses)
    after = AFTER | ({"flip": "split"} if one.phases.split else {})
    for name, length in one.phases.by_name().items():
        found.append(Part(name, at, length / MS, pause=False))
        at += length / MS
        for pause in [pause for pause in waiting if after.get(pause.name) == name]:
            waiting.remove(pause)
            found.append(Part(pause.name, at, (pause.stop_ns + pause.ns) / MS, pause=True))
            at += found[-1].length
    for pause in waiting:
        found.append(Part(pause.name, at, (pause.stop_ns + pause.ns) / MS, pause=True))
        at += found[-1].length
    if whole:
        found.append(Part(whole.name, 0.0, (whole.stop_ns + whole.ns) / MS, pause=True))
    return found


def length(one: Collection) -> float:
    """Duration of a collection, ms."""
    return max((part.start + part.length for part in parts(one)), default=0.0)


def timeline(result: Result, name: str, placement: str | None = None) -> Plot | None:
    """A collection of median length and the longest one of each mode; None if nothing was collected."""
    lines: list[tuple[str, str, Collection]] = []
    shown = modes(result, placement)
    for mode in shown:
        every = sorted((one for _, one in measured(mode.workload) if length(one) > 0), key=length)
        if every:
            lines.append((mode.name, "median", every[len(every) // 2]))
        if len(every) > 1:
            lines.append((mode.name, "longest", every[-1]))
    if not lines:
        return None
    names = sorted({part.name for _, _, one in lines for part in parts(one)}, key=_rank)
    rows = [
        (mode, which, str(one.number), labels.number(length(one)), *(_spent(one, part) for part in names))
        for mode, which, one in lines
    ]
    heads = ("mode", "which", "collection", "all ms", *(f"{part} ms" for part in names))
    text = "Phases of a collection, ms, one of median length and the longest of each mode. " + " ".join(
        f"{mode}, {which}: " + ", ".join(f"{part} {_spent(one, part)}" for part in names if _spent(one, part)) + "."
        for mode, which, one in lines
    )
    data = Data(heads, rows, *collection_rows(shown))
    rows_high = 24 * len(lines)
    sizes = ((WIDE, 92 + rows_high), (NARROW, 130 + rows_high))
    return Plot(
        f"{name}-phases{suffix(result, placement)}",
        f"Phases of a collection{where(result, placement)}",
        text,
        lambda figure, look: _draw(figure, look, lines),
        data,
        sizes,
        "Phases run beside the mutators. Hatched: the mutators are stopped. Phases are drawn end to end, because gaps "
        "between them are not recorded.",
    )


def _rank(name: str) -> tuple[bool, int]:
    return name not in PHASES, list(PHASES).index(name) if name in PHASES else 0


def _spent(one: Collection, name: str) -> str:
    total = sum(part.length for part in parts(one) if part.name == name)
    return labels.number(total) if total else ""


def _draw(figure: "Figure | SubFigure", look: Look, lines: Sequence[tuple[str, str, Collection]]) -> None:
    from matplotlib.patches import Rectangle

    narrow = look.narrow
    area = axes(figure, look, 122 if narrow else 140, 44, 16, 86 if narrow else 44)
    area.grid(visible=False, axis="y")
    area.set_xlim(0, max(length(one) for _, _, one in lines) * 1.02)
    area.set_ylim(len(lines) - 0.5, -0.5)
    area.set_yticks(range(len(lines)), [f"{clean(mode, 11)}, {which}" for mode, which, _ in lines])
    area.tick_params(axis="y", labelsize=11)
    area.set_xlabel("ms", fontsize=11, color=look.colour("muted"))
    used: dict[str, str] = {}
    for at, (_mode, _which, one) in enumerate(lines):
        for part in parts(one):
            if part.pause:
                patch = Rectangle(
                    (part.start, at - 0.4),
                    part.length,
                    0.8,
                    facecolor="none",
                    edgecolor=look.colour("ink"),
                    hatch="////",
                    linewidth=0.8,
                )
            else:
                colour = look.colour(PHASES.get(part.name, "plain"))
                patch = Rectangle((part.start, at - 0.3), part.length, 0.6, facecolor=colour, edgecolor="none")
                used.setdefault(part.name, colour)
            area.add_patch(patch)
    _legend(figure, look, [(name, used[name]) for name in sorted(used, key=_rank)])


def _legend(figure: "Figure | SubFigure", look: Look, names: Sequence[tuple[str, str]]) -> None:
    from matplotlib.patches import Rectangle

    x, y = 4.0, look.height - 20.0
    for whole, colour in [*names, ("mutators stand", "")]:
        name = clean(whole, 24)
        width = 24 + 7.4 * len(name)
        if x + width > look.width:
            x, y = 4.0, y - 22
        box = (x / look.width, y / look.height)
        shape = partial(
            Rectangle, box, 14 / look.width, 12 / look.height, linewidth=0.6, transform=figure.transSubfigure
        )
        hatched = partial(shape, facecolor="none", edgecolor=look.colour("ink"), hatch="////")
        figure.add_artist(shape(facecolor=colour) if colour else hatched())
        figure.text((x + 19) / look.width, (y + 6) / look.height, name, va="center", fontsize=11)
        x += width + 10
