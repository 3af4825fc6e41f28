"""Builds, boots and measures one state of a source."""

from pathlib import Path

import msgspec

from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels.bisect.search import Measured
from gcproto.kernels.build.build import BuildParameters, Progress, build
from gcproto.kernels.run.cell import Cell, run_cell
from gcproto.results.schema import Result
from gcproto.results.statistics import midmean
from gcproto.results.store import save


def measure(wanted: BuildParameters, cell: Cell, out: Path, progress: Progress) -> Measured:
    """Measure the one scenario of a cell on a kernel that is built now.

    Args:
        wanted: the kernel.
        cell: whose kernel it becomes; its asked scenario is measured.
        out: folder for the result.
        progress: is told of the build.

    Returns:
        The value, or why there is none: a kernel that does not build or boot is skipped.

    Raises:
        GcprotoError: a tool is missing, or the disk is full.

    """
    try:
        made = build(wanted, progress)
    except GcprotoError as error:
        if error.code != ExitCode.USAGE:  # of the source, or of a patch that does not apply
            raise
        return Measured(None, f"{error.what}: {error.why.splitlines()[0] if error.why else ''}")
    progress("booting", 0, 0)
    return judged(run_cell(msgspec.structs.replace(cell, kernel=made.local)), out)


def judged(result: Result, out: Path) -> Measured:
    """The value of a result of one scenario; the result is kept.

    Args:
        result: of the guest.
        out: folder for it.

    """
    path = str(save(result, out))
    valid = [one for one in result.measurements if one.valid and one.samples]
    if len(valid) == 1:
        return Measured(midmean(valid[0].samples), "", path)
    outcome = result.guest.outcome if result.guest else ""
    reasons = [skip.reason for skip in result.skips]
    why = result.guest.why if result.guest and result.guest.why else "; ".join(reasons) or "its rounds are invalid"
    return Measured(None, f"{outcome}: {why}", path)
