"""Ways of doing the same work, measured beside each other: each once in every round, in an order left to chance."""

import random
import statistics
from collections.abc import Callable, Mapping
from typing import Any

from gcproto.results.statistics import median_interval

WARMUP = 1


def beside(work: Mapping[str, Callable[[], float]], rounds: int, seed: int = 1) -> dict[str, list[float]]:
    """Samples of each.

    Args:
        work: by name; each returns what it took, in a unit of its own.
        rounds: that count; one of warm-up comes first.
        seed: of the order.

    """
    rng = random.Random(seed)
    found: dict[str, list[float]] = {name: [] for name in work}
    for number in range(rounds + WARMUP):
        order = list(work)
        rng.shuffle(order)
        for name in order:
            took = work[name]()
            if number >= WARMUP:
                found[name].append(took)
    return found


def times_less(samples: Mapping[str, list[float]], base: str, name: str) -> str:
    """How many times less than ``base`` it took: the median of the rounds' ratios, with its interval."""
    ratios = [one / other for one, other in zip(samples[base], samples[name], strict=True)]
    found = median_interval(ratios)
    if found is None:
        return f"{statistics.median(ratios):.2f}x"
    return f"{found.value:.2f}x ({found.low:.2f}-{found.high:.2f})"


def tell(benchmark: Any, samples: Mapping[str, list[float]], base: str, unit: str) -> None:
    """Put medians and ratios to ``base`` into what the benchmark prints and stores."""
    for name, some in samples.items():
        said = f"{statistics.median(some):.0f} {unit}"
        benchmark.extra_info[name] = said if name == base else f"{said}, {times_less(samples, base, name)}"
