"""``gcproto export``: results for other tools."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcproto.cli.kit.params import FilePath, Once
from gcproto.counted import counted
from gcproto.errors import ExitCode, GcprotoError
from gcproto.process.outputs import see_that_outputs_are_new, write_whole

if TYPE_CHECKING:
    from gcproto.results.schema import Measurement, Result

FILE = FilePath(dir_okay=False)


@click.command(name="export")
@click.argument(
    "places",
    nargs=-1,
    type=FilePath(),
    metavar="[RESULT|FOLDER]...",
    callback=Once("place", Path.absolute),
)
@click.option(
    "--pytest-benchmark",
    "pytest_benchmark",
    type=FILE,
    metavar="FILE",
    help="Write a file for `pytest-benchmark compare`: times only.",
)
@click.option("--pyperf", type=FILE, metavar="FILE", help="Write a file for `pyperf show` and `pyperf compare_to`.")
@click.option("--csv", "table", type=FILE, metavar="FILE", help="Write every round, also warm-up and invalid rounds.")
@click.pass_context
def command(
    ctx: click.Context, places: tuple[Path, ...], pytest_benchmark: Path | None, pyperf: Path | None, table: Path | None
) -> None:
    """Write RESULTs, and the *.json of FOLDERs, for other tools.

    By default it reads the folder `results`.  To compare two runs in another tool, export each into its own file.  For
    KernelCI's database see `gcproto kernels export`.
    """
    from gcproto.results.gather import gather

    if not (pytest_benchmark or pyperf or table):
        raise GcprotoError(
            "no format was chosen",
            remedy="--pytest-benchmark FILE, --pyperf FILE, --csv FILE, or several",
            code=ExitCode.USAGE,
        )
    found = gather(places or [Path("results")])
    for one in found.refused:
        click.echo(f"gcproto: not used: {one.error}", err=True)
    outputs = [one for one in (pytest_benchmark, pyperf, table) if one]
    see_that_outputs_are_new(outputs, [path for path, _ in found.results])
    results = [result for _, result in found.results]
    if not results:
        raise GcprotoError("there is no result to export", remedy="`gcproto bench` makes one", code=ExitCode.USAGE)
    import json

    from gcproto.results.exports import pyperf as for_pyperf
    from gcproto.results.exports import pytest_benchmark as for_pytest
    from gcproto.results.exports import rows

    if pytest_benchmark:
        _left_out(results, for_pytest.usable, "pytest-benchmark")
        _write(pytest_benchmark, json.dumps(for_pytest.document(results), indent=1))
    if pyperf:
        _left_out(results, for_pyperf.usable, "pyperf")
        _write(pyperf, json.dumps(for_pyperf.document(results)))
    if table:
        _write(table, rows.document(results))
    if any(one.named for one in found.refused):
        ctx.exit(ExitCode.USAGE)


def _left_out(results: "list[Result]", usable: "Callable[[Measurement], bool]", tool: str) -> None:
    count = sum(not usable(one) for result in results for one in result.measurements)
    if count:
        click.echo(
            f"gcproto: omitted for {tool}: {counted(count, 'measurement')}, void or with no value that it can have "
            "(--csv has them)",
            err=True,
        )


def _write(path: Path, text: str) -> None:
    write_whole(path, text)
    click.echo(f"export: {path}", err=True)
