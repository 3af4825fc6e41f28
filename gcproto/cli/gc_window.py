"""``gcproto gc window``: the window after the flip, alone."""

from typing import Any

import click

from gcproto.cli.lists import words
from gcproto.cli.output import deliver, result_options
from gcproto.cli.progress import progress_bar
from gcproto.errors import ExitCode, GcprotoError


@click.command(name="window")
@click.option("--size", default="512m", show_default=True, help="Of each space.")
@click.option(
    "--mutators", type=click.IntRange(1, 64), default=2, show_default=True, help="Threads that touch to-space."
)
@click.option(
    "--runs", type=click.IntRange(1, 10000), default=7, show_default=True, help="Measured windows of each way."
)
@click.option(
    "--ways",
    metavar="LIST",
    help="copy, move, move-copy, move-group, move-regions, move-plain, copy-group, copy-no-states, move-no-states, "
    "copy-thread, move-thread.  [default: all but copy-group]",
)
@click.option(
    "--batch", type=click.IntRange(1, 1 << 18), default=512, show_default=True, help="Pages per collector ioctl."
)
@click.option(
    "--group", type=click.IntRange(1, 1 << 18), default=16, show_default=True, help="Pages that a fault may map."
)
@click.option(
    "--placement",
    default="unplaced",
    show_default=True,
    metavar="LIST",
    help="Of the collector: own (a processor without mutators), shared (one that runs a mutator as well), unplaced.  "
    "Each way is run in each; --pin stands for own.",
)
@click.option("--pin", is_flag=True, hidden=True, help="--placement own.")
@click.option("--seed", type=click.IntRange(0, 2**53), default=1, show_default=True, help="Of contents and orders.")
@result_options
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Stage from-space, then let mutators touch every page of to-space once while the collector sweeps it.

    Ways are interleaved: each one once in every round.  Shown are the mutators' time, the collector's, what a mutator's
    first touch of a page and the serving of a fault took, and who mapped how much.
    """
    from gcproto.collector.ways import ways
    from gcproto.collector.window import WindowOrder, default_ways, run
    from gcproto.host.environment import page_size
    from gcproto.results.store import prepare
    from gcproto.sizes import parse_size

    known = ways(options["batch"], options["group"])
    names = words(options["ways"])
    unknown = [name for name in names if name not in known]
    if unknown:
        raise GcprotoError(f"unknown way {unknown[0]!r}", why=f"known: {', '.join(known)}", code=ExitCode.USAGE)
    if len(set(names)) != len(names):
        raise GcprotoError("--ways names a way twice", why=", ".join(names), code=ExitCode.USAGE)
    try:
        pages = parse_size(options["size"]) // page_size()
    except ValueError as error:
        raise GcprotoError(str(error), code=ExitCode.USAGE) from error
    if not pages or pages >= 1 << 24:
        raise GcprotoError(f"--size {options['size']} is not between a page and 2^24 pages", code=ExitCode.USAGE)
    order = WindowOrder(
        ways=[known[name] for name in names] or default_ways(known),
        pages=pages,
        mutators=options["mutators"],
        runs=options["runs"],
        seed=options["seed"],
        placements=_placements(options),
    )
    prepare(options["out"])
    with progress_bar() as progress:
        result = run(order, progress)
    deliver(ctx, result, options)


def _placements(options: dict[str, Any]) -> tuple[Any, ...]:
    """What ``--placement`` and its short form ask for, refused where this machine has too few processors for it."""
    from gcproto.collector.placement import Placement, cpus_for

    context = click.get_current_context()
    if options["pin"]:
        if context.get_parameter_source("placement") is click.core.ParameterSource.COMMANDLINE:
            raise GcprotoError("--pin and --placement exclude each other", code=ExitCode.USAGE)
        names = [str(Placement.OWN)]
    else:
        names = words(options["placement"])
    known = [str(one) for one in Placement]
    unknown = [name for name in names if name not in known]
    if unknown or not names or len(set(names)) != len(names):
        what = f"unknown placement {unknown[0]!r}" if unknown else "--placement wants each word at most once, and one"
        raise GcprotoError(what, why=f"known: {', '.join(known)}", code=ExitCode.USAGE)
    found = tuple(Placement(name) for name in names)
    for one in found:
        cpus_for(one, options["mutators"])
    return found
