"""``gcproto kernels``: the kernel lab."""

from importlib import import_module

import click

COMMANDS = {
    "ab": "What a patch gives: build stock and patched, run both, compare.",
    "build": "Build a kernel from a source, a configuration and patches.",
    "check": "What the kernels do where they might misbehave: contract and hazards, as a table of verdicts.",
    "compare": "Compare two kernels, scenario by scenario.",
    "export": "Results in the format of KernelCI's database (KCIDB).",
    "fetch": "Download, check and unpack kernels.",
    "history": "Series over kernel versions, with the steps in them.",
    "list": "Which kernels can be had, which are here, and what each is good for.",
    "stress": "Pages that move while everything else happens to them: contents, pins, leaks, splats.",
    "run": "Measure the evacuation paths in other kernels.",
}


class KernelsGroup(click.Group):
    """Subcommands by name, imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in alphabetical order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand, imported now."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = import_module(f"gcproto.cli.kernels_{cmd_name}").command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table above, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.command(name="kernels", cls=KernelsGroup)
def command() -> None:
    """The same measurements in other kernels, booted in QEMU.

    Under QEMU's instruction counting the unit is executed instructions per page: not a time, but the same on every
    machine and in every boot to a fraction of a percent.
    """
