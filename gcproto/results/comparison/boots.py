"""Compare two kernels on one machine by several boots of each.

A boot has its own page frames, its own order of memory and its own layout of the kernel. Rounds of one boot can't show
that: boots of one kernel may differ by more than the interval of each.  So boots are compared in pairs, in their order
in time, and the ratios of the pairs are pooled like runs (gcproto.results.pool). The scatter between pairs enters the
interval of the mean, and a change is marked only if a further pair would show it as well (the prediction interval).
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from gcproto.counted import counted
from gcproto.errors import ExitCode, GcprotoError
from gcproto.results.comparison.alike import key
from gcproto.results.comparison.compare import (
    ARM_THRESHOLD,
    OTHER_BOOTS,
    THRESHOLD,
    ArmLine,
    Comparison,
    Line,
    compare,
)
from gcproto.results.facts import group, release_of
from gcproto.results.pool import Pooled, pool
from gcproto.results.schema import Result, Scenario

LEAST = 2
"""Boots of each kernel. An interval of two pairs is wide: 12.7 standard errors."""


@dataclass(frozen=True)
class BootLine:
    """One scenario in all boots.

    Attributes:
        scenario: in the first pair.
        base, new: medians over the boots.
        ratio: new/base over the pairs, drift divided out.
        changed: a further pair would show it, and it exceeds the floor.

    """

    scenario: Scenario
    unit: str
    base: float
    new: float
    ratio: Pooled
    changed: bool


@dataclass(frozen=True)
class BootArm:
    """All scenarios of one arm in all boots: their ratio against the arms that show the machine."""

    arm: str
    scenarios: int
    ratio: Pooled
    changed: bool


@dataclass
class BootComparison:
    """The comparison of two kernels.

    Attributes:
        base, new: releases of the kernels.
        pairs: the comparison of each pair of boots.
        lines, arms: of what all pairs have.
        floor: smaller changes are never marked.
        warnings: each once.

    """

    base: str
    new: str
    pairs: list[Comparison]
    lines: list[BootLine]
    arms: list[BootArm]
    floor: float
    warnings: list[str]

    def regressions(self, above: float) -> list[BootLine | BootArm]:
        """What got slower by more than ``above`` (0.05 for 5 %)."""
        found: list[BootLine | BootArm] = [*self.arms, *self.lines]
        return [one for one in found if one.changed and one.ratio.value - 1 > above]


def compare_boots(base: Sequence[Result], new: Sequence[Result], *, force: bool = False) -> BootComparison:
    """Compare NEW with BASE.

    Args:
        base: results of one kernel, one a boot.
        new: of the other.
        force: also compare runs that are not alike.

    Raises:
        GcprotoError: a side has fewer than two results or several kernels, or pairs can't be compared.

    """
    releases = [_release(some, word) for some, word in ((base, "BASE"), (new, "NEW"))]
    ours, theirs = (sorted(some, key=lambda one: one.producer.started) for some in (base, new))
    count = min(len(ours), len(theirs))
    pairs = [compare(one, other, force=force) for one, other in zip(ours[:count], theirs[:count], strict=True)]
    floor = max(one.floor for one in pairs)
    warnings = list(dict.fromkeys(text for one in pairs for text in one.warnings if text != OTHER_BOOTS))
    warnings += _of_order(ours, theirs)
    return BootComparison(
        releases[0], releases[1], pairs, _lines(pairs, floor), _arms(pairs, max(ARM_THRESHOLD, floor)), floor, warnings
    )


def _release(some: Sequence[Result], word: str) -> str:
    found = sorted({release_of(one) for one in some})
    if len(found) > 1:
        raise GcprotoError(
            f"{word} has results of {counted(len(found), 'kernel')}",
            why=", ".join(found),
            remedy="keep those of each kernel in a folder of its own",
            code=ExitCode.USAGE,
        )
    if len(some) < LEAST:
        raise GcprotoError(
            f"{word} has {counted(len(some), 'result') if some else 'no result'}; a comparison of boots needs {LEAST}",
            why="one boot does not show how boots of a kernel differ",
            remedy="measure in more boots of it, or give two files",
            code=ExitCode.USAGE,
        )
    return found[0]


def _of_order(ours: Sequence[Result], theirs: Sequence[Result]) -> list[str]:
    """Warnings about boots: too few, used twice, not in turns."""
    found = []
    if len(ours) != len(theirs):
        found.append(
            f"BASE has {counted(len(ours), 'result')} and NEW has {len(theirs)}: the last of the more are omitted"
        )
    boots = Counter(str(group(one, "kernel").get("boot") or "unknown") for one in (*ours, *theirs))
    boots.pop("unknown", None)
    if twice := sum(many for many in boots.values() if many > 1):
        found.append(f"{twice} results share their boot with another: they do not show how boots differ")
    order = sorted((one.producer.started, side) for side, some in enumerate((ours, theirs)) for one in some)
    if sum(one[1] != other[1] for one, other in pairwise(order)) < min(len(ours), len(theirs)):
        found.append("the boots did not take turns: a drift of the machine counts as a change of the kernel")
    return found


def _changed(ratio: Pooled, floor: float) -> bool:
    return ratio.holds and not 1 / (1 + floor) <= ratio.value <= 1 + floor


def _lines(pairs: Sequence[Comparison], floor: float) -> list[BootLine]:
    each: dict[Scenario, list[Line]] = defaultdict(list)
    for one in pairs:
        for line in one.lines:
            each[key(line.scenario)].append(line)
    found = []
    for lines in each.values():
        if len(lines) < len(pairs):
            continue
        ratio = pool([one.ratio for one in lines])
        base, new = median(one.base for one in lines), median(one.new for one in lines)
        found.append(
            BootLine(lines[0].scenario, lines[0].unit, base, new, ratio, _changed(ratio, max(THRESHOLD, floor)))
        )
    return found


def _arms(pairs: Sequence[Comparison], floor: float) -> list[BootArm]:
    each: dict[str, list[ArmLine]] = defaultdict(list)
    for one in pairs:
        for line in one.arms:
            each[line.arm].append(line)
    found = []
    for name, lines in each.items():
        if len(lines) == len(pairs):
            ratio = pool([one.ratio for one in lines])
            found.append(BootArm(name, lines[0].scenarios, ratio, _changed(ratio, floor)))
    return found
