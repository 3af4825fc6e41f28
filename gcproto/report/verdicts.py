"""What kernels did where they might misbehave: measured verdicts beside what is known of their versions."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gcproto.host.kernel_version import parse
from gcproto.host.known_bugs import BUGS, State
from gcproto.results.schema import Result, Verdict
from gcproto.results.series import release_of, short, version_key

GOOD = frozenset({"fine", "ebusy"})
STYLES = {"fine": "green", "ebusy": "green", "unavailable": "dim", "differs": "yellow"}


def remembered(name: str, release: str) -> State | None:
    """What is known of a bug in a release; None if the hazard is of no known bug."""
    bug = next((bug for bug in BUGS if bug.key == name), None)
    return bug.state_by_version(parse(release)) if bug else None


def agrees(verdict: str, state: State | None) -> bool:
    """Whether what was seen fits what is known; races need not show."""
    if state is None or verdict == "unavailable":
        return True
    return (verdict in GOOD) == (state is not State.BY_VERSION)


def print_verdicts(results: Sequence[Result], console: Console) -> None:
    """Print a line for each hazard, a column for each kernel, and the rows of the contract that differ."""
    by_kernel = {release_of(result): {one.name: one for one in result.verdicts} for result in results}
    releases = sorted(by_kernel, key=version_key)
    names = list(dict.fromkeys(name for found in by_kernel.values() for name in found if name.startswith("hazard/")))
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("hazard", no_wrap=True)
    for release in releases:
        table.add_column(short(release).split("+")[0], no_wrap=True)
    for name in names:
        table.add_row(name.removeprefix("hazard/"), *(_cell(by_kernel[one].get(name), one) for one in releases))
    table.add_row("contract rows ok", *(_contract(by_kernel[release]) for release in releases))
    console.print("\nWhat the kernels did; ! where it is not what is known of the version", style="bold")
    console.print(table)
    for release in releases:
        for one in by_kernel[release].values():
            if one.verdict not in GOOD and one.verdict != "unavailable":
                text = f"{short(release)}: {one.name}: {one.verdict}: {one.text}"
                console.print(escape(text), highlight=False, soft_wrap=True)
    _print_unavailable(by_kernel, releases, console)


def _cell(one: Verdict | None, release: str) -> str:
    if one is None:
        return "-"
    name = one.name.removeprefix("hazard/")
    mark = "" if agrees(one.verdict, remembered(name, release)) else " !"
    style = STYLES.get(one.verdict, "bold red")
    return f"[{style}]{one.verdict}[/]{mark}"


def _contract(found: dict[str, Verdict]) -> str:
    rows = [one for name, one in found.items() if name.startswith("contract/")]
    good = sum(one.verdict in GOOD for one in rows)
    run = sum(one.verdict != "unavailable" for one in rows)
    return f"{good} of {run}"


def _print_unavailable(by_kernel: dict[str, dict[str, Verdict]], releases: Sequence[str], console: Console) -> None:
    """Why a hazard could not be had, once for each reason."""
    reasons: dict[str, list[str]] = {}
    for release in releases:
        for one in by_kernel[release].values():
            if one.verdict == "unavailable" and one.name.startswith("hazard/"):
                reasons.setdefault(one.text, []).append(f"{short(release)} {one.name.removeprefix('hazard/')}")
    for reason, places in reasons.items():
        console.print(escape(f"unavailable: {reason} ({', '.join(places)})"), style="dim", soft_wrap=True)
