"""``gcproto kernels stress``: is a kernel safe when everything happens at once?"""

import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import click

from gcproto.cli.kernels.check import check_guest
from gcproto.cli.kernels.choice import KernelOptions, chosen, kernel_options
from gcproto.cli.kernels.matrix import MatrixOptions, matrix_options, ready, run_cells
from gcproto.cli.kit.options import takes
from gcproto.cli.kit.output import echo_json, result_options
from gcproto.cli.kit.params import WEEK_MINUTES, Number, Whole
from gcproto.errors import ExitCode

if TYPE_CHECKING:
    from gcproto.results.schema import Result

MOST_SEED = 10**9
"""With --seeds it stays below the limit of the guest's program, 2^30."""


@dataclass(frozen=True, kw_only=True)
class Options(KernelOptions, MatrixOptions):
    """Options of ``gcproto kernels stress``."""

    minutes: float
    seeds: int
    first_seed: int
    sequences: bool


@click.command(name="stress")
@kernel_options
@click.option(
    "--minutes",
    type=Number(0.1, WEEK_MINUTES, "minutes"),
    default=5.0,
    show_default=True,
    help="Minutes for the guest of each seed.",
)
@click.option("--seeds", type=Whole(1, 1000), default=2, show_default=True, help="Number of seeds, each in a guest.")
@click.option("--first-seed", type=Whole(1, MOST_SEED), default=1, show_default=True, help="The first seed.")
@click.option("--sequences", is_flag=True, help="Only the random sequences of one thread, whose results are predicted.")
@matrix_options
@result_options
@takes(Options)
def command(ctx: click.Context, options: Options) -> None:
    """Move pages of all folio sizes back and forth, under readers, fork, pins, reclaim, swap, compaction, khugepaged.

    The stress checks contents, lost writes, lost pages, pinned pages, memory that is not freed, and the kernel's
    console.  Odd seeds swap to zram, even seeds to a loop device.  A kernel built with `--config debug` finds most.
    Where UFFDIO_MOVE spins on a held large folio (fixed in 7.3.4 and 6.12.118), only small folios are pinned, and the
    verdict says so.
    Disturbances that a kernel lacks (KSM, zswap, NUMA, memory failure) are named in the verdict.  The verdict `ebusy`
    says that an exclusive page stays busy, as in stock kernels.
    Of kernels with KCSAN (`--config kcsan`), the data races are named that only one kernel of the command has.
    The exit code is 1 if anything else was wrong.
    """
    from gcproto.kernels.run.cell import STRESS, Cell
    from gcproto.kernels.run.check import NODES
    from gcproto.kernels.run.stress import GRACE

    kernels = chosen(options)
    built = ready(kernels, options, options.architecture)
    seconds = round(options.minutes * 60)
    guest = check_guest(options, 2.0 * seconds + GRACE, options.arch, NODES)
    first = options.first_seed
    told_by = tuple(sys.argv[1:])
    cells = [
        Cell(
            kernel,
            STRESS,
            guest,
            boot=seed,
            seed=seed,
            seconds=seconds,
            programs=built,
            command=told_by,
            alone=options.sequences,
        )
        for seed in range(first, first + options.seeds)
        for kernel in kernels
    ]
    bad = run_cells(ctx, cells, options, partial(_show, as_json=options.as_json))
    if bad:
        ctx.exit(ExitCode.NO)


def _show(results: "list[Result]", *, as_json: bool) -> int:
    """Print what each guest found.

    Returns:
        The number of guests that found something, or have no verdict.

    """
    from gcproto.results import names
    from gcproto.results.series import release_of

    for result in results:
        if as_json:
            echo_json(result)
            continue
        for one in result.verdicts:
            seconds = f" ({one.seconds:.0f} s)" if one.seconds else ""
            click.echo(f"{release_of(result)} {names.short_subject(one)}: {one.verdict}{seconds}: {one.text}")
    for line in [] if as_json else _races(results):
        click.echo(line)
    harmless = ("fine", "ebusy")
    return sum(not one.verdicts or any(found.verdict not in harmless for found in one.verdicts) for one in results)


def _races(results: "list[Result]") -> list[str]:
    """Data races that some kernels have and others lack, if any kernel has some."""
    from gcproto.kernels.guest.console import races_in
    from gcproto.results.schema import Console
    from gcproto.results.series import release_of

    of: dict[str, set[str]] = {release_of(one): set() for one in results}
    for result in results:
        for one in result.verdicts:
            if isinstance(one.subject, Console):
                of[release_of(result)] |= races_in(one.text)
    if len(of) == 1 or not any(of.values()):
        return []
    lines = []
    for release, races in of.items():
        own = races.difference(*(others for name, others in of.items() if name != release))
        lines.append(f"{release}: data races that only it has: {', '.join(sorted(own)) or 'none'}")
    return lines
