"""Compare two runs, scenario by scenario and arm by arm.

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

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gcproto.errors import ExitCode, GcprotoError
from gcproto.results.schema import Interval, Measurement, Result, Scenario

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

CONTENT_ARMS = frozenset({"copy", "copy_discard", "memcpy_untouched", "tao"})
"""Arms that read and write the pages' contents; the others rewrite page tables."""

GAUGES = frozenset({"memcpy_touched"})
"""Arms in which no kernel takes part: they tell what the machine's caches and memory gave, and are never marked."""

GAUGE_LIMIT = 0.1
"""A gauge that moved by more than this is worth a warning."""

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


@dataclass(frozen=True)
class Line:
    """One scenario in both runs.

    Attributes:
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
    """All scenarios of one arm together: their ratio against the other arms of the class."""

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
        """Significant lines that got slower by more than ``above`` (0.05 for 5 %)."""
        found: list[Line | ArmLine] = [*self.arms, *self.lines]
        return [line for line in found if line.significant and line.ratio.value - 1 > above]


def arm_class(arm: str) -> str:
    """``contents``, ``tables`` or ``gauge``: what an arm's speed follows."""
    if arm in GAUGES:
        return "gauge"
    return "contents" if arm in CONTENT_ARMS else "tables"


def differences(base: Result, new: Result) -> list[str]:
    """Why two runs must not be compared; empty if they may."""
    found = []
    pairs: dict[str, tuple[Any, Any]] = {
        "producer": (base.producer.name, new.producer.name),
        "code that measures": (base.producer.benchmark, new.producer.benchmark),
        "processor": (_cpu(base), _cpu(new)),
        "units": (sorted({m.unit for m in base.measurements}), sorted({m.unit for m in new.measurements})),
        "grid": (base.producer.options.get("quick"), new.producer.options.get("quick")),
        "memory per round": (base.producer.options.get("memory"), new.producer.options.get("memory")),
    }
    for name in MUST_BE_ALIKE:
        pairs[name] = (base.environment.get(name), new.environment.get(name))
    for name, (one, other) in pairs.items():
        if one != other:
            found.append(f"{name}: {one} and {other}")
    return found


def _cpu(result: Result) -> Any:
    return result.environment.get("cpu", {}).get("model")


def compare(base: Result, new: Result, *, threshold: float = THRESHOLD, force: bool = False) -> Comparison:
    """Compare NEW with BASE.

    Args:
        base: the run to compare with.
        new: the run that is judged.
        threshold: relative effect of a scenario below which nothing is marked.
        force: also compare runs that are not alike.

    Raises:
        GcprotoError: the runs are not alike, or have no scenario in common.
    """
    import numpy as np

    unlike = differences(base, new)
    if unlike and not force:
        raise GcprotoError(
            "these runs are not alike, so their ratio would mean nothing",
            why="; ".join(unlike),
            remedy="compare runs of one machine and one version, or insist with --force",
            code=ExitCode.USAGE,
        )
    ours, theirs = _usable(base), _usable(new)
    common = [scenario for scenario in ours if scenario in theirs]
    if not common:
        raise GcprotoError("these runs have no scenario in common", code=ExitCode.USAGE)
    effects = _Effects(common, [ours[one] for one in common], [theirs[one] for one in common])
    floor = max(threshold, *(run.noise.floor for run in (base, new) if run.noise), 0.0)
    result = Comparison(
        base,
        new,
        _lines(effects, ours, theirs, floor),
        _arm_lines(effects, max(ARM_THRESHOLD, floor)),
        {kind: float(value) for kind, value in effects.class_drift().items()},
        floor,
        [scenario for scenario in ours if scenario not in theirs],
        [scenario for scenario in theirs if scenario not in ours],
        [f"not alike, compared by force: {text}" for text in unlike],
    )
    releases = {str(run.environment.get("kernel", {}).get("release", "unknown")) for run in (base, new)}
    if len(releases) > 1:
        result.warnings.append(f"different kernels: {' and '.join(sorted(releases))}")
    for arm in sorted(GAUGES & effects.per_arm.keys()):
        moved = float(np.expm1(effects.per_arm[arm][0]))
        if abs(moved) > GAUGE_LIMIT:
            result.warnings.append(
                f"{arm}, in which no kernel takes part, is {moved:+.0%}: memory or caches were slower in one of the "
                "runs, so small changes of arms that read and write contents are less certain than they look"
            )
    if not (base.producer.complete and new.producer.complete):
        result.warnings.append("one of the runs was interrupted")
    return result


