"""The terminal that results are printed on."""

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 100
WIDE_WIDTH = 320


def console(*, wide: bool = False) -> "Console":
    """A console on standard output: as wide as the terminal, or wide enough for the figures where there is none.

    Args:
        wide: never break lines: the table of all figures is for a pager or a file.

    """
    import sys

    from rich.console import Console

    if wide:
        return Console(width=WIDE_WIDTH, soft_wrap=True)
    width = shutil.get_terminal_size((PIPE_WIDTH, 0)).columns if sys.stdout.isatty() else PIPE_WIDTH
    return Console(width=max(width, 80))
