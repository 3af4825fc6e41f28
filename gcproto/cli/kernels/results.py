"""Result files of guests, from files and folders, and the differences of two kernels by function."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcproto.counted import counted
from gcproto.errors import ExitCode, GcprotoError

if TYPE_CHECKING:
    from gcproto.results.profiles.explain import Explanation
    from gcproto.results.schema import Result


def guests(paths: Iterable[Path]) -> "list[Result]":
    """Results of guests in files, and in the *.json of folders.

    A file in a folder that is not a usable result is reported and skipped. Results of other producers are counted.

    Raises:
        GcprotoError: a file named by itself is not a usable result, or there is no result of a guest at all.

    """
    from gcproto.results.gather import gather

    places = list(paths)
    gathered = gather(places)
    for one in gathered.refused:
        if one.named:
            raise one.error
        click.echo(f"gcproto: passed over: {one.error}", err=True)
    found = [result for _, result in gathered.results if result.guest]
    others = len(gathered.results) - len(found)
    if others:
        click.echo(f"gcproto: passed over, as not of guests: {counted(others, 'result')}", err=True)
    if not found:
        raise GcprotoError(
            f"there is no result of a guest in {', '.join(map(str, places))}",
            remedy="`gcproto kernels run --default` makes some",
            code=ExitCode.USAGE,
        )
    return found


def kernel_named(text: str, kernels: Iterable[str]) -> str:
    """The kernel meant by a release, a version or the beginning of one.

    Raises:
        GcprotoError: there is none, or several.

    """
    from gcproto.results.series import short

    known = list(kernels)
    exact = [one for one in known if text in (one, short(one))]
    begun = [one for one in known if any(one.startswith(text + mark) for mark in ".+-~")]
    found = exact or begun
    if len(found) == 1:
        return found[0]
    if found:
        what, why = f"{text!r} is several kernels of these results", ", ".join(found)
    else:
        what, why = f"{text!r} is not a kernel of these results", f"there are: {', '.join(known) or 'none'}"
    raise GcprotoError(what, why=why, remedy="name one of them", code=ExitCode.USAGE)


def by_function(
    results: "Sequence[Result]", before: str, after: str, scenarios: Sequence[str] = ()
) -> "list[Explanation]":
    """Explanations of the scenarios that changed by more than boots of one kernel may differ, or of those named.

    Args:
        results: of guests.
        before: release of the kernel that is compared with.
        after: of the other.
        scenarios: as a user names them; none: those that changed.

    Raises:
        GcprotoError: the two have no profile of one scenario, or of one that was named.

    """
    from gcproto.results.facts import page_size_of
    from gcproto.results.profiles.explain import explanations
    from gcproto.results.series import FLAG, short

    found = list(explanations(results, before, after).values())
    if not found:
        versions = f"{short(before)} {short(after)}"
        raise GcprotoError(
            "these results have no profile of one scenario in both kernels",
            remedy=f"measure both with profiles: gcproto kernels run {versions} --profile",
            code=ExitCode.USAGE,
        )
    if scenarios:
        return [_named(text, found, page_size_of(results[0])) for text in scenarios]
    return [one for one in found if one.old and abs(one.change) > FLAG * one.old]


def _named(text: str, found: "Sequence[Explanation]", page_size: int) -> "Explanation":
    from gcproto.kernels.guest.asked import parse

    asked = parse(text, page_size)
    chosen = [one for one in found if asked.is_path(one.scenario)]
    if not chosen:
        raise GcprotoError(
            f"these results have no profile of {text!r} in both kernels",
            remedy=f"gcproto kernels profile KERNEL '{text}' measures it",
            code=ExitCode.USAGE,
        )
    return chosen[0]


def print_functions(found: "Sequence[Explanation]", before: str, after: str, page_size: int) -> None:
    """Print explanations; where this machine knows the kernels' symbols, what one of them lacks is marked.

    Args:
        found: explanations.
        before: release of the kernel that was compared with.
        after: of the other.
        page_size: of both, in bytes.

    """
    from gcproto.cli.kit.terminal import console
    from gcproto.kernels.profile.functions import names_of
    from gcproto.report.terminal.functions import print_explanations

    print_explanations(found, before, after, names_of(before), names_of(after), page_size, console())
