"""Series over kernels as a picture in a file; the page has the same one."""

from collections.abc import Sequence
from pathlib import Path

from gcproto.errors import ExitCode, GcprotoError
from gcproto.report.plots import kernels
from gcproto.results.series import Series
from gcproto.results.steps import Step


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
    kernels.plot("history", series, found, []).save(path)
