"""What commands that measure do with their result: keep it, print it, and end with its exit code."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gcproto.errors import ExitCode

if TYPE_CHECKING:
    from gcproto.results.schema import Result

F = TypeVar("F", bound=Callable[..., Any])


def result_options(function: F) -> F:
    """The options ``--json`` and ``--out``."""
    as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON instead of the table.")
    out = click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path("results"),
        show_default=True,
        help="Folder for the result file.",
    )
    return as_json(out(function))


def echo_json(*documents: Any) -> None:
    """Print each as a line of JSON."""
    import msgspec

    for one in documents:
        click.echo(msgspec.json.encode(one).decode())


def deliver(ctx: click.Context, result: "Result", options: dict[str, Any]) -> None:
    """Write a result into its folder, print it, and end the command.

    Exit code 1 means that a measurement has too many invalid rounds, 130 that the run was interrupted.
    """
    from gcproto.results.store import save

    path = save(result, options["out"])
    if options["as_json"]:
        echo_json(result)
    else:
        from gcproto.cli.terminal import console
        from gcproto.report.tables import print_result

        wide = bool(options.get("wide"))
        print_result(result, console(wide=wide), wide=wide)
    click.echo(f"result: {path}", err=True)
    if not result.producer.complete:
        click.echo("gcproto: interrupted; the result holds the rounds measured until then", err=True)
        ctx.exit(ExitCode.INTERRUPTED)
    bad = [measurement for measurement in result.measurements if not measurement.valid]
    if bad:
        click.echo(f"gcproto: {len(bad)} measurements are INVALID: too many rounds failed their proof", err=True)
        ctx.exit(ExitCode.NO)
