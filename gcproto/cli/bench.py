"""``gcproto bench``: the path lab on the running kernel."""

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gcproto.errors import ExitCode, GcprotoError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gcproto.results.schema import Result


def _words(_ctx: click.Context, _param: click.Parameter, value: str | None) -> list[str]:
    return [word.strip() for word in value.split(",") if word.strip()] if value else []


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
@click.option("--arms", callback=_words, metavar="LIST", help="move, copy, split_move, mremap, ...")
@click.option("--granules", callback=_words, metavar="LIST", help="Per ioctl: 4k, 64k, folio, 2m, whole, ...")
@click.option("--alignment", type=click.Choice(["congruent", "skewed"]), multiple=True, help="Only this alignment.")
@click.option("--threads", type=click.Choice(["1", "2"]), multiple=True, help="Only with that many live threads.")
@click.option("--rounds", type=click.IntRange(3, 100000), help="Measured rounds [default: what fits the time].")
@click.option("--memory", metavar="SIZE", help="Bytes evacuated in a round, in whole PMDs (8m, 64m, 1g).")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True, help="Of the order of rounds.")
@click.option("--swap", is_flag=True, help="Add the scenarios that add and remove swap devices (root).")
@click.option("--force", is_flag=True, help="Also run what a known kernel bug makes unsafe here.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON instead of the table.")
@click.option("--wide", is_flag=True, help="The table with all figures.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("results"),
    show_default=True,
    help="Folder for the result file.",
)
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
    from gcproto.paths.grid import Choice, parse_size
    from gcproto.results.store import prepare, save

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
        with _progress_bar() as progress:
            result = run(order, progress)
    except ValueError as error:
        raise GcprotoError(str(error), remedy="see gcproto bench --help", code=ExitCode.USAGE) from error
    path = save(result, options["out"])
    _print(result, as_json=options["as_json"], wide=options["wide"])
    click.echo(f"result: {path}", err=True)
    ctx.exit(_exit_code(result))


@contextmanager
def _progress_bar() -> "Iterator[Callable[[int, int], None]]":
    """A bar on standard error while it is a terminal, else nothing."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("measuring"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rounds"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("measuring", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _print(result: "Result", *, as_json: bool, wide: bool) -> None:
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(result).decode())
        return
    from gcproto.cli.terminal import console
    from gcproto.report.tables import print_result

    print_result(result, console(wide=wide), wide=wide)


def _exit_code(result: "Result") -> int:
    if not result.producer.complete:
        click.echo("gcproto: interrupted; the result holds the rounds measured until then", err=True)
        return ExitCode.INTERRUPTED
    bad = [measurement for measurement in result.measurements if not measurement.valid]
    if bad:
        click.echo(f"gcproto: {len(bad)} measurements are INVALID: too many rounds failed their proof", err=True)
        return ExitCode.NO
    return ExitCode.OK
