"""``gcproto gc grid``: modes of collecting in every cell of workload x mutators x placement x memory."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcproto.cli.gc.folios import FOLIOS
from gcproto.cli.gc.placements import OPTION, placements, say_if_crowded
from gcproto.cli.kit.options import takes
from gcproto.cli.kit.output import ResultOptions, deliver, result_options
from gcproto.cli.kit.params import PERCENT, ROUNDS, SEED, Factors, FilePath, Numbers, Size, Words, seconds
from gcproto.cli.kit.progress import progress_bar
from gcproto.errors import ExitCode, GcprotoError

if TYPE_CHECKING:
    from gcproto.results.schema import Result

OPERATIONS = {
    "trees": 30_000,
    "lru": 200_000,
    "graph": 800_000,
    "arrays": 3_000,
    "sparse": 10,
    "prefix": 40_000,
}
"""Steps that take some tenths of a second and several collections, with 16 MiB live."""


def _modes() -> list[str]:
    from gcproto.collector.modes import MODES

    return [name for name, mode in MODES.items() if mode.collects]


@dataclass(frozen=True, kw_only=True)
class Options(ResultOptions):
    """Options of ``gcproto gc grid``."""

    workloads: list[str]
    mutators: list[int]
    placement: list[str] | None
    memory: list[str]
    modes: list[str]
    live: int
    heap: list[float]
    rounds: int
    seed: int
    limit: float
    resume: Path | None
    fail_above: float | None


@click.command(name="grid")
@click.option(
    "--workloads",
    type=Words("workload", list(OPERATIONS)),
    default=",".join(OPERATIONS),
    show_default=True,
    help="What mutators do.",
)
@click.option("--mutators", type=Numbers(1, 32), default="1,2", show_default=True, help="Numbers of threads.")
@OPTION
@click.option(
    "--memory", type=FOLIOS, default="small,64k,2m", show_default=True, help="Folios of the heaps (needs root)."
)
@click.option(
    "--modes", type=Words("mode", _modes), default="copy,move,art,auto", show_default=True, help="Ways to collect."
)
@click.option("--live", type=Size(1 << 20), default="16m", show_default=True, help="Live set of all mutators together.")
@click.option("--heap", type=Factors(1, 1000), default="3x", show_default=True, help="Heap in multiples of it.")
@click.option("--rounds", type=ROUNDS, default=5, show_default=True, help="Measured rounds of a cell.")
@click.option("--seed", type=SEED, default=1, show_default=True, help="Seed for graphs and orders.")
@click.option(
    "--seconds", "limit", type=seconds(), default=900.0, show_default=True, help="Begin no other cell after so many."
)
@click.option(
    "--resume",
    type=FilePath(exists=True, dir_okay=False),
    help="Go on with the cells that are missing in this result of the same grid.",
)
@click.option(
    "--fail-above",
    type=PERCENT,
    help="Exit with 1 if auto is so much worse than the best fixed mode in any cell.  The test takes the mutator "
    "time and MMU10.",
)
@result_options
@takes(Options)
def command(ctx: click.Context, options: Options) -> None:
    """Compare modes of collecting in every cell of workload, mutators, placement and memory.

    Each cell is measured by itself, its modes interleaved.  The result is kept after each cell, and --resume goes on
    from there.  The first mode is measured twice in each cell: that is the noise, judged for each memory apart.
    """
    from gcproto.experiments.workloads.grid import GridParameters, run
    from gcproto.heap.folios import parse_memories
    from gcproto.host import probes
    from gcproto.results.store import load, prepare, save

    if options.fail_above is not None and ("auto" not in options.modes or len(options.modes) < 2):
        raise GcprotoError(
            "--fail-above compares auto with the others", why="--modes has no such two", code=ExitCode.USAGE
        )
    if len(options.heap) > 1:
        raise GcprotoError("a grid has heaps of one size", why="--heap has several", code=ExitCode.USAGE)
    probes.require_sigbus()
    probes.require_move("choose modes that don't use it (gcproto gc --modes copy,stw)")
    wanted = GridParameters(
        operations={name: OPERATIONS[name] for name in options.workloads},
        mutators=options.mutators,
        placements=placements(options.placement, options.mutators, ("own", "shared")),
        memories=parse_memories(options.memory),
        modes=options.modes,
        live_bytes=options.live,
        factor=options.heap[0],
        rounds=options.rounds,
        seed=options.seed,
        seconds=options.limit,
    )
    earlier = load(options.resume) if options.resume else None
    prepare(options.out)
    for mutators in wanted.mutators:
        say_if_crowded(mutators)
    with progress_bar() as progress:
        result = run(wanted, progress, earlier, lambda one: save(one, options.out))
    limit = (options.fail_above or 5.0) / 100
    deliver(ctx, result, options)
    if options.fail_above is not None:
        _see_that_auto_is_good(ctx, result, limit)


def _see_that_auto_is_good(ctx: click.Context, result: "Result", limit: float) -> None:
    from gcproto.results.heaps.cells import judged

    found, _ = judged(result.measurements, limit)
    bad = [one for one in found if one.objections]
    for one in bad:
        click.echo(f"gcproto: {one.cell.cell.text}: {'; '.join(one.objections)}", err=True)
    if result.skips:
        click.echo("gcproto: not all cells were measured, so the question is not answered for them", err=True)
    if bad or result.skips or not result.measurements:
        ctx.exit(ExitCode.NO)
