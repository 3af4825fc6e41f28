"""``gcproto kernels profile``: where the instructions of a scenario go, by function."""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcproto.cli.kernels.choice import KernelOptions, chosen
from gcproto.cli.kernels.matrix import MatrixOptions, matrix_options, ready, run_cells
from gcproto.cli.kernels.platform import PlatformOptions, platform_options
from gcproto.cli.kit.options import takes
from gcproto.cli.kit.output import echo_json, results_in
from gcproto.cli.kit.params import GUEST_ROUNDS, FilePath, Name, Once, Size, refuse_twice, seconds
from gcproto.errors import ExitCode
from gcproto.sizes import KIB, MIB

if TYPE_CHECKING:
    from gcproto.results.schema import Cache, Result


@dataclass(frozen=True, kw_only=True)
class Options(MatrixOptions, PlatformOptions):
    """Options of ``gcproto kernels profile``."""

    version: str
    scenarios: tuple[str, ...]
    touch: bool
    cache: bool
    cache_geometry: str | None
    every: bool
    rounds: int
    size: int
    modules: Path | None
    timeout: float


@click.command(name="profile")
@click.argument("version", type=Name("kernel"), metavar="VERSION|VMLINUZ")
@click.argument(
    "scenarios", nargs=-1, required=True, type=Name("scenario"), metavar="SCENARIO...", callback=Once("scenario")
)
@click.option(
    "--touch",
    is_flag=True,
    help="A second thread touches memory on a second processor: count interrupts between the two (IPIs).",
)
@click.option(
    "--cache",
    is_flag=True,
    help="Also count what loads and stores miss in a model of caches: a model, not your machine.",
)
@click.option(
    "--cache-geometry",
    type=Name("geometry"),
    metavar="L1D,L2,LLC",
    help="With --cache: the caches, each as SIZE:WAYS [default: 32k:8,1m:8,32m:16].",
)
@click.option("--every", is_flag=True, help="Show every function, not only those that make up 95 %.")
@click.option("--rounds", type=GUEST_ROUNDS, default=11, show_default=True, help="Measured rounds of each scenario.")
@click.option("--size", type=Size(64 * KIB, 256 * MIB), default="2m", show_default=True, help="Memory of a round.")
@click.option("--modules", type=FilePath(file_okay=False), help="Modules of a kernel that is named by a path.")
@click.option("--timeout", type=seconds(), default=300.0, show_default=True, help="Seconds for the guest.")
@platform_options
@matrix_options
@results_in(Path("results/profiles"))
@takes(Options)
def command(ctx: click.Context, options: Options) -> None:
    """Boot a kernel and show the functions that execute the instructions of scenarios.

    A scenario is SOURCE ARM GRANULE, in quotes: 'small move 2m', 'mthp-64k move 2m', 'small copy 4k', 'small move 2m
    skewed', 'canary'.  What the compiler inlined counts for its caller.  Results have a folder of their own: a scenario
    that runs alone may differ by a few instructions from one that runs among others.

    With --cache, --size 128m shows what misses when the work does not fit into the caches.

    Instructions are no time: on one machine COPY took 10.6x as long as MOVE, at 13.8x the instructions.
    """
    from gcproto.kernels.guest import machine
    from gcproto.kernels.guest.asked import ASKED, parse
    from gcproto.kernels.run.cell import Cell

    caches = _caches(options)
    if options.touch and options.architecture.cross:
        raise click.UsageError(f"--touch counts IPIs, and {options.arch} flushes other processors' TLBs without them")
    named = KernelOptions(
        versions=(options.version,),
        everything=False,
        default=False,
        modules=options.modules,
        arch=options.arch,
        page_size=options.page_size,
    )
    (kernel,) = chosen(named)
    asked = {words: parse(words, kernel.page_size) for words in options.scenarios}
    refuse_twice(options.scenarios, "scenario", None, ctx, key=asked.__getitem__)
    built = ready([kernel], options, options.architecture)
    guest = machine.Machine(
        # Under -icount the processors take turns, and an IPI waits for the next turn: 6 ms of spinning for each.
        icount=not options.touch,
        cpus=2 if options.touch else 1,
        memory_mib=options.memory_mib,
        timeout=options.timeout,
        command_line=options.append,
        architecture=options.arch,
        cpu=options.cpu or "",
    )
    cell = Cell(
        kernel,
        ASKED,
        guest,
        rounds=options.rounds,
        programs=built,
        command=tuple(sys.argv[1:]),
        profile=True,
        caches=caches,
        pages=_pages(options.size, kernel.page_size),
        asked=tuple(asked.values()),
        touch=options.touch,
    )
    show = partial(_show, as_json=options.as_json, every=options.every)
    if not run_cells(ctx, [cell], options, show):
        click.echo("gcproto: nothing was profiled", err=True)
        ctx.exit(ExitCode.UNABLE)


def _caches(options: Options) -> "tuple[Cache, ...]":
    """The model that was asked for.

    Raises:
        UsageError: the options do not go together.
        GcprotoError: the geometry is not one of three caches.

    """
    from gcproto.kernels.profile.caches import DEFAULT, parse

    if not options.cache:
        if options.cache_geometry is not None:
            raise click.UsageError("--cache-geometry needs --cache")
        return ()
    if options.touch:
        raise click.UsageError("--cache has one processor, and --touch needs two: give one of them")
    return DEFAULT if options.cache_geometry is None else parse(options.cache_geometry)


def _pages(size: int, page_size: int) -> int:
    """Base pages of a round.

    Raises:
        UsageError: they are no whole number.

    """
    pages, left = divmod(size, page_size)
    if left:
        raise click.UsageError(f"--size: {size} is not a multiple of the guest's pages, {page_size} bytes")
    return pages


def _show(results: "list[Result]", *, as_json: bool, every: bool) -> bool:
    """Print the profiles; whether there are any."""
    from gcproto.results.profiles.explain import profiled

    if as_json:
        echo_json(*results)
    else:
        from gcproto.cli.kit.terminal import console
        from gcproto.report.terminal.caches import print_caches
        from gcproto.report.terminal.configurations import print_builds
        from gcproto.report.terminal.functions import print_events, print_profiles

        print_profiles(results, console(), every=every)
        print_caches(results, console(), every=every)
        print_events(results, console())
        print_builds(results, console())
    for skip in (skip for result in results for skip in result.skips):
        click.echo(f"gcproto: skipped: {skip.what}: {skip.reason}", err=True)
    return any(profiled(result) for result in results)
