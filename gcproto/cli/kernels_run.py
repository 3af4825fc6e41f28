"""``gcproto kernels run``: the path lab's scenarios in other kernels."""

import sys
from typing import TYPE_CHECKING, Any

import click

from gcproto.cli.kernels_choice import chosen, download_bars, kernel_options
from gcproto.cli.output import result_options
from gcproto.errors import ExitCode, GcprotoError

if TYPE_CHECKING:
    from gcproto.kernels.catalog import Kernel
    from gcproto.kernels.cell import Cell
    from gcproto.kernels.fetch import LocalKernel
    from gcproto.kernels.matrix import Pool
    from gcproto.results.schema import Result


@click.command(name="run")
@kernel_options
@click.option("--set", "scenarios", type=click.Choice(["paths", "quick"]), default="paths", show_default=True)
@click.option("--boots", type=click.IntRange(1, 100), default=1, show_default=True, help="Boots of each kernel.")
@click.option("--rounds", type=click.IntRange(3, 1000), default=21, show_default=True, help="Of each scenario.")
@click.option("--wall-clock", is_flag=True, help="ns of an emulated machine instead of instructions: for factors only.")
@click.option("--jobs", type=click.IntRange(1, 256), help="Guests side by side [default: one for each processor].")
@click.option("--timeout", type=click.FloatRange(min=1), default=300.0, show_default=True, help="Seconds for a guest.")
@click.option("--memory-mib", type=click.IntRange(256), default=1024, show_default=True, help="Memory of a guest.")
@click.option("--dask", metavar="ADDRESS", help="Run on a Dask cluster instead of here.")
@click.option("--append", default="", metavar="WORDS", help="More words for the kernels' command line.")
@result_options
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Boot kernels in QEMU and measure the evacuation paths in each, in executed instructions per page.

    One result file for each boot.  A guest that panics, hangs or runs out of time is the result of that kernel; the
    others go on, and the exit code is 1.
    """
    from gcproto.kernels import cache, machine, programs
    from gcproto.kernels.cell import Cell
    from gcproto.results.store import prepare, save

    kernels = chosen(options)
    built = ""
    if not options["dask"]:
        machine.need()
        built = str(programs.build())
        kernels = [_fetched(kernel) for kernel in kernels]
    prepare(options["out"])
    guest = machine.Machine(
        icount=not options["wall_clock"],
        memory_mib=options["memory_mib"],
        timeout=options["timeout"],
        command_line=options["append"],
    )
    cells = [
        Cell(kernel, options["scenarios"], guest, boot, options["rounds"], programs=built, command=tuple(sys.argv[1:]))
        for boot in range(1, options["boots"] + 1)
        for kernel in kernels
    ]
    results: list[Result] = []

    def done(cell: "Cell", result: "Result") -> None:
        path = save(result, options["out"])
        results.append(result)
        assert result.guest
        why = f": {result.guest.why}" if result.guest.why else ""
        click.echo(
            f"[{len(results)}/{len(cells)}] {cell.release} boot {cell.boot}: {result.guest.outcome}{why} "
            f"({result.guest.seconds:.0f} s) {path}",
            err=True,
        )

    with cache.writing("the guests' files"):
        pool = _pool(options)
    interrupted, lost = False, []
    now = True
    try:
        from gcproto.kernels.matrix import run

        lost = run(cells, pool, done)
        now = False
    except KeyboardInterrupt:
        interrupted = True
    finally:
        pool.close(now=now)
    _show(results, options)
    for cell in lost:
        click.echo(f"gcproto: {cell.key}: its worker died each time; no result", err=True)
    if interrupted:
        click.echo(f"gcproto: interrupted; {len(results)} of {len(cells)} cells are kept in {options['out']}", err=True)
        ctx.exit(ExitCode.INTERRUPTED)
    bad = [one for one in results if _bad(one)]
    if bad or lost:
        click.echo(f"gcproto: {len(bad) + len(lost)} of {len(cells)} cells are not as they should be", err=True)
        ctx.exit(ExitCode.NO)


def _bad(result: "Result") -> bool:
    return not result.producer.complete or any(not one.valid for one in result.measurements)


def _fetched(kernel: "Kernel | LocalKernel") -> "Kernel | LocalKernel":
    """The kernel on this machine; one that can't be had stays as it is, and its cell will say why."""
    from gcproto.kernels.catalog import Kernel
    from gcproto.kernels.fetch import fetch

    if not isinstance(kernel, Kernel):
        return kernel
    try:
        with download_bars() as progress:
            fetch(kernel, progress)
    except GcprotoError as error:
        if error.code == ExitCode.WRITE:
            raise
    return kernel


def _pool(options: dict[str, Any]) -> "Pool":
    import os

    from gcproto.kernels.matrix import DaskPool, LocalPool

    if options["dask"]:
        return DaskPool(options["dask"])
    return LocalPool(options["jobs"] or len(os.sched_getaffinity(0)))


def _show(results: "list[Result]", options: dict[str, Any]) -> None:
    if options["as_json"]:
        import msgspec

        for result in results:
            click.echo(msgspec.json.encode(result).decode())
        return
    from gcproto.cli.terminal import console
    from gcproto.report.kernels import print_matrix

    print_matrix(results, console())
