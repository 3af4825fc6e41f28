"""Names of scenarios in other tools: short, and each once in a file."""

from collections import Counter
from collections.abc import Callable, Sequence

from gcproto.results.schema import Measurement, Result, Scenario
from gcproto.results.series import release_of
from gcproto.sizes import size


def name_of(one: Scenario) -> str:
    """``mthp-16/move/2M``: source with pages a folio, arm, bytes a call (pages of a heap), and what is special."""
    source = f"{one.source}-{1 << one.order}" if one.order else one.source
    extent = f"{one.pages}-pages" if one.source.startswith("heap-") else size(one.granule_bytes)
    special = [one.alignment] * (one.alignment != "congruent")
    special += [f"{one.threads}-threads"] * (
        one.threads > 1 and one.source != "window" and not one.source.startswith("heap-")
    )
    special += ["again"] * (one.replica > 0)
    return "/".join((source, one.arm, extent, *special))


def named(results: Sequence[Result], keep: Callable[[Measurement], bool]) -> list[tuple[str, Result, Measurement]]:
    """Measurements with names: with the kernel in front where they repeat, and the run where that is not enough."""
    found = [(result, one) for result in results for one in result.measurements if keep(one)]
    names = [name_of(one.scenario) for _, one in found]
    if _repeat(names):
        names = [f"{release_of(result)}/{name_of(one.scenario)}" for result, one in found]
    if _repeat(names):
        names = [f"{release_of(result)}/{result.run_id}/{name_of(one.scenario)}" for result, one in found]
    seen: Counter[str] = Counter()
    for at, name in enumerate(names):  # a run that holds a scenario twice
        seen[name] += 1
        names[at] = name if seen[name] == 1 else f"{name}#{seen[name]}"
    return [(name, result, one) for name, (result, one) in zip(names, found, strict=True)]


def _repeat(names: Sequence[str]) -> bool:
    return max(Counter(names).values(), default=1) > 1
