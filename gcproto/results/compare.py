"""Compare two runs, scenario by scenario and arm by arm.

Runs are compared in what they have in common.  A scenario is the same in both if all of its fields are, but for the
pages of a round, which a quick run has fewer of; where they differ, it is said.  Too few scenarios in common, the
canary not counted, are no comparison (``MIN_COMMON``): what is one arm's change and what the machine's can't be told
then, and a gate must not pass because nothing was looked at.

Absolute times of two runs can't be compared: between them the machine got faster or slower (frequency, neighbours,
other guests on the host), and not equally so: what reads and writes contents follows the memory's speed, what only
rewrites page tables follows the processor's.  So a *drift* is divided out first, one for each of these two classes,
estimated so that a single arm that really changed can't move it: the effect of an arm is its median log ratio less the
median of the *other* arms of its class.

A verdict needs two things: an interval that excludes no change, and an effect above a floor.  The interval comes from a
bootstrap over blocks of consecutive rounds, the same blocks for all scenarios of a run, because what disturbs a machine
lasts longer than a round and hits everything in it.  The floor is the largest of the threshold, the A/A noise of both
runs, what scenarios of one arm scatter around their arm, and a share of what rounds of one run scatter: work that is
unsteady from round to round (memcpy into warm memory lives in caches that neighbours share) is not steady from run to
run either.  Single scenarios are marked at a level corrected for their number (Bonferroni); an arm pools all of its
scenarios and sees smaller changes.
"""

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gcproto._native import lib
from gcproto.errors import ExitCode, GcprotoError
from gcproto.results import names
from gcproto.results.facts import cpu_of, release_of
from gcproto.results.schema import (
    ClaimExperiment,
    ContractExperiment,
    Experiment,
    GridExperiment,
    HazardExperiment,
    Interval,
    KernelCell,
    Measurement,
    PathExperiment,
    PathScenario,
    PolicyExperiment,
    PolicyScenario,
    Result,
    Scenario,
    WindowExperiment,
    WindowScenario,
    WorkloadExperiment,
    WorkloadScenario,
    with_fields,
)
from gcproto.results.series import is_canary
from gcproto.rows import arm_is

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

GAUGE_LIMIT = 0.1
"""A gauge that moved by more than this is worth a warning.  No kernel takes part in such an arm: it tells what the
machine's caches and memory gave, and is never marked."""

THRESHOLD = 0.03
ARM_THRESHOLD = 0.05
"""Relative effects below these are never marked: single scenarios, and whole arms against the other arms."""

RESAMPLES = 600
BLOCKS = 12
SEED = 20250220
UNSTEADY = 0.5
"""Share of the scatter of single rounds (robust standard deviation) that a change must exceed."""

BETWEEN_RUNS = {"mremap": 0.3}
"""Arms known to differ by this much between runs of one kernel though the rounds of each run agree.

Each mremap splits a mapping; what that costs switches between levels for minutes at a time (on 6.18, 2 MiB calls: 12.8
to 16.1 ns a page in eight runs; 64 KiB calls: 305 or 400)."""

AGREEMENT = 0.75
"""Share of an arm's scenarios that must have changed in its direction by half of what would mark it."""

SCATTER_LIMIT = 3.0
"""A scenario is marked only beyond this many standard deviations of its neighbours' scatter."""

MUST_BE_ALIKE = ("page_size", "pmd_size")

MIN_COMMON = 5
"""Fewer paths in common than this, the canary not counted, are no comparison: with two granules of one arm and of its
baseline there are four."""
MIN_COMMON_HEAPS = 2
"""The same for heaps and windows, of which a run has one for each mode, policy or way: one to judge, one to hold it
against."""

CLASSES = {
    "contents": "arms that read and write contents",
    "tables": "arms that rewrite page tables",
    "gauge": "memory and caches without the kernel",
    "workloads": "workloads on heaps",
    "policies": "evacuation policies",
    "windows": "windows after the flip",
}
"""What has a drift of its own, and what it is in words."""

