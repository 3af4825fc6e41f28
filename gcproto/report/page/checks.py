"""What kernels did where they might misbehave, as a table of verdicts beside what is known of their versions."""

from collections.abc import Sequence

from gcproto.report.page.model import Grid, Part, Section
from gcproto.report.plots.kernels import names_of, version_labels
from gcproto.report.verdicts import GOOD, agrees, remembered
from gcproto.results.schema import Result, Verdict
from gcproto.results.series import release_of, short, version_key

MISSING = "No check of kernels is among these results: `gcproto kernels check` makes some."
PREFIX = "hazard/"


def checks_section(results: Sequence[Result]) -> Section:
    """Hazards by kernel, the contract's rows that differ, and what could not be had."""
    section = Section("checks", "Kernels under test: contract and hazards", MISSING)
    if not results:
        return section
    by_kernel: dict[str, dict[str, Verdict]] = {}
    for result in results:
        by_kernel.setdefault(release_of(result), {}).update({one.name: one for one in result.verdicts})
    releases = sorted(by_kernel, key=version_key)
    part = Part()
    part.lines.append("An exclamation mark: what was seen is not what is known of the version.")
    part.grids = [
        _hazards(by_kernel, releases),
        _bad(by_kernel, releases),
        _unavailable(by_kernel, releases),
        _all(by_kernel, releases),
    ]
    section.parts.append(part)
    return section


def _hazards(by_kernel: dict[str, dict[str, Verdict]], releases: Sequence[str]) -> Grid:
    names = list(dict.fromkeys(name for found in by_kernel.values() for name in found if name.startswith(PREFIX)))
    rows = [
        (name.removeprefix(PREFIX), *(_cell(by_kernel[release].get(name), release) for release in releases))
        for name in names
    ]
    rows.append(("contract rows ok", *(_contract(by_kernel[release]) for release in releases)))
    return Grid("Hazards", ("hazard", *version_labels(releases)), rows, len(releases) + 1, folded=False)


def _cell(one: Verdict | None, release: str) -> str:
    if one is None:
        return "not run"
    known = agrees(one.verdict, remembered(one.name.removeprefix(PREFIX), release))
    return one.verdict + ("" if known else " !")


def _contract(found: dict[str, Verdict]) -> str:
    rows = [one for name, one in found.items() if name.startswith("contract/")]
    return f"{sum(one.verdict in GOOD for one in rows)} of {sum(one.verdict != 'unavailable' for one in rows)}"


def _bad(by_kernel: dict[str, dict[str, Verdict]], releases: Sequence[str]) -> Grid:
    names = names_of(releases)
    rows = [
        (names[release], one.name, one.verdict, one.text)
        for release in releases
        for one in by_kernel[release].values()
        if one.verdict not in GOOD and one.verdict != "unavailable"
    ]
    return Grid("What was not fine", ("kernel", "check", "verdict", "what was seen"), rows, 4, folded=False)


def _unavailable(by_kernel: dict[str, dict[str, Verdict]], releases: Sequence[str]) -> Grid:
    names = names_of(releases)
    rows = [
        (names[release], one.name, one.text)
        for release in releases
        for one in by_kernel[release].values()
        if one.verdict == "unavailable"
    ]
    return Grid("What could not be had, and why", ("kernel", "check", "why"), rows, 3)


def _all(by_kernel: dict[str, dict[str, Verdict]], releases: Sequence[str]) -> Grid:
    rows = [
        (short(release), one.name, one.verdict, one.text, f"{one.seconds:.1f}")
        for release in releases
        for one in by_kernel[release].values()
    ]
    return Grid(f"All {len(rows)} verdicts", ("kernel", "check", "verdict", "what was seen", "seconds"), rows, 4)
