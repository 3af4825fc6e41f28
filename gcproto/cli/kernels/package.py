"""``gcproto kernels package``: kernels as Debian packages, for machines that measure time."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcproto.cli.kernels.build import (
    BuildOptions,
    build_progress,
    config_option,
    jobs_options,
    parameters,
    patch_options,
    source_options,
    told,
    usual_name,
)
from gcproto.cli.kernels.platform import platform_options
from gcproto.cli.kit.options import refuse_without_effect, takes
from gcproto.cli.kit.params import FilePath, Name, Once
from gcproto.counted import counted
from gcproto.errors import ExitCode, GcprotoError
from gcproto.sizes import mib_text

if TYPE_CHECKING:
    from gcproto.kernels.build.build import BuildParameters


@dataclass(frozen=True, kw_only=True)
class Options(BuildOptions):
    """Options of ``gcproto kernels package``."""

    names: tuple[str, ...]
    machine: Path | None
    out: Path


@click.command(name="package")
@click.argument("names", nargs=-1, callback=Once("kernel"), type=Name("kernel"), metavar="[NAME]...")
@source_options
@patch_options
@config_option(
    "machine (the default: a machine's own, with the modules it has loaded), distribution (Debian's, with all "
    "modules), or a fragment to merge over it.",
)
@click.option(
    "--machine",
    type=FilePath(exists=True, file_okay=False),
    metavar="FOLDER",
    help="Another machine than this: a folder with its /boot/config-RELEASE as config, its /proc/modules as modules.",
)
@jobs_options
@platform_options
@click.option("--name", type=Name("name"), help="Name of the patched kernel [default: patched-machine].")
@click.option(
    "--out",
    type=FilePath(file_okay=False),
    default="packages",
    show_default=True,
    help="Folder for the packages and the script.",
)
@takes(Options)
def command(_ctx: click.Context, options: Options) -> None:
    """Make Debian packages (linux-image) of a stock and a patched kernel, which boot a real machine.

    With --patch, both are built from one source, configuration and compiler.  NAME is a kernel that `kernels build`
    made, with the configuration machine or distribution: those of guests have no drivers.  The kernel's own `make
    bindeb-pkg` makes the package.

    The command prints what to run then.  A script beside the packages boots the machine alternately into both kernels
    and measures in each boot.  Installing a package needs root there, Secure Boot must be off, and the distribution's
    kernel stays installed.

    The exit code is 2 for a kernel that would boot no machine, 3 for a missing tool, 4 for a full disk.
    """
    from gcproto.kernels.build import boots
    from gcproto.kernels.build.package import package
    from gcproto.results.store import prepare

    orders = _orders(options)
    prepare(options.out.absolute())
    if modules := max(one.config.modules for one in orders):
        click.echo(f"gcproto: {counted(modules, 'module')} of the configuration are built as well", err=True)
    with build_progress() as progress:
        made = [package(one, options.out.absolute(), progress) for one in orders]
    for one in made:
        click.echo(f"gcproto: {told(one.kernel)}", err=True)
        click.echo(f"{one.file}: {mib_text(one.file.stat().st_size)}")
    click.echo(boots.steps(made, options.out))


def _orders(options: Options) -> "list[BuildParameters]":
    """The kernels to pack: those of the names, or stock and patched.

    Raises:
        GcprotoError: there is neither a name nor a patch, both, or a kernel that would boot no machine.

    """
    from gcproto.kernels.build import kconfig, package
    from gcproto.kernels.build.build import see_that_it_can_be_built
    from gcproto.kernels.build.patches import collect

    if options.names:
        unused = ("source", "patches", "configs", "machine", "name")
        refuse_without_effect(unused, "NAME is built as it was", "omit NAME, or give no other option")
        found = [_of_name(name, options) for name in options.names]
        package.see_that_they_differ([one.name for one in found])
        return found
    if not options.patches:
        raise GcprotoError(
            "there is no kernel to pack",
            remedy="give --patch for a stock and a patched kernel, or the names of kernels that were built here",
            code=ExitCode.USAGE,
        )
    words = options.configs
    if not words or words[0] not in kconfig.OURS:
        words = (kconfig.MACHINE, *words)
    row = options.architecture
    config = kconfig.chosen(words, row, options.page_bytes)
    package.see_that_it_boots(config, options.name or "patched")
    if options.machine and config.kind != kconfig.MACHINE:
        raise GcprotoError(
            "--machine has no effect here",
            why=f"the configuration is {config.kind}",
            remedy=f"omit it, or give --config {kconfig.MACHINE}",
            code=ExitCode.USAGE,
        )
    name = options.name or usual_name("patched", words, row)
    package.see_that_it_can_be_named(name)
    stock = usual_name("stock", words, row)
    package.see_that_they_differ((stock, name))
    collect(options.patches)  # before a source of 160 MiB is downloaded
    full = replace(options, configs=words)
    orders = [
        parameters(replace(full, patches=patches, name=called), machine=options.machine)
        for called, patches in ((stock, ()), (name, options.patches))
    ]
    for one in orders:  # before an hour is spent on the first kernel
        package.need_tools(one.architecture, one.config)
        see_that_it_can_be_built(one)
    return orders


def _of_name(name: str, options: Options) -> "BuildParameters":
    from gcproto.kernels.build import built, package

    found = built.find(name, options.arch, options.page_bytes)
    if found is None:
        known = ", ".join(one.release for one in built.all_built())
        raise GcprotoError(
            f"no kernel {name!r} was built here",
            why=f"there are: {known}" if known else "none was",
            remedy="give --patch for a stock and a patched kernel, or build it: gcproto kernels build --config machine",
            code=ExitCode.USAGE,
        )
    return package.of_catalog(found, options.compilers)
