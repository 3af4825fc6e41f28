"""Profiles of guests by function, for the section of kernels."""

from collections.abc import Sequence

from gcproto.report.page.model import Grid, Part
from gcproto.report.plots.functions import (
    DIFFERENCE_HEADS,
    HEADS,
    MISS_HEADS,
    difference_plot,
    difference_rows,
    miss_rows,
    profile_plot,
    profile_rows,
)
from gcproto.results import names
from gcproto.results.facts import ENTRY_BYTES
from gcproto.results.profiles.events import counts_ipis
from gcproto.results.profiles.explain import Profiled, explanations, merged
from gcproto.results.profiles.misses import MODEL, geometry
from gcproto.results.schema import PathScenario, Result, Scenario
from gcproto.results.series import FLAG, PMD, is_path, page_size_of, short
from gcproto.sizes import KIB, log2_pages

FEW = 8
"""Scenarios that are all drawn; of more, only the leading ones."""


def profile_parts(results: Sequence[Result], name: str) -> list[Part]:
    """The newest kernel's profiles, and its differences to the kernel before it; empty without profiles.

    Args:
        results: of guests that form a series.
        name: beginning of the names of pictures.

    """
    found = [one for one in merged(results) if not counts_ipis(one.scenario)]
    if not found:
        return []
    releases = list(dict.fromkeys(one.release for one in found))
    newest = [one for one in found if one.release == releases[-1]]
    page_size = page_size_of(results[0])
    drawn = [one for one in newest if len(newest) <= FEW or leads(one.scenario, page_size)]
    parts = [_profiles(newest, drawn, page_size, name)]
    if len(releases) > 1:
        parts += _differences(results, releases[-2], releases[-1], [one.scenario for one in drawn], name)
    return parts


def leads(one: Scenario, page_size: int) -> bool:
    """Whether a scenario is drawn among many: it tells kernels apart, as the columns of `kernels run` do."""
    thp = log2_pages(page_size // ENTRY_BYTES * page_size, page_size)
    leading = (
        ("small", 0, "move", page_size),
        ("small", 0, "move", PMD),
        ("small", 0, "copy", PMD),
        ("mthp", log2_pages(64 * KIB, page_size), "move", PMD),
        ("mthp", log2_pages(PMD, page_size), "move", PMD),
        ("thp", thp, "move", page_size << thp),
        ("swapped", 0, "move", PMD),
    )
    return isinstance(one, PathScenario) and any(is_path(one, *path) for path in leading)


def _profiles(newest: Sequence[Profiled], drawn: Sequence[Profiled], page_size: int, name: str) -> Part:
    part = Part(f"By function: {short(newest[0].release)}")
    part.lines.append("Executed instructions in the timed region, counted by a plugin of QEMU. They are no time.")
    if len(drawn) < len(newest):
        part.lines.append("Pictures show the leading scenarios. Each scenario has a table.")
    part.wide = [profile_plot(f"{name}-functions-{number}", one, page_size) for number, one in enumerate(drawn)]
    for one in newest:
        scenario = names.scenario(one.scenario, page_size)
        part.grids.append(Grid(scenario, HEADS, profile_rows(one)))
        if one.profile.caches:
            title = f"{scenario}: lines missed in a model of caches, {geometry(one.profile)}"
            part.grids.append(Grid(title, MISS_HEADS, miss_rows(one), note=MODEL))
    return part


def _differences(
    results: Sequence[Result], before: str, after: str, drawn: Sequence[Scenario], name: str
) -> list[Part]:
    page_size = page_size_of(results[0])
    every = explanations(results, before, after)
    changed = [one for one in every.values() if one.old and abs(one.change) > FLAG * one.old]
    part = Part(f"By function: {short(before)} to {short(after)}")
    shown = [one for one in changed if one.scenario in drawn]
    part.wide = [
        difference_plot(f"{name}-change-{number}", one, before, after, page_size) for number, one in enumerate(shown)
    ]
    part.grids = [
        Grid(
            names.scenario(one.scenario, page_size),
            DIFFERENCE_HEADS,
            difference_rows(one),
            note=_rest(one.others, one.rest),
        )
        for one in changed
    ]
    return [part] if changed else []


def _rest(others: int, rest: float) -> str:
    return f"{others} more functions change by {rest:+.1f} together." if others else ""
