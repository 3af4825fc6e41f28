"""``gcproto kernels compare``: two kernels, scenario by scenario."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from gcproto.cli.kernels.platform import across_option
from gcproto.cli.kernels.results import by_function, guests, kernel_named, print_functions
from gcproto.cli.kit.options import refuse_without_effect
from gcproto.cli.kit.output import echo_json
from gcproto.cli.kit.params import PERCENT, FilePath, Name, Once
from gcproto.counted import counted
from gcproto.errors import ExitCode, GcprotoError

if TYPE_CHECKING:
    from gcproto.results.schema import Result
    from gcproto.results.series import Series

FUNCTION = "function"


class Pair(NamedTuple):
    """Two kernels to compare.

    Attributes:
        results: of both, and perhaps of others;  series: made of them.
        before, after: their names in the series;  same: they are runs of one kernel.

    """

    results: "list[Result]"
    series: "Series"
    before: str
    after: str
    same: bool


@click.command(name="compare")
@click.argument("base", type=Name("kernel"))
@click.argument("new", type=Name("kernel"))
@click.option(
    "--results",
    "places",
    type=FilePath(exists=True),
    multiple=True,
    callback=Once("place", Path.absolute),
    help="Folders or files to look in [default: results].",
)
@click.option("--fail-above", type=PERCENT, help="Exit with 1 if a scenario costs more by this.")
@click.option(
    "--by",
    type=click.Choice([FUNCTION]),
    help="Name the functions that make up each change; the results need profiles (kernels run --profile).",
)
@click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    callback=Once("scenario"),
    type=Name("scenario"),
    metavar="SCENARIO",
    help="With --by: explain this one, however small its change, as in 'small move 2m'; may be repeated.",
)
@click.option("--heap", is_flag=True, help="Compare the heap in guests (kernels run --set heap), not the paths.")
@across_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    base: str,
    new: str,
    places: tuple[Path, ...],
    fail_above: float | None,
    by: str | None,
    scenarios: tuple[str, ...],
    heap: bool,
    across: bool,
    as_json: bool,
) -> None:
    """Compare NEW with BASE: kernels by release or version, or two files or folders of results of one kernel each.

    The exit code is 1 if a scenario costs more than --fail-above allows, or if the canary moved too far to compare.
    """
    from gcproto.results.configurations import builds
    from gcproto.results.documents import document
    from gcproto.results.steps import changes, void

    if scenarios and not by:
        raise GcprotoError("--scenario is for --by function", remedy="give --by function as well", code=ExitCode.USAGE)
    if all(Path(text).exists() for text in (base, new)):
        refuse_without_effect(("places",), f"{base} and {new} are files or folders of results")
    if across:
        if heap or by or fail_above is not None:
            raise click.UsageError("--across-architectures shows paths; it has no limit and no functions")
        _across(base, new, places, as_json=as_json)
        return
    pair = _pair(base, new, places, heap=heap)
    found = changes(pair.series, pair.before, pair.after)
    voided = void(pair.series, pair.before, pair.after, same_kernel=pair.same)
    explained = by_function(pair.results, pair.before, pair.after, scenarios) if by else []
    if as_json:
        fields = {"unit": pair.series.unit, "base": pair.before, "new": pair.after, "changes": found, "void": voided}
        fields["builds"] = builds(pair.results, (pair.before, pair.after))
        echo_json(document("kernels-compare", fields | ({"functions": explained} if by else {})))
    else:
        from gcproto.cli.kit.terminal import console
        from gcproto.report.terminal.configurations import print_builds
        from gcproto.report.terminal.series import print_compilers, print_pair

        if by:
            print_functions(explained, pair.before, pair.after, pair.series.page_size)
        else:
            print_pair(pair.series, pair.before, pair.after, found, voided, console())
        print_compilers(pair.results, pair.before, pair.after, console())
        print_builds(pair.results, console(), (pair.before, pair.after))
    worse = [] if fail_above is None else [one for one in found if one.change > fail_above / 100]
    if voided:
        click.echo(f"gcproto: the comparison is void: {voided}", err=True)
        ctx.exit(ExitCode.NO)
    if worse:
        many = counted(len(worse), "scenario costs", "scenarios cost")
        click.echo(f"gcproto: {many} more than {fail_above:g} % more", err=True)
        ctx.exit(ExitCode.NO)


def _across(base: str, new: str, places: tuple[Path, ...], *, as_json: bool) -> None:
    """Two kernels of different architectures or page sizes: the same work in both."""
    from gcproto.results.configurations import builds
    from gcproto.results.documents import document
    from gcproto.results.platforms import between, series_of

    there = [text for text in (base, new) if Path(text).exists()]
    if len(there) == 2:
        sides = [guests([Path(place)]) for place in (base, new)]
        results = [one for side in sides for one in side]
        base, new = (_only(place, side) for place, side in zip((base, new), sides, strict=True))
    else:
        results = _of_places(base, new, there, places)
    platforms = series_of(results)
    known = {kernel: series for series in platforms.values() for kernel in series.kernels}
    before, after = kernel_named(base, known), kernel_named(new, known)
    found = between(known[before], before, known[after], after)
    if as_json:
        fields = {"base": before, "new": after, "same": found, "builds": builds(results, (before, after))}
        echo_json(document("kernels-across", fields))
        return
    from gcproto.cli.kit.terminal import console
    from gcproto.report.terminal.configurations import print_builds
    from gcproto.report.terminal.platforms import print_between

    print_between(found, before, after, console())
    print_builds(results, console(), (before, after))


def _pair(base: str, new: str, places: tuple[Path, ...], *, heap: bool) -> Pair:
    """Both kernels, by their names or by the places of their results."""
    from gcproto.results.facts import label
    from gcproto.results.series import build

    there = [text for text in (base, new) if Path(text).exists()]
    if len(there) < 2:
        found = _of_places(base, new, there, places)
        series = build(found, heap=heap)
        before, after = kernel_named(base, series.kernels), kernel_named(new, series.kernels)
        return Pair(found, series, before, after, before == after)
    sides = [guests([Path(place)]) for place in (base, new)]
    names = [_only(place, side) for place, side in zip((base, new), sides, strict=True)]
    same = names[0] == names[1]
    if same:  # two runs of one kernel: tell them apart
        names = [f"{names[0]} (base)", f"{names[1]} (new)"]
        for side, name in zip(sides, names, strict=True):
            for one in side:
                label(one, name)
    both = [*sides[0], *sides[1]]
    return Pair(both, build(both, heap=heap), names[0], names[1], same)


def _only(place: str, side: "list[Result]") -> str:
    """The kernel of a place's results.

    Raises:
        GcprotoError: there are several.

    """
    from gcproto.results.facts import release_of

    kernels = sorted({release_of(one) for one in side})
    if len(kernels) > 1:
        raise GcprotoError(
            f"{place} has results of several kernels",
            why=", ".join(kernels),
            remedy=f"name two of them: gcproto kernels compare {kernels[0]} {kernels[1]} --results {place}",
            code=ExitCode.USAGE,
        )
    return kernels[0]


def _of_places(base: str, new: str, there: list[str], places: tuple[Path, ...]) -> "list[Result]":
    """The results among which two kernels are looked up by their names.

    Raises:
        GcprotoError: one of the two is a file or folder and the other one is not there, or there are no results.

    """
    looked = places or (Path("results"),)
    missing = [text for text in (base, new) if text not in there]
    if there and not any(Path(text).parent == Path() and _is_kernel(text, looked) for text in there):
        raise GcprotoError(
            f"{missing[0]!r} was not found",
            why=f"{there[0]} is a file or folder of results, and no file or folder is called {missing[0]}",
            remedy="give two files, two folders, or two kernels",
            code=ExitCode.USAGE,
        )
    for place in looked:
        if not place.exists():
            raise GcprotoError(
                f"no file or folder is called {' or '.join(map(repr, missing))}",
                why=f"kernels of these names are looked for in {place}, and there is no such folder",
                remedy="give two files, or name the folder of the results with --results",
                code=ExitCode.USAGE,
            )
    return guests(looked)


def _is_kernel(text: str, places: Iterable[Path]) -> bool:
    """Whether a file of that name has the name of a kernel of the results, too."""
    from gcproto.results.gather import gather
    from gcproto.results.series import release_of

    try:
        kernel_named(text, {release_of(result) for _, result in gather(places).results})
    except GcprotoError:
        return False
    return True
