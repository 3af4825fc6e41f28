"""``gcproto report``: results as one page."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcproto.cli.kit.params import FilePath, Once
from gcproto.counted import counted
from gcproto.errors import ExitCode, GcprotoError
from gcproto.process.cache_folder import for_matplotlib
from gcproto.process.outputs import see_that_outputs_are_new, write_whole

if TYPE_CHECKING:
    from gcproto.report.plots.plot import Plot
    from gcproto.results.schema import Result


@click.command(name="report")
@click.argument(
    "places",
    nargs=-1,
    type=FilePath(),
    metavar="[RESULT|FOLDER]...",
    callback=Once("place", Path.absolute),
)
@click.option(
    "-o",
    "--output",
    type=FilePath(dir_okay=False),
    default=Path("report.html"),
    show_default=True,
    help="The page: one file of at most 3 MB that loads nothing.",
)
@click.option(
    "--plots",
    "folder",
    type=FilePath(file_okay=False),
    metavar="DIR",
    help="Also write every picture, as PNG and SVG.",
)
@click.option("--title", default="", help="Title of the page; by default made from the results.")
@click.option(
    "--label",
    "given",
    multiple=True,
    metavar="NAME=RESULT",
    help="Name of the run in this file, for tables over several runs; once for each run.  [default: part of its id]",
)
@click.pass_context
def command(
    ctx: click.Context, places: tuple[Path, ...], output: Path, folder: Path | None, title: str, given: tuple[str, ...]
) -> None:
    """Make a page of RESULTs, of any mix of commands that measure, and of the *.json of FOLDERs.

    By default it reads the folder `results`.  Runs of one machine, kernel and program are combined.  What holds between
    them is called sure.  The least noisy run leads.

    A file that can't be used is named on standard error and in the page.  The others are reported.  The exit code is 2
    if the command line named such a file itself.
    """
    from gcproto.results.gather import gather
    from gcproto.results.reading.text import clean

    found = gather(places or [Path("results")])
    for one in found.refused:
        click.echo(f"gcproto: not used: {one.error}", err=True)
    if not found.results:
        raise GcprotoError(
            "there is no result to report",
            why=f"looked in {', '.join(map(str, places or [Path('results')]))}",
            remedy="`gcproto bench`, `gcproto gc` and `gcproto kernels run` make some",
            code=ExitCode.USAGE,
        )
    known = _labels(given, found.results)
    see_that_outputs_are_new([output], [path for path, _ in found.results])
    _prepare(output, folder)
    for_matplotlib()
    from gcproto.report.page.build import build
    from gcproto.report.page.render import plots, render

    page = build(found.results, found.refused, clean(title), known)
    text = render(page)
    write_whole(output, text)
    many = counted(len(found.results), "result")
    click.echo(f"report: {output} ({many}, {len(text.encode()) / 1e6:.2f} MB)", err=True)
    if folder is not None:
        _write_plots(plots(page), folder)
    if any(one.named for one in found.refused):
        ctx.exit(ExitCode.USAGE)


def _labels(given: Sequence[str], results: "Sequence[tuple[Path, Result]]") -> dict[str, str]:
    """Labels by run id.

    Args:
        given: ``NAME=RESULT``; a name has no equals sign, a file may.
        results: with their files.

    Raises:
        GcprotoError: one of them names nothing, no file of this report, or what another one names.

    """
    from gcproto.results.reading.text import clean

    files = {path.resolve(): result.run_id for path, result in results}
    found: dict[str, str] = {}
    for text in given:
        name, equals, file = text.partition("=")
        if not name.strip() or not equals or not file:
            raise _usage(f"--label {text} is not NAME=RESULT", "name a run and its file: --label quiet=results/a.json")
        run = files.get(Path(file).resolve())
        if run is None:
            raise _usage(f"--label {text}: {file} is none of the results of this report", "give the file as RESULT too")
        if run in found or name in found.values():
            raise _usage(f"--label {text} is given twice", "give each run one label, and each label to one run")
        found[run] = clean(name)
    return found


def _usage(what: str, remedy: str) -> GcprotoError:
    return GcprotoError(what, remedy=remedy, code=ExitCode.USAGE)


def _prepare(output: Path, folder: Path | None) -> None:
    """See that both can be written, before seconds are spent on drawing."""
    if not output.absolute().parent.is_dir():
        raise GcprotoError(
            f"{output} can't be written",
            why=f"{output.absolute().parent} is not a folder",
            remedy="choose another file with -o",
            code=ExitCode.WRITE,
        )
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or str(error)
        raise GcprotoError(
            f"{folder} can't be made", why=why, remedy="choose another --plots DIR", code=ExitCode.WRITE
        ) from error


def _write_plots(found: "list[Plot]", folder: Path) -> None:
    for plot in found:
        for ending in ("png", "svg"):
            plot.save(folder / f"{plot.name}.{ending}")
    click.echo(f"plots: {folder} ({counted(len(found), 'picture')}, PNG and SVG)", err=True)
