"""Series over kernel versions with their steps, and the effect of a move on an mTHP, kernel by kernel."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gcproto.report import labels
from gcproto.report.plots.axes import LINE, axes, end_labels, heading, log_scale, spread
from gcproto.report.plots.look import Look, Style, clean, style_of
from gcproto.report.plots.plot import NARROW, WIDE, Data, Plot
from gcproto.results import names
from gcproto.results.exports.rows import HEADS as SAMPLES
from gcproto.results.exports.rows import sample_rows
from gcproto.results.facts import UNKNOWN_PAGE_SIZE, brief
from gcproto.results.schema import (
    CONGRUENT,
    MEMORY,
    SHUFFLED,
    PathScenario,
    Result,
    Scenario,
    WindowScenario,
    WorkloadScenario,
)
from gcproto.results.series import Series, page_size_of, release_of, short, version_key
from gcproto.results.steps import Step
from gcproto.sizes import KIB, size

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

SHOWN_STEP = 0.05
NARROW_STEP = 0.1
"""The narrow picture has room for the figures of these steps. The others only have rings."""
NEAR = 64 * KIB
"""The size of the mTHP that is drawn, else the next above."""


@dataclass(frozen=True)
class Line:
    """A scenario that the picture draws: its title and its style."""

    title: str
    style: Style
    at: Scenario


def page_size_in(scenarios: Iterable[Scenario], results: Sequence[Result]) -> int:
    """Page size of the results; without results, the smallest granule, because kernels are asked for single pages."""
    if results:
        return page_size_of(results[0])
    return min((one.granule_bytes for one in scenarios if isinstance(one, PathScenario)), default=UNKNOWN_PAGE_SIZE)


def lines_of(scenarios: Iterable[Scenario], results: Sequence[Result]) -> list[Line]:
    """The drawn scenarios: moves and copies of single pages and whole page tables, mTHPs, THPs, modes and ways."""
    every = list(scenarios)
    page_size = page_size_in(every, results)
    paths = [one for one in every if isinstance(one, PathScenario) and _plain(one)]
    table = max((one.granule_bytes for one in paths if one.source == "small"), default=0)
    folios = {page_size << one.order for one in paths if one.source == "mthp"}
    near = min((one for one in folios if one >= NEAR), default=max(folios, default=0))
    found = [_path(one, page_size, table, near) for one in paths]
    others = [Line(names.arm(one), style_of(one), one) for one in every if _of_heap(one)]
    return [*(one for one in found if one), *others]


def _plain(one: PathScenario) -> bool:
    """Congruent, on one thread, in the caches, no twin."""
    usual = one.working_set != MEMORY and one.frames != SHUFFLED
    return usual and (one.alignment, one.threads, one.replica) == (CONGRUENT, 1, 0)


def _of_heap(one: Scenario) -> bool:
    match one:
        case WorkloadScenario() | WindowScenario():
            return not one.replica
        case _:
            return False


def _path(one: PathScenario, page_size: int, table: int, near: int) -> Line | None:
    """The line of a path; None if it is not drawn."""
    folio = page_size << one.order
    call = f"{size(one.granule_bytes)} a call"
    match one.source, one.arm:
        case "none", "canary":
            return Line("canary", style_of(one), one)
        case "small", "move" if one.granule_bytes == page_size < table:
            return Line(f"move, {call}", ("sky", "h", "-"), one)
        case "small", "move" | "copy" if one.granule_bytes == table:
            return Line(f"{one.arm}, {call}", style_of(one), one)
        case "small", "copy_discard" if one.granule_bytes == table:
            return Line(names.arm_in_words(one), style_of(one), one)
        case "mthp", "move" if one.granule_bytes == table and folio == near:
            return Line(f"move, {names.source(one, page_size)}", ("split", "^", "--"), one)
        case "swapped", "move" if one.granule_bytes == table and one.order == 0:
            return Line("move, swapped", ("tao", "P", "-."), one)
        case "thp", "move" if one.granule_bytes == table:
            return Line("move, whole THP", ("remap", "v", "-"), one)
        case _:
            return None


def version_labels(kernels: Sequence[str]) -> list[str]:
    """Versions without the additions of distributions, if they stay unique."""
    known = [brief(one) for one in kernels]
    return [one if known.count(one) == 1 else short(kernel) for one, kernel in zip(known, kernels, strict=True)]


def names_of(releases: Iterable[str]) -> dict[str, str]:
    """Short names of releases, long enough to be unique (a patched kernel and the stock one)."""
    ordered = sorted(set(releases), key=version_key)
    return dict(zip(ordered, version_labels(ordered), strict=True))


def plot(name: str, series: Series, found: Sequence[Step], results: Sequence[Result]) -> Plot:
    """A picture of a series.

    Args:
        name: of the picture.
        series: to draw.
        found: its steps.
        results: results that it was built from, for the samples.

    """
    known = version_labels(series.kernels)
    page_size = page_size_in(series.cells, results)
    lines = lines_of(series.cells, results)
    heads = ("scenario", *known)
    rows = [
        (names.scenario(scenario, page_size), *(_cell(series, scenario, kernel) for kernel in series.kernels))
        for scenario in series.cells
    ]
    said = [
        f"{line.title}: " + ", ".join(f"{labels.number(value)} in {known[at]}" for at, value in points) + "."
        for line, points in _drawn(series, lines)
    ]
    at = {line.at: line for line in lines}
    known_names = names_of(series.kernels)
    said += [
        f"Step of {step.change:+.0%} {between(step, known_names)}: {names.scenario(step.scenario, page_size)}."
        for step in found
        if shown(step, at)
    ]
    samples = [row for result in results for row in sample_rows(result.measurements, release_of(result))]
    return Plot(
        name,
        "UFFDIO_MOVE and UFFDIO_COPY by kernel",
        f"{series.unit} by kernel. " + " ".join(said),
        lambda figure, look: _draw(figure, look, series, found, lines),
        Data(heads, rows, SAMPLES, samples),
        ((WIDE, 470), (NARROW, 560)),
        f"Rings mark steps of {SHOWN_STEP:.0%} and more of the drawn lines, at the first measured kernel with them. "
        "A marked step has a known cause or exceeds the canary by that much. The canary is a system call and a first "
        "touch, which have nothing to do with userfaultfd. The table below has all steps.",
    )


def large(step: Step) -> bool:
    """Whether a step is large: it exceeds the canary's, or has a known cause."""
    beyond = bool(step.cause) or abs(step.change - (step.canary or 0.0)) >= SHOWN_STEP
    return beyond and abs(step.change) >= SHOWN_STEP


