"""``gcproto kernels fetch``: kernels of Debian's archive into the cache."""

from dataclasses import dataclass

import click

from gcproto.cli.kernels.choice import KernelOptions, chosen, download_bars, kernel_options
from gcproto.cli.kit.options import takes
from gcproto.counted import counted
from gcproto.errors import ExitCode, GcprotoError


@dataclass(frozen=True, kw_only=True)
class Options(KernelOptions):
    """Options of ``gcproto kernels fetch``."""

    drop_packages: bool


@click.command(name="fetch")
@kernel_options
@click.option("--drop-packages", is_flag=True, help="Delete the packages after unpacking.")
@takes(Options)
def command(ctx: click.Context, options: Options) -> None:
    """Download kernels, check them against the lock's SHA256, and unpack vmlinuz and the modules that guests need.

    Kernels that are on this machine are not fetched again.  If a kernel is unavailable, the others are still fetched,
    and the exit code is 3.
    """
    from gcproto.kernels.get.catalog import Kernel
    from gcproto.kernels.get.fetch import fetch

    failed = 0
    for kernel in chosen(options):
        if not isinstance(kernel, Kernel):
            click.echo(f"{kernel.release}: {kernel.vmlinuz}, {counted(len(kernel.modules), 'module')}")
            continue
        try:
            with download_bars() as progress:
                found = fetch(kernel, progress, keep_packages=not options.drop_packages)
        except GcprotoError as error:
            if error.code == ExitCode.WRITE:
                raise
            failed += 1
            click.echo(f"gcproto: {error}", err=True)
            continue
        modules = (
            counted(len(found.modules), "module") if found.modules else "no modules in the archive: no swap in guests"
        )
        click.echo(f"{kernel.release}: {found.vmlinuz}, {modules}")
    if failed:
        ctx.exit(ExitCode.UNABLE)
