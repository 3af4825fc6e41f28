"""Profiles of kernels: means over boots, and the functions that make up the difference of two."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import fmean

import msgspec

from gcproto.results.facts import release_of, version_key
from gcproto.results.profiles.events import COUNTS, counts_ipis
from gcproto.results.schema import FunctionProfile, PathFigures, Profile, Result, Scenario

SUFFIX = re.compile(r"\.(isra|constprop|part|cold|llvm)(\.\d+)*(?=\.|$)")
"""What compilers append to the name of a function that they split or specialised."""
EXPLAINED = 0.95
"""Share of a difference that is explained by the functions that are shown."""


class Profiled(msgspec.Struct, frozen=True):
    """A scenario in a kernel: the mean of its boots."""

    release: str
    scenario: Scenario
    profile: Profile


class Difference(msgspec.Struct, frozen=True):
    """A function in two kernels; instructions and calls for each base page."""

    name: str
    old: float
    new: float
    old_calls: float
    new_calls: float

    @property
    def change(self) -> float:
        """Instructions more, for each base page."""
        return self.new - self.old


class Explanation(msgspec.Struct, frozen=True):
    """Which functions make up the difference of a scenario between two kernels.

    Attributes:
        scenario: which.
        old, new: instructions of all functions, for each base page.
        functions: those that changed most; what is left changed by at most a twentieth of the difference, whatever its
            sign.
        others: how many more changed;  rest: by how much, together.

    """

    scenario: Scenario
    old: float
    new: float
    functions: list[Difference]
    others: int
    rest: float

    @property
    def change(self) -> float:
        """Instructions more, for each base page."""
        return self.new - self.old


def base_name(name: str) -> str:
    """A function without what a compiler appended: ``move_pages_ptes.isra.0`` is ``move_pages_ptes``."""
    return SUFFIX.sub("", name)


def profiled(result: Result) -> list[tuple[Scenario, Profile]]:
    """Profiles of a result, in the order of its measurements."""
    return [
        (one.scenario, one.figures.profile)
        for one in result.measurements
        if one.valid and isinstance(one.figures, PathFigures) and one.figures.profile is not None
    ]


def profiles(results: Iterable[Result], release: str) -> dict[Scenario, Profile]:
    """Profiles of a kernel by scenario, the means of its boots; parts of a function are one.

    Args:
        results: of guests.
        release: of the kernel.

    """
    boots: dict[Scenario, list[Profile]] = defaultdict(list)
    for result in results:
        if release_of(result) == release:
            for scenario, profile in profiled(result):
                boots[scenario].append(profile)
    return {scenario: mean(found) for scenario, found in boots.items()}


def merged(results: Sequence[Result]) -> list[Profiled]:
    """All profiles of results, by kernels in the order of their versions.

    Args:
        results: of guests.

    """
    releases = sorted({release_of(result) for result in results}, key=version_key)
    return [
        Profiled(release, scenario, profile)
        for release in releases
        for scenario, profile in profiles(results, release).items()
    ]


def mean(found: Sequence[Profile]) -> Profile:
    """The mean of profiles of one scenario.

    Args:
        found: of its boots, at least one.

    """
    sums: dict[str, dict[str, float]] = defaultdict(lambda: dict.fromkeys(COUNTS, 0.0))
    for profile in found:
        for one in profile.functions:
            mine = sums[base_name(one.name)]
            for name in COUNTS:
                mine[name] += getattr(one, name) / len(found)
    functions = [FunctionProfile(name, **counts) for name, counts in sums.items()]
    functions.sort(key=lambda one: (-one.instructions, one.name))
    caches = found[0].caches if all(one.caches == found[0].caches for one in found) else []
    return Profile(round(fmean(one.rounds for one in found)), functions, all(one.by_clock for one in found), caches)


def explain(scenario: Scenario, old: Profile, new: Profile) -> Explanation:
    """The functions that make up a difference, largest first.

    All others together have less than a twentieth of the difference, each counted by its size.  So two large changes
    that cancel each other are both named.

    Args:
        scenario: which.
        old: of the kernel that is compared with.
        new: of the other.

    """
    before, after = ({one.name: one for one in profile.functions} for profile in (old, new))
    none = FunctionProfile("")
    changed = [
        Difference(name, was.instructions, now.instructions, was.calls, now.calls)
        for name in {**before, **after}
        if (was := before.get(name, none)) != (now := after.get(name, none))
    ]
    changed.sort(key=lambda one: (-abs(one.change), one.name))
    left = sum(abs(one.change) for one in changed)
    allowed = (1 - EXPLAINED) * abs(new.instructions - old.instructions)
    named = 0
    while named < len(changed) and left > allowed and changed[named].change:
        left -= abs(changed[named].change)
        named += 1
    others = [one for one in changed[named:] if one.change]
    return Explanation(
        scenario,
        old.instructions,
        new.instructions,
        changed[:named],
        len(others),
        sum(one.change for one in others),
    )


def explanations(results: Sequence[Result], before: str, after: str) -> dict[Scenario, Explanation]:
    """Explanations of all scenarios that both kernels have a profile of.

    Args:
        results: of guests.
        before: release of the kernel that is compared with.
        after: of the other.

    """
    old, new = profiles(results, before), profiles(results, after)
    return {one: explain(one, old[one], new[one]) for one in old if one in new and not counts_ipis(one)}
