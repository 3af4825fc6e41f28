"""Series over kernel versions, steps marked; and what moving an mTHP does to it, kernel by kernel."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gcproto.report import labels
from gcproto.report.plots.axes import LINE, axes, end_labels, heading, log_scale, spread
from gcproto.report.plots.look import Look, clean
from gcproto.report.plots.plot import NARROW, WIDE, Data, Plot
from gcproto.results.exports.rows import HEADS as SAMPLES
from gcproto.results.exports.rows import sample_rows
from gcproto.results.schema import Result, Scenario
from gcproto.results.series import PMD, Series, is_path, release_of, short, version_key
from gcproto.results.steps import Step

SHOWN_STEP = 0.05
NARROW_STEP = 0.1
"""On a telephone there is room for the figures of these; the others have their rings."""

LINES: tuple[tuple[str, str, str, str, Callable[[Scenario], bool]], ...] = (
    ("copy, 2M a call", "copy", "o", "-", lambda one: is_path(one, "small", 0, "copy", PMD)),
    ("copy-then-discard", "discard", "s", "--", lambda one: is_path(one, "small", 0, "copy_discard", PMD)),
    ("move, 4K a call", "sky", "h", "-", lambda one: is_path(one, "small", 0, "move", 4096)),
    ("move, 2M a call", "move", "D", "-", lambda one: is_path(one, "small", 0, "move", PMD)),
    ("move, 64K mTHP", "split", "^", "--", lambda one: is_path(one, "mthp", 4, "move", PMD)),
    ("move, swapped", "tao", "P", "-.", lambda one: is_path(one, "swapped", 0, "move", PMD)),
    ("move, whole THP", "remap", "v", "-", lambda one: is_path(one, "thp", 9, "move", PMD)),
    ("canary", "plain", "x", ":", lambda one: one.arm == "canary"),
)


def version_labels(kernels: Sequence[str]) -> list[str]:
    """Versions without what distributions add, as long as they tell the kernels apart."""
    brief = [short(one).split("+")[0].split("-")[0] for one in kernels]
    return [one if brief.count(one) == 1 else short(kernel) for one, kernel in zip(brief, kernels, strict=True)]


def names_of(releases: Iterable[str]) -> dict[str, str]:
    """Short names of releases, with as much as tells them apart (a patched kernel from the stock one)."""
    ordered = sorted(set(releases), key=version_key)
    return dict(zip(ordered, version_labels(ordered), strict=True))


def plot(name: str, series: Series, found: Sequence[Step], results: Sequence[Result]) -> Plot:
    """A picture of a series.

    Args:
        name: of the picture.
        series: to draw.
        found: its steps.
        results: that it was built from, for the samples.

    """
    names = version_labels(series.kernels)
    heads = ("scenario", *names)
    rows = [
        (labels.scenario_text(scenario, 4096), *(_cell(series, scenario, kernel) for kernel in series.kernels))
        for scenario in series.cells
    ]
    said = [
        f"{title}: " + ", ".join(f"{labels.number(value)} in {names[at]}" for at, value in points) + "."
        for title, *_, points in _lines(series)
    ]
    said += [
        f"Step of {step.change:+.0%} to {short(step.after)}: {labels.scenario_text(step.scenario, 4096)}."
        for step in found
        if shown(step)
    ]
    samples = [row for result in results for row in sample_rows(result.measurements, release_of(result))]
    return Plot(
        name,
        "UFFDIO_MOVE and UFFDIO_COPY by kernel",
        f"{series.unit} by kernel. " + " ".join(said),
        lambda figure, look: _draw(figure, look, series, found),
        Data(heads, rows, SAMPLES, samples),
        ((WIDE, 470), (NARROW, 560)),
        f"Marked at the kernel that brought them: steps of {SHOWN_STEP:.0%} and more that have a known cause "
        "or go that far beyond "
        "the canary (a system call and a first touch, which have nothing to do with userfaultfd). All steps "
        "are in the table below.",
    )


def shown(step: Step) -> bool:
    """Whether a step is marked: of a line that is drawn, and beyond what the canary did or of a known cause."""
    beyond = bool(step.cause) or abs(step.change - (step.canary or 0.0)) >= SHOWN_STEP
    return beyond and abs(step.change) >= SHOWN_STEP and any(which(step.scenario) for *_, which in LINES)


def _cell(series: Series, scenario: Scenario, kernel: str) -> str:
    cell = series.cells[scenario].get(kernel)
    if cell is None:
        return "-"
    if cell.value is None:
        return "INVALID"
    return labels.number(cell.value) + (f" \N{PLUS-MINUS SIGN}{cell.spread / 2:.1%}" if cell.spread >= 0.001 else "")


def _lines(series: Series) -> list[tuple[str, str, str, str, Scenario, list[tuple[int, float]]]]:
    found = []
    for title, role, marker, line, which in LINES:
        for scenario in (one for one in series.cells if which(one)):
            values = [(at, series.value(scenario, kernel)) for at, kernel in enumerate(series.kernels)]
            points = [(at, value) for at, value in values if value]
            if points:
                found.append((title, role, marker, line, scenario, points))
    return found


def _draw(figure: Any, look: Look, series: Series, found: Sequence[Step]) -> None:
    narrow = look.narrow
    room = 134 if narrow else 176
    area = axes(figure, look, 40, 76 if narrow else 64, room, 30)
    heading(figure, look, f"{clean(series.unit)}, log scale")
    lines = _lines(series)
    names = version_labels(series.kernels)
    area.set_xlim(-0.4, max(0.6, len(names) - 0.6))
    area.set_xticks(
        range(len(names)),
        [clean(name, 14) for name in names],
        rotation=90 if narrow else 35,
        ha="center" if narrow else "right",
        rotation_mode="default" if narrow else "anchor",
    )
    area.tick_params(axis="x", labelsize=10.5)
    values = [value for *_, points in lines for _, value in points] or [1.0]
    log_scale(area.yaxis, min(values) / 1.15, max(values) * 1.15)
    place = {kernel: at for at, kernel in enumerate(series.kernels)}
    ends, marks = [], []
    for title, role, marker, line, scenario, points in lines:
        xs, ys = [x for x, _ in points], [y for _, y in points]
        area.plot(xs, ys, color=look.colour(role), linestyle=line, linewidth=2 if scenario.arm != "canary" else 1.2)
        (dots,) = area.plot(xs, ys, color=look.colour(role), marker=marker, markersize=6, linestyle="none")
        dots.set_gid(look.tell([f"{title}, {names[int(x)]}: {labels.number(y)} {series.unit}" for x, y in points]))
        ends.append((float(xs[-1]), ys[-1], title, role))
        marks += [(place[step.after], step, role) for step in found if step.scenario == scenario and shown(step)]
    end_labels(area, look, ends, room - 16)
    for x in {x for x, _, _ in marks}:
        _mark(area, look, x, [(step, role) for at, step, role in marks if at == x], narrow)


def _mark(area: Any, look: Look, x: int, steps: Sequence[tuple[Step, str]], narrow: bool) -> None:
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
