"""Manual pages of all commands: ``python -m gcproto.cli.man FOLDER`` (``make man``)."""

import sys
from pathlib import Path

import click
from click_man.core import generate_man_page

from gcproto import __version__
from gcproto.cli.app import cli
from gcproto.cli.reference import contexts


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
        command = context.command
        if isinstance(command, click.Group):  # which knows its commands by name only, until one is called
            every = {name: command.get_command(context, name) for name in command.list_commands(context)}
            command.commands = {name: one for name, one in every.items() if one is not None}
        path = folder / f"{context.command_path.replace(' ', '-')}.1"
        path.write_text(generate_man_page(context, version=__version__), encoding="utf-8")
        found.append(path)
    return found


if __name__ == "__main__":
    for one in write(Path(sys.argv[1])):
        sys.stdout.write(f"{one}\n")
