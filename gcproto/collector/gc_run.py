"""Workloads on heaps, in several modes, interleaved: every scenario once in each round, in seeded random order."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from gcproto.collector.gc_tally import WARMUP, HeapTally
from gcproto.collector.heap_machine import heap_machine
from gcproto.collector.modes import Mode
from gcproto.collector.session_round import SessionLab, SessionRequest
from gcproto.collector.trace_files import trace_file
from gcproto.errors import ExitCode, GcprotoError
from gcproto.heap.folios import Memory
from gcproto.host import environment
from gcproto.host.child import WorkerDied
from gcproto.host.memory import HEAP_PROGRAM, need
from gcproto.logs import get_logger
from gcproto.process import interrupts
from gcproto.record import Record
from gcproto.results.schema import (
    InvalidRound,
    Measurement,
    Result,
    Scenario,
    Skip,
)
from gcproto.results.statistics import noise_of, summarise

NONE_SPARE = 32 << 20
NONE_SHARE = 0.5
"""Mode none gets what the others allocated and something to spare, at most this share of the memory available."""


@dataclass
class GcOrder:
    """What a user asks of a run (see ``gcproto gc --help``).

    Args:
        workload, mutators, live_bytes, operations, mutation, fragmentation: as in ``SessionRequest``; live_bytes and
            operations of all mutators together.
        modes: to compare, each with the options that it was changed by.
        memories: folios of the heap, one after the other.
        policies: of evacuation, each of which every mode that moves is run with.
        factors: heap sizes as multiples of the live bytes.
        runs: measured rounds.
        seed: of graphs, operations and the order of modes.
        verify, disturb, trace, recording, map: as in ``SessionRequest``.
        status: file that each run tells what it is doing, "" for none.
        timeout: seconds for one run.
        traces: files that were written, once it has run.

    """

    workload: str
    modes: list[tuple[Mode, dict[str, int | str | bool]]]
    factors: list[float]
    memories: list[Memory]
    policies: list[str]
    live_bytes: int
    operations: int
    mutators: int = 2
    mutation: int = 100
    fragmentation: int = 500
    runs: int = 5
    seed: int = 1
    verify: bool = False
    disturb: str = ""
    trace: str = ""
    recording: str = ""
    map: bool = False
    status: str = ""
    timeout: float = 600.0
    traces: list[str] = field(default_factory=list)


def run(order: GcOrder, progress: Callable[[int, int], None]) -> Result:
    """Measure.

    Raises:
        GcprotoError: memory is too small.

    """
    _check(order)
    record = Record("collector")
    rng = random.Random(order.seed)
    by_memory = [_tallies(order, memory) for memory in order.memories]
    skips: list[Skip] = []
    complete = True
    total = (WARMUP + order.runs) * sum(map(len, by_memory))
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    with (
        heap_machine(order.memories, swap="zram" if "pageout" in order.disturb else "") as enable,
        SessionLab(order.timeout) as lab,
    ):
        try:
            for memory, tallies in zip(order.memories, by_memory, strict=True):
                enable(memory)
                _rounds(lab, order, tallies, rng, skips, step)
            interrupts.defer()
        except KeyboardInterrupt:
            complete = False
    tallies = [tally for some in by_memory for tally in some]
    measurements = [tally.measurement() for tally in tallies if tally.samples or tally.invalid]
    if not measurements and skips:
        raise GcprotoError(skips[0].what, why=skips[0].reason, remedy=skips[0].remedy, code=ExitCode.NO)
    _lower_bound(measurements)
    summarise(measurements)
    if not complete:
        skips.append(Skip("the rest", "interrupted", ""))
    record.environment["run"] = {"cpu": -1, "touch_cpu": -1, "rounds": order.runs, "warmup": WARMUP}
    return record.result(
        measurements,
        skips,
        options={
            "workload": order.workload,
            "live": order.live_bytes,
            "operations": order.operations,
            "mutators": order.mutators,
            "mutation": order.mutation,
            "fragmentation": order.fragmentation,
            "verify": order.verify,
            "disturb": order.disturb,
        },
        seed=order.seed,
        complete=complete,
        noise=noise_of(measurements),
    )


def _rounds(
    lab: SessionLab,
    order: GcOrder,
    tallies: list[HeapTally],
    rng: random.Random,
    skips: list[Skip],
    step: Callable[[], None],
) -> None:
    """All rounds with one kind of memory; what can't be run is taken out of ``tallies`` and noted in ``skips``."""
    log = get_logger("gc")
    for number in range(WARMUP + order.runs):
        digests: list[int] = []
        # Mode none comes last in the first round: it needs to know how much the others allocated.
        chosen = sorted(rng.sample(tallies, len(tallies)), key=lambda one: not one.mode.collects and not number)
        for tally in chosen:
            if not tally.mode.collects and not number and not _provide(tally, tallies, skips):
                tallies.remove(tally)
                continue
            digests = _one(lab, tally, order, number, digests)
            if tally.out_of_memory:
                tallies.remove(tally)
                skips.append(_too_small(tally, order))
            log.debug("run", mode=tally.scenario.arm, memory=tally.memory, heap=tally.capacity, round=number)
            step()