KINDS: dict[type[Experiment], str] = {
    PathExperiment: "evacuation paths (bench)",
    WorkloadExperiment: "workloads on a heap (gc)",
    GridExperiment: "modes by cell (gc grid)",
    PolicyExperiment: "evacuation policies (gc policies)",
    WindowExperiment: "the window after the flip (gc window)",
    KernelCell: "a kernel in a guest (kernels run)",
    ContractExperiment: "the contract",
    HazardExperiment: "the hazards",
    ClaimExperiment: "the claims",
}
"""Of experiments, in words."""


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
    """What two runs say about each other."""

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
            GcprotoError: the limit is no number that anything could be above.

        """
        if not math.isfinite(above):
            raise GcprotoError(
                "a limit that nothing can exceed is no gate",
                why=f"it is {above}",
                remedy="give percent, such as --fail-above 5",
                code=ExitCode.USAGE,
            )
        found: list[Line | ArmLine] = [*self.arms, *self.lines]
        return [line for line in found if line.significant and line.ratio.value - 1 > above]


def arm_class(one: Scenario) -> str:
    """One of ``CLASSES``: what a scenario's speed follows."""
    match one:
        case PathScenario():
            if arm_is(one.arm, lib.GCP_ARM_GAUGE):
                return "gauge"
            return "contents" if arm_is(one.arm, lib.GCP_ARM_READS_CONTENTS) else "tables"
        case WorkloadScenario():
            return "workloads"
        case PolicyScenario():
            return "policies"
        case WindowScenario():
            return "windows"


def arm_key(one: Scenario) -> Hashable:
    """Equal for scenarios of one arm, mode, policy or way."""
    match one:
        case PathScenario():
            return PathScenario, one.arm
        case WorkloadScenario():
            return WorkloadScenario, one.mode, one.options, one.policy
        case PolicyScenario():
            return PolicyScenario, one.policy, one.ebusy
        case WindowScenario():
            return WindowScenario, one.way, one.handler, one.placement


def key(one: Scenario) -> Scenario:
    """Equal for scenarios of two runs that can be compared: all fields but the pages of a round."""
    return with_fields(one, pages=0) if isinstance(one, PathScenario) else one


def differences(base: Result, new: Result) -> list[str]:
    """Why two runs of one kind must not be compared; empty if they may.

    What they have in common is not asked here, nor how long they measured it.
    """
    pairs: dict[str, tuple[object, object]] = {
        "code that measures": (base.producer.benchmark, new.producer.benchmark),
        "processor": (cpu_of(base), cpu_of(new)),
    }
    for name in MUST_BE_ALIKE:
        pairs[name] = (base.environment.get(name), new.environment.get(name))
    ours, theirs = _conditions(base.experiment), _conditions(new.experiment)
    pairs |= {name: (ours.get(name), theirs.get(name)) for name in ours | theirs}
    return [f"{name}: {one} and {other}" for name, (one, other) in pairs.items() if one != other]


def _conditions(one: Experiment) -> dict[str, object]:
    """What all scenarios of a run were measured under, where they do not say it themselves."""
    match one:
        case WorkloadExperiment():
            fields: tuple[str, ...] = ("operations", "mutation", "fragmentation", "verify", "disturb")
        case GridExperiment():
            fields = ("operations", "mutation")
        case PolicyExperiment():
            fields = ("verify",)
        case KernelCell():
            fields = ("icount", "cpus", "memory_mib", "cpu")
        case _:
            fields = ()
    return {name: getattr(one, name) for name in fields}


def _see_that_they_are_of_one_kind(base: Result, new: Result) -> None:
    if type(base.experiment) is type(new.experiment):
        return
    raise GcprotoError(
        "these runs are of different kinds, and have nothing to compare",
        why=f"{KINDS[type(base.experiment)]}, and {KINDS[type(new.experiment)]}",
        remedy="give two results of one command",
        code=ExitCode.USAGE,
    )


Pair = tuple[Measurement, Measurement]


def pairs_of(base: Result, new: Result) -> list[Pair]:
    """What is in both runs, valid and above zero, in the order of the first."""
    ours, theirs = _by_key(base), _by_key(new)
    return [(one, theirs[same]) for same, one in ours.items() if same in theirs and theirs[same].unit == one.unit]


def _by_key(result: Result) -> dict[Scenario, Measurement]:
    """The first of each key: a run has each scenario once."""
    found: dict[Scenario, Measurement] = {}
    for one in result.measurements:
        if one.valid and one.samples and min(one.samples) > 0:
            found.setdefault(key(one.scenario), one)
    return found


def _only(some: Iterable[Scenario], common: set[Scenario]) -> list[Scenario]:
    return [one for one in some if key(one) not in common]


