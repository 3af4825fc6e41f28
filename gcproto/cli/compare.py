"""``gcproto compare``: two results, scenario by scenario."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcproto.cli.kit.output import echo_json
from gcproto.cli.kit.params import PERCENT, FilePath
from gcproto.counted import counted
from gcproto.errors import ExitCode

if TYPE_CHECKING:
    from gcproto.results.comparison.compare import Comparison


@click.command(name="compare")
@click.argument("base", type=FilePath())
@click.argument("new", type=FilePath())
@click.option(
    "--fail-above",
    type=PERCENT,
    help="Exit with 1 if something got significantly slower by more than this.",
)
@click.option("--force", is_flag=True, help="Compare runs that are not alike.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(ctx: click.Context, base: Path, new: Path, fail_above: float | None, force: bool, as_json: bool) -> None:
    """Compare NEW with BASE, two result files.

    A scenario or an arm is marked if it changed by more than the noise of both runs explains.  A change that all arms
    of a class share (a slower machine) is divided out and shown separately.

    The exit code is 1 only if --fail-above is exceeded.  It is 2 if the runs are of different kinds, or have too few
    scenarios in common.
    """
    from gcproto.results.comparison.compare import compare
    from gcproto.results.documents import document
    from gcproto.results.store import load

    found = compare(load(base), load(new), force=force)
    if as_json:
        echo_json(document("compare", _document(found)))
    else:
        from gcproto.cli.kit.terminal import console
        from gcproto.report.terminal.comparison import print_comparison

        print_comparison(found, console())
    if fail_above is None:
        return
    worse = found.regressions(fail_above / 100)
    if worse:
        click.echo(f"gcproto: {counted(len(worse), 'regression')} beyond {fail_above:g} %", err=True)
        ctx.exit(ExitCode.NO)


def _document(found: "Comparison") -> dict[str, object]:
    return {
        "base": found.base.run_id,
        "new": found.new.run_id,
        "common": len(found.lines),
        "scenarios": found.lines,
        "arms": found.arms,
        "drift": found.drift,
        "floor": found.floor,
        "only_base": found.only_base,
        "only_new": found.only_new,
        "warnings": found.warnings,
    }
