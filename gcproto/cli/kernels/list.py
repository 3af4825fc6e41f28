"""``gcproto kernels list``: which kernels are available, which are here, what each can do."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcproto.cli.kernels.choice import catalog
from gcproto.cli.kit.params import FilePath
from gcproto.counted import counted
from gcproto.errors import ExitCode, GcprotoError
from gcproto.process.outputs import write_whole

if TYPE_CHECKING:
    from rich.console import Console

    from gcproto.kernels.build.built import Built
    from gcproto.kernels.get.catalog import Catalog, Kernel
    from gcproto.known.version import KernelVersion


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A kernel of the list, as JSON has it.

    Attributes:
        release: as `uname -r` says it;  source: its version;  suite: of the archive, or how it was built here.
        state: in words;  here: it can be booted at once.
        move: its version has UFFDIO_MOVE;  swap: guests can swap;  bugs: keys of known bugs.
        mib: size of the packages or of the image;  sha256: of packages or patches by name.

    """

    release: str
    source: str
    suite: str
    state: str
    here: bool
    move: bool
    swap: bool
    bugs: list[str]
    mib: int
    sha256: dict[str, str]


@click.command(name="list")
@click.option(
    "--refresh", is_flag=True, help="Ask Debian's archive for its current kernels (by apt, with a state of its own)."
)
@click.option("--here", "only_here", is_flag=True, help="List only kernels that are unpacked on this machine.")
@click.option(
    "--write-lock",
    type=FilePath(dir_okay=False),
    metavar="FILE",
    help="Write the archive's kernels, with SHA256, as a lock file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
def command(refresh: bool, only_here: bool, write_lock: Path | None, as_json: bool) -> None:
    """List kernels: those of the lock file and of the last answer of the archive, in the cache, or built here.

    MOVE means that the version has UFFDIO_MOVE; guests probe it.  "swap" means that the archive has its modules (zram).
    "bugs" counts known bugs of MOVE in a release of that version; a backport may have fixed them.
    """
    import msgspec

    from gcproto.kernels.build.built import all_built
    from gcproto.results.documents import document

    if only_here and write_lock:
        raise click.UsageError(
            "--write-lock asks the archive, and --here lists what is on this machine: give one of them"
        )
    if refresh or write_lock:
        _refresh(write_lock)
    known = catalog()
    rows = [row for row in (_row(kernel, known) for kernel in known.kernels) if row.here or not only_here]
    rows += [_built_row(one) for one in all_built()]
    if as_json:
        for row in rows:
            click.echo(msgspec.json.encode(document("kernel", row)).decode())
        return
    from gcproto.cli.kit.terminal import console

    print_list(rows, known, console())


def _refresh(write_lock: Path | None) -> None:
    import msgspec

    from gcproto.kernels import cache
    from gcproto.kernels.get.archive import ask

    if write_lock is not None and (not write_lock.name or not write_lock.absolute().parent.is_dir()):
        raise GcprotoError(
            f"{str(write_lock)!r} can't be written",
            why=f"{write_lock.absolute().parent} is not a folder, or the name is empty",
            code=ExitCode.WRITE,
        )
    lock = ask(cache.folder("apt"))
    data = msgspec.json.format(msgspec.json.encode(lock), indent=1) + b"\n"
    target = cache.folder() / "seen.json"
    with cache.writing(str(write_lock or target)):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_suffix(".part")
        temporary.write_bytes(data)
        temporary.replace(target)
        if write_lock:
            write_whole(write_lock, data.decode())


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


def print_list(rows: list[Listed], known: "Catalog", console: "Console") -> None:
    """Print a line for each kernel.

    Args:
        rows: kernels.
        known: where they are known from.
        console: where to.

    """
    from gcproto.report.terminal.kit import Column, Table, print_table, say

    table = Table(
        [
            Column("kernel", words=True),
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
            row.release.removesuffix("-cloud-amd64"),
            row.source,
            row.suite,
            row.state,
            str(row.mib),
            "yes" if row.move else "no",
            "yes" if row.swap else "no",
            ", ".join(row.bugs) or "-",
        )
    print_table(table, console)
    asked = f"asked on {known.seen.written}" if known.seen else "never asked from here: --refresh does"
    console.print()
    say(console, f"lock of {known.locked.written}; the archive was {asked}", style="dim")
