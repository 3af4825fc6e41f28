"""Names of measurements in other tools: unique in a file."""

from collections import Counter
from collections.abc import Callable, Sequence

from gcproto.results.facts import release_of
from gcproto.results.names import exported
from gcproto.results.schema import Measurement, Result


def named(results: Sequence[Result], keep: Callable[[Measurement], bool]) -> list[tuple[str, Result, Measurement]]:
    """Measurements with names. Repeated names get the kernel as a prefix; if that is not enough, the run."""
    found = [(result, one) for result in results for one in result.measurements if keep(one)]
    names = [exported(one.scenario) for _, one in found]
    if _repeat(names):
        names = [f"{release_of(result)}/{exported(one.scenario)}" for result, one in found]
    if _repeat(names):
        names = [f"{release_of(result)}/{result.run_id}/{exported(one.scenario)}" for result, one in found]
    seen: Counter[str] = Counter()
    for at, name in enumerate(names):  # a run that holds a scenario twice
        seen[name] += 1
        names[at] = name if seen[name] == 1 else f"{name}#{seen[name]}"
    return [(name, result, one) for name, (result, one) in zip(names, found, strict=True)]


def _repeat(names: Sequence[str]) -> bool:
    return max(Counter(names).values(), default=1) > 1
