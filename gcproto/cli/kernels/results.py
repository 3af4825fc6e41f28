"""Result files of guests, from files and folders."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcproto.counted import counted
from gcproto.errors import ExitCode, GcprotoError

if TYPE_CHECKING:
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
