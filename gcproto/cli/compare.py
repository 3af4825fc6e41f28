"""``gcproto compare``: two results, scenario by scenario."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcproto.cli.kit.output import echo_json
from gcproto.cli.kit.params import PERCENT, FilePath
from gcproto.counted import counted
from gcproto.errors import ExitCode, GcprotoError

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
    """Compare NEW with BASE, two result files, or two folders with a file for each boot.

    A scenario or an arm is marked if it changed by more than the noise of both runs explains.  A change that all arms
    of a class share (a slower machine) is divided out and shown separately.

    Two folders compare two kernels of one machine: boots in pairs, in their order in time.  The scatter between boots
    is part of the intervals, and only a change that a further pair of boots would show is marked.

    The exit code is 1 only if --fail-above is exceeded.  It is 2 if the runs are of different kinds, or have too few
    scenarios in common.
    """
    if base.is_dir() or new.is_dir():
        _compare_folders(ctx, base, new, fail_above, force=force, as_json=as_json)
        return
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
    if fail_above is not None:
        _judge(ctx, len(found.regressions(fail_above / 100)), fail_above)


def _judge(ctx: click.Context, worse: int, fail_above: float) -> None:
    if worse:
        click.echo(f"gcproto: {counted(worse, 'regression')} beyond {fail_above:g} %", err=True)
        ctx.exit(ExitCode.NO)


def _compare_folders(
    ctx: click.Context, base: Path, new: Path, fail_above: float | None, *, force: bool, as_json: bool
) -> None:
    """Compare boots.

    Raises:
        GcprotoError: one of the two is a file, both are one folder, a result can't be read, or there are too few.

    """
    from gcproto.results.comparison.boots import compare_boots
    from gcproto.results.documents import document
    from gcproto.results.gather import gather

    for place, other in ((base, new), (new, base)):
        if not place.is_dir():
            raise GcprotoError(
                f"{place} is not a folder, and {other} is one",
                remedy="give two files, or two folders with a result for each boot",
                code=ExitCode.USAGE,
            )
    if base.samefile(new):
        raise GcprotoError(
            f"BASE and NEW are the same folder, {base}",
            why="each result would be compared with itself",
            remedy="keep the results of each kernel in a folder of its own",
            code=ExitCode.USAGE,
        )
    sides = [gather([place]) for place in (base, new)]
    for refused in (one for side in sides for one in side.refused):
        raise refused.error
    found = compare_boots(*([result for _, result in side.results] for side in sides), force=force)
    if as_json:
        fields = ("base", "new", "lines", "arms", "floor", "warnings")
        body = {name: getattr(found, name) for name in fields}
        echo_json(document("compare-boots", body | {"pairs": [_document(one) for one in found.pairs]}))
    else:
        from gcproto.cli.kit.terminal import console
        from gcproto.report.terminal.boots import print_boots

        print_boots(found, console())
    if fail_above is not None:
        _judge(ctx, len(found.regressions(fail_above / 100)), fail_above)


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