def _see_that_enough_is_common(pairs: Sequence[Pair], base: Result, new: Result) -> None:
    counted = [one.scenario for one, _ in pairs if not is_canary(one.scenario)]
    paths = any(isinstance(one, PathScenario) for one in counted) or not counted
    least = MIN_COMMON if paths else MIN_COMMON_HEAPS
    if len(counted) >= least:
        return
    canary = " besides the canary" if len(counted) < len(pairs) else ""
    raise GcprotoError(
        f"these runs have {len(counted) or 'no'} scenario{'s' * (len(counted) != 1)} in common{canary}, "
        f"and a comparison needs {least}",
        why=f"BASE has {len(_by_key(base))} valid ones and NEW has {len(_by_key(new))}, of other sources, arms, sizes "
        "or heaps",
        remedy="measure again with the same choices (sources, arms, granules, modes, sizes)",
        code=ExitCode.USAGE,
    )


def compare(base: Result, new: Result, *, threshold: float = THRESHOLD, force: bool = False) -> Comparison:
    """Compare NEW with BASE.

    Args:
        base: the run to compare with.
        new: the run that is judged.
        threshold: relative effect of a scenario below which nothing is marked.
        force: also compare runs that are not alike.

    Raises:
        GcprotoError: the runs are of different kinds or not alike, or have too little in common.
    """
    import numpy as np

    _see_that_they_are_of_one_kind(base, new)
    unlike = differences(base, new)
    if unlike and not force:
        raise GcprotoError(
            "these runs are not alike, so their ratio would mean nothing",
            why="; ".join(unlike),
            remedy="compare runs of one machine and one version, or insist with --force",
            code=ExitCode.USAGE,
        )
    pairs = pairs_of(base, new)
    _see_that_enough_is_common(pairs, base, new)
    effects = _Effects([one.scenario for one, _ in pairs], [one for one, _ in pairs], [other for _, other in pairs])
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
    releases = {release_of(run) for run in (base, new)}
    if len(releases) > 1:
        result.warnings.append(f"different kernels: {' and '.join(sorted(releases))}")
    result.warnings += _other_pages(pairs)
    for arm in (arm for arm in effects.arms if effects.classes[arm] == "gauge"):
        moved = float(np.expm1(effects.per_arm[arm][0]))
        if abs(moved) > GAUGE_LIMIT:
            result.warnings.append(
                f"{effects.name(arm)}, in which no kernel takes part, is {moved:+.0%}: memory or caches were slower in "
                "one of the runs, so small changes of arms that read and write contents are less certain than they look"
            )
    if not (base.producer.complete and new.producer.complete):
        result.warnings.append("one of the runs was interrupted")
    return result


def _other_pages(pairs: Sequence[Pair]) -> list[str]:
    """That rounds of the same scenario had not as many pages in both runs."""
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
        f"{len(unlike)} of {len(found)} scenarios have rounds of other sizes ({base} pages in BASE, {new} in NEW): "
        "more pages lie less in the caches, and cost more each"
    ]


