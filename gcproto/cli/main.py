"""The ``gcproto`` command: finds the subcommand and turns errors into messages and exit codes.

Subcommands are imported when they are called, so that ``gcproto --help`` answers at once.
"""

import sys
from importlib import import_module
from typing import Any

import click

from gcproto import __version__
from gcproto.errors import ExitCode, GcprotoError

COMMANDS = {
    "bench": "Measure the evacuation paths on the running kernel.",
    "claims": "Judge the claims of the linux-mm thread on MOVE and mTHP on this kernel.",
    "compare": "Compare two results, scenario by scenario.",
    "contract": "Check what UFFDIO_MOVE does on this kernel, row by row (KTAP).",
    "gc": "Run workloads on a compacting heap, collected in several modes.",
    "kernels": "The same measurements in other kernels, booted in a virtual machine.",
    "export": "Write results for pytest-benchmark, pyperf, or as CSV.",
    "doctor": "Say what this machine can do, what it cannot, and what would help.",
    "predict": "What evacuation costs by its parts, and what a changed kernel would give.",
    "report": "Make a page of results: one HTML file with verdict, plots, proof and samples.",
    "show": "Show a result as a table.",
}


class LazyGroup(click.Group):
    """Subcommands by name; each one's module is imported only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in alphabetical order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand, imported now."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"gcproto.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table above, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in sorted(COMMANDS)])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gcproto")
@click.option("--log-json", is_flag=True, help="Log as JSON lines (to stderr, as always).")
@click.option("-v", "--verbose", count=True, help="Log more; twice for every round.")
@click.pass_context
def cli(ctx: click.Context, log_json: bool, verbose: int) -> None:
    """A laboratory for Linux UFFDIO_MOVE: what does it cost to evacuate a page, on this kernel, by this path?"""
    ctx.obj = {"log_json": log_json, "verbose": verbose}
    from gcproto.logs import configure

    configure(as_json=log_json, verbose=verbose, command=ctx.invoked_subcommand)
    _put_back_settings()


def _put_back_settings() -> None:
    """What a run that was killed had changed is put back by whichever command comes next, and said."""
    from gcproto.host.settings import recover

    restored = recover()
    if restored:
        click.echo("gcproto: an earlier run was killed; its settings are put back:", err=True)
    for line in restored:
        click.echo(f"  {line}", err=True)


def main(args: list[str] | None = None) -> Any:
    """Run the command and exit with a documented code (see gcproto.errors)."""
    try:
        code = cli.main(args=args, standalone_mode=False)
    except GcprotoError as error:
        click.echo(f"gcproto: {error}", err=True)
        sys.exit(error.code)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.USAGE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("gcproto: interrupted", err=True)
        sys.exit(ExitCode.INTERRUPTED)
    sys.exit(code if isinstance(code, int) else ExitCode.OK)


if __name__ == "__main__":
    main()
