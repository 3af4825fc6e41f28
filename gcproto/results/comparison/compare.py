"""Compare two runs, scenario by scenario and arm by arm.

gcproto.results.comparison.alike finds what is compared, gcproto.results.comparison.effects estimates the differences.

A mark needs two things: an interval that excludes no change, and an effect above a floor.  The interval comes from a
bootstrap over blocks of consecutive rounds, the same blocks for all scenarios of a run.  Disturbances of a machine last
longer than a round and affect all scenarios in it.  The floor is the largest of four values: the threshold, the A/A
noise of both runs, the scatter of an arm's scenarios, and a share of the scatter of rounds.  Work that is unsteady
between rounds (memcpy into warm memory, in caches that neighbours share) is also unsteady between runs.  Single
scenarios are marked at a level corrected for their number (Bonferroni).  An arm pools all of its scenarios and detects
smaller changes.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gcproto.errors import ExitCode, GcprotoError
from gcproto.results.comparison.alike import (
    Pair,
    differences,
    key,
    pairs_of,
    see_that_enough_is_common,
    see_that_they_are_of_one_kind,
)
from gcproto.results.comparison.effects import Effects, arm_class, arm_key
from gcproto.results.facts import cell_of, release_of
from gcproto.results.schema import Interval, PathScenario, Result, Scenario

if TYPE_CHECKING:
    from gcproto.results.comparison.effects import Matrix

GAUGE_LIMIT = 0.1
"""A gauge that moved by more than this causes a warning.

The kernel takes no part in such an arm.  It shows the speed of caches and memory, and is never marked.
"""

THRESHOLD = 0.03
ARM_THRESHOLD = 0.05
"""Relative effects below these are never marked: single scenarios, and whole arms against the other arms."""

UNSTEADY = 0.5
"""Share of the scatter of single rounds (robust standard deviation) that a change must exceed."""

BETWEEN_RUNS = {"mremap": 0.3}
"""Arms known to differ by this much between runs of one kernel although the rounds of each run agree.

Each mremap splits a mapping. The cost of that switches between levels for minutes at a time. On 6.18, 2 MiB calls took
12.8 to 16.1 ns per page in eight runs, and 64 KiB calls 305 or 400.
"""

OTHER_BOOTS = (
    "These are two boots. Boots of one kernel differ as well, and the intervals do not have that: compare folders with "
    "several boots of each"
)
"""What a comparison of two kernels by one result each does not tell."""
SHARED_BY_MOVE = "What all arms by MOVE have in common is not divided out"

AGREEMENT = 0.75
"""Share of an arm's scenarios that must have changed in its direction, by at least half of the limit."""

SCATTER_LIMIT = 3.0
"""A scenario is marked only beyond this many standard deviations of its neighbours' scatter."""


@dataclass(frozen=True)
class Line:
    """One scenario in both runs.

    Attributes:
        scenario: of the base run.
        base, new: medians; ratio: new/base, drift divided out, with its interval; raw: new/base as measured.
    """

    scenario: Scenario
    unit: str
    base: float
    new: float
    raw: float
    ratio: Interval
    significant: bool


@dataclass(frozen=True)
class ArmLine:
    """All scenarios of one arm together (arm, mode, policy or way): their ratio against the others of the class."""

    arm: str
    scenarios: int
    ratio: Interval
    significant: bool


@dataclass
class Comparison:
    """The comparison of two runs."""

    base: Result
    new: Result
    lines: list[Line]
    arms: list[ArmLine]
    drift: dict[str, float]
    floor: float
    only_base: list[Scenario] = field(default_factory=list)
    only_new: list[Scenario] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def regressions(self, above: float) -> list[Line | ArmLine]:
        """Significant lines that got slower by more than ``above`` (0.05 for 5 %).

        Raises:
            GcprotoError: no value can exceed the limit.

        """
        if not math.isfinite(above):
            raise GcprotoError(
                "no value can exceed this limit",
                why=f"it is {above}",
                remedy="give percent, such as --fail-above 5",
                code=ExitCode.USAGE,
            )
        found: list[Line | ArmLine] = [*self.arms, *self.lines]
        return [line for line in found if line.significant and line.ratio.value - 1 > above]


def _only(some: Iterable[Scenario], common: set[Scenario]) -> list[Scenario]:
    return [one for one in some if key(one) not in common]


