"""Verdicts on hazards and contract rows, beside what is known of the kernels' versions."""

from collections.abc import Iterable, Sequence

from rich.console import Console

from gcproto.known.bugs import BUGS, State
from gcproto.known.version import parse
from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.table import Column, Table
from gcproto.report.terminal.kit.text import Part, say
from gcproto.results import names
from gcproto.results.facts import MARK, branch_of, brief
from gcproto.results.schema import Console as KernelConsole
from gcproto.results.schema import ContractRow, Hazard, Result, Subject, Verdict
from gcproto.results.series import release_of, short, version_key

GOOD = frozenset({"fine", "ebusy"})
STYLES = {"fine": "green", "ebusy": "green", "unavailable": "dim", "differs": "yellow"}
BADNESS = ("unavailable", "fine", "ebusy", "differs", "hang", "panic", "corruption")
"""If one thing has several verdicts, the last in this order is shown."""

Seen = dict[Subject, Verdict]


def remembered(name: str, release: str) -> State | None:
    """The known state of a bug in a release; None if the bug is unknown or the release has no version."""
    bug = next((bug for bug in BUGS if bug.key == name), None)
    return bug.state_by_version(parse(release)) if bug and branch_of(release) else None


def races(name: str) -> bool:
    """Whether a bug of that name shows only at times, so that a fine verdict contradicts nothing."""
    return any(bug.race for bug in BUGS if bug.key == name)


def agrees(verdict: str, state: State | None, *, race: bool = False) -> bool:
    """Whether the verdict fits what is known. A race may stay unseen."""
    if state is None or verdict == "unavailable" or (race and verdict in GOOD):
        return True
    return (verdict in GOOD) == (state is not State.BY_VERSION)


def print_verdicts(results: Sequence[Result], console: Console) -> None:
    """Print the map, the verdicts that are not fine and the reasons of those that are unavailable."""
    print_map(results, console)
    by_kernel = _by_kernel(results)
    releases = sorted(by_kernel, key=version_key)
    for release in releases:
        for one in by_kernel[release].values():
            if one.verdict not in GOOD and one.verdict != "unavailable":
                say(console, f"{short(release)}: {names.subject(one.subject)}: {one.verdict}: {one.text}")
    _print_unavailable(by_kernel, releases, console)


def print_map(results: Sequence[Result], console: Console) -> None:
    """Print a line for each hazard and a column for each kernel, and how many rows of the contract hold."""
    by_kernel = _by_kernel(results)
    releases = sorted(by_kernel, key=version_key)
    hazards = dict.fromkeys(one for seen in by_kernel.values() for one in seen if isinstance(one, Hazard))
    table = Table([Column("hazard", words=True), *(Column(_head(one), words=True) for one in releases)])
    for hazard in hazards:
        found = {release: by_kernel[release].get(hazard) for release in releases}
        label = next(names.short_subject(one) for one in found.values() if one)
        table.add(label, *(_cell(one, release) for release, one in found.items()))
    if any(isinstance(one, ContractRow) for seen in by_kernel.values() for one in seen):
        table.add("contract rows ok", *(_contract(by_kernel[release]) for release in releases))
    console.print()
    say(
        console,
        "What each kernel did; - is unavailable, ! differs from what is known of the kernel, ? no known bug explains",
        style="bold",
    )
    print_table(table, console)


def print_rows(results: Sequence[Result], rows: Sequence[str], console: Console) -> None:
    """Print a line for each of these rows of the contract, and one for each other that is neither fine nor unavailable.

    Args:
        results: of checks.
        rows: names, in the order of the lines.
        console: to print to.

    """
    by_kernel = _by_kernel(results)
    releases = sorted(by_kernel, key=version_key)
    bad = [
        subject.name
        for seen in by_kernel.values()
        for subject, one in seen.items()
        if isinstance(subject, ContractRow) and one.verdict not in GOOD and one.verdict != "unavailable"
    ]
    table = Table([Column("row", words=True), *(Column(_head(one), words=True) for one in releases)])
    for name in dict.fromkeys((*rows, *bad)):
        table.add(name, *(_cell(by_kernel[release].get(ContractRow(name)), release) for release in releases))
    console.print()
    print_table(table, console)


def _by_kernel(results: Iterable[Result]) -> dict[str, Seen]:
    """Verdicts of all results of a kernel: seen in one counts as seen."""
    found: dict[str, Seen] = {}
    for result in results:
        seen = found.setdefault(release_of(result), {})
        for one in result.verdicts:
            known = seen.get(one.subject)
            if known is None or BADNESS.index(one.verdict) > BADNESS.index(known.verdict):
                seen[one.subject] = one
    return found


def _head(release: str) -> str:
    return brief(release) if MARK in release else short(release).split("+")[0]


def _cell(one: Verdict | None, release: str) -> Part | list[Part]:
    if one is None or one.verdict == "unavailable":
        return ("-", STYLES["unavailable"])
    hazard = one.subject.name if isinstance(one.subject, Hazard) else ""
    fits = agrees(one.verdict, remembered(hazard, release), race=races(hazard))
    mark = " ?" if one.unexplained else "" if fits else " !"
    return (f"{one.verdict}{mark}", STYLES.get(one.verdict, "bold red"))


def _contract(seen: Seen) -> str:
    rows = [one for subject, one in seen.items() if isinstance(subject, ContractRow)]
    good = sum(one.verdict in GOOD for one in rows)
    run = sum(one.verdict != "unavailable" for one in rows)
    return f"{good} of {run}"


def _print_unavailable(by_kernel: dict[str, Seen], releases: Sequence[str], console: Console) -> None:
    """Hazards, and consoles that can't say anything, that were unavailable, once for each reason."""
    reasons: dict[str, list[str]] = {}
    for release in releases:
        for one in by_kernel[release].values():
            if one.verdict == "unavailable" and isinstance(one.subject, Hazard | KernelConsole):
                reasons.setdefault(one.text, []).append(f"{short(release)} {names.short_subject(one)}")
    for reason, places in reasons.items():
        say(console, f"unavailable: {reason} ({', '.join(places)})", style="dim")
