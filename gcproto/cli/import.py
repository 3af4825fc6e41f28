"""``gcproto import``: the lines of ``gcprobe bench`` as a result."""

import sys
from pathlib import Path

import click

from gcproto.cli.kit.output import deliver, result_options
from gcproto.cli.kit.params import FilePath
from gcproto.errors import ExitCode, GcprotoError

MOST = 1 << 26
"""Limit of bytes of a file of lines: the short grid with 10,000 rounds has half of it."""


@click.command(name="import")
@click.argument("file", type=FilePath())
@click.option("--wide", is_flag=True, help="Print one line for each scenario, with every figure.")
@result_options
@click.pass_context
def command(ctx: click.Context, file: Path, out: Path, *, wide: bool, as_json: bool) -> None:
    """Make a result of FILE, the output of `gcprobe bench` on another machine.

    The environment of the result is what the lines say, and the result is marked as imported.  A damaged line is
    refused, with its number and the reason.
    """
    from gcproto.cli.kit.output import ResultOptions
    from gcproto.process.files import read_regular
    from gcproto.results.reading.lines import result_of
    from gcproto.results.store import prepare

    try:
        data = read_regular(file, MOST)
    except OSError as error:
        raise GcprotoError(f"{file} can't be read", why=error.strerror or str(error), code=ExitCode.USAGE) from error
    result = result_of(data, str(file), ["gcproto", *sys.argv[1:]])
    prepare(out)
    deliver(ctx, result, ResultOptions(as_json=as_json, out=out), wide=wide)
