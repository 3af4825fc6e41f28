"""All commands, and what is done before each of them."""

import os

import click
from click.exceptions import Exit
from click.shell_completion import shell_complete

from gcproto import __version__
from gcproto.cli.kit.groups import LazyGroup
from gcproto.errors import ExitCode
from gcproto.process import ending, limits

COMMANDS = {
    "bench": "Measure the evacuation paths on the running kernel.",
    "claims": "Judge the claims of the linux-mm thread on MOVE and mTHP on this kernel.",
    "compare": "Compare two results, scenario by scenario.",
    "contract": "Check what UFFDIO_MOVE does on this kernel, row by row (KTAP).",
    "gc": "Run workloads on a compacting heap, in several modes of collecting.",
    "heap": "Describe heap dumps of other runtimes.",
    "kernels": "Measure other kernels, booted in a virtual machine.",
    "export": "Write results for pytest-benchmark, pyperf, or as CSV.",
    "import": "Make a result of the lines of `gcprobe bench`, from a phone for instance.",
    "doctor": "Say what this machine can do, what it cannot, and what would help.",
    "predict": "Say what each part of evacuation costs, and what a changed kernel would give.",
    "report": "Make a page of results: one HTML file with verdicts, plots, proof and samples.",
    "show": "Show a result file as tables.",
}
LIGHT = {"contract", "doctor"}
"""Commands that need no large libraries."""
COMPLETION = "_GCPROTO_COMPLETE"
"""Environment variable by which a shell asks for completions."""


class Group(LazyGroup):
    """All commands."""

    modules = "gcproto.cli."
    texts = COMMANDS


@click.command(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gcproto")
@click.option("--log-json", is_flag=True, help="Log as JSON lines, to standard error.")
@click.option("-v", "--verbose", count=True, help="Log more, and tracebacks. Given twice: log every round.")
@click.pass_context
def cli(ctx: click.Context, log_json: bool, verbose: int) -> None:
    """A laboratory for Linux UFFDIO_MOVE: what does it cost to evacuate a page, on this kernel, by this path?

    Exit codes: 0 done; 1 the answer is no; 2 wrong usage or unusable input; 3 this machine cannot do it.  4: a result
    could not be written.  70: a fault of gcproto.  128 and more: a signal ended it, and what was measured is kept.
    """
    ctx.obj = {"log_json": log_json, "verbose": verbose}
    if verbose:
        ending.show_tracebacks()
    if ctx.invoked_subcommand not in LIGHT:
        limits.check_addresses()
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


def invoke(args: list[str] | None) -> int:
    """Run a command line.

    Args:
        args: its words; None: those of this process.

    Returns:
        The exit code.

    """
    asked = os.environ.get(COMPLETION)
    if asked:
        return shell_complete(cli, {}, "gcproto", COMPLETION, asked)
    import sys

    try:
        with cli.make_context("gcproto", sys.argv[1:] if args is None else list(args)) as context:
            cli.invoke(context)
    except Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    return ExitCode.OK
