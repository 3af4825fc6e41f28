"""``gcproto kernels build``: a kernel from a source, a configuration and patches."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from gcproto.cli.kernels.platform import PlatformOptions, platform_options
from gcproto.cli.kit.options import takes
from gcproto.cli.kit.params import FilePath, Name, Once, Whole
from gcproto.errors import ExitCode, GcprotoError

if TYPE_CHECKING:
    from gcproto.kernels.architecture import Architecture
    from gcproto.kernels.build.build import BuildParameters, Progress
    from gcproto.kernels.build.built import Built
    from gcproto.kernels.build.kconfig import Config
    from gcproto.kernels.build.source import Origin

F = TypeVar("F", bound=Callable[..., None])

EVERY_SECONDS = 20.0
"""Seconds between progress lines of a build without a terminal."""


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """What `source_options` and `config_options` declare."""

    source: str
    configs: tuple[str, ...]
    build_jobs: int | None

    @property
    def compilers(self) -> int:
        """Number of those that run in parallel."""
        return self.build_jobs or len(os.sched_getaffinity(0))


@dataclass(frozen=True, kw_only=True)
class BuildOptions(SourceOptions, PlatformOptions):
    """What `build_options` declares, and the name."""

    patches: tuple[Path, ...]
    name: str | None


@dataclass(frozen=True, kw_only=True)
class Options(BuildOptions):
    """Options of ``gcproto kernels build``."""

    forget: str | None


def build_options(function: F) -> F:
    """``--source``, ``--patch``, ``--config``, ``--build-jobs``, and those of `platform_options`."""
    return source_options(patch_options(config_options(platform_options(function))))


def patch_options(function: F) -> F:
    """``--patch``."""
    return click.option(
        "--patch",
        "patches",
        multiple=True,
        callback=Once("patch", Path.absolute),
        type=FilePath(exists=True),
        metavar="FILE|FOLDER|MBOX",
        help="A patch, a mailbox, or a folder with a series; may be repeated, in order of application.",
    )(function)


def source_options(function: F) -> F:
    """``--source``."""
    return click.option(
        "--source",
        default="7.3",
        show_default=True,
        type=Name("source"),
        metavar="BRANCH|PATH",
        help="A branch of Debian's linux-source packages, or the folder of a kernel tree.",
    )(function)


def config_options(function: F) -> F:
    """``--config`` of kernels for guests, ``--build-jobs``."""
    config = config_option(
        "fast (the default), selftests, stress (NUMA, zswap), debug (with lockdep), kasan, kasan-hw (arm64), "
        "kcsan, debian (the distribution's, trimmed), distribution, machine (see `package`), or a fragment. Several "
        "are merged."
    )
    return config(jobs_options(function))


def config_option(text: str) -> Callable[[F], F]:
    """``--config``.

    Args:
        text: of its help: the default, and the names that suit the command.

    """
    return click.option(
        "--config",
        "configs",
        multiple=True,
        callback=Once("configuration"),
        type=Name("configuration"),
        metavar="NAME|FRAGMENT",
        help=text,
    )


def jobs_options(function: F) -> F:
    """``--build-jobs``."""
    return click.option(
        "--build-jobs",
        type=Whole(1, 512),
        help="Compilers that run in parallel [default: one for each processor].",
    )(function)


@click.command(name="build")
@build_options
@click.option(
    "--name",
    type=Name("name"),
    help="Name of the kernel; its release ends in it [default: patched, or stock without a patch].",
)
@click.option("--forget", type=Name("name"), metavar="NAME", help="Only remove this kernel, which was built here.")
@takes(Options)
def command(_ctx: click.Context, options: Options) -> None:
    """Build a kernel that `kernels run` and all other commands then accept by its name.

    The first build of a source and configuration compiles everything: some 10 minutes on two processors.  After it,
    only files the patches touch are recompiled.  Source, objects and kernels are kept in the cache (GCPROTO_CACHE).
    """
    if options.forget is not None:
        _forget(options.forget, options)
        return
    from gcproto.kernels.build.build import build

    with build_progress() as progress:
        made = build(parameters(options), progress)
    click.echo(told(made))


def told(made: "Built") -> str:
    """A kernel in a line or two, for people."""
    lines = [f"{made.release}: {made.home / 'vmlinuz'} ({made.seconds:.0f} s to compile, {made.source})"]
    if made.missing:
        lines.append(f"not in this source as asked for: {' '.join(made.missing)}")
    return "\n".join(lines)


def usual_name(word: str, configs: Sequence[str], architecture: "Architecture") -> str:
    """Default name of a kernel: ``stock``, ``patched-debug``. Its release says the architecture."""
    from gcproto.kernels.build import kconfig

    label = kconfig.chosen(configs, architecture).label
    return word if label == "fast" else f"{word}-{label}"[:32]


def parameters(options: BuildOptions, page_size: int | None = None, machine: Path | None = None) -> "BuildParameters":
    """What options ask for; a kernel without a name is named by what it is.

    Args:
        options: of the command.
        page_size: in bytes; None: the one of the options, or the architecture's smallest.
        machine: folder with the configuration of another machine than this.

    """
    from gcproto.kernels.build import kconfig
    from gcproto.kernels.build.build import BuildParameters, need_tools
    from gcproto.kernels.build.patches import collect

    row = options.architecture
    pages = page_size or options.page_bytes or row.page_sizes[0]
    need_tools(row)  # before 160 MiB are downloaded
    config = kconfig.chosen(options.configs, row, pages)
    given = tuple(collect(options.patches))
    base = origin(options.source)
    return BuildParameters(
        name=options.name or usual_name("patched" if given else "stock", options.configs, row),
        origin=base,
        config=completed(config, base, row, pages, machine),
        patches=given,
        jobs=options.compilers,
        architecture=row,
        page_size=pages,
    )


def origin(text: str) -> "Origin":
    """The source of an option: a tree where there is one of that path, otherwise a branch of the archive."""
    from gcproto.cli.kernels.choice import catalog, download_bars
    from gcproto.kernels.build import source

    if "/" in text or Path(text).is_dir():
        return source.given(Path(text))
    found = catalog().find_source(text)
    with download_bars() as progress:
        return source.fetched(found, progress)


def completed(
    config: "Config",
    base: "Origin",
    architecture: "Architecture | None" = None,
    page_size: int | None = None,
    machine: Path | None = None,
) -> "Config":
    """A configuration for a source; one of the distribution is fetched, and one of a machine is read.

    Args:
        config: by its names.
        base: the source.
        architecture: of the kernel; None: this machine's own kind.
        page_size: in bytes; None: the architecture's smallest.
        machine: folder with the configuration of another machine than this.

    """
    from gcproto.cli.kernels.choice import catalog, download_bars
    from gcproto.kernels.architecture import AMD64
    from gcproto.kernels.build import distribution, kconfig, source, whole

    if not config.kind:
        return config
    if config.kind == kconfig.MACHINE:
        found = whole.of(machine) if machine else whole.here()
        return whole.completed(config, found, architecture or AMD64, page_size)
    version = source.version(Path(base.folder))
    with download_bars() as progress:
        return distribution.completed(config, version, catalog().sources, architecture or AMD64, page_size, progress)


def _forget(name: str, options: PlatformOptions) -> None:
    from gcproto.kernels.build import built

    found = built.find(name, options.arch, options.page_bytes)
    if found is None:
        known = ", ".join(one.release for one in built.all_built())
        raise GcprotoError(
            f"no kernel {name!r} was built here", why=f"there are: {known}" if known else "", code=ExitCode.USAGE
        )
    built.forget(found)
    click.echo(f"{found.release} is removed; its build tree stays")


@contextmanager
def build_progress() -> "Iterator[Progress]":
    """A bar on standard error while it is a terminal; otherwise a line for each part, and now and then between them."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("kernel", total=None)

            def update(what: str, done: int, total: int) -> None:
                if what.startswith("warning"):
                    bar.console.print(what, markup=False)
                else:
                    bar.update(task, description=what, completed=done, total=total or None)

            yield update
        return

    said = {"": 0.0}

    def tell(what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if what not in said or now - said[what] > EVERY_SECONDS:
            said.clear()
            said[what] = now
            click.echo(f"gcproto: {what}" + (f" {done}/{total}" if total else ""), err=True)

    yield tell
