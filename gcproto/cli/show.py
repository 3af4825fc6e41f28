"""``gcproto show``: a result as a table."""

from pathlib import Path

import click

from gcproto.cli.kit.output import echo_json
from gcproto.cli.kit.params import FilePath


@click.command(name="show")
@click.argument("file", type=FilePath())
@click.option("--wide", is_flag=True, help="Print one line for each scenario, with every figure.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(file: Path, wide: bool, as_json: bool) -> None:
    """Show FILE, the result of any command that measures.

    FILE is the JSON file that `gcproto bench`, `claims`, `gc` or `kernels run` names at its end.  It may also be a
    result that a command printed with --json.  Results of guests are shown one file at a time.
    """
    from gcproto.results.store import load

    result = load(file)
    if as_json:
        echo_json(result)
        return
    from gcproto.cli.kit.terminal import console
    from gcproto.report.terminal.tables import print_result

    print_result(result, console(wide=wide), wide=wide)
