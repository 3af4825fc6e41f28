"""Cells of the matrix as jobs, here or on the hosts of a cluster.

Instruction counts do not depend on other work on the host, so guests may run in parallel, and on any host.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from gcproto.errors import GcprotoError
from gcproto.host.identity import identity
from gcproto.jobs.pool import Job
from gcproto.kernels.get.catalog import Kernel
from gcproto.kernels.guest import machine, programs
from gcproto.kernels.run.cell import Cell, local, run_cell
from gcproto.results.facts import set_host
from gcproto.results.schema import Result


def jobs_of(cells: Sequence[Cell], *, cluster: bool) -> list[Job[Result]]:
    """A job for each cell.

    Args:
        cells: distinct.
        cluster: other hosts run them, each with its own cache and QEMU.

    """
    work = run_there if cluster else run_cell
    return [Job(cell.key, partial(work, cell)) for cell in cells]


def run_there(cell: Cell) -> Result:
    """Run a cell on a host of a cluster, which the result names.

    A host that lacks something refuses the cell. A result would blame the kernel, and such a host, which fails at once,
    would take all cells from the others.

    Raises:
        GcprotoError: there is no QEMU, no C compiler, no way to the archive, or no such file here.

    """
    machine.need(cell.machine.row)
    programs.build(cell.machine.row)
    if isinstance(cell.kernel, Kernel):
        local(cell.kernel)
    for file in () if isinstance(cell.kernel, Kernel) else (cell.kernel.vmlinuz, *cell.kernel.modules):
        if not Path(file).is_file():
            raise GcprotoError(
                f"there is no {file} here",
                why="the kernel was given by its path, or was built on another host",
                remedy="put it at the same path on each host, or on a shared file system",
            )
    result = run_cell(cell)
    set_host(result, identity())
    return result
