"""Checks that a result does not contradict itself: the schema's types can't express them, and all readers need them."""

import math
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache

import msgspec

from gcproto.counted import counted
from gcproto.results.page_map import decode
from gcproto.results.schema import (
    TIMES,
    UNIT_INSTRUCTIONS,
    UNIT_INSTRUCTIONS_OPERATION,
    UNIT_IPIS,
    Blocks,
    Collection,
    Figures,
    Histograms,
    Interval,
    KernelCell,
    Latency,
    Measurement,
    PathFigures,
    PathScenario,
    PolicyFigures,
    PolicyScenario,
    Profile,
    Result,
    SampleMode,
    Scenario,
    WindowFigures,
    WindowScenario,
    WorkloadFigures,
    WorkloadScenario,
)

LEAST = 1e-9
"""A sample is 0, or at least this. A smaller one is neither a time nor a count, and ratios to it exceed all bounds."""
NAME = 100
"""Limit of characters of names: of kernels, arms, workloads, runs."""
FUNCTION = 600
"""Limit of characters of the name of a function; the kernel's symbols have 511 at most (KSYM_NAME_LEN)."""
ORDERS = 30
"""A folio of 2^30 pages is larger than any memory."""
MANY = 10_000
"""Limits of the measurements and verdicts of one run, and of the rounds of one measurement."""
ROUNDS = 100_000
UNITS = TIMES | {UNIT_INSTRUCTIONS, UNIT_INSTRUCTIONS_OPERATION, UNIT_IPIS}
KINDS: dict[type[Scenario], type[Figures]] = {
    PathScenario: PathFigures,
    WorkloadScenario: WorkloadFigures,
    PolicyScenario: PolicyFigures,
    WindowScenario: WindowFigures,
}
ROUNDING = 1e-9
TIME = re.compile(r"[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")


class _Kernel(msgspec.Struct):
    release: str = ""
    version: str = ""
    cmdline: str = ""


class _Cpu(msgspec.Struct):
    model: str = ""
    count: int | None = None
    allowed: int | None = None


class _Thp(msgspec.Struct):
    enabled: str = ""
    defrag: str = ""


class _Uffd(msgspec.Struct):
    via: str = ""


class _Run(msgspec.Struct):
    cpu: int | None = None
    touch_cpu: int | None = None
    rounds: int | None = None
    warmup: int | None = None
    steal_before_after: list[int | None] = []


class _Environment(msgspec.Struct):
    """The fields of an environment that readers use; all may be missing."""

    kernel: _Kernel = msgspec.field(default_factory=_Kernel)
    cpu: _Cpu = msgspec.field(default_factory=_Cpu)
    thp: _Thp = msgspec.field(default_factory=_Thp)
    uffd: _Uffd = msgspec.field(default_factory=_Uffd)
    run: _Run = msgspec.field(default_factory=_Run)
    arch: str = ""
    page_size: int | None = None
    pmd_size: int | None = None


def faults(result: Result) -> Iterator[str]:
    """The error of a result, and its place."""
    yield from _environment_faults(result)
    if not _is_time(result.producer.started):
        yield f"producer.started is {result.producer.started[:NAME]!r}, not a time with its zone"
    names = (result.run_id, *_words(result))
    if max(map(len, names)) > NAME or not result.run_id:
        yield f"run_id or a name of the kernel or the guest has more than {NAME} characters, or is empty"
    lists: tuple[Sequence[object], ...] = (result.measurements, result.skips, result.verdicts, result.claims)
    if any(len(one) > MANY for one in lists):
        yield f"it has more than {MANY} measurements, skips, verdicts or claims"
    if result.noise is not None:
        for pair in result.noise.pairs:
            yield from (f"noise: {text}" for text in _interval_faults(pair))
    for number, one in enumerate(result.measurements):
        for text in _measurement_faults(one):
            yield f"measurements[{number}]: {text}"


def _is_time(text: str) -> bool:
    """Whether it is a date and a time of RFC 3339, which other tools require."""
    if not TIME.fullmatch(text):
        return False
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _words(result: Result) -> Iterator[str]:
    kernel = result.environment.get("kernel")
    if isinstance(kernel, dict):
        yield str(kernel.get("release", ""))
    yield result.producer.benchmark
    yield result.producer.started
    if isinstance(result.experiment, KernelCell):
        yield result.experiment.set
    if result.guest is not None:
        yield result.guest.outcome


def _environment_faults(result: Result) -> Iterator[str]:
    try:
        found = msgspec.convert(result.environment, _Environment)
    except msgspec.ValidationError as error:
        yield f"environment: {error}"
        return
    for name, value in (("page_size", found.page_size), ("pmd_size", found.pmd_size)):
        if value is not None and not (0 < value <= 1 << 40 and value & (value - 1) == 0):
            yield f"environment.{name} is not a power of two"


def _measurement_faults(one: Measurement) -> Iterator[str]:
    if KINDS[type(one.scenario)] is not type(one.figures):
        yield "its figures are of another kind than its scenario"
        return
    yield from _scenario_faults(one.scenario)
    if one.unit not in UNITS:
        yield f"its unit is {one.unit!r}, not one of {', '.join(sorted(UNITS))}"
    yield from _sample_faults(one)
    for name, interval in (("ci", one.ci), ("ratio_to_copy", one.ratio_to_copy)):
        if interval is not None:
            yield from (f"{name}: {text}" for text in _interval_faults(interval))
    yield from _mode_faults(one.modes)
    match one.figures:
        case WorkloadFigures():
            yield from _workload_faults(one.figures)
        case PolicyFigures():
            yield from _collection_faults(one.figures.collections)
        case WindowFigures():
            yield from _latency_faults(one.figures.access, one.figures.fault)
        case PathFigures():
            yield from _profile_faults(one.figures.profile)
            yield from _blocks_faults(one.figures.blocks)


