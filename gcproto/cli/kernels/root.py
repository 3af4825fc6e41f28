"""``gcproto kernels root``: what the heap needs in guests of another architecture."""

from dataclasses import dataclass

import click

from gcproto.cli.kernels.platform import PlatformOptions, platform_options
from gcproto.cli.kit.options import takes
from gcproto.sizes import size_text


@dataclass(frozen=True, kw_only=True)
class Options(PlatformOptions):
    """Options of ``gcproto kernels root``."""


@click.command(name="root")
@platform_options
@takes(Options)
def command(_ctx: click.Context, options: Options) -> None:
    """Make a root file system for guests of another architecture: Debian's Python, the locked packages, gcproto.

    Guests mount it when they run the heap (kernels run --set heap --arch arm64).  It is kept in the cache and takes
    0.7 GB.  The collector is compiled for each page size, which takes minutes.  What is there is not made again.
    """
    from gcproto.kernels.guest import root
    from gcproto.kernels.run.heap import COMPILED_WORKLOADS

    architecture = options.architecture
    root.see_that_it_is_another(architecture)
    made = root.installed(architecture)
    click.echo(f"{architecture.name}: {made.folder}")
    wanted = options.page_bytes
    for page_size in architecture.page_sizes if wanted is None else (wanted,):
        folder = root.compiled(made, architecture, page_size, COMPILED_WORKLOADS)
        click.echo(f"compiled for pages of {size_text(page_size)}: {folder.name}")
