"""Verdicts on hazards and contract rows as a table, beside what is known of the kernels' versions."""

from collections.abc import Sequence

from gcproto.report.page.model import Grid, Part, Section
from gcproto.report.plots.kernels import names_of, version_labels
from gcproto.report.terminal.verdicts import GOOD, agrees, remembered
from gcproto.report.words.kernels import misbehaved
from gcproto.results import names
from gcproto.results.schema import ContractRow, Hazard, Result, Subject, Verdict
from gcproto.results.series import release_of, short, version_key

MISSING = "These results hold no check of kernels. Run `gcproto kernels check`."

Verdicts = dict[Subject, Verdict]


def checks_section(results: Sequence[Result]) -> Section:
    """Hazards by kernel, the contract's rows that differ, and what was unavailable."""
    section = Section("checks", "Kernels under test: contract and hazards", MISSING)
    if not results:
        return section
    by_kernel: dict[str, Verdicts] = {}
    for result in results:
        by_kernel.setdefault(release_of(result), {}).update({one.subject: one for one in result.verdicts})
    releases = sorted(by_kernel, key=version_key)
    part = Part()
    part.lines.append("An exclamation mark: the verdict differs from what is known of the version.")
    part.grids = [
        _hazards(by_kernel, releases),
        _bad(by_kernel, releases),
        _unavailable(by_kernel, releases),
        _all(by_kernel, releases),
    ]
    section.parts.append(part)
    return section


def _hazards(by_kernel: dict[str, Verdicts], releases: Sequence[str]) -> Grid:
    hazards = [one for found in by_kernel.values() for one in found if isinstance(one, Hazard)]
    rows = [
        (hazard.name, *(_cell(hazard, by_kernel[release].get(hazard), release) for release in releases))
        for hazard in dict.fromkeys(hazards)
    ]
    rows.append(("contract rows that hold", *(_contract(by_kernel[release]) for release in releases)))
    return Grid("Hazards", ("hazard", *version_labels(releases)), rows, len(releases) + 1, folded=False)


def _cell(hazard: Hazard, one: Verdict | None, release: str) -> str:
    if one is None:
        return "not run"
    known = agrees(one.verdict, remembered(hazard.name, release))
    return one.verdict + ("" if known else " !")


def _contract(found: Verdicts) -> str:
    rows = [one for subject, one in found.items() if isinstance(subject, ContractRow)]
    return f"{sum(one.verdict in GOOD for one in rows)} of {sum(one.verdict != 'unavailable' for one in rows)}"


def _bad(by_kernel: dict[str, Verdicts], releases: Sequence[str]) -> Grid:
    known = names_of(releases)
    rows = [
        (known[release], names.subject(one.subject), one.verdict, one.text)
        for release in releases
        for one in by_kernel[release].values()
        if misbehaved(one)
    ]
    return Grid("What was not fine", ("kernel", "check", "verdict", "what was seen"), rows, 4, folded=False)


def _unavailable(by_kernel: dict[str, Verdicts], releases: Sequence[str]) -> Grid:
    known = names_of(releases)
    rows = [
        (known[release], names.subject(one.subject), one.text)
        for release in releases
        for one in by_kernel[release].values()
        if one.verdict == "unavailable"
    ]
    return Grid("What was unavailable, and why", ("kernel", "check", "why"), rows, 3)


def _all(by_kernel: dict[str, Verdicts], releases: Sequence[str]) -> Grid:
    rows = [
        (short(release), names.subject(one.subject), one.verdict, one.text, f"{one.seconds:.1f}")
        for release in releases
        for one in by_kernel[release].values()
    ]
    return Grid(f"All {len(rows)} verdicts", ("kernel", "check", "verdict", "what was seen", "seconds"), rows, 4)
