"""Differences of scenarios and arms between two runs: log ratios, their bootstrap replicates, and the drift.

Absolute times of two runs can't be compared.  The machine got faster or slower between them (frequency, neighbours,
other guests on the host).  Work that reads and writes contents follows the speed of memory; work that only rewrites
page tables follows that of the processor.  So a *drift* is divided out first, one for each of these two classes.  A
single arm that changed can't move the estimate.  The effect of an arm is its median log ratio less the median of the
*other* arms of its class.

Between two kernels, what arms by MOVE have in common is what the kernel changed. They do not count for the drift, as
long as another arm is there.
"""

from collections import defaultdict
from collections.abc import Hashable
from typing import TYPE_CHECKING

from gcproto._native import lib
from gcproto.results import names
from gcproto.results.schema import (
    Measurement,
    PathScenario,
    PolicyScenario,
    Scenario,
    WindowScenario,
    WorkloadScenario,
)
from gcproto.rows import arm_is

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

WITHOUT_MOVE = frozenset({"copy", "young-copy", "remap", "stw", "memmove", "none", "bare"})
"""Modes of heaps (gcproto.collector.modes) that never call UFFDIO_MOVE. A test compares them."""
RESAMPLES = 600
BLOCKS = 12
SEED = 20250220
CLASSES = {
    "contents": "arms that read and write contents",
    "tables": "arms that rewrite page tables",
    "gauge": "memory and caches without the kernel",
    "workloads": "workloads on heaps",
    "policies": "evacuation policies",
    "windows": "windows after the flip",
}
"""Classes with a drift of their own, in words."""


def arm_class(one: Scenario) -> str:
    """One of ``CLASSES``: the part of the machine that a scenario's speed follows."""
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


def moves(one: Scenario) -> bool:
    """Whether its arm, mode or policy calls UFFDIO_MOVE."""
    match one:
        case PathScenario():
            return arm_is(one.arm, lib.GCP_ARM_MOVES)
        case WorkloadScenario():
            return one.mode not in WITHOUT_MOVE
        case _:
            return False


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


class Effects:
    """Log ratios of all scenarios and arms: the estimate in row 0, bootstrap replicates after it.

    Attributes:
        arms: rows of the scenarios of each arm;  classes: of each arm;  per_arm: median log ratio of each.

    """

    def __init__(
        self, scenarios: list[Scenario], base: list[Measurement], new: list[Measurement], *, two_kernels: bool = False
    ) -> None:
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
        judged = {arm for arm, rows in self.arms.items() if two_kernels and moves(scenarios[rows[0]])}
        rest = [arm for arm in self.arms if arm not in judged and self.classes[arm] != "gauge"]
        self._references = rest or [arm for arm in self.arms if self.classes[arm] != "gauge"]

    def name(self, arm: Hashable) -> str:
        """Name of an arm for reports."""
        return names.arm(self.scenarios[self.arms[arm][0]])

    def class_drift(self) -> dict[str, float]:
        """Median over the arms of a class that show the machine, each arm with the same weight."""
        import numpy as np

        shown = [*self._references, *(arm for arm, kind in self.classes.items() if kind == "gauge")]
        return {
            kind: np.exp(np.median([self.per_arm[arm][0] for arm in shown if self.classes[arm] == kind]))
            for kind in sorted({self.classes[arm] for arm in shown})
        }

    def drift_without(self, arm: Hashable) -> "Matrix":
        """The drift of the other arms of the class (of all other arms, if there are none; 0 if there is only one arm).

        Their median. For an even number of arms it is that of the two central values which is nearer to the drift of
        all arms. The mean of both would follow a single changed arm if there are only two or four arms.
        """
        import numpy as np

        rest = [one for one in self._references if one != arm]
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
        """Scatter of single rounds of these scenarios (median of their relative standard deviations)."""
        import numpy as np

        return float(np.median([self.spread[row] for row in rows]))

    def scatter(self) -> float:
        """Scatter of scenarios around their arm (robust standard deviation of the log ratios)."""
        import numpy as np

        away = [abs(self.raw[0, rows] - self.per_arm[arm][0]) for arm, rows in self.arms.items() if len(rows) > 2]
        return float(1.4826 * np.median(np.concatenate(away))) if away else 0.0


def _spread(samples: list[float]) -> float:
    """Relative standard deviation by the median absolute deviation, which resists outliers."""
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
        # A missing round of a scenario is replaced by its median, which does not bias an estimate.
        table[row] = np.median(one.samples)
        for number, sample in zip(one.rounds, one.samples, strict=True):
            table[row, column[number]] = sample
    length = max(1, len(rounds) // BLOCKS)
    starts = rng.integers(0, max(1, len(rounds) - length + 1), size=(RESAMPLES, -(-len(rounds) // length)))
    found = np.empty((RESAMPLES + 1, len(measurements)))
    found[0] = np.log(np.median(table, axis=1))
    chosen = (starts[:, :, None] + np.arange(length)).reshape(RESAMPLES, -1)[:, : len(rounds)]
    for row, samples in enumerate(table):  # not all at once: that would be a gigabyte for large results
        found[1:, row] = np.log(np.median(samples[chosen], axis=1))
    return found
