"""Results of several kernels as series: for each scenario one value per kernel, with the spread of its boots.

Instruction counts do not depend on the host, so hosts may differ. They depend on the virtual machine and on the
measuring program. Results that differ in these do not form a series.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import median

import msgspec

from gcproto.errors import ExitCode, GcprotoError
from gcproto.results.facts import (
    UNKNOWN,
    UNKNOWN_PAGE_SIZE,
    cell_of,
    emulator_of,
    of_heap,
    page_size_of,
    platform_of,
    release_of,
    short,
    timed_on,
    version_key,
)
from gcproto.results.schema import CONGRUENT, TIMES, UNIT_INSTRUCTIONS, PathScenario, Result, Scenario, sort_key
from gcproto.results.statistics import midmean

__all__ = [
    "AGREE",
    "FLAG",
    "PMD",
    "Cell",
    "Failure",
    "Series",
    "Spread",
    "build",
    "cells_of",
    "is_canary",
    "is_path",
    "of_heap",
    "page_size_of",
    "release_of",
    "short",
    "spreads",
    "version_key",
]

PMD = 2 << 20
AGREE = 0.003
"""Boots of one kernel agree if they differ by at most this in a scenario."""
FLAG = 0.005
"""Boots that differ by more than this are flagged."""


ACROSS = (
    "give results of one of them; --across-architectures shows them beside each other: instructions of two "
    "instruction sets are no measure of each other"
)


class Cell(msgspec.Struct, frozen=True):
    """One scenario in one kernel.

    Attributes:
        value: median over the boots of their midmeans (gcproto.results.statistics.midmean).
        spread: (largest - smallest) / value of the boots' midmeans; 0 with one boot.
        boots: with a valid measurement.
        invalid: boots whose measurement is invalid; they are not in the value.

    """

    value: float | None
    spread: float
    boots: int
    invalid: int


class Spread(msgspec.Struct, frozen=True):
    """The spread of the boots of one kernel in one scenario.

    Attributes:
        share: (largest - smallest) / median of the boots' midmeans, as ``Cell.spread``.
        boots: number of boots, two or more.

    """

    scenario: Scenario
    kernel: str
    share: float
    boots: int

    @property
    def flagged(self) -> bool:
        """Whether the spread is too wide for instruction counts."""
        return self.share > FLAG


class Failure(msgspec.Struct, frozen=True):
    """A boot that failed."""

    kernel: str
    boot: int
    outcome: str
    why: str


class Series(msgspec.Struct):
    """What was measured, by scenario and kernel.

    Attributes:
        unit: of all values.
        kernels: releases in the order of their versions.
        cells: by scenario, then by kernel.
        failures: boots without a full result.
        platform: architecture, page size and processor of all guests.
        page_size: in bytes.

    """

    unit: str
    kernels: list[str]
    cells: dict[Scenario, dict[str, Cell]]
    failures: list[Failure]
    platform: str = ""
    page_size: int = UNKNOWN_PAGE_SIZE

    def value(self, scenario: Scenario, kernel: str) -> float | None:
        """Value of a cell; None if it was not measured or is invalid."""
        cell = self.cells.get(scenario, {}).get(kernel)
        return cell.value if cell else None


def is_path(one: Scenario, source: str, order: int, arm: str, granule: int) -> bool:
    """Whether a scenario is this path: congruent, on one thread, no second of an A/A pair."""
    if not isinstance(one, PathScenario):
        return False
    named = (one.source, one.order, one.arm, one.granule_bytes) == (source, order, arm, granule)
    return named and one.alignment == CONGRUENT and one.threads == 1 and one.replica == 0


def is_canary(one: Scenario) -> bool:
    """Whether it is the canary: a system call and a first touch of a page, without userfaultfd."""
    return isinstance(one, PathScenario) and one.arm == "canary"


def build(results: Iterable[Result], *, heap: bool = False) -> Series:
    """Results as series.

    Args:
        results: of guests, one a boot.
        heap: use only results of the scenario set ``heap``, which has its own units and guests.

    Raises:
        GcprotoError: there are no results, or they differ in what counts depend on.

    """
    guests = [result for result in results if result.guest is not None and of_heap(result) == heap]
    if not guests:
        what, how = ("the heap in guests", " --set heap") if heap else ("paths in guests", "")
        raise GcprotoError(
            f"no result of {what} was given", remedy=f"`gcproto kernels run{how}` makes them", code=ExitCode.USAGE
        )
    unit = _see_that_they_are_alike(guests)
    kernels = sorted({release_of(result) for result in guests}, key=version_key)
    failures = [
        Failure(release_of(result), result.guest.boot, result.guest.outcome, result.guest.why)
        for result in guests
        if result.guest and result.guest.outcome != "done"
    ]
    return Series(unit, kernels, cells_of(guests), failures, platform_of(guests[0]), page_size_of(guests[0]))


def by_platform(results: Iterable[Result]) -> dict[str, list[Result]]:
    """Results of guests by platform, each of which can form a series; in the order of names, x86-64 last.

    Args:
        results: of guests.

    """
    found: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        found[platform_of(result)].append(result)
    return {platform: found[platform] for platform in sorted(found)}


def cells_of(results: Iterable[Result]) -> dict[Scenario, dict[str, Cell]]:
    """Cells by scenario, then by kernel in the order of versions.

    Args:
        results: of guests, one a boot.

    """
    by_kernel: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        by_kernel[release_of(result)].append(result)
    cells: dict[Scenario, dict[str, Cell]] = defaultdict(dict)
    for kernel in sorted(by_kernel, key=version_key):
        good: dict[Scenario, list[float]] = defaultdict(list)
        bad: dict[Scenario, int] = defaultdict(int)
        for result in by_kernel[kernel]:
            for one in result.measurements:
                if one.valid and one.median is not None:
                    good[one.scenario].append(midmean(one.samples))
                else:
                    bad[one.scenario] += 1
        for scenario in {*good, *bad}:
            cells[scenario][kernel] = _cell(good.get(scenario, []), bad[scenario])
    return {scenario: cells[scenario] for scenario in sorted(cells, key=sort_key)}


def spreads(results: Iterable[Result]) -> list[Spread]:
    """The spread of the boots of each kernel, scenario by scenario, widest first; omitted if there is one boot.

    Args:
        results: of guests, one a boot.

    """
    found = [
        Spread(scenario, kernel, cell.spread, cell.boots)
        for scenario, cells in cells_of(results).items()
        for kernel, cell in cells.items()
        if cell.boots > 1
    ]
    return sorted(found, key=lambda one: one.share, reverse=True)


def _cell(values: Sequence[float], invalid: int) -> Cell:
    if not values:
        return Cell(None, 0.0, 0, invalid)
    middle = median(values)
    return Cell(middle, (max(values) - min(values)) / middle if middle else 0.0, len(values), invalid)


def _see_that_they_are_alike(results: Sequence[Result]) -> str:
    """Unit of all measurements."""
    units = {one.unit for result in results for one in result.measurements}
    if len({unit.split("/")[0] for unit in units}) > 1:
        raise _unlike("units", sorted(units), "give results of one unit")
    measured = [result for result in results if result.measurements]
    platforms = sorted({platform_of(result) for result in measured})
    if len(platforms) > 1:
        raise _unlike("architecture, page size or processor", platforms, ACROSS)
    guests = [cell_of(result) for result in measured]
    for name in ("pages", "cpus", "memory_mib"):
        found = sorted({str(getattr(cell, name)) if cell else UNKNOWN for cell in guests})
        if len(found) > 1:
            raise _unlike(f"guests ({name})", found, "run them again under equal conditions")
    emulators = sorted({branch for result in measured if (branch := emulator_of(result))})
    if units - TIMES and len(emulators) > 1:
        why = [f"QEMU {branch}" for branch in emulators]
        raise _unlike("QEMU, and counts depend on its processor model", why, "run them again with one version of QEMU")
    programs = sorted({result.producer.benchmark for result in measured})
    if len(programs) > 1:
        raise _unlike("measuring programs (hash)", programs, "a change of the program starts a new series: run again")
    unit = ", ".join(sorted(units)) or UNIT_INSTRUCTIONS
    hosts = sorted({f"{timed_on(one)} {one.guest.host.get('cpu')}".lstrip() for one in measured if one.guest})
    if units & TIMES and len(hosts) > 1:
        raise _unlike("hosts, and times depend on them", hosts, "compare instructions, or times of one host")
    return unit


def _unlike(what: str, found: Sequence[str], remedy: str) -> GcprotoError:
    return GcprotoError(
        f"these results do not form a series: they differ in {what}",
        why=", ".join(found),
        remedy=remedy,
        code=ExitCode.USAGE,
    )
