"""Whether samples fall into two modes, by a test of spacings against all unimodal distributions.

The scheduler can divide samples into two groups with a gap between them (the collector has a processor, or shares it).
A median describes neither group. Two groups are accepted only if no unimodal distribution is likely to show such a gap:

- If the distribution is unimodal, its density falls from the gap to the right, or it falls from the gap to the left.
  If a density falls, the share of the first of k spacings is at most that of a uniform one.  That share exceeds r with
  probability (1 - r)^(k - 1).  So the *weaker* side of a gap is the evidence against unimodality: the statistic is
  c = min over both sides of (k - 1) log(1 + gap / span of the side).
- The p-value is a sum over all places where the sample could be divided: the probability that a uniform sample shows a
  gap of this c there.  Spacings of a uniform sample are exponentials divided by their sum, so this is one integral.
  The uniform distribution is the least favourable of all that were tried.  So it is for the dip test (Hartigan and
  Hartigan, Ann. Stat. 13, 1985), which answers the same question and misses a small second mode.
- The test uses logarithms, because a disturbance slows a window by a factor.  It is repeated without the largest
  samples, because one far outlier would hide any gap.  The smaller of the two p-values counts twice.
- A run holds hundreds of measurements.  So the share of false ones among those called bimodal is kept below 5 % over
  the whole run (Benjamini and Hochberg, JRSS B 57, 1995).
- A mode has at least 10 % of the samples and at least three.  The medians differ by at least 10 %: instruction counts
  alternate between levels a fraction of a percent apart, which is not worth a report.

Simulations took 2,000 samples each of 9, 15, 27, 40 and 100 values (tests/results/test_modality.py repeats a part). The
table has the percentage called bimodal at p <= 0.05 (0.005), for the worst of the five sizes:

    normal, Student's t with 3 degrees of freedom, Laplace                              0.6 (0.1)
    log-normal (sigma 0.3 and 1), gamma (shape 2), Pareto tails                         1.3 (0.2)
    exponential tails                                                                   2.8 (0.4)
    uniform                                                                             3.3 (0.4)
    a drift of 50 % under noise of 3 %; outliers of 5 %                                 0.4 (0.1)

Found at p <= 0.005 (0.05), in percent of 300, of n = 9, 15, 27, 40, 100:

    half of the samples 2x as long, scatter 10 %          17 (59)   43 (75)   78 (93)    91 (99)    99 (100)
    half of them 1.3x as long, scatter 5 %                 8 (36)   12 (38)   27 (58)    38 (64)    59 (79)
    half of them 1.5x as long, scatter 10 %                1 (14)    3 (12)    4 (13)     4 (15)     4 (18)
    a fifth of them 2x as long, scatter 10 %               0 (0)     2 (10)    7 (27)    21 (54)    73 (92)
    5 of 27 at 315-360 ms, the others at 72-172            0 (0)    26 (70)  100 (100)  100 (100)  100 (100)
    5 of 27 at 195-273 ms, the others at 51-160            0 (0)     0 (2)     1 (9)      3 (17)    78 (100)

The last line is not a weakness of this test.  One wide mode also shows a gap of 35 ms beside samples up to 20 ms apart.
Samples of 27 windows do not separate the two cases. The dip test finds 0 % of it even at n = 100.  Samples that are not
independent (a random walk, a step of the processor's frequency) can have two real levels, and are called bimodal.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import TYPE_CHECKING

from gcproto.results.schema import Measurement, SampleMode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEVEL = 0.05
"""Limit of the share of false ones among measurements of a run called bimodal; and p for one sample alone."""
MIN_SHARE, MIN_COUNT = 0.1, 3
"""The least share and the least number of samples of a mode."""
MIN_APART = 1.1
"""The least factor between the medians of two modes."""
TRIMMED = 0.05
"""Share of the largest samples (at least one) that the second test omits."""
SAME = 1e-9
"""Logarithms that are closer than this are equal."""
NODES = 60
"""Nodes of the quadrature over the gap."""


@dataclass(frozen=True)
class Split:
    """The best division of a sample in two.

    Attributes:
        below: number of samples below the gap.
        p: probability that a unimodal distribution shows such a gap.

    """

    below: int
    p: float


def modes_of(samples: Sequence[float], level: float = LEVEL) -> list[SampleMode]:
    """The two modes of a sample; empty if it is likely to have one.

    Args:
        samples: above 0, in any order.
        level: p at which two modes are accepted; for several measurements use ``fill``, which corrects it.

    """
    split = division(samples)
    return _modes(samples, split.below) if split and split.p <= level else []


def fill(measurements: Sequence[Measurement], level: float = LEVEL) -> None:
    """Fill in ``modes`` of all measurements of a run, with few false ones among all of them.

    Args:
        measurements: of one run.
        level: limit of the share of false ones.

    """
    splits = [division(one.samples) for one in measurements]
    ordered = sorted(one.p for one in splits if one)
    limit = max((p for rank, p in enumerate(ordered, 1) if p <= level * rank / len(measurements)), default=-1.0)
    for one, split in zip(measurements, splits, strict=True):
        one.modes = _modes(one.samples, split.below) if split and split.p <= limit else []


def division(samples: Sequence[float]) -> Split | None:
    """The best division of a sample, and its probability by chance; None if no division fulfils the conditions."""
    import numpy as np

    least = max(MIN_COUNT, math.ceil(MIN_SHARE * len(samples)))
    if len(samples) < 2 * least or min(samples) <= 0 or not math.isfinite(max(samples)):
        return None
    logs = np.log(_spread_ties(np.sort(np.asarray(samples, dtype=np.float64))))
    trimmed = len(logs) - max(1, int(TRIMMED * len(logs)))
    found = [_test(part, least) for part in (logs, logs[:trimmed]) if len(part) >= 2 * least]
    best = min(found, key=lambda one: one.p)
    below, above = np.split(np.sort(samples), [best.below])
    if float(np.median(above)) < MIN_APART * float(np.median(below)):
        return None
    return Split(best.below, min(1.0, best.p * len(found)))


def _modes(samples: Sequence[float], below: int) -> list[SampleMode]:
    ordered = sorted(samples)
    parts = (ordered[:below], ordered[below:])
    return [SampleMode(median(part), part[0], part[-1], len(part) / len(ordered)) for part in parts]


def _spread_ties(ordered: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Samples of a coarse clock as those of a fine one: equal ones are spread over the clock's step.

    Only if most samples have an equal one and there are more than two different values. Gaps between the steps of a
        coarse clock are no evidence, but a sample of only two values has two modes.
    """
    import numpy as np

    different, counts = np.unique(ordered, return_counts=True)
    if not 2 < len(different) <= len(ordered) / 2:
        return ordered
    step = float(np.min(np.diff(different)))
    parts = [value + step * ((np.arange(n) + 0.5) / n - 0.5) for value, n in zip(different, counts, strict=True)]
    return np.asarray(np.maximum(np.concatenate(parts), float(different[0]) / 2), np.float64)


