"""Manual pages of all commands: ``python -m gcproto.cli.man FOLDER`` (``make man``).

Pages are written in the man(7) macros, from what click documents of a command: usage, help, the help record of each
parameter.
"""

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from gcproto import __version__
from gcproto.cli.app import cli
from gcproto.cli.reference import contexts

SHORTEST = 10_000
"""Letters of a summary: no limit."""


def roff(text: str) -> str:
    """Text as it is, for roff: a backslash, a hyphen and a control character at the start of a line mean themselves."""
    text = text.replace("\\", r"\e").replace("-", r"\-")
    return re.sub(r"^(?=[.'])", r"\\&", text, flags=re.M)


def _paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of a help text; one that click was told not to wrap keeps its lines."""
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        kept, lines = paragraph.startswith("\b"), paragraph.removeprefix("\b\n")
        yield f".PP\n.nf\n{roff(lines)}\n.fi" if kept else f".PP\n{roff(lines)}"


def page(context: click.Context) -> str:
    """The page of a command."""
    command, path = context.command, context.command_path
    name = path.replace(" ", "-")
    summary = command.get_short_help_str(limit=SHORTEST).rstrip(".")
    lines = [
        f'.TH "{roff(name.upper())}" "1" "" "gcproto {roff(__version__)}" "gcproto"',
        ".SH NAME",
        rf"{roff(name)} \- {roff(summary)}",
        ".SH SYNOPSIS",
        rf"\fB{roff(path)}\fP {roff(' '.join(command.collect_usage_pieces(context)))}",
        ".SH DESCRIPTION",
        *_paragraphs(command.help or ""),
    ]
    records = [record for one in command.get_params(context) if (record := one.get_help_record(context))]
    if records:
        lines.append(".SH OPTIONS")
    for option, meaning in records:
        lines += [".TP", rf"\fB{roff(option)}\fP", roff(meaning)]
    if isinstance(command, click.Group):
        lines.append(".SH COMMANDS")
        for below in command.list_commands(context):
            one = command.get_command(context, below)
            text = one.get_short_help_str(limit=SHORTEST) if one else ""
            lines += [".TP", rf"\fB{roff(name)}\-{roff(below)}\fP(1)", roff(text)]
    return "\n".join(lines) + "\n"


def write(folder: Path) -> list[Path]:
    """Write a page for each command.

    Args:
        folder: for the pages; it is made if it is not there.

    Returns:
        the files.

    """
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for context in contexts("gcproto", cli, None):
        path = folder / f"{context.command_path.replace(' ', '-')}.1"
        path.write_text(page(context), encoding="utf-8")
        found.append(path)
    return found


if __name__ == "__main__":
    for one in write(Path(sys.argv[1])):
        sys.stdout.write(f"{one}\n")
