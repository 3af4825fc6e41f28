"""Names of scenarios for reports and for other tools. All of them are made here, and no name is ever parsed."""

from collections.abc import Callable, Iterable, Sequence

from gcproto.counted import counted
from gcproto.results.schema import (
    ANY,
    CACHE,
    CONGRUENT,
    MEMORY,
    SKEWED,
    ClaimVerdict,
    Console,
    ContractRow,
    Hazard,
    PathScenario,
    PolicyScenario,
    Scenario,
    Subject,
    Verdict,
    WindowScenario,
    WorkloadScenario,
)
from gcproto.sizes import size

UNPLACED = "unplaced"


def source(one: PathScenario, page_size: int) -> str:
    """``small``, ``64K mTHP``, ``2M THP``, ``pinned 2M``."""
    folio = size(page_size << one.order)
    if one.source == "mthp":
        return f"{folio} mTHP"
    if one.source == "thp":
        return f"{folio} THP"
    return f"{one.source} {folio}" if one.order else one.source


def layout(one: PathScenario) -> list[str]:
    """Differences of a path to the usual one: skewed, second thread, memory, shuffled."""
    found = [] if one.alignment == CONGRUENT else [one.alignment]
    found += [f"{one.threads} threads"] * (one.threads > 1)
    found += ["beyond the cache"] * (one.working_set == MEMORY)
    return found + [f"{one.frames} frames"] * (one.frames != ANY)


ARMS = {
    "copy_discard": "copy-then-discard",
    "move_fallback": "move, then copy on EBUSY",
    "split_move": "split, then move",
    "move_holes": "move with holes allowed",
    "zeropage": "zero-fill",
    "swapin": "swap in",
    "move_swapin": "move, then swap in",
    "tao": "migrate (TAO)",
    "memcpy_touched": "memcpy to touched pages",
    "memcpy_untouched": "memcpy to untouched pages",
}
"""Arms of paths whose name does not explain them."""


def arm_in_words(one: Scenario) -> str:
    """``copy-then-discard``: the arm, mode, policy or way, for sentences."""
    match one:
        case PathScenario():
            return ARMS.get(one.arm, one.arm)
        case WorkloadScenario() | PolicyScenario() | WindowScenario():
            return arm(one)


def threads(one: PathScenario) -> str:
    """``one thread``, ``second thread live``."""
    return "second thread live" if one.threads > 1 else "one thread"


PLACES = {CACHE: "in the caches", MEMORY: "beyond the caches", ANY: "pages just written"}
"""The place of the memory of a working set."""


def reach(one: PathScenario) -> str:
    """``in the caches``, ``beyond the caches, shuffled frames``: the memory that a path works on."""
    place = PLACES.get(one.working_set, one.working_set)
    return place if one.frames == ANY else f"{place}, {one.frames} frames"


def condition(one: PathScenario) -> str:
    """``second thread live, in the caches``: the condition of a path's figure."""
    skewed = [] if one.alignment == CONGRUENT else [one.alignment]
    return ", ".join((threads(one), reach(one), *skewed))


def path(one: PathScenario, page_size: int) -> str:
    """``small, 2M a call, second thread live``; the pages were just written unless the text differs."""
    skewed = [] if one.alignment == CONGRUENT else [one.alignment]
    usual = one.working_set == ANY and one.frames == ANY
    place = [] if usual else [reach(one)]
    return ", ".join((source(one, page_size), f"{size(one.granule_bytes)} a call", threads(one), *skewed, *place))


def memory(one: WorkloadScenario | PolicyScenario, page_size: int) -> str:
    """``small``, ``64K``, ``system``: the folios of a heap."""
    if one.order is None:
        return "system"
    return size(page_size << one.order) if one.order else "small"


def options(one: WorkloadScenario) -> str:
    """``fault_by=copy,fault_pages=4``; "" for a mode without options."""
    return ",".join(f"{name}={value}" for name, value in sorted(one.options.given().items()))


def mode(one: WorkloadScenario) -> str:
    """``move``, ``move[fault_pages=4]``, ``move:auto``."""
    changed = options(one)
    text = f"{one.mode}[{changed}]" if changed else one.mode
    return text if one.policy in {"", "move"} else f"{text}:{one.policy}"


