"""What a heap's run is doing, while it does: a view on a terminal, a line for each round elsewhere."""

import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcproto.cli.kit.progress import rounds_bar
from gcproto.counted import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gcproto.experiments.session.status import Status

REFRESHES = 4
"""A second."""

View = tuple[Callable[[int, int], None], str]
"""Progress, and the file that runs tell their status in."""


@contextmanager
def live_view() -> Iterator[View]:
    """A view on standard error while it is a terminal; else a line whenever a run is done."""
    with tempfile.TemporaryDirectory(prefix="gcproto-live-") as folder:
        path = str(Path(folder) / "status")
        if sys.stderr.isatty():
            with _on_terminal(path) as progress:
                yield progress, path
        else:
            yield _lines(path), path


def _lines(path: str) -> Callable[[int, int], None]:
    """Plain lines: what the run that has just ended came to."""
    from gcproto.experiments.session.status import read

    def progress(done: int, total: int) -> None:
        status = read(path)
        click.echo(
            f"gcproto: {done} of {counted(total, 'run')}" + (f"; {describe(status)}" if status else ""), err=True
        )

    return progress


def describe(status: "Status") -> str:
    """A status in a line."""
    pages = (
        f"{counted(status.moved, 'page')} moved, {status.copied + status.after_ebusy:,} copied "
        f"({status.after_ebusy:,} after EBUSY)"
    )
    return (
        f"{status.label}: {counted(status.collections, 'collection')}, {pages}, "
        f"{status.faults_per_second:.0f} faults/s, longest pause {status.longest_pause_ms:.2f} ms"
    )


@contextmanager
def _on_terminal(path: str) -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.live import Live

    bar = rounds_bar("runs")
    task = bar.add_task("runs", total=None)
    ended = threading.Event()
    with Live(bar, console=Console(stderr=True), transient=True, refresh_per_second=REFRESHES) as live:

        def watch() -> None:
            from gcproto.experiments.session.status import read

            while not ended.wait(1 / REFRESHES):
                status = read(path)
                if status:
                    live.update(_picture(bar, status))

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield lambda done, total: bar.update(task, completed=done, total=total)
        finally:
            ended.set()
            watcher.join()


def _picture(bar: "RenderableType", status: "Status") -> "RenderableType":
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    rows = (
        ("run", f"{escape(status.label)}, {status.seconds:.1f} s"),
        ("phase", status.phase or "mutators run"),
        ("collections", str(status.collections)),
        ("pages", f"{status.moved} moved, {status.copied} copied, {status.zeroed} zero-filled"),
        ("EBUSY", f"{status.ebusy}, {counted(status.after_ebusy, 'page')} copied for it"),
        ("faults", f"{status.faults}, {status.faults_per_second:.0f}/s"),
        ("pause", f"last {status.last_pause_ms:.2f} ms, longest {status.longest_pause_ms:.2f} ms"),
    )
    for name, text in rows:
        table.add_row(f"[dim]{name}[/]", text)
    return Group(bar, table)
