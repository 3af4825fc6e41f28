"""``gcproto contract``: what UFFDIO_MOVE promises, checked on this kernel."""

from contextlib import closing
from typing import TYPE_CHECKING

import click

from gcproto.cli.kit.output import echo_json
from gcproto.cli.kit.params import HOUR, Once, seconds
from gcproto.counted import counted
from gcproto.errors import ExitCode, GcprotoError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gcproto.contract import Row, RowResult
    from gcproto.results.schema import ContractExperiment


@click.command(name="contract")
@click.argument("rows", nargs=-1, metavar="[ROW]...", callback=Once("row"))
@click.option(
    "--list", "as_list", is_flag=True, help="List the rows and their differences between kernels, and run no row."
)
@click.option(
    "--swap", is_flag=True, help="Also run the rows about swapped pages: adds and removes swap devices (root)."
)
@click.option(
    "--timeout", type=seconds(0.1, HOUR), default=10.0, show_default=True, help="Seconds before a row is killed."
)
@click.option("--json", "as_json", is_flag=True, help="Print a result (gcproto.result/2) instead of KTAP.")
@click.pass_context
def command(
    ctx: click.Context, rows: tuple[str, ...], as_list: bool, swap: bool, timeout: float, as_json: bool
) -> None:
    """Check what UFFDIO_MOVE does on this kernel, row by row, and print KTAP.

    Each row is a sentence about the kernel.  It runs in a process of its own under a watchdog.  As root, the command
    enables the folio sizes that rows need and puts them back.  The exit code is 1 if a row does not hold.
    """
    chosen = _chosen(rows)
    if as_list:
        _list(chosen, as_json=as_json)
        return
    from gcproto.contract.run import run_rows

    # Closed here and now whatever happens: the settings are put back then.
    with closing(run_rows(chosen, swap=swap, timeout_ms=int(timeout * 1000))) as results:
        if as_json:
            from gcproto.results.schema import ContractExperiment

            bad = _print_result(results, ContractExperiment(swap, list(rows)))
        else:
            bad = _print_ktap(results, len(chosen))
    if bad:
        click.echo(f"gcproto: not as they say: {bad} of {counted(len(chosen), 'row')}", err=True)
        ctx.exit(ExitCode.NO)


def _print_ktap(results: "Iterable[RowResult]", count: int) -> int:
    """Print each row as soon as it has run; how many are not as they say."""
    from gcproto import contract

    bad = 0
    for number, result in enumerate(results, 1):
        if number == 1:  # not before the settings could be had
            click.echo(f"KTAP version 1\n1..{count}")
        bad += not result.verdict.good
        click.echo(contract.ktap_lines(number, result), nl=False)
    return bad


def _print_result(results: "Iterable[RowResult]", experiment: "ContractExperiment") -> int:
    """Print all rows as a result, also those that ran until a signal came; how many are not as they say."""
    from gcproto.contract.run import document
    from gcproto.record import Record

    record = Record()
    found: list[RowResult] = []
    try:
        found.extend(results)
    except KeyboardInterrupt:
        echo_json(document(record, found, experiment, complete=False))
        raise
    echo_json(document(record, found, experiment, complete=True))
    return sum(not one.verdict.good for one in found)


def _chosen(names: tuple[str, ...]) -> "list[Row]":
    from gcproto import contract

    if not names:
        return contract.rows()
    try:
        return [contract.find(name) for name in names]
    except KeyError as error:
        raise GcprotoError(
            f"there is no row {error.args[0]!r}", remedy="gcproto contract --list", code=ExitCode.USAGE
        ) from error


def _list(rows: "list[Row]", *, as_json: bool) -> None:
    if as_json:
        from gcproto.results.documents import document as with_schema

        echo_json(with_schema("contract-rows", {"rows": rows}))
        return
    width = max(len(row.name) for row in rows)
    for row in rows:
        click.echo(f"{row.name:{width}}  {row.rule}")
        if row.needs:
            click.echo(f"{'':{width}}  needs: {', '.join(row.needs)}")
        if row.kernels:
            click.echo(f"{'':{width}}  kernels: {row.kernels}")
