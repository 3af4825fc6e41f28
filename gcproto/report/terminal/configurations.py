"""How the kernels of a table were built, below the table."""

from collections.abc import Sequence

from rich.console import Console

from gcproto.report.terminal.kit.text import say
from gcproto.results.configurations import disclosed
from gcproto.results.schema import Result


def print_builds(results: Sequence[Result], console: Console, kernels: Sequence[str] = ()) -> None:
    """Print configuration and compiler of kernels, and what their kernels lack; nothing without guests.

    Args:
        results: of guests and others.
        console: where.
        kernels: names of those in the table; empty: all.

    """
    for at, line in enumerate(disclosed(results, kernels)):
        if not at:
            console.print()
        say(console, line, style="dim", indent=2 if at else 0)
