"""The terminal that results are printed on."""

import shutil
from io import TextIOWrapper
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 100
WIDE_WIDTH = 320
LEAST_WIDTH = 20
"""Tables are laid out for no less, even where a terminal has less: the longest figure with its indent still fits."""


def console(*, wide: bool = False) -> "Console":
    """A console on standard output: as wide as the terminal, or as COLUMNS says; 100 columns in a pipe.

    Args:
        wide: never break lines: the table of all figures is for a pager or a file.

    """
    import sys

    from rich.console import Console

    if isinstance(sys.stdout, TextIOWrapper):
        # A character that the terminal's encoding lacks is spelt out; it must not end in a traceback.
        sys.stdout.reconfigure(errors="backslashreplace")
    if wide:
        return Console(width=WIDE_WIDTH, soft_wrap=True)
    return Console(width=max(shutil.get_terminal_size((PIPE_WIDTH, 0)).columns, LEAST_WIDTH))
