"""``gcproto contract``: what UFFDIO_MOVE promises, checked on this kernel."""

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import click

from gcproto.errors import ExitCode, GcprotoError

if TYPE_CHECKING:
    from collections.abc import Generator

    from gcproto.contract import Row, RowResult
    from gcproto.host.settings import Settings

SWAP_BYTES = 256 << 20


@click.command(name="contract")
@click.argument("rows", nargs=-1, metavar="[ROW]...")
@click.option("--list", "as_list", is_flag=True, help="List the rows, with what differs by kernel, and run none.")
@click.option("--swap", is_flag=True, help="Also the rows about swapped pages: adds and removes swap devices (root).")
@click.option(
    "--timeout", type=click.FloatRange(min=0.1), default=10.0, show_default=True, help="Seconds before a row is killed."
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

    chosen = _chosen(rows)
    if as_list:
        _list(chosen, as_json=as_json)
        return
    bad = 0
    # Closed here and now whatever happens: the settings are put back then.
    with closing(_run(chosen, swap=swap, timeout_ms=int(timeout * 1000))) as results:
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

        for row in rows:
            click.echo(msgspec.json.encode(row).decode())
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

    document: dict[str, Any] = msgspec.to_builtins(result)
    document["verdict"] = result.verdict.name.lower()
    return msgspec.json.encode(document).decode()


def _run(rows: "list[Row]", *, swap: bool, timeout_ms: int) -> "Generator[RowResult]":
    """Run rows in their order, each with the settings that it needs as far as they can be had."""
    from gcproto import contract
    from gcproto.host.settings import SettingRefused, Settings

    with Settings() as settings, ExitStack() as stack:
        if swap and not settings.may_change():
            raise SettingRefused(
                "--swap adds and removes swap devices", why="this user is not root", remedy="run it as root"
            )
        if settings.may_change():
            _enable_folios(settings)
        device = ""
        for row in rows:
            wanted = next((word for word in ("zram", "loop") if word in row.needs), "") if swap else ""
            if wanted != device:
                stack.close()
                device = wanted
                if wanted:
                    make = settings.swap_zram if wanted == "zram" else settings.swap_loop
                    stack.enter_context(make(SWAP_BYTES))
            yield contract.run_row(row.index, timeout_ms)


def _enable_folios(settings: "Settings") -> None:
    """One mTHP and the THP: sources are made in ranges that only one of them fits."""
    from gcproto.paths.grid import mid_order
    from gcproto.paths.names import machine

    here = machine()
    settings.quiet_khugepaged()
    settings.folios_exactly({mid_order(here), here.pmd_order} & set(here.anon_orders))
