"""Runs cells for a command: where, with what progress, and what becomes of it when a signal comes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

from gcproto.cli.kernels.choice import download_bars
from gcproto.cli.kit.cluster import ClusterOptions, cluster_options, run_jobs
from gcproto.cli.kit.output import ResultOptions, interrupted
from gcproto.cli.kit.params import Name, Whole
from gcproto.counted import counted
from gcproto.errors import ExitCode, GcprotoError
from gcproto.process import interrupts

if TYPE_CHECKING:
    from gcproto.jobs.pool import Job, Place, Pool
    from gcproto.kernels.architecture import Architecture
    from gcproto.kernels.get.catalog import Kernel
    from gcproto.kernels.get.fetch import LocalKernel
    from gcproto.kernels.run.cell import Cell
    from gcproto.results.schema import Result

F = TypeVar("F", bound=Callable[..., None])
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class MatrixOptions(ClusterOptions, ResultOptions):
    """What `matrix_options` declares, and where the results are kept."""

    jobs: int | None
    memory_mib: int
    append: str
    cpu: str | None


def _see_that_they_take_effect(_context: click.Context, _parameter: click.Parameter, words: str) -> str:
    """Refuse ``init=``: a kernel with an initramfs, as guests have, ignores it."""
    if any(word.startswith("init=") for word in words.split()):
        raise GcprotoError(
            "--append init= would have no effect",
            why="a guest starts rdinit=, which is in its initramfs",
            remedy="omit it, or give rdinit=",
            code=ExitCode.USAGE,
        )
    return words


def matrix_options(function: F) -> F:
    """``--jobs``, ``--memory-mib``, ``--append``, ``--cpu``, and those of `cluster_options`."""
    jobs = click.option(
        "--jobs", type=Whole(1, 256), help="Guests that run in parallel [default: one for each processor]."
    )
    memory = click.option(
        "--memory-mib", type=Whole(256, 1 << 20), default=1024, show_default=True, help="Memory of a guest."
    )
    dask = cluster_options("Run on a Dask cluster instead of here.")
    append = click.option(
        "--append",
        default="",
        metavar="WORDS",
        callback=_see_that_they_take_effect,
        help="More words for the kernels' command line.",
    )
    cpu = click.option(
        "--cpu",
        type=Name("processor"),
        metavar="MODEL",
        help="Processor of the guests, as QEMU names it; counts depend on it [default: one for each architecture].",
    )
    return jobs(memory(dask(append(cpu(function)))))


def ready(
    kernels: "Sequence[Kernel | LocalKernel]", options: MatrixOptions, architecture: "Architecture | None" = None
) -> str:
    """See that cells can be run and their results kept; fetch what is not here.

    Args:
        kernels: all of one architecture.
        options: of the command.
        architecture: of the kernels; None: x86-64.

    Returns:
        Folder of the guests' programs; "" on a cluster, whose workers build and fetch for themselves.

    """
    from gcproto.kernels.architecture import AMD64
    from gcproto.kernels.get.fetch import LocalKernel
    from gcproto.kernels.guest import machine, programs
    from gcproto.results.store import prepare

    row = architecture or AMD64
    for kernel in kernels:
        row.see_that_it_translates(options.cpu or "", kernel.page_size)
        if isinstance(kernel, LocalKernel):
            row.see_that_it_has_tags(options.cpu or "", kernel.configuration)
    prepare(options.out)
    if options.dask:
        return ""
    qemu = machine.need(row)
    for kernel in kernels:
        if isinstance(kernel, LocalKernel):
            row.see_that_tags_are_kept(kernel.configuration, qemu)
    built = str(programs.build(row))
    for kernel in kernels:
        _fetch(kernel)
    return built


def _fetch(kernel: "Kernel | LocalKernel") -> None:
    """Fetch a kernel. The cell of an unavailable one reports the reason."""
    from gcproto.kernels.get.catalog import Kernel
    from gcproto.kernels.get.fetch import fetch

    if not isinstance(kernel, Kernel):
        return
    try:
        with download_bars() as progress:
            fetch(kernel, progress)
    except GcprotoError as error:
        if error.code == ExitCode.WRITE:
            raise


def _pool(options: MatrixOptions) -> "Pool":
    import os

    from gcproto.jobs.cluster import DaskPool
    from gcproto.jobs.here import LocalPool
    from gcproto.kernels import cache

    if options.dask:
        return DaskPool(options.dask)
    with cache.writing("the guests' files"):
        return LocalPool(options.jobs or len(os.sched_getaffinity(0)))


def _see_that_they_can_be_merged(cells: "Sequence[Cell]", pool: "Pool") -> None:
    """See that no times are measured on several hosts: kernels would differ by their hosts.

    Raises:
        GcprotoError: they would be; the pool is closed.

    """
    from gcproto.kernels.run.cell import CHECK, STRESS

    hosts = sorted({one.host for one in pool.places()})
    timed = [cell for cell in cells if not cell.machine.icount and cell.scenarios not in {CHECK, STRESS}]
    if timed and len(hosts) > 1:
        pool.close(now=True)
        raise GcprotoError(
            f"times of {len(hosts)} hosts can't be merged",
            why=f"--wall-clock measures times, and this cluster has the hosts {', '.join(hosts)}",
            remedy="omit --wall-clock: instructions can be merged; or use a cluster of one host",
            code=ExitCode.USAGE,
        )


def run_cells(
    ctx: click.Context,
    cells: "list[Cell]",
    options: MatrixOptions,
    show: "Callable[[list[Result]], T]",
) -> T:
    """Run, keep each result as soon as it is there, and show all.

    Ends the command with its exit code unless every cell is as it should be.

    Args:
        ctx: of the command.
        cells: to run.
        options: of the command.
        show: prints the results, which are in the order in which they came.

    Returns:
        What `show` returned.

    """
    from gcproto.kernels.run.matrix import jobs_of
    from gcproto.results.facts import host_of, set_host
    from gcproto.results.store import save

    results: list[Result] = []
    by_key = {cell.key: cell for cell in cells}

    def done(job: "Job[Result]", result: "Result", place: "Place") -> None:
        if place.host:
            set_host(result, {"address": place.host})
        path = save(result, options.out)
        results.append(result)
        assert result.guest
        cell = by_key[job.key]
        why = f": {result.guest.why}" if result.guest.why else ""
        where = f" on {host_of(result)}" if place.host else ""
        click.echo(
            f"[{len(results)}/{len(cells)}] {cell.release} boot {cell.boot}: {result.guest.outcome}{why} "
            f"({result.guest.seconds:.0f} s{where}) {path}",
            err=True,
        )

    pool = _pool(options)
    if options.dask:
        _see_that_they_can_be_merged(cells, pool)
    ended = run_jobs(jobs_of(cells, cluster=options.dask is not None), pool, done, options.limit)
    shown = show(results)
    ended.tell_lost()
    if ended.cut or interrupts.noted():
        interrupted(ctx, f"kept in {options.out}: {len(results)} of {counted(len(cells), 'cell')}")
    bad = [one for one in results if not one.producer.complete or any(not made.valid for made in one.measurements)]
    if bad or ended.lost:
        many = f"{len(bad) + len(ended.lost)} of {counted(len(cells), 'cell')}"
        click.echo(f"gcproto: not as they should be: {many}", err=True)
        ctx.exit(ExitCode.NO)
    return shown