class _Effects:
    """Log ratios of all scenarios and arms: the estimate in row 0, bootstrap replicates after it.

    Attributes:
        arms: rows of the scenarios of each arm;  classes: of each arm;  per_arm: median log ratio of each.

    """

    def __init__(self, scenarios: list[Scenario], base: list[Measurement], new: list[Measurement]) -> None:
        import numpy as np

        rng = np.random.default_rng(SEED)
        self.scenarios = scenarios
        self.raw: Matrix = _log_medians(new, rng) - _log_medians(base, rng)
        self.spread = [max(_spread(one.samples), _spread(other.samples)) for one, other in zip(base, new, strict=True)]
        self.arms: dict[Hashable, list[int]] = defaultdict(list)
        for i, scenario in enumerate(scenarios):
            self.arms[arm_key(scenario)].append(i)
        self.classes = {arm: arm_class(scenarios[rows[0]]) for arm, rows in self.arms.items()}
        self.per_arm = {arm: np.median(self.raw[:, rows], axis=1) for arm, rows in self.arms.items()}

    def name(self, arm: Hashable) -> str:
        """Of an arm, for people."""
        return names.arm(self.scenarios[self.arms[arm][0]])

    def class_drift(self) -> dict[str, float]:
        """Median over the arms of a class, each arm with the same weight."""
        import numpy as np

        return {
            kind: np.exp(np.median([self.per_arm[arm][0] for arm in self.per_arm if self.classes[arm] == kind]))
            for kind in sorted(set(self.classes.values()))
        }

    def drift_without(self, arm: Hashable) -> "Matrix":
        """What the other arms of the class did (all other arms, if there are none; nothing, if it is alone).

        Their median.  Of an even number of arms it is not the mean of the two in the middle, since with only two or
        four arms one that really changed would pull that along, but the one that is nearer to what all arms did.
        """
        import numpy as np

        rest = [one for one in self.per_arm if one != arm and self.classes[one] != "gauge"]
        others = [self.per_arm[one] for one in rest if self.classes[one] == self.classes[arm]]
        others = others or [self.per_arm[one] for one in rest]
        if not others:
            return np.zeros(len(self.raw))
        if len(others) % 2:
            return np.asarray(np.median(others, axis=0))
        everywhere = np.median([values[0] for values in self.per_arm.values()])
        others.sort(key=lambda values: float(values[0]))
        middle = others[len(others) // 2 - 1 : len(others) // 2 + 1]
        return min(middle, key=lambda values: abs(float(values[0] - everywhere)))

    def unsteadiness(self, rows: list[int]) -> float:
        """How far single rounds of these scenarios scatter (median of their relative standard deviations)."""
        import numpy as np

        return float(np.median([self.spread[row] for row in rows]))

    def scatter(self) -> float:
        """How far scenarios lie from their arm (robust standard deviation of the log ratios)."""
        import numpy as np

        away = [abs(self.raw[0, rows] - self.per_arm[arm][0]) for arm, rows in self.arms.items() if len(rows) > 2]
        return float(1.4826 * np.median(np.concatenate(away))) if away else 0.0


def _spread(samples: list[float]) -> float:
    """Relative standard deviation by the median absolute deviation, which outliers don't move."""
    import numpy as np

    median = np.median(samples)
    return float(1.4826 * np.median(np.abs(np.asarray(samples) - median)) / median)


def _log_medians(measurements: list[Measurement], rng: "np.random.Generator") -> "Matrix":
    """Log of the median of each measurement (columns), as measured (row 0) and for resampled blocks of rounds."""
    import numpy as np

    rounds = sorted({number for one in measurements for number in one.rounds})
    column = {number: i for i, number in enumerate(rounds)}
    table = np.empty((len(measurements), len(rounds)))
    for row, one in enumerate(measurements):
        # A round that is missing for one scenario stands in with its median: it pulls no estimate anywhere.
        table[row] = np.median(one.samples)
        for number, sample in zip(one.rounds, one.samples, strict=True):
            table[row, column[number]] = sample
    length = max(1, len(rounds) // BLOCKS)
    starts = rng.integers(0, max(1, len(rounds) - length + 1), size=(RESAMPLES, -(-len(rounds) // length)))
    found = np.empty((RESAMPLES + 1, len(measurements)))
    found[0] = np.log(np.median(table, axis=1))
    for i, picks in enumerate(starts):
        chosen = (picks[:, None] + np.arange(length)).ravel()[: len(rounds)]
        found[i + 1] = np.log(np.median(table[:, chosen], axis=1))
    return found


def _interval(values: "Matrix", level: float) -> Interval:
    """The estimate and its bootstrap interval, as ratios.

    Far percentiles are taken from a normal approximation, since 600 replicates have no 99.95th percentile.
    """
    import numpy as np
    from scipy.stats import norm

    spread = float(np.std(values[1:]))
    reach = float(norm.ppf(0.5 + level / 2)) * spread
    low, high = values[0] - reach, values[0] + reach
    return Interval(float(np.exp(values[0])), float(np.exp(low)), float(np.exp(high)), level)


def _is_significant(kind: str, ratio: Interval, floor: float) -> bool:
    if kind == "gauge":
        return False
    outside = ratio.low > 1 or ratio.high < 1
    return outside and not 1 / (1 + floor) <= ratio.value <= 1 + floor


def _between_runs(one: Scenario) -> float:
    return BETWEEN_RUNS.get(one.arm, 0.0) if isinstance(one, PathScenario) else 0.0


def _lines(effects: _Effects, pairs: Sequence[Pair], floor: float) -> list[Line]:
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


def _arm_lines(effects: _Effects, floor: float) -> list[ArmLine]:
    """Arms; one is marked only if it changed as an arm: most of its scenarios must have gone the same way."""
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