def _usable(result: Result) -> dict[Scenario, Measurement]:
    return {one.scenario: one for one in result.measurements if one.valid and one.samples and min(one.samples) > 0}


class _Effects:
    """Log ratios of all scenarios and arms: the estimate in row 0, bootstrap replicates behind it."""

    def __init__(self, scenarios: list[Scenario], base: list[Measurement], new: list[Measurement]) -> None:
        import numpy as np

        rng = np.random.default_rng(SEED)
        self.scenarios = scenarios
        self.raw: Matrix = _log_medians(new, rng) - _log_medians(base, rng)
        self.spread = [max(_spread(one.samples), _spread(other.samples)) for one, other in zip(base, new, strict=True)]
        self.arms: dict[str, list[int]] = defaultdict(list)
        for i, scenario in enumerate(scenarios):
            self.arms[scenario.arm].append(i)
        self.per_arm = {arm: np.median(self.raw[:, rows], axis=1) for arm, rows in self.arms.items()}

    def class_drift(self) -> dict[str, Any]:
        """Median over the arms of a class, each arm with the same weight."""
        import numpy as np

        return {
            kind: np.exp(np.median([self.per_arm[arm][0] for arm in self.per_arm if arm_class(arm) == kind]))
            for kind in {arm_class(arm) for arm in self.per_arm}
        }

    def drift_without(self, arm: str) -> "Matrix":
        """What the other arms of the class did (all other arms, if there are none; nothing, if it is alone).

        Their median.  Of an even number of arms it is not the mean of the two in the middle, since with only two or
        four arms one that really changed would pull that along, but the one that is nearer to what all arms did.
        """
        import numpy as np

        rest = [one for one in self.per_arm if one != arm and arm_class(one) != "gauge"]
        others = [self.per_arm[one] for one in rest if arm_class(one) == arm_class(arm)]
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


def _is_significant(arm: str, ratio: Interval, floor: float) -> bool:
    if arm in GAUGES:
        return False
    outside = ratio.low > 1 or ratio.high < 1
    return outside and not 1 / (1 + floor) <= ratio.value <= 1 + floor


def _lines(
    effects: _Effects, ours: dict[Scenario, Measurement], theirs: dict[Scenario, Measurement], floor: float
) -> list[Line]:
    import numpy as np

    level = 1 - 0.05 / len(effects.scenarios)
    floor = max(floor, float(np.expm1(SCATTER_LIMIT * effects.scatter())))
    lines = []
    for i, scenario in enumerate(effects.scenarios):
        ratio = _interval(effects.raw[:, i] - effects.drift_without(scenario.arm), level)
        base, new = (float(np.median(run[scenario].samples)) for run in (ours, theirs))
        limit = max(floor, UNSTEADY * effects.unsteadiness([i]), BETWEEN_RUNS.get(scenario.arm, 0.0))
        marked = _is_significant(scenario.arm, ratio, limit)
        lines.append(Line(scenario, ours[scenario].unit, base, new, new / base, ratio, marked))
    return lines


def _arm_lines(effects: _Effects, floor: float) -> list[ArmLine]:
    """Arms; one is marked only if it changed as an arm: most of its scenarios must have gone the same way."""
    import numpy as np

    level = 1 - 0.05 / len(effects.arms)
    lines = []
    for arm, rows in sorted(effects.arms.items()):
        ratio = _interval(effects.per_arm[arm] - effects.drift_without(arm), level)
        limit = max(floor, UNSTEADY * effects.unsteadiness(rows), BETWEEN_RUNS.get(arm, 0.0))
        each = effects.raw[0, rows] - effects.drift_without(arm)[0]
        direction = np.sign(np.log(ratio.value))
        agree = float(np.mean(each * direction > np.log1p(limit / 2)))
        marked = _is_significant(arm, ratio, limit) and agree >= AGREEMENT
        lines.append(ArmLine(arm, len(rows), ratio, marked))
    return lines
