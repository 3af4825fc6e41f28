"""``gcproto kernels history``: series over kernel versions."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcproto.cli.kernels.platform import across_option
from gcproto.cli.kernels.results import guests
from gcproto.cli.kit.output import echo_json
from gcproto.cli.kit.params import PERCENT, FilePath, Once
from gcproto.counted import counted
from gcproto.errors import ExitCode, GcprotoError
from gcproto.process.cache_folder import for_matplotlib
from gcproto.process.outputs import see_that_outputs_are_new

if TYPE_CHECKING:
    from gcproto.results.schema import Result


@click.command(name="history")
@click.argument(
    "places",
    nargs=-1,
    type=FilePath(exists=True),
    metavar="[RESULT|FOLDER]...",
    callback=Once("place", Path.absolute),
)
@click.option(
    "--plot",
    "plots",
    type=FilePath(dir_okay=False),
    multiple=True,
    callback=Once("picture", Path.absolute),
    metavar="FILE",
    help="Draw the series into a .png or .svg file; may be repeated.",
)
@click.option(
    "--threshold", type=PERCENT, default=2.0, show_default=True, help="Least change that is a step, in percent."
)
@click.option("--fail-on-step", is_flag=True, help="Exit with 1 if a step costs more.")
@click.option("--heap", is_flag=True, help="Show the heap in guests (kernels run --set heap), not the paths.")
@across_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    places: tuple[Path, ...],
    plots: tuple[Path, ...],
    threshold: float,
    fail_on_step: bool,
    heap: bool,
    across: bool,
    as_json: bool,
) -> None:
    """Show each scenario over the kernels that were measured, and where it steps.

    A step is a change beyond the threshold and beyond four times the scatter between boots of a kernel.  Where both
    kernels have profiles (`kernels run --profile`), the command names the functions that make up the step.  By default
    it reads the folder `results`.

    Guests of several architectures or page sizes are refused.  With --across-architectures each has a series of its
    own.  A table has the steps on all of them, and another one the newest kernel of each.
    """
    from gcproto.results.configurations import builds, disclosed
    from gcproto.results.documents import document
    from gcproto.results.profiles.explain import explanations
    from gcproto.results.series import build
    from gcproto.results.steps import steps

    looked = places or (Path("results"),)
    if plots:  # before anything is printed
        from gcproto.report.plots.series import see_that_it_can_be_drawn

        see_that_outputs_are_new(plots, looked)
        for path in plots:
            see_that_it_can_be_drawn(path)
    results = guests(looked)
    if across:
        if plots or heap or fail_on_step:
            raise click.UsageError("--across-architectures has no picture, no heap, and no verdict on steps")
        _across(results, threshold / 100, as_json=as_json)
        return
    series = build(results, heap=heap)
    if not series.cells and not series.failures:
        raise GcprotoError(
            f"no {'heap' if heap else 'path'} was measured in these results",
            remedy=f"`gcproto kernels run{' --set heap' if heap else ''}` measures some",
            code=ExitCode.USAGE,
        )
    found = steps(series, threshold / 100)
    explained = [explanations(results, one.before, one.after).get(one.scenario) for one in found]
    if as_json:
        cells = [{"scenario": scenario, "kernels": cells} for scenario, cells in series.cells.items()]
        fields = {"unit": series.unit, "kernels": series.kernels, "cells": cells, "steps": found}
        fields |= {"failures": series.failures, "functions": [one for one in explained if one]}
        fields["builds"] = builds(results)
        echo_json(document("kernels-history", fields))
    else:
        from gcproto.cli.kit.terminal import console
        from gcproto.report.terminal.configurations import print_builds
        from gcproto.report.terminal.series import print_history

        print_history(series, found, explained, console())
        print_builds(results, console(), series.kernels)
    for path in plots:
        for_matplotlib()
        from gcproto.report.plots.series import plot

        plot(series, found, disclosed(results, series.kernels), path)
        click.echo(f"plot: {path}", err=True)
    worse = [one for one in found if one.change > 0]
    if fail_on_step and worse:
        click.echo(f"gcproto: {counted(len(worse), 'step')} to more", err=True)
        ctx.exit(ExitCode.NO)


def _across(results: "list[Result]", threshold: float, *, as_json: bool) -> None:
    """A series for each platform, and where each of them steps."""
    from gcproto.results.configurations import builds
    from gcproto.results.documents import document
    from gcproto.results.platforms import beside, newest, newest_of, series_of
    from gcproto.results.steps import steps

    platforms = series_of(results)
    found = beside(platforms, threshold)
    if as_json:
        shown = {
            platform: {
                "unit": series.unit,
                "kernels": series.kernels,
                "cells": [{"scenario": one, "kernels": cells} for one, cells in series.cells.items()],
            }
            for platform, series in platforms.items()
        }
        fields = {"platforms": shown, "steps": found, "newest": newest(platforms), "builds": builds(results)}
        echo_json(document("kernels-platforms", fields))
        return
    from gcproto.cli.kit.terminal import console
    from gcproto.report.terminal.configurations import print_builds
    from gcproto.report.terminal.platforms import print_beside, print_newest
    from gcproto.report.terminal.series import print_history

    for series in platforms.values():
        made = steps(series, threshold)
        print_history(series, made, [None] * len(made), console())
        console().print()
    print_beside(found, platforms, console())
    print_newest(newest(platforms), newest_of(platforms), console())
    print_builds(results, console())