def _test(logs: "NDArray[np.float64]", least: int) -> Split:
    """The gap with the largest statistic in sorted logarithms, and its p."""
    import numpy as np

    n = len(logs)
    below = np.arange(least, n - least + 1)
    gap = logs[below] - logs[below - 1]
    left = (below - 1) * np.log1p(gap / np.maximum(logs[below - 1] - logs[0], SAME))
    right = (n - below - 1) * np.log1p(gap / np.maximum(logs[-1] - logs[below], SAME))
    statistic = np.minimum(left, right)
    best = int(np.argmax(statistic))
    return Split(int(below[best]), _p_value(float(statistic[best]), n, least))


@cache
def _quadrature() -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """Nodes and weights for an integral over an exponential variable."""
    import numpy as np

    nodes, weights = np.polynomial.laguerre.laggauss(NODES)
    return np.asarray(nodes, np.float64), np.asarray(weights, np.float64)


def _p_value(statistic: float, n: int, least: int) -> float:
    """Probability of any gap with this statistic in n uniform samples (a bound: the sum over the places of the gap)."""
    import numpy as np
    from scipy.special import gammainc

    spacings = np.arange(least, n - least + 1) - 1.0  # of the left part; of the right part in reverse order
    ratio = np.expm1(np.minimum(statistic / spacings, 700.0))
    nodes, weights = _quadrature()
    # The gap is exponential, a span of m spacings a gamma of shape m: both sides must be below gap / ratio.
    inside = gammainc(spacings[:, None], nodes[None, :] / np.maximum(ratio, 1e-300)[:, None])
    return float(min(1.0, np.sum(weights * inside * inside[::-1])))