def mode_short(one: WorkloadScenario) -> str:
    """The name with a star for the options, which are too long for a column."""
    text = one.mode + "*" * bool(options(one))
    return text if one.policy in {"", "move"} else f"{text}:{one.policy}"


def unlike(
    one: WorkloadScenario, every: Iterable[WorkloadScenario], page_size: int, *, heap_size: bool = True
) -> list[str]:
    """The conditions in which workloads of a run differ, for those of one: ``256M``, ``64K``, ``2 mutators``.

    Without them two rows of a table would have one name.  Mode, options and placement are not among them.

    Args:
        one: whose.
        every: of the run.
        page_size: of the machine, in bytes.
        heap_size: False where the text has it anyway.

    """
    others = list(every)
    conditions: list[Callable[[WorkloadScenario], str]] = [
        lambda one: one.workload,
        lambda one: memory(one, page_size),
        lambda one: counted(one.mutators, "mutator"),
        lambda one: f"{size(one.live_bytes)} live",
    ]
    if heap_size:
        conditions.insert(1, lambda one: size(one.heap_bytes))
    return [words(one) for words in conditions if len({words(other) for other in others}) > 1]


def placed(one: WorkloadScenario | WindowScenario) -> list[str]:
    """The placement of the collector; "" if the scheduler decided."""
    return [] if one.placement == UNPLACED else [f"processor {one.placement}"]


def placement(one: WorkloadScenario | WindowScenario) -> str:
    """The placement of the collector, as a condition: ``a processor of its own``."""
    return PLACEMENTS.get(one.placement, one.placement)


PLACEMENTS = {
    "own": "the collector has a processor of its own",
    "shared": "the collector shares a processor with a mutator",
    UNPLACED: "the scheduler places all threads",
}


PLACEMENTS_SHORT = {"own": "own processor", "shared": "shared processor", UNPLACED: "placed by the scheduler"}


def place(one: WorkloadScenario | WindowScenario) -> str:
    """The placement, short, for columns and titles: ``own processor``."""
    return PLACEMENTS_SHORT.get(one.placement, one.placement)


def policy(one: PolicyScenario) -> str:
    """``auto``, ``move:touch``: the policy, with the answer to EBUSY if it is not to copy."""
    return one.policy if one.ebusy == "copy" else f"{one.policy}:{one.ebusy}"


def heap(one: PolicyScenario, page_size: int) -> str:
    """The heap without its policy: ``sparse 64K, 2 threads, touch on EBUSY``."""
    more = [f"{one.threads} threads"] * (one.threads > 1)
    more += [f"{one.ebusy} on EBUSY"] * (one.ebusy != "copy")
    more += [f"{one.swapped_permille / 10:g} % swapped to {one.device}"] * (one.swapped_permille > 0)
    more += [f"collection {one.collections}"] * (one.collections > 1)
    return ", ".join((f"{one.workload} {memory(one, page_size)}", *more))


def arm(one: Scenario) -> str:
    """The name inside its kind: arm, mode, policy or way."""
    match one:
        case PathScenario():
            return one.arm
        case WorkloadScenario():
            return mode(one)
        case PolicyScenario():
            return policy(one)
        case WindowScenario():
            return ", ".join((one.way, *placed(one)))


def scenario(one: Scenario, page_size: int) -> str:
    """A whole scenario in a few words."""
    match one:
        case PathScenario():
            parts = [source(one, page_size), one.arm, size(one.granule_bytes), *layout(one)]
        case WorkloadScenario():
            heap_size = f"in {size(one.heap_bytes)}"
            parts = [one.workload, memory(one, page_size), mode(one), heap_size, counted(one.mutators, "mutator")]
            parts += placed(one)
        case PolicyScenario():
            parts = [heap(one, page_size), one.policy]
        case WindowScenario():
            parts = ["window", one.way, size(one.size_bytes), counted(one.mutators, "mutator"), *placed(one)]
    replica = not isinstance(one, PolicyScenario) and one.replica
    return " ".join(parts) + " (A/A)" * bool(replica)


