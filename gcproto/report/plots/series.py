"""Series over kernels as a picture in a file; the page has the same one."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gcproto.errors import ExitCode, GcprotoError
from gcproto.report.plots import kernels
from gcproto.results.series import Series
from gcproto.results.steps import Step


def see_that_it_can_be_drawn(path: Path) -> None:
    """Check that a file name ends like a picture and that its folder is writable.

    Raises:
        GcprotoError: it does not; nothing was drawn.

    """
    if path.suffix.lower() not in {".png", ".svg"}:
        raise GcprotoError(f"{path}: the plot is a .png or an .svg file", code=ExitCode.USAGE)
    folder = path.absolute().parent
    if not folder.is_dir():
        why = f"{folder} is not a folder"
    elif not os.access(path if path.exists() else folder, os.W_OK):
        why = "this user may not write it"
    else:
        return
    raise GcprotoError(f"{path} can't be written", why=why, remedy="choose another place", code=ExitCode.WRITE)


def plot(series: Series, found: Sequence[Step], notes: Sequence[str], path: Path) -> None:
    """Draw into a PNG or SVG file; the same for the same series.

    Args:
        series: to draw.
        found: its steps; those of the lines drawn are marked.
        notes: below the picture.
        path: its ending gives the format.

    Raises:
        GcprotoError: the ending is unknown, or the file can't be written.

    """
    see_that_it_can_be_drawn(path)
    replace(kernels.plot("history", series, found, []), notes=notes).save(path)