def shown(step: Step, lines: Mapping[Scenario, Line]) -> bool:
    """Whether a step is marked: it is large and its line is drawn."""
    return large(step) and step.scenario in lines


def between(step: Step, known: Mapping[str, str]) -> str:
    """``between 6.17.13 and 7.3.4``: kernels between the two were not measured, and may have the change.

    Args:
        step: step that is seen.
        known: names of kernels.

    """
    return f"between {known[step.before]} and {known[step.after]}"


def _cell(series: Series, scenario: Scenario, kernel: str) -> str:
    cell = series.cells[scenario].get(kernel)
    if cell is None:
        return "-"
    if cell.value is None:
        return "INVALID"
    return labels.number(cell.value) + (f" \N{PLUS-MINUS SIGN}{cell.spread / 2:.1%}" if cell.spread >= 0.001 else "")


def _drawn(series: Series, lines: Sequence[Line]) -> list[tuple[Line, list[tuple[int, float]]]]:
    """Lines with their points."""
    found = []
    for line in lines:
        values = [(at, series.value(line.at, kernel)) for at, kernel in enumerate(series.kernels)]
        points = [(at, value) for at, value in values if value]
        found += [(line, points)] if points else []
    return found


def _draw(
    figure: "Figure | SubFigure", look: Look, series: Series, found: Sequence[Step], lines: Sequence[Line]
) -> None:
    narrow = look.narrow
    room = 134 if narrow else 176
    area = axes(figure, look, 40, 76 if narrow else 64, room, 30)
    heading(figure, look, f"{clean(series.unit)}, log scale")
    drawn = _drawn(series, lines)
    known = version_labels(series.kernels)
    area.set_xlim(-0.4, max(0.6, len(known) - 0.6))
    area.set_xticks(
        range(len(known)),
        [clean(name, 14) for name in known],
        rotation=90 if narrow else 35,
        ha="center" if narrow else "right",
        rotation_mode="default" if narrow else "anchor",
    )
    area.tick_params(axis="x", labelsize=10.5)
    values = [value for _, points in drawn for _, value in points] or [1.0]
    log_scale(area.yaxis, min(values) / 1.15, max(values) * 1.15)
    place = {kernel: at for at, kernel in enumerate(series.kernels)}
    at_scenario = {line.at: line for line in lines}
    ends, marks = [], []
    for line, points in drawn:
        role, marker, dashes = line.style
        xs, ys = [x for x, _ in points], [y for _, y in points]
        canary = isinstance(line.at, PathScenario) and line.at.arm == "canary"
        area.plot(xs, ys, color=look.colour(role), linestyle=dashes, linewidth=1.2 if canary else 2)
        (dots,) = area.plot(xs, ys, color=look.colour(role), marker=marker, markersize=6, linestyle="none")
        told = [f"{line.title}, {known[int(x)]}: {labels.number(y)} {series.unit}" for x, y in points]
        dots.set_gid(look.tell(told))
        ends.append((float(xs[-1]), ys[-1], line.title, role))
        marks += [(place[one.after], one, role) for one in found if one.scenario == line.at and shown(one, at_scenario)]
    end_labels(area, look, ends, room - 16)
    for x in {x for x, _, _ in marks}:
        _mark(area, look, x, [(step, role) for at, step, role in marks if at == x], narrow)


def _mark(area: "Axes", look: Look, x: int, steps: Sequence[tuple[Step, str]], narrow: bool) -> None:
    """Rings around the steps of a kernel and their figures, none above another."""
    for step, role in steps:
        area.plot(
            [x],
            [step.new],
            marker="o",
            markersize=13,
            markerfacecolor="none",
            markeredgecolor=look.colour(role),
            markeredgewidth=1.4,
        )
    ordered = sorted(
        (one for one in steps if not narrow or abs(one[0].change) >= NARROW_STEP), key=lambda one: one[0].new
    )
    bottom, height = area.bbox.y0, area.bbox.height
    wanted = [
        area.transData.transform((x, step.new))[1] - bottom + (-16 if step.change < 0 else 16) for step, _ in ordered
    ]
    for (step, _), y in zip(ordered, spread(wanted, LINE, 0.0, height + 10.0), strict=True):
        area.text(
            x,
            y / height,
            f"{step.change:+.0%}",
            transform=area.get_xaxis_transform(),
            ha="center",
            va="center",
            fontsize=9.5 if narrow else 11,
            weight="bold",
            color=look.colour("ink"),
        )
