"""``gcproto gc window``: the window after the flip, alone."""

from dataclasses import dataclass

import click

from gcproto.cli.gc.placements import OPTION, default_mutators, placements, say_if_crowded
from gcproto.cli.kit.options import refuse_without_effect, takes
from gcproto.cli.kit.output import ResultOptions, deliver, result_options
from gcproto.cli.kit.params import ROUNDS, SEED, Size, Whole, Words
from gcproto.cli.kit.progress import progress_bar
from gcproto.cli.kit.renamed import Renamed
from gcproto.errors import ExitCode, GcprotoError

MOST_PAGES = 1 << 24


def _ways() -> list[str]:
    from gcproto.experiments.window.ways import ways

    return list(ways())


@dataclass(frozen=True, kw_only=True)
class Options(ResultOptions):
    """Options of ``gcproto gc window``."""

    size: int
    mutators: int | None
    rounds: int
    ways: list[str] | None
    batch: int
    group: int
    placement: list[str] | None
    pin: bool
    seed: int


@click.command(name="window")
@click.option("--size", type=Size(), default="512m", show_default=True, help="Size of each space.")
@click.option(
    "--mutators",
    type=Whole(1, 64),
    help="Threads that touch to-space.  [default: one for each processor but the collector's]",
)
@click.option(
    "--rounds",
    "--runs",
    cls=Renamed,
    type=ROUNDS,
    default=7,
    show_default=True,
    help="Measured windows of each way.",
)
@click.option(
    "--ways",
    type=Words("way", _ways),
    help="Ways: copy, move, move-copy, move-group, move-regions, move-plain, copy-group, copy-no-states, "
    "move-no-states, copy-thread, move-thread.  [default: all but copy-group]",
)
@click.option("--batch", type=Whole(1, 1 << 18), default=512, show_default=True, help="Pages per collector ioctl.")
@click.option("--group", type=Whole(1, 1 << 18), default=16, show_default=True, help="Pages that a fault may map.")
@OPTION
@click.option("--pin", is_flag=True, hidden=True, help="--placement own.")
@click.option("--seed", type=SEED, default=1, show_default=True, help="Seed for contents and orders.")
@result_options
@takes(Options)
def command(ctx: click.Context, options: Options) -> None:
    """Stage from-space, then let mutators touch every page of to-space once while the collector sweeps it.

    Ways and placements are interleaved: each once in every round.  The table shows the time of the mutators and of the
    collector.  It also shows what a first touch of a page and the serving of a fault took, and which side mapped how
    many pages.
    """
    from gcproto.experiments.window.run import WindowParameters, default_ways, run
    from gcproto.experiments.window.ways import Handler, ways
    from gcproto.host.environment import page_size
    from gcproto.results.store import prepare

    if options.pin and options.placement:
        raise GcprotoError("--pin and --placement exclude each other", code=ExitCode.USAGE)
    mutators = options.mutators or default_mutators()
    known = ways(options.batch, options.group)
    wanted_ways = [known[name] for name in options.ways or ()] or default_ways(known)
    for parameter, others in (("batch", ways(options.batch + 1, options.group)), ("group", ways(options.batch, 0))):
        if all(others[way.name] == way for way in wanted_ways):
            refuse_without_effect((parameter,), "no way of --ways depends on it")
    pages, rest = divmod(options.size, page_size())
    if rest or not 0 < pages < MOST_PAGES:
        raise GcprotoError("--size is not a whole number of pages from 1 to 2^24", code=ExitCode.USAGE)
    wanted = WindowParameters(
        ways=wanted_ways,
        placements=placements(["own"] if options.pin else options.placement, [mutators], ("own", "shared")),
        pages=pages,
        batch=options.batch,
        group=options.group,
        mutators=mutators,
        rounds=options.rounds,
        seed=options.seed,
    )
    prepare(options.out)
    say_if_crowded(wanted.mutators, {way.handler is Handler.THREAD for way in wanted.ways})
    with progress_bar() as progress:
        result = run(wanted, progress)
    deliver(ctx, result, options)
