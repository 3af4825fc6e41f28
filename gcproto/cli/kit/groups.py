"""Groups of commands: each command's module is imported only when it is called."""

from collections.abc import Mapping
from importlib import import_module
from typing import ClassVar

import click
from click.core import ParameterSource


class LazyGroup(click.Group):
    """Commands by name; each group is a class of its own.

    Attributes:
        modules: what precedes a command's name in the name of its module: ``gcproto.cli.gc.``.
        texts: what each command does, in a line.

    """

    modules: ClassVar[str]
    texts: ClassVar[Mapping[str, str]]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in alphabetical order."""
        return sorted(self.texts)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in self.texts:
            return None
        found: click.Command = import_module(f"{self.modules}{cmd_name}").command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by their texts, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(self.texts.items()))


def refuse_options(ctx: click.Context) -> None:
    """See that a command of a group was not given options of the group itself, which it would not know of.

    Args:
        ctx: of the group, which does something of its own where no command is named.

    Raises:
        click.UsageError: it was.

    """
    given = [
        parameter.opts[0]
        for parameter in ctx.command.params
        if parameter.name and ctx.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    ]
    if given:
        name = ctx.invoked_subcommand
        raise click.UsageError(
            f"{', '.join(given)} before {name!r}: options of {ctx.command_path!r} have no meaning for its commands.  "
            f"Options of {name!r} stand after its name (`{ctx.command_path} {name} --help`)."
        )