def _tallies(order: GcOrder, memory: Memory) -> list[HeapTally]:
    found = []
    for mode, options in order.modes:
        factors = order.factors if mode.collects else order.factors[:1]
        policies = order.policies if mode.moves else [""]
        found += [
            _tally(mode, options, int(order.live_bytes * factor), order, memory, policy)
            for factor in factors
            for policy in policies
        ]
    return found


def _tally(
    mode: Mode, options: dict[str, int | str | bool], capacity: int, order: GcOrder, memory: Memory, policy: str
) -> HeapTally:
    page = environment.page_size()
    source = f"heap-{order.workload}" + ("-system" if memory.order is None else "")
    arm = mode.name if policy in {"", "move"} else f"{mode.name}:{policy}"
    scenario = Scenario(source, memory.order or 0, arm, page, "congruent", order.mutators + 1, capacity // page)
    return HeapTally(scenario, mode, options, capacity, order.verify, memory=memory.name, policy=policy or "move")


def _too_small(tally: HeapTally, order: GcOrder) -> Skip:
    return Skip(
        f"{tally.mode.name} with {tally.capacity >> 20} MiB",
        tally.out_of_memory,
        f"choose a larger --heap: --live {order.live_bytes >> 20}m is what the objects take, without room to allocate",
    )


def _provide(tally: HeapTally, tallies: list[HeapTally], skips: list[Skip]) -> bool:
    """Give mode none a heap for everything; False if there is no memory for it."""
    allocated = max((other.allocated for other in tallies if other.mode.collects), default=0)
    available = environment.available_bytes() or 0
    needed = allocated + allocated // 20 + NONE_SPARE
    if not allocated or needed > NONE_SHARE * available:
        skips.append(
            Skip(
                "mode none",
                f"{needed >> 20} MiB would be allocated without ever collecting, {available >> 20} MiB are available"
                if allocated
                else "no other mode has said how much is allocated",
                "choose fewer --operations",
            )
        )
        return False
    tally.capacity = needed
    # Its sizes differ, its work does not: it is compared with the smallest of the other heaps.
    return True


def _one(lab: SessionLab, tally: HeapTally, order: GcOrder, number: int, digests: list[int]) -> list[int]:
    request = SessionRequest(
        mode=tally.mode.name.split("[")[0],
        options=tally.options,
        workload=order.workload,
        capacity=tally.capacity,
        mutators=order.mutators,
        live_bytes=order.live_bytes // order.mutators,
        operations=max(1, order.operations // order.mutators),
        mutation=order.mutation,
        fragmentation=order.fragmentation,
        seed=order.seed * 1000 + number,
        verify=order.verify and tally.mode.collects,
        disturb=order.disturb,
        trace=_trace_file(order, tally) if number == WARMUP + order.runs - 1 else "",
        recording=order.recording,
        memory=tally.memory,
        policy=tally.policy,
        map=order.map,
        status=order.status,
        label=f"{tally.scenario.arm} {tally.capacity >> 20}M, {tally.memory} folios",
    )
    try:
        done = lab.run(request)
    except WorkerDied as died:
        tally.invalid.append(InvalidRound(number, 0.0, str(died)))
        return digests
    if done.out_of_memory:
        tally.out_of_memory = done.failure
        return digests
    if request.trace:
        order.traces.append(request.trace)
    tally.add(number, done, digests)
    return digests or done.digests


def _trace_file(order: GcOrder, tally: HeapTally) -> str:
    """Each mode and heap has a file of its own."""
    if not order.trace:
        return ""
    alone = sum(len(_tallies(order, memory)) for memory in order.memories) == 1
    return trace_file(order.trace, tally.scenario.arm, tally.memory, tally.capacity, alone=alone)


def _lower_bound(measurements: list[Measurement]) -> None:
    """Lower-bound overhead (Cai et al., ISPASS 2022): cost over the least that the work itself can have cost.

    That is the smallest, over all modes measured, of the cost without what is known to be the collector's: pauses of
    the wall time, the collector thread of the CPU time.
    """
    known = [one for one in measurements if one.valid and one.figures.get("wall ms")]
    if not known:
        return

    def pauses(one: Measurement) -> float:
        total = sum(p.stop_ns + p.ns for round_ in one.collections for c in round_ if c.measured for p in c.pauses)
        return total / 1e6 / max(1, len(one.samples))

    def cpu(one: Measurement) -> float:
        return one.figures["mutator cpu ms"] + one.figures["collector cpu ms"]

    wall_bound = min(one.figures["wall ms"] - pauses(one) for one in known)
    cpu_bound = min(one.figures["mutator cpu ms"] for one in known)
    for one in known:
        if wall_bound > 0 and cpu_bound > 0:
            one.figures["lbo wall"] = one.figures["wall ms"] / wall_bound
            one.figures["lbo cpu"] = cpu(one) / cpu_bound


def _check(order: GcOrder) -> None:
    size = int(order.live_bytes * max(order.factors))
    need(
        f"a heap of {size >> 20} MiB",
        size * (3 if order.verify else 1),
        "choose a smaller --live or --heap",
        program=HEAP_PROGRAM,
        threads=order.mutators,
        why="--verify needs three times the heap" if order.verify else "",
    )