def compare(base: Result, new: Result, *, threshold: float = THRESHOLD, force: bool = False) -> Comparison:
    """Compare NEW with BASE.

    Args:
        base: the run to compare with.
        new: the run that is judged.
        threshold: relative effect of a scenario below which nothing is marked.
        force: also compare runs that are not alike.

    Raises:
        GcprotoError: the runs are of different kinds or not alike, or have too few common scenarios.
    """
    import numpy as np

    see_that_they_are_of_one_kind(base, new)
    unlike = differences(base, new)
    if unlike and not force:
        raise GcprotoError(
            "these runs are not alike, so their ratio is meaningless",
            why="; ".join(unlike),
            remedy="compare runs of one machine and one version, or add --force",
            code=ExitCode.USAGE,
        )
    pairs = pairs_of(base, new)
    see_that_enough_is_common(pairs, base, new)
    releases = {release_of(run) for run in (base, new)}
    effects = Effects(
        [one.scenario for one, _ in pairs],
        [one for one, _ in pairs],
        [other for _, other in pairs],
        two_kernels=len(releases) > 1,
    )
    floor = max(threshold, *(run.noise.floor for run in (base, new) if run.noise), 0.0)
    common = {key(one.scenario) for one, _ in pairs}
    result = Comparison(
        base,
        new,
        _lines(effects, pairs, floor),
        _arm_lines(effects, max(ARM_THRESHOLD, floor)),
        {kind: float(value) for kind, value in effects.class_drift().items()},
        floor,
        _only((one.scenario for one in base.measurements), common),
        _only((one.scenario for one in new.measurements), common),
        [f"not alike, compared by force: {text}" for text in unlike],
    )
    if len(releases) > 1:
        result.warnings.append(f"different kernels: {' and '.join(sorted(releases))}. {SHARED_BY_MOVE}")
        if cell_of(base) is None:  # guests count instructions, which repeat between boots
            result.warnings.append(OTHER_BOOTS)
    result.warnings += _other_pages(pairs)
    for arm in (arm for arm in effects.arms if effects.classes[arm] == "gauge"):
        moved = float(np.expm1(effects.per_arm[arm][0]))
        if abs(moved) > GAUGE_LIMIT:
            result.warnings.append(
                f"{effects.name(arm)} changed by {moved:+.0%} without the kernel: memory or caches were slower in one "
                "of the runs. Small changes of arms that read and write contents are less certain than they look"
            )
    if not (base.producer.complete and new.producer.complete):
        result.warnings.append("one of the runs was interrupted")
    return result


def _other_pages(pairs: Sequence[Pair]) -> list[str]:
    """A warning if rounds of the same scenario have different numbers of pages."""
    found = [
        (one.scenario.pages, other.scenario.pages)
        for one, other in pairs
        if isinstance(one.scenario, PathScenario) and isinstance(other.scenario, PathScenario)
    ]
    unlike = [(base, new) for base, new in found if base != new]
    if not unlike:
        return []
    base, new = unlike[0]
    return [
        f"{len(unlike)} of {len(found)} scenarios have rounds of other sizes ({base} pages in BASE, {new} in NEW). "
        "Larger rounds miss the caches more often, so each page costs more"
    ]


def _interval(values: "Matrix", level: float) -> Interval:
    """The estimate and its bootstrap interval, as ratios.

    Far percentiles are taken from a normal approximation, since 600 replicates have no 99.95th percentile.
    """
    import numpy as np
    from scipy.special import ndtri

    spread = float(np.std(values[1:]))
    reach = float(ndtri(0.5 + level / 2)) * spread
    low, high = values[0] - reach, values[0] + reach
    return Interval(float(np.exp(values[0])), float(np.exp(low)), float(np.exp(high)), level)


def _is_significant(kind: str, ratio: Interval, floor: float) -> bool:
    if kind == "gauge":
        return False
    outside = ratio.low > 1 or ratio.high < 1
    return outside and not 1 / (1 + floor) <= ratio.value <= 1 + floor


def _between_runs(one: Scenario) -> float:
    return BETWEEN_RUNS.get(one.arm, 0.0) if isinstance(one, PathScenario) else 0.0


def _lines(effects: Effects, pairs: Sequence[Pair], floor: float) -> list[Line]:
    import numpy as np

    level = 1 - 0.05 / len(effects.scenarios)
    floor = max(floor, float(np.expm1(SCATTER_LIMIT * effects.scatter())))
    lines = []
    for i, (ours, theirs) in enumerate(pairs):
        scenario = ours.scenario
        ratio = _interval(effects.raw[:, i] - effects.drift_without(arm_key(scenario)), level)
        base, new = float(np.median(ours.samples)), float(np.median(theirs.samples))
        limit = max(floor, UNSTEADY * effects.unsteadiness([i]), _between_runs(scenario))
        marked = _is_significant(arm_class(scenario), ratio, limit)
        lines.append(Line(scenario, ours.unit, base, new, new / base, ratio, marked))
    return lines


def _arm_lines(effects: Effects, floor: float) -> list[ArmLine]:
    """Arms. An arm is marked only if most of its scenarios changed in the same direction."""
    import numpy as np

    level = 1 - 0.05 / len(effects.arms)
    lines = []
    for arm, rows in sorted(effects.arms.items(), key=lambda one: effects.name(one[0])):
        ratio = _interval(effects.per_arm[arm] - effects.drift_without(arm), level)
        limit = max(floor, UNSTEADY * effects.unsteadiness(rows), _between_runs(effects.scenarios[rows[0]]))
        each = effects.raw[0, rows] - effects.drift_without(arm)[0]
        direction = np.sign(np.log(ratio.value))
        agree = float(np.mean(each * direction > np.log1p(limit / 2)))
        marked = _is_significant(effects.classes[arm], ratio, limit) and agree >= AGREEMENT
        lines.append(ArmLine(effects.name(arm), len(rows), ratio, marked))
    return lines
