"""``gcproto bench``: the path lab on the running kernel."""

from typing import Any

import click

from gcproto.cli.lists import words
from gcproto.cli.output import deliver, result_options
from gcproto.cli.progress import progress_bar
from gcproto.errors import ExitCode, GcprotoError


def _words(_ctx: click.Context, _param: click.Parameter, value: str | None) -> list[str]:
    return words(value)


def _slowdown(_ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]) -> dict[str, int]:
    found = {}
    for text in value:
        arm, _, percent = text.partition("=")
        if not percent.isdigit():
            raise click.BadParameter(f"{text!r} is not ARM=PERCENT")
        found[arm] = int(percent) * 10
    return found


@click.command(name="bench")
@click.option("--quick", is_flag=True, help="The short grid: at most 45 s instead of 4 minutes.")
@click.option("--sources", callback=_words, metavar="LIST", help="small, thp, mthp-64k, zero, hole, forked-2m, ...")
@click.option("--arms", callback=_words, metavar="LIST", help="move, copy, split_move, mremap, move_swapin, ...")
@click.option("--granules", callback=_words, metavar="LIST", help="Per ioctl: 4k, 64k, folio, 2m, whole, ...")
@click.option("--alignment", type=click.Choice(["congruent", "skewed"]), multiple=True, help="Only this alignment.")
@click.option("--threads", type=click.Choice(["1", "2"]), multiple=True, help="Only with that many live threads.")
@click.option("--rounds", type=click.IntRange(3, 100000), help="Measured rounds [default: what fits the time].")
@click.option("--memory", metavar="SIZE", help="Bytes evacuated in a round, in whole PMDs (8m, 64m, 1g).")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True, help="Of the order of rounds.")
@click.option("--swap", is_flag=True, help="Add the scenarios that add and remove swap devices (root).")
@click.option("--force", is_flag=True, help="Also run what a known kernel bug makes unsafe here.")
@click.option("--wide", is_flag=True, help="The table with all figures.")
@result_options
@click.option(
    "--test-slowdown",
    callback=_slowdown,
    multiple=True,
    hidden=True,
    metavar="ARM=PERCENT",
    help="Draw an arm's timed work out by that much, to test comparisons.",
)
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Measure what it costs to evacuate a page by each path, on the running kernel.

    Every number is proven in the round it comes from.  The result is printed, and written to a file that
    `gcproto show` and `gcproto compare` read.  Exit code 1 means that a measurement has too many invalid rounds.
    """
    from gcproto.paths.bench import Order, run
    from gcproto.paths.grid import Choice
    from gcproto.results.store import prepare
    from gcproto.sizes import parse_size

    try:
        choice = Choice(
            sources=options["sources"],
            arms=options["arms"],
            granules=options["granules"],
            alignments=list(options["alignment"]),
            threads=[int(text) for text in options["threads"]],
            memory=parse_size(options["memory"]) if options["memory"] else None,
            quick=options["quick"],
            swap=options["swap"],
        )
        order = Order(choice, options["rounds"], options["seed"], options["test_slowdown"], options["force"])
        prepare(options["out"])
        with progress_bar() as progress:
            result = run(order, progress)
    except ValueError as error:
        raise GcprotoError(str(error), remedy="see gcproto bench --help", code=ExitCode.USAGE) from error
    deliver(ctx, result, options)
