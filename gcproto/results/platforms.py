"""Guests of several architectures or page sizes beside each other.

Instructions of two instruction sets are no measure of each other, and a page of 16 KiB is not one of 4 KiB. So each
platform has a series of its own. What compares is where the series step, and by how much of their own values.
"""

from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise

import msgspec

from gcproto.results import names
from gcproto.results.facts import branch_of, brief
from gcproto.results.schema import PathScenario, Result, Scenario
from gcproto.results.series import Series, build, by_platform, version_key
from gcproto.results.steps import Step, steps

PAGE = "page"
INCOMPARABLE = (
    "Instructions of different instruction sets are no measure of each other, nor are pages of different sizes"
)
"""What every table of several platforms says."""


class Change(msgspec.Struct, frozen=True):
    """The relative change of a scenario between two kernels of one platform, and whether it is a step."""

    change: float
    step: bool


class Beside(msgspec.Struct, frozen=True):
    """A scenario between two branches, on all platforms that measured it in both.

    Attributes:
        name: of the scenario.
        before, after: branches, as ``6.17``; versions if both are of one branch.
        changes: by platform; a platform that lacks one of the two has none.

    """

    name: str
    before: str
    after: str
    changes: dict[str, Change]

    @property
    def stepping(self) -> list[str]:
        """Platforms where it is a step."""
        return [platform for platform, one in self.changes.items() if one.step]


def same_work(one: Scenario, page_size: int) -> Hashable:
    """What two platforms must agree in so that a scenario is the same work: sizes in bytes, a single page as a page.

    Args:
        one: scenario.
        page_size: of its platform, in bytes.

    """
    if not isinstance(one, PathScenario):
        return one
    folio = page_size << one.order if one.order else 0
    granule = PAGE if one.granule_bytes == page_size else one.granule_bytes
    return (one.source, folio, one.arm, granule, one.alignment, one.threads, one.working_set, one.frames, one.replica)


def series_of(results: Sequence[Result]) -> dict[str, Series]:
    """A series for each platform of guests."""
    return {platform: build(group) for platform, group in by_platform(results).items()}


def beside(platforms: Mapping[str, Series], threshold: float) -> list[Beside]:
    """Every step of any platform, with the change of the same work on the others.

    Args:
        platforms: series by platform.
        threshold: least change that is a step, relative.

    """
    stepped: dict[Hashable, dict[str, Change]] = {}
    shown: dict[Hashable, tuple[str, str, str]] = {}
    for platform, series in platforms.items():
        found = {(one.scenario, one.before, one.after): one for one in steps(series, threshold)}
        for scenario, cells in series.cells.items():
            having = [kernel for kernel in series.kernels if kernel in cells and cells[kernel].value]
            for before, after in pairwise(having):
                ends = _ends(before, after)
                key = (same_work(scenario, series.page_size), *ends)
                shown.setdefault(key, (_name(scenario, series.page_size), *ends))
                stepped.setdefault(key, {})[platform] = _change(series, scenario, (before, after), found)
    every = [Beside(*shown[key], changes) for key, changes in stepped.items()]
    return sorted((one for one in every if one.stepping), key=lambda one: (_order(one.after), _order(one.before)))


def _change(
    series: Series, scenario: Scenario, ends: tuple[str, str], found: Mapping[tuple[Scenario, str, str], Step]
) -> Change:
    old, new = (series.value(scenario, kernel) for kernel in ends)
    assert old is not None
    assert new is not None
    return Change(new / old - 1, (scenario, *ends) in found)


def _name(one: Scenario, page_size: int) -> str:
    single = isinstance(one, PathScenario) and one.granule_bytes == page_size
    return names.scenario(one, page_size) + " (a page)" * single


def _branch(kernel: str) -> str:
    found = branch_of(kernel)
    return ".".join(map(str, found)) if found else kernel


def _ends(before: str, after: str) -> tuple[str, str]:
    """``6.17``, ``6.18``; two kernels of one branch by their versions: ``6.12.43``, ``6.12.118``."""
    old, new = _branch(before), _branch(after)
    return (old, new) if old != new else (_version(before), _version(after))


def _version(kernel: str) -> str:
    return brief(kernel).split()[0]


def _order(branch: str) -> tuple[int, ...]:
    return tuple(int(part) for part in branch.split(".") if part.isdigit())


class Newest(msgspec.Struct, frozen=True):
    """A scenario in the newest kernel of each platform that measured it; ``values`` in instructions a page of each."""

    name: str
    values: dict[str, float]


def newest_of(platforms: Mapping[str, Series]) -> dict[str, str]:
    """The newest kernel of each platform that was measured there."""
    return {
        platform: max((one for cells in series.cells.values() for one in cells), key=version_key)
        for platform, series in platforms.items()
        if series.cells
    }


def newest(platforms: Mapping[str, Series]) -> list[Newest]:
    """The newest kernels of the platforms, scenario by scenario, where at least two of them did the same work.

    Args:
        platforms: series by platform.

    """
    values: dict[Hashable, dict[str, float]] = {}
    shown: dict[Hashable, str] = {}
    kernels = newest_of(platforms)
    for platform, kernel in kernels.items():
        series = platforms[platform]
        for scenario in series.cells:
            value = series.value(scenario, kernel)
            if value:
                key = same_work(scenario, series.page_size)
                shown.setdefault(key, _name(scenario, series.page_size))
                values.setdefault(key, {})[platform] = value
    return [Newest(shown[key], found) for key, found in values.items() if len(found) > 1]


class Same(msgspec.Struct, frozen=True):
    """The same work in two kernels of different platforms; ``old`` and ``new`` in instructions a page of each."""

    name: str
    old: float
    new: float


def between(first: Series, before: str, second: Series, after: str) -> list[Same]:
    """The scenarios that are the same work in two kernels.

    Args:
        first: series of the kernel `before`.
        before: name of the one.
        second: series of the kernel `after`.
        after: name of the other.

    """
    other = {same_work(one, second.page_size): second.value(one, after) for one in second.cells}
    found = []
    for one in first.cells:
        old, new = first.value(one, before), other.get(same_work(one, first.page_size))
        if old and new:
            found.append(Same(_name(one, first.page_size), old, new))
    return found
