"""``gcproto contract``: what UFFDIO_MOVE promises, checked on this kernel."""

from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from gcproto.cli.params import HOUR, Once, seconds
from gcproto.errors import ExitCode, GcprotoError

if TYPE_CHECKING:
    from gcproto.contract import Row, RowResult


@click.command(name="contract")
@click.argument("rows", nargs=-1, metavar="[ROW]...", callback=Once("row"))
@click.option("--list", "as_list", is_flag=True, help="List the rows, with what differs by kernel, and run none.")
@click.option("--swap", is_flag=True, help="Also the rows about swapped pages: adds and removes swap devices (root).")
@click.option(
    "--timeout", type=seconds(0.1, HOUR), default=10.0, show_default=True, help="Seconds before a row is killed."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines instead of KTAP.")
@click.pass_context
def command(
    ctx: click.Context, rows: tuple[str, ...], as_list: bool, swap: bool, timeout: float, as_json: bool
) -> None:
    """Check what UFFDIO_MOVE does on this kernel, row by row, and print KTAP.

    Each row is a sentence about the kernel and runs in a process of its own under a watchdog.  Root's run enables the
    folio sizes that rows need and puts them back.  Exit code 1 if a row is not as it says.
    """
    from gcproto import contract
    from gcproto.contract_run import run_rows

    chosen = _chosen(rows)
    if as_list:
        _list(chosen, as_json=as_json)
        return
    bad = 0
    # Closed here and now whatever happens: the settings are put back then.
    with closing(run_rows(chosen, swap=swap, timeout_ms=int(timeout * 1000))) as results:
        for number, result in enumerate(results, 1):
            if number == 1 and not as_json:  # not before the settings could be had
                click.echo(f"KTAP version 1\n1..{len(chosen)}")
            bad += not result.verdict.good
            click.echo(_json(result) if as_json else contract.ktap_lines(number, result), nl=as_json)
    if bad:
        click.echo(f"gcproto: {bad} of {len(chosen)} rows are not as they say", err=True)
        ctx.exit(ExitCode.NO)


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
        import msgspec

        from gcproto.results.documents import document

        for row in rows:
            click.echo(msgspec.json.encode(document("contract-rule", row)).decode())
        return
    width = max(len(row.name) for row in rows)
    for row in rows:
        click.echo(f"{row.name:{width}}  {row.rule}")
        if row.needs:
            click.echo(f"{'':{width}}  needs: {', '.join(row.needs)}")
        if row.kernels:
            click.echo(f"{'':{width}}  kernels: {row.kernels}")


def _json(result: "RowResult") -> str:
    import msgspec

    from gcproto.results.documents import document

    fields: dict[str, Any] = msgspec.to_builtins(result) | {"verdict": result.verdict.name.lower()}
    return msgspec.json.encode(document("contract-row", fields)).decode()
