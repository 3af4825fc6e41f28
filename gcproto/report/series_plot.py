"""Series over kernels as a picture: instructions per page by path, steps marked."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gcproto.errors import ExitCode, GcprotoError
from gcproto.results.schema import Scenario
from gcproto.results.series import Series, short
from gcproto.results.steps import Step

PMD = 2 << 20

# Okabe and Ito's colours, which colour-blind people tell apart; markers and line styles say the same once more.
LINES: tuple[tuple[str, str, str, str, Callable[[Scenario], bool]], ...] = (
    ("copy, 2 MiB a call", "#000000", "o", "-", lambda one: _is(one, "small", 0, "copy", PMD)),
    ("move, 4 KiB a call", "#E69F00", "s", "-", lambda one: _is(one, "small", 0, "move", 4096)),
    ("move, 2 MiB a call", "#0072B2", "D", "-", lambda one: _is(one, "small", 0, "move", PMD)),
    ("move of 64 KiB mTHPs (split)", "#D55E00", "^", "--", lambda one: _is(one, "mthp", 4, "move", PMD)),
    ("move of swapped pages", "#009E73", "v", "--", lambda one: _is(one, "swapped", 0, "move", PMD)),
    ("move of whole THPs", "#CC79A7", "P", "-", lambda one: _is(one, "thp", 9, "move", PMD)),
    ("canary", "#56B4E9", "x", ":", lambda one: one.arm == "canary"),
)


def _is(one: Scenario, source: str, order: int, arm: str, granule: int) -> bool:
    named = (one.source, one.order, one.arm, one.granule_bytes) == (source, order, arm, granule)
    return named and one.alignment == "congruent" and one.threads == 1 and one.replica == 0


def plot(series: Series, found: Sequence[Step], path: Path) -> None:
    """Draw into a PNG or SVG file; the same for the same series.

    Args:
        series: to draw.
        found: its steps; those of the lines drawn are marked.
        path: whose ending says the format.

    Raises:
        GcprotoError: another ending, or the file can't be written.

    """
    if path.suffix.lower() not in {".png", ".svg"}:
        raise GcprotoError(f"{path}: the plot is a .png or an .svg file", code=ExitCode.USAGE)
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    with mpl.rc_context({"svg.hashsalt": "gcproto", "svg.fonttype": "none", "font.size": 10}):
        figure, axes = plt.subplots(figsize=(11, 6.2), layout="constrained")
        _draw(axes, series, found)
        metadata: dict[str, Any] = {"Date": None} if path.suffix.lower() == ".svg" else {"Software": None}
        try:
            figure.savefig(path, dpi=130, metadata=metadata)
        except OSError as error:
            raise GcprotoError(f"{path} can't be written", why=str(error.strerror), code=ExitCode.WRITE) from error
        finally:
            plt.close(figure)


def _draw(axes: Any, series: Series, found: Sequence[Step]) -> None:
    place = {kernel: number for number, kernel in enumerate(series.kernels)}
    for name, colour, marker, style, which in LINES:
        for scenario in (one for one in series.cells if which(one)):
            points = [(place[kernel], series.value(scenario, kernel)) for kernel in series.kernels]
            known = [(x, y) for x, y in points if y is not None]
            if not known:
                continue
            xs, ys = zip(*known, strict=True)
            axes.plot(xs, ys, color=colour, marker=marker, linestyle=style, label=name, markersize=6, linewidth=1.6)
            for step in (one for one in found if one.scenario == scenario and scenario.arm != "canary"):
                _mark(axes, step, place[step.after], colour)
    axes.set_yscale("log")
    axes.set_ylabel(f"{series.unit} (log scale)")
    axes.set_xticks(range(len(series.kernels)))
    axes.set_xticklabels([short(kernel) for kernel in series.kernels], rotation=30, ha="right")
    axes.set_xlim(-0.4, len(series.kernels) - 0.4)
    axes.grid(visible=True, which="major", axis="both", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.figure.legend(loc="outside right upper", frameon=False)
    axes.set_title("UFFDIO_MOVE and UFFDIO_COPY by kernel; steps beyond 5 % are marked", loc="left", fontsize=11)


def _mark(axes: Any, step: Step, x: int, colour: str) -> None:
    if abs(step.change) < 0.05:
        return
    text = f"{step.change:+.0%}"
    axes.annotate(
        text,
        (x, step.new),
        xytext=(0, -13 if step.change < 0 else 7),
        textcoords="offset points",
        ha="center",
        color=colour,
        fontsize=9,
        fontweight="bold",
    )
