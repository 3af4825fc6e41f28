"""``gcproto kernels list``: which kernels are available, which are here, what each can do."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcproto.cli.kernels.choice import catalog
from gcproto.cli.kernels.platform import PlatformOptions, platform_options
from gcproto.cli.kit.options import takes
from gcproto.cli.kit.params import FilePath
from gcproto.counted import counted
from gcproto.errors import ExitCode, GcprotoError
from gcproto.process.outputs import replace_with, write_whole

if TYPE_CHECKING:
    from rich.console import Console

    from gcproto.kernels.build.built import Built
    from gcproto.kernels.get.catalog import Catalog, Kernel, Lock
    from gcproto.known.version import KernelVersion


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A kernel of the list, as JSON has it.

    Attributes:
        release: as `uname -r` says it;  source: its version;  suite: of the archive, or how it was built here.
        architecture: as `--arch` takes it;  page_size: in bytes.
        state: in words;  here: it can be booted at once.
        move: its version has UFFDIO_MOVE;  swap: guests can swap;  bugs: keys of known bugs.
        mib: size of the packages or of the image;  sha256: of packages or patches by name.

    """

    release: str
    architecture: str
    page_size: int
    source: str
    suite: str
    state: str
    here: bool
    move: bool
    swap: bool
    bugs: list[str]
    mib: int
    sha256: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Options(PlatformOptions):
    """Options of ``gcproto kernels list``."""

    refresh: bool
    only_here: bool
    write_lock: Path | None
    as_json: bool


@click.command(name="list")
@click.option(
    "--refresh", is_flag=True, help="Ask Debian's archive for its current kernels (by apt, with a state of its own)."
)
@platform_options
@click.option("--here", "only_here", is_flag=True, help="List only kernels that are unpacked on this machine.")
@click.option(
    "--write-lock",
    type=FilePath(dir_okay=False),
    metavar="FILE",
    help="Write the archive's kernels of all architectures, with SHA256, as a lock file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
@takes(Options)
def command(_ctx: click.Context, options: Options) -> None:
    """List kernels: those of the lock file and of the last answer of the archive, in the cache, or built here.

    MOVE means that the version has UFFDIO_MOVE; guests probe it.  "swap" means that the archive has its modules (zram).
    "bugs" counts known bugs of MOVE in a release of that version; a backport may have fixed them.
    """
    import msgspec

    from gcproto.kernels.build.built import all_built
    from gcproto.results.documents import document

    if options.only_here and options.write_lock:
        raise click.UsageError(
            "--write-lock asks the archive, and --here lists what is on this machine: give one of them"
        )
    if options.refresh or options.write_lock:
        _refresh(options)
    known = catalog()
    these = known.of(options.architecture, options.page_bytes)
    rows = [row for row in (_row(kernel, known) for kernel in these) if row.here or not options.only_here]
    mine = (one for one in all_built() if one.architecture == options.arch)
    rows += [_built_row(one) for one in mine if options.page_bytes in (None, one.page_size)]
    if options.as_json:
        for row in rows:
            click.echo(msgspec.json.encode(document("kernel", row)).decode())
        return
    from gcproto.cli.kit.terminal import console

    print_list(rows, known, options.arch, console())


def _refresh(options: Options) -> None:
    """Ask the archive about one architecture, or about all of them for a lock file."""
    from gcproto.kernels import cache
    from gcproto.kernels.architecture import ROWS
    from gcproto.kernels.get.archive import ask
    from gcproto.kernels.get.catalog import together
    from gcproto.kernels.get.seen import seen_file

    write_lock = options.write_lock
    if write_lock is not None and (not write_lock.name or not write_lock.absolute().parent.is_dir()):
        raise GcprotoError(
            f"{str(write_lock)!r} can't be written",
            why=f"{write_lock.absolute().parent} is not a folder, or the name is empty",
            code=ExitCode.WRITE,
        )
    locks = []
    for row in ROWS if write_lock else [options.architecture]:
        locks.append(ask(cache.folder(f"apt-{row.name}" if row.cross else "apt"), row))
        target = seen_file(row)
        with cache.writing(str(target)):
            target.parent.mkdir(parents=True, exist_ok=True)
            replace_with(target, _text(locks[-1]))
    if write_lock:
        with cache.writing(str(write_lock)):
            write_whole(write_lock, _text(together(locks)).decode())


def _text(lock: "Lock") -> bytes:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(lock), indent=1) + b"\n"


def _row(kernel: "Kernel", known: "Catalog") -> Listed:
    from gcproto.kernels.get.fetch import here

    found = here(kernel)
    if found:
        state = "here"
    elif known.gone(kernel):
        state = "gone from the archive"
    else:
        state = "to be fetched"
    return Listed(
        release=kernel.release,
        architecture=kernel.architecture,
        page_size=kernel.page_size,
        source=kernel.upstream,
        suite=kernel.suite,
        state=state,
        here=bool(found),
        move=_moves(kernel.version),
        swap=found.swap if found else kernel.has_modules,
        bugs=_bugs(kernel.version),
        mib=round(kernel.size / 2**20),
        sha256={package.name: package.sha256 for package in kernel.packages},
    )


def _moves(version: "KernelVersion") -> bool:
    from gcproto.known.version import KernelVersion

    return version >= KernelVersion(6, 8, 0)


def _bugs(version: "KernelVersion") -> list[str]:
    from gcproto.known.bugs import BUGS, Harm, State

    grave = {Harm.CRASH, Harm.HANG, Harm.WRONG}
    return [bug.key for bug in BUGS if bug.harm in grave and bug.state_by_version(version) is State.BY_VERSION]


def _built_row(one: "Built") -> Listed:
    from gcproto.known.version import parse

    image = one.home / "vmlinuz"
    return Listed(
        release=one.release,
        architecture=one.architecture,
        page_size=one.page_size,
        source=one.upstream,
        suite=f"built here: {'+'.join(one.config)}, {counted(len(one.patches), 'patch', 'patches')}",
        state="here",
        here=True,
        move=_moves(parse(one.upstream)),
        swap=one.local.swap,
        bugs=_bugs(parse(one.upstream)),
        mib=round(image.stat().st_size / 2**20),
        sha256=dict(one.patches),
    )


def print_list(rows: list[Listed], known: "Catalog", arch: str, console: "Console") -> None:
    """Print a line for each kernel.

    Args:
        rows: kernels.
        known: where they are known from.
        arch: their architecture.
        console: where to.

    """
    from gcproto.report.terminal.kit import Column, Table, print_table, say
    from gcproto.results.facts import FLAVOUR
    from gcproto.sizes import size

    several = len({row.page_size for row in rows}) > 1
    table = Table(
        [
            Column("kernel", words=True),
            *[Column("page")] * several,
            Column("source", words=True, rank=3),
            Column("suite", words=True, rank=4),
            Column("state", words=True, rank=1),
            Column("MiB", rank=5),
            Column("MOVE", words=True),
            Column("swap", words=True, rank=2),
            Column("known bugs of MOVE", folds=True, name="known bugs of MOVE"),
        ]
    )
    for row in rows:
        table.add(
            row.release.removesuffix(FLAVOUR),
            *[size(row.page_size)] * several,
            row.source,
            row.suite,
            row.state,
            str(row.mib),
            "yes" if row.move else "no",
            "yes" if row.swap else "no",
            ", ".join(row.bugs) or "-",
        )
    print_table(table, console)
    seen = known.seen.get(arch)
    asked = f"asked on {seen.written}" if seen else "never asked from here: --refresh does"
    console.print()
    say(console, f"lock of {known.locked.written}; the archive was {asked}", style="dim")
