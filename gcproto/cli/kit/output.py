"""What commands that measure do with their result: keep it, print it, and end with its exit code."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import click

from gcproto.cli.kit.params import FilePath
from gcproto.counted import counted
from gcproto.errors import ExitCode
from gcproto.process import interrupts

if TYPE_CHECKING:
    from rich.console import Console

    from gcproto.results.schema import Result

F = TypeVar("F", bound=Callable[..., None])


@dataclass(frozen=True, kw_only=True)
class ResultOptions:
    """What `result_options` declares."""

    as_json: bool
    out: Path


def result_options(function: F) -> F:
    """The options ``--json`` and ``--out``."""
    return results_in(Path("results"))(function)


def results_in(folder: Path) -> Callable[[F], F]:
    """The same, with another default folder for results."""
    as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON instead of the table.")
    out = click.option(
        "--out",
        type=FilePath(file_okay=False),
        default=folder,
        show_default=True,
        help="Folder for the result file.",
    )
    return lambda function: as_json(out(function))


def echo_json(*documents: object) -> None:
    """Print each as a line of JSON."""
    import msgspec

    for one in documents:
        click.echo(msgspec.json.encode(one).decode())


def keep(result: "Result", folder: Path) -> Path:
    """Write a result into a folder; from then on a signal may end the command at once.

    Returns:
        The new file.

    """
    from gcproto.results.store import save

    path = save(result, folder)
    interrupts.allow()
    return path


def keep_part(result: "Result", folder: Path) -> None:
    """Write one of several results that a command needs, say where, and go on measuring.

    Args:
        result: what was measured.
        folder: for it.

    Raises:
        KeyboardInterrupt: a signal interrupted the run.

    """
    click.echo(f"result: {keep(result, folder)}", err=True)
    interrupts.resume()
    if not result.producer.complete:
        raise KeyboardInterrupt


def interrupted(ctx: click.Context, kept: str) -> NoReturn:
    """Say which signal ended a run and what was kept of it, and end the command.

    Args:
        ctx: of the command.
        kept: what was, in words.

    """
    number = interrupts.noted()
    click.echo(f"gcproto: interrupted by {number.name if number else 'SIGINT'}; {kept}", err=True)
    ctx.exit(interrupts.exit_code())


def deliver(
    ctx: click.Context,
    result: "Result",
    options: ResultOptions,
    *,
    wide: bool = False,
    also: "Callable[[Console], None] | None" = None,
) -> None:
    """Write a result into its folder, print it, and end the command.

    Exit code 1 means that a measurement has too many invalid rounds, 128 and a signal's number that it ended the run.

    Args:
        ctx: of the command.
        result: what was measured.
        options: of the command.
        wide: print one line for each scenario.
        also: prints what follows the tables; not called for JSON, which has the result alone.

    """
    path = keep(result, options.out)
    click.echo(f"result: {path}", err=True)
    if options.as_json:
        echo_json(result)
    else:
        from gcproto.cli.kit.terminal import console
        from gcproto.report.terminal.tables import print_result

        screen = console(wide=wide)
        print_result(result, screen, wide=wide)
        if also:
            also(screen)
    if not result.producer.complete:
        interrupted(ctx, "the result holds the rounds measured until then")
    if interrupts.noted():
        interrupted(ctx, "all rounds were measured before")
    bad = [measurement for measurement in result.measurements if not measurement.valid]
    if bad:
        many = counted(len(bad), "measurement is", "measurements are")
        click.echo(f"gcproto: {many} INVALID: too many rounds failed their proof", err=True)
        ctx.exit(ExitCode.NO)
