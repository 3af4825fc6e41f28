"""``gcproto gc``: the collector's experiments."""

from importlib import import_module

import click

COMMANDS = {"window": "The window after the flip, alone: mutators touch to-space while the collector maps it."}


class GcGroup(click.Group):
    """Subcommands by name, imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in alphabetical order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand, imported now."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = import_module(f"gcproto.cli.gc_{cmd_name}").command
        return found


@click.command(name="gc", cls=GcGroup)
def command() -> None:
    """Experiments of the collector."""
