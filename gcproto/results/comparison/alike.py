"""The conditions that two runs must have in common, and their common scenarios.

A scenario is the same in both runs if all of its fields are, except the pages of a round.  A quick run has fewer pages,
and the comparison says so.  Too few common scenarios, without the canary, are an error (``MIN_COMMON``).  The change of
an arm could not be separated from that of the machine, and a gate must not pass because nothing was compared.
"""

from collections.abc import Sequence

from gcproto.counted import counted
from gcproto.errors import ExitCode, GcprotoError
from gcproto.results.facts import cpu_of, timed_on
from gcproto.results.schema import (
    ClaimExperiment,
    ContractExperiment,
    DumpExperiment,
    Experiment,
    GridExperiment,
    KernelCell,
    Measurement,
    PathExperiment,
    PathScenario,
    PolicyExperiment,
    Result,
    Scenario,
    WindowExperiment,
    WorkloadExperiment,
    with_fields,
)
from gcproto.results.series import is_canary

MUST_BE_ALIKE = ("page_size", "pmd_size")
MIN_COMMON = 5
"""The least number of common paths, without the canary. Two granules of one arm and of its baseline are four paths."""

MIN_COMMON_HEAPS = 2
"""The same for heaps and windows. A run has one for each mode, policy or way: one to judge, one to compare with."""

KINDS: dict[type[Experiment], str] = {
    PathExperiment: "evacuation paths (bench)",
    WorkloadExperiment: "workloads on a heap (gc)",
    GridExperiment: "modes by cell (gc grid)",
    PolicyExperiment: "evacuation policies (gc policies)",
    WindowExperiment: "the window after the flip (gc window)",
    KernelCell: "a kernel in a guest (kernels run)",
    ContractExperiment: "the contract",
    ClaimExperiment: "the claims",
    DumpExperiment: "a heap dump (heap inspect)",
}
"""Experiments in words."""
Pair = tuple[Measurement, Measurement]


def key(one: Scenario) -> Scenario:
    """Equal for scenarios of two runs that can be compared: all fields but the pages of a round."""
    return with_fields(one, pages=0) if isinstance(one, PathScenario) else one


def differences(base: Result, new: Result) -> list[str]:
    """Reasons why two runs of one kind must not be compared; empty if they may.

    Their common scenarios and the number of rounds are not checked here.
    """
    pairs: dict[str, tuple[object, object]] = {
        "code that measures": (base.producer.benchmark, new.producer.benchmark),
        "processor": (cpu_of(base), cpu_of(new)),
    }
    for name in MUST_BE_ALIKE:
        pairs[name] = (base.environment.get(name), new.environment.get(name))
    hosts = timed_on(base), timed_on(new)
    if all(hosts):
        pairs["host of the cluster, and times depend on it"] = hosts
    ours, theirs = _conditions(base.experiment), _conditions(new.experiment)
    pairs |= {name: (ours.get(name), theirs.get(name)) for name in ours | theirs}
    return [f"{name}: {one} and {other}" for name, (one, other) in pairs.items() if one != other]


def _conditions(one: Experiment) -> dict[str, object]:
    """Conditions of all scenarios of a run that are not fields of the scenarios."""
    match one:
        case WorkloadExperiment():
            fields: tuple[str, ...] = ("operations", "mutation", "fragmentation", "verify", "disturb", "recording")
        case GridExperiment():
            fields = ("operations", "mutation")
        case PolicyExperiment():
            fields = ("verify", "objective", "recording")
        case KernelCell():
            fields = ("icount", "cpus", "memory_mib", "cpu")
        case _:
            fields = ()
    return {name: getattr(one, name) for name in fields}


def see_that_they_are_of_one_kind(base: Result, new: Result) -> None:
    """See that one command made both.

    Raises:
        GcprotoError: their experiments are of different kinds.

    """
    if type(base.experiment) is type(new.experiment):
        return
    raise GcprotoError(
        "these runs are of different kinds and have no common scenarios",
        why=f"{KINDS[type(base.experiment)]}, and {KINDS[type(new.experiment)]}",
        remedy="give two results of one command",
        code=ExitCode.USAGE,
    )


def pairs_of(base: Result, new: Result) -> list[Pair]:
    """Scenarios of both runs that are valid and above zero, in the order of the first run."""
    ours, theirs = _by_key(base), _by_key(new)
    return [(one, theirs[same]) for same, one in ours.items() if same in theirs and theirs[same].unit == one.unit]


def _by_key(result: Result) -> dict[Scenario, Measurement]:
    """The first measurement of each key: a run has each scenario once."""
    found: dict[Scenario, Measurement] = {}
    for one in result.measurements:
        if one.valid and one.samples and min(one.samples) > 0:
            found.setdefault(key(one.scenario), one)
    return found


def see_that_enough_is_common(pairs: Sequence[Pair], base: Result, new: Result) -> None:
    """See that a comparison can tell what is one arm's change and what the machine's.

    Args:
        pairs: what is in both.
        base: the run to compare with.
        new: the run that is judged.

    Raises:
        GcprotoError: they have fewer scenarios in common than ``MIN_COMMON`` or ``MIN_COMMON_HEAPS``.

    """
    common = [one.scenario for one, _ in pairs if not is_canary(one.scenario)]
    paths = any(isinstance(one, PathScenario) for one in common) or not common
    least = MIN_COMMON if paths else MIN_COMMON_HEAPS
    if len(common) >= least:
        return
    canary = " besides the canary" if len(common) < len(pairs) else ""
    raise GcprotoError(
        f"these runs have {counted(len(common), 'scenario') if common else 'no scenarios'} in common{canary}, "
        f"and a comparison needs {least}",
        why=f"BASE has {len(_by_key(base))} valid ones and NEW has {len(_by_key(new))}, of other sources, arms, sizes "
        "or heaps",
        remedy="measure again with the same choices (sources, arms, granules, modes, sizes)",
        code=ExitCode.USAGE,
    )
