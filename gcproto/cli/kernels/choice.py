"""Which kernels a command is about: by version, by path, all, the default matrix."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from gcproto.cli.kernels.platform import PlatformOptions, platform_options, see_that_they_are_alike
from gcproto.cli.kit.params import FilePath, Name
from gcproto.errors import ExitCode, GcprotoError
from gcproto.sizes import size

if TYPE_CHECKING:
    from rich.progress import TaskID

    from gcproto.kernels.get.catalog import Catalog, Kernel
    from gcproto.kernels.get.fetch import LocalKernel, Progress

F = TypeVar("F", bound=Callable[..., None])


@dataclass(frozen=True, kw_only=True)
class KernelOptions(PlatformOptions):
    """What `kernel_options` declares."""

    versions: tuple[str, ...]
    everything: bool
    default: bool
    modules: Path | None


def kernel_options(function: F) -> F:
    """VERSION..., ``--all``, ``--default``, ``--modules``, and those of `platform_options`."""
    versions = click.argument("versions", nargs=-1, type=Name("kernel"), metavar="[VERSION|VMLINUZ]...")
    everything = click.option("--all", "everything", is_flag=True, help="All kernels on this machine.")
    default = click.option(
        "--default", "default", is_flag=True, help="The default matrix: the newest of each branch from 6.1 on."
    )
    folder = click.option(
        "--modules",
        type=FilePath(file_okay=False),
        help="Modules of the kernels that are named by a path.",
    )
    return versions(platform_options(everything(default(folder(function)))))


def catalog() -> "Catalog":
    """The lock file, and what the archive said last."""
    from gcproto.kernels.get.seen import catalog as known

    return known()


def chosen(options: KernelOptions) -> "list[Kernel | LocalKernel]":
    """Kernels of the options, each once; a kernel that was built here goes by its name or its release.

    Raises:
        GcprotoError: a version is unknown, a path is not a kernel, or nothing was chosen.

    """
    from gcproto.kernels.build import built
    from gcproto.kernels.get.fetch import from_path, here

    known = catalog()
    row, pages = options.architecture, options.page_bytes
    found: dict[str, Kernel | LocalKernel] = {}
    by_path = False
    for text in options.versions:
        one: Kernel | LocalKernel
        if made := built.find(text, row.name, pages):
            one = made.local
        elif "/" in text or Path(text).is_file():
            one = from_path(Path(text), options.modules)
            by_path = True
            if pages not in (None, one.page_size):
                raise GcprotoError(
                    f"{text} has pages of {size(one.page_size)}, not of {size(pages or 0)}",
                    remedy="omit --page-size",
                    code=ExitCode.USAGE,
                )
        else:
            one = known.find(text, row, pages)
        if one.release in found:
            raise GcprotoError(f"kernel {one.release} is named twice", why=f"{text!r} is it", code=ExitCode.USAGE)
        found[one.release] = one
    if options.modules is not None and not by_path:
        raise GcprotoError(
            "--modules has no effect here",
            why="no kernel is named by the path of its vmlinuz",
            remedy="omit it",
            code=ExitCode.USAGE,
        )
    if options.default:
        found.update({one.release: one for one in known.default(row, pages)})
    if options.everything:
        found.update({one.release: one for one in known.of(row, pages) if here(one)})
        mine = (one for one in built.all_built() if one.architecture == row.name)
        found.update({one.release: one.local for one in mine if pages in (None, one.page_size)})
    if not found:
        raise GcprotoError(
            "no kernel was chosen",
            remedy="name versions (6.18, 7.3.4), kernels built here, the path of a vmlinuz, --default or --all (those "
            "that are here)",
            code=ExitCode.USAGE,
        )
    see_that_they_are_alike(found.values(), row)
    return list(found.values())


@contextmanager
def download_bars() -> "Iterator[Progress]":
    """A bar for each package on standard error while it is a terminal, else a line when it is there."""
    import sys

    if not sys.stderr.isatty():

        def tell(what: str, done: int, total: int) -> None:
            if done == total:
                click.echo(f"fetched {what} ({total >> 20} MiB)", err=True)

        yield tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def update(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done)

        yield update