def exported(one: Scenario) -> str:
    """For other tools: ``mthp-16/move/2M``, short and without blanks."""
    match one:
        case PathScenario():
            name = f"{one.source}-{1 << one.order}" if one.order else one.source
            parts = [name, one.arm, size(one.granule_bytes), *([] if one.alignment == CONGRUENT else [one.alignment])]
            parts += [f"{one.threads}-threads"] * (one.threads > 1)
            parts += [one.working_set] * (one.working_set == MEMORY) + [one.frames] * (one.frames != ANY)
        case WorkloadScenario():
            parts = [f"heap-{one.workload}-{one.memory}", mode(one), size(one.heap_bytes), f"{one.mutators}-mutators"]
            parts += [one.placement] * (one.placement != UNPLACED)
        case PolicyScenario():
            parts = [f"evacuate-{one.workload}-{one.memory}", policy(one), size(one.live_bytes)]
            parts += [f"{one.threads}-threads"] * (one.threads > 1)
            parts += [f"swapped-{one.swapped_permille}-{one.device}"] * (one.swapped_permille > 0)
            parts += [f"collection-{one.collections}"] * (one.collections > 1)
        case WindowScenario():
            parts = ["window", one.way, size(one.size_bytes), f"{one.mutators}-mutators"]
            parts += [one.placement] * (one.placement != UNPLACED)
    replica = not isinstance(one, PolicyScenario) and one.replica
    return "/".join([*parts, *["again"] * bool(replica)])


def nodes(one: Scenario) -> list[str]:
    """``paths``, ``mthp 16``, ``move``, ``2M``, and special fields: nodes of a path in KernelCI's tree of tests."""
    match one:
        case PathScenario():
            name = f"{one.source} {1 << one.order}" if one.order else one.source
            found = ["paths", name, one.arm, size(one.granule_bytes), *([] if one.alignment == CONGRUENT else [SKEWED])]
            found += [f"{one.threads}threads"] * (one.threads > 1)
            found += [one.working_set] * (one.working_set == MEMORY) + [one.frames] * (one.frames != ANY)
        case WorkloadScenario():
            found = ["workloads", one.workload, one.memory, one.mode]
            found += [f"{name} {value}" for name, value in sorted(one.options.given().items())]
            found += [f"policy {one.policy}"] * (one.policy not in {"", "move"})
            found += [size(one.heap_bytes), f"{one.mutators}mutators"] + [one.placement] * (one.placement != UNPLACED)
        case PolicyScenario():
            found = ["policies", one.workload, one.memory, one.policy, size(one.live_bytes)]
            found += [one.ebusy] * (one.ebusy != "copy") + [f"{one.threads}threads"] * (one.threads > 1)
            found += [f"swapped {one.swapped_permille} {one.device}"] * (one.swapped_permille > 0)
            found += [f"collection {one.collections}"] * (one.collections > 1)
        case WindowScenario():
            found = ["window", one.way, size(one.size_bytes), f"{one.mutators}mutators"]
            found += [one.handler] * (one.handler != "sigbus") + [one.placement] * (one.placement != UNPLACED)
    replica = 0 if isinstance(one, PolicyScenario) else one.replica
    return found + [f"replica{replica}"] * (replica > 0)


def subject_nodes(one: Subject) -> list[str]:
    """``contract``, ``mthp-pinned``: the nodes of a verdict's subject."""
    match one:
        case ContractRow(name):
            return ["contract", name]
        case Hazard(name, seed):
            return ["hazard", name, *([] if seed is None else [f"seed {seed}"])]
        case Console():
            return ["console"]


def subject(one: Subject) -> str:
    """``contract/mthp-pinned``, ``hazard/ksm``, ``hazard/stress seed 2``, ``console``."""
    match one:
        case ContractRow(name):
            return f"contract/{name}"
        case Hazard():
            return f"hazard/{_hazard(one)}"
        case Console():
            return "console"


def short_subject(one: Verdict) -> str:
    """The name alone."""
    match one.subject:
        case ContractRow(name):
            return name
        case Hazard():
            return _hazard(one.subject)
        case Console():
            return "console"


def _hazard(one: Hazard) -> str:
    return one.name if one.seed is None else f"{one.name} seed {one.seed}"


def claim(one: ClaimVerdict) -> str:
    """``T9 in part``."""
    return f"{one.key} {one.judgement}"


def several(words: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else "".join(words)