def _sample_faults(one: Measurement) -> Iterator[str]:
    if len(one.samples) != len(one.rounds):
        yield f"{counted(len(one.samples), 'sample')} of {counted(len(one.rounds), 'round')}"
        return
    if max(len(one.samples), len(one.warmup), len(one.invalid_rounds)) > ROUNDS:
        yield f"it has more than {ROUNDS} rounds"
    if len(set(one.rounds)) < len(one.rounds):
        yield "a round is there twice"
    if any(0 < value < LEAST for value in one.samples):
        yield f"a sample is below {LEAST:g} {one.unit}"
    if one.valid and (one.median is None or not one.samples):
        yield "it is valid and has no median, or no samples"
    if one.median is not None and one.samples:
        low, high = min(one.samples), max(one.samples)
        if not low * (1 - ROUNDING) <= one.median <= high * (1 + ROUNDING):
            yield "its median is not between its samples"


def _interval_faults(one: Interval) -> Iterator[str]:
    if not 0 <= one.low <= one.value * (1 + ROUNDING) or not one.value <= one.high * (1 + ROUNDING):
        yield f"{one.value:g} is not between {one.low:g} and {one.high:g}"
    if not 0 < one.confidence < 1:
        yield "its confidence is not between 0 and 1"


def _mode_faults(modes: list[SampleMode]) -> Iterator[str]:
    if len(modes) not in {0, 2}:
        yield f"it has {len(modes)} modes, not two or none"
    if any(not one.low <= one.median <= one.high or not 0 < one.share < 1 for one in modes):
        yield "the median of a mode is not between its ends, or its share not between 0 and 1"


def _scenario_faults(one: Scenario) -> Iterator[str]:
    """Sizes that can be multiplied, and names that fit a line."""
    order: int | None = None
    sizes: tuple[int, ...] = ()
    least = 0
    texts = [value for name in one.__struct_fields__ if isinstance(value := getattr(one, name), str)]
    match one:
        case PathScenario():
            order, sizes, least = one.order, (one.granule_bytes, one.pages, one.threads), 1
        case WorkloadScenario():
            order, sizes = one.order, (one.heap_bytes, one.live_bytes, one.mutators)
            texts += [str(value) for value in one.options.given().values()]
        case PolicyScenario():
            order, sizes = one.order, (one.threads, one.collections, one.live_bytes)
            if one.swapped_permille > 1000:
                yield "its scenario has more pages swapped than it has pages"
        case WindowScenario():
            sizes = (one.size_bytes, one.mutators, one.batch, one.group)
    if (order or 0) > ORDERS or not all(least <= value < 1 << 62 for value in sizes):
        yield "its scenario has an impossible order, granule, size or number of pages"
    if any(len(text) > NAME for text in texts):
        yield f"its scenario has a name of more than {NAME} characters"


def _workload_faults(one: WorkloadFigures) -> Iterator[str]:
    if any(not 0 <= value <= 1 for mmu in one.mmu for value in (mmu.median, mmu.least)):
        yield "its utilisation is not between 0 and 1"
    if any(mmu.window_ms <= 0 for mmu in one.mmu):
        yield "its utilisation is of a window of no length"
    yield from _latency_faults(one.fault, one.pause, one.wait)
    yield from _histogram_faults(one.histograms)
    yield from _collection_faults(one.collections)


def _blocks_faults(one: Blocks | None) -> Iterator[str]:
    if one is None:
        return
    if len(one.folded) != len(one.unfolded) or len(one.folded) > ROUNDS:
        yield "its blocks are not of the same rounds, or of too many"
    if any(count < 0 for count in (*one.folded, *one.unfolded, one.void)):
        yield "it has fewer than no blocks"


def _profile_faults(one: Profile | None) -> Iterator[str]:
    if one is None:
        return
    names = [function.name for function in one.functions]
    if len(set(names)) < len(names) or any(not 0 < len(name) <= FUNCTION for name in names):
        yield f"its profile has a function twice, or one with no name, or a name of more than {FUNCTION} characters"
    if len(names) > MANY or not 1 <= one.rounds <= ROUNDS:
        yield "its profile has too many functions, or no rounds"
    if any(function.rep > function.instructions * (1 + ROUNDING) for function in one.functions):
        yield "its profile has more iterations than instructions"
    if any(not 0 <= function.llc <= function.l2 <= function.l1d for function in one.functions):
        yield "its profile has more misses of a cache than of the one before it"
    if not one.caches and any(function.l1d for function in one.functions):
        yield "its profile has misses of caches that it does not name"


def _latency_faults(*some: Latency | None) -> Iterator[str]:
    if any(one.n < 1 for one in some if one is not None):
        yield "a latency is of no events"


def _histogram_faults(one: Histograms) -> Iterator[str]:
    for name in one.__struct_fields__:
        text = getattr(one, name)
        if text and not _is_histogram(text):
            yield f"its histogram {name!r} can't be read by its tools"


@cache
def _is_histogram(text: str) -> bool:
    from hdrh.histogram import HdrHistogram

    try:
        found = HdrHistogram.decode(text)
        return found is not None and math.isfinite(found.get_total_count())
    except Exception:  # any exception of a decoder means a damaged text
        return False


def _collection_faults(rounds: list[list[Collection]]) -> Iterator[str]:
    for some in rounds:
        for one in some:
            if any(order > ORDERS for order in (*one.folios.by_order, *one.splits)):
                yield f"a collection has folios of an order beyond {ORDERS}"
            if one.map:
                try:
                    decode(one.map)
                except ValueError as error:
                    yield f"the map of a collection is damaged: {error}"
