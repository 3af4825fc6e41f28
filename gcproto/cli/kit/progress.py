"""A progress bar on standard error, for work that takes long."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress


def rounds_bar(*names: str, console: "Console | None" = None, transient: bool = False) -> "Progress":
    """A bar with what was done of how much, and the time that it took and will take.

    Args:
        names: what stands before the bar, and after the numbers.
        console: where it is drawn; None: on standard output.
        transient: it is gone when it ends.

    """
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    first, *behind = map(TextColumn, names)
    columns = (first, BarColumn(), MofNCompleteColumn(), *behind, TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=transient)


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error while it is a terminal, else nothing."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console

    with rounds_bar("measuring", "rounds", console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("measuring", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
