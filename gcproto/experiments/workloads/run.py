"""Workloads on heaps, in several modes, interleaved: every scenario once in each round, in seeded random order."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

import msgspec

from gcproto.collector.modes import Mode
from gcproto.errors import ExitCode, GcprotoError
from gcproto.experiments.frame import Frame, Progress, Schedule
from gcproto.experiments.heap_machine import heap_machine, memory_blocks
from gcproto.experiments.placement import Placement, cpus_for
from gcproto.experiments.session.request import SessionLab, SessionRequest
from gcproto.experiments.workloads.same_work import SameWork
from gcproto.experiments.workloads.tally import HeapTally
from gcproto.experiments.workloads.trace_files import trace_file
from gcproto.heap.folios import Memory
from gcproto.heap.sizes import see_that_it_can_be_made
from gcproto.host import environment
from gcproto.host.memory import HEAP_PROGRAM, need
from gcproto.logs import get_logger
from gcproto.record import Record
from gcproto.results import names
from gcproto.results.heaps.cells import HeapCell, cell_of
from gcproto.results.schema import (
    Measurement,
    ModeOptions,
    Result,
    Skip,
    WorkloadExperiment,
    WorkloadFigures,
    WorkloadScenario,
)

WARMUP = 1
NONE_SPARE = 32 << 20
NONE_SHARE = 0.5
"""Mode none gets what the others allocated and something to spare, at most this share of the memory available."""


@dataclass
class WorkloadParameters:
    """What a user asks of a run (see ``gcproto gc --help``).

    Args:
        workload, live_bytes, operations, mutation, fragmentation: as in ``SessionRequest``; live_bytes and operations
            of all mutators together.
        mutators: numbers of threads, one after the other.
        modes: to compare;  options: in what they differ from their defaults, as far as they have a choice.
        memories: folios of the heap, one after the other.
        policies: of evacuation, each of which every mode that moves is run with.
        placements: of mutators and collector on processors (gcproto.experiments.placement).
        factors: heap sizes as multiples of the live bytes, or of used_bytes.
        used_bytes: of the heap of a dump, live and dead; 0 without one.
        rounds: measured rounds.
        seed: of graphs, operations and the order of modes.
        again: a mode that is measured twice, so that its two measurements tell the noise (A/A); "" for none.
        verify, disturb, trace, recording, map: as in ``SessionRequest``.
        status: file that each run tells what it is doing, "" for none.
        timeout: seconds for one run.
        traces: files that were written, once it has run.
        recording_name: of the file that the user gave.

    """

    workload: str
    modes: list[tuple[Mode, ModeOptions]]
    factors: list[float]
    memories: list[Memory]
    policies: list[str]
    live_bytes: int
    operations: int
    placements: tuple[Placement, ...] = (Placement.UNPLACED,)
    mutators: tuple[int, ...] = (2,)
    mutation: int = 100
    fragmentation: int = 500
    rounds: int = 5
    seed: int = 1
    again: str = ""
    verify: bool = False
    disturb: str = ""
    trace: str = ""
    recording: str = ""
    map: bool = False
    status: str = ""
    timeout: float = 600.0
    traces: list[str] = field(default_factory=list)
    used_bytes: int = 0
    recording_name: str = ""

    @property
    def base_bytes(self) -> int:
        """What the factors multiply."""
        return self.used_bytes or self.live_bytes


def run(wanted: WorkloadParameters, progress: Progress) -> Result:
    """Measure.

    Raises:
        GcprotoError: memory is too small, or a heap is.

    """
    for factor in wanted.factors:
        see_that_it_can_be_made(int(wanted.base_bytes * factor))
    largest = int(wanted.base_bytes * max(wanted.factors))
    need(
        f"a heap of {largest >> 20} MiB",
        largest * (3 if wanted.verify else 1),
        "choose a smaller --heap" if wanted.used_bytes else "choose a smaller --live or --heap",
        program=HEAP_PROGRAM,
        threads=max(wanted.mutators) + max(options.compactors or 1 for _, options in wanted.modes) - 1,
        why="--verify needs three times the heap" if wanted.verify else "",
    )
    record = Record()
    tallies = list(_tallies(wanted))
    with (
        heap_machine(wanted.memories, largest, swap="zram" if "pageout" in wanted.disturb else "") as enable,
        SessionLab(wanted.timeout) as lab,
    ):
        running = _Running(wanted, tallies, lab, progress)
        blocks = memory_blocks(enable, wanted.memories)
        running.frame.run(running.one, running.sequence_of, blocks)
    most, compactors = max(wanted.mutators), max(options.compactors or 1 for _, options in wanted.modes)
    placed = {one: cpus_for(one, most, compactors) for one in wanted.placements}
    record.environment["placements"] = {str(one): msgspec.to_builtins(cpus) for one, cpus in placed.items()}
    frame = running.frame
    if frame.complete and frame.skips and not any(one.samples or one.invalid for one in frame.entries):
        first = frame.skips[0]
        raise GcprotoError(first.what, why=first.reason, remedy=first.remedy, code=ExitCode.NO)
    experiment = WorkloadExperiment(
        workload=wanted.workload,
        operations=wanted.operations,
        mutation=wanted.mutation,
        fragmentation=wanted.fragmentation,
        verify=wanted.verify,
        disturb=wanted.disturb,
        map=wanted.map,
        recording=wanted.recording_name,
    )
    result = frame.result(record, experiment)
    lower_bound(result.measurements)
    return result


class Crew(NamedTuple):
    """Who works on a heap: mutator threads, where they and the collector run, 1 for the second of an A/A pair."""

    mutators: int
    placement: Placement
    replica: int


def _tallies(wanted: WorkloadParameters) -> Iterator[HeapTally]:
    for memory in wanted.memories:
        for mutators, placement, (mode, options) in product(wanted.mutators, wanted.placements, wanted.modes):
            factors = wanted.factors if mode.collects else wanted.factors[:1]
            policies = wanted.policies if mode.moves else [""]
            if mode.young and mode.moves:
                policies = ["move"]  # the old generation ends at any page: there are no granules to choose
            for factor, policy in product(factors, policies):
                capacity = int(wanted.base_bytes * factor)
                for replica in range(1 + (mode.name == wanted.again)):
                    yield _tally(wanted, mode, options, memory, capacity, policy, Crew(mutators, placement, replica))


def _tally(
    wanted: WorkloadParameters,
    mode: Mode,
    options: ModeOptions,
    memory: Memory,
    capacity: int,
    policy: str,
    crew: Crew,
) -> HeapTally:
    scenario = WorkloadScenario(
        workload=wanted.workload,
        mode=mode.name,
        options=mode.able(options),
        policy=policy,
        memory=memory.name,
        order=memory.order,
        heap_bytes=capacity,
        live_bytes=wanted.live_bytes,
        mutators=crew.mutators,
        placement=crew.placement.value,
        replica=crew.replica,
    )
    return HeapTally(scenario, mode, memory, capacity, wanted.verify)


class _Running:
    """The rounds of one run."""

    def __init__(
        self, wanted: WorkloadParameters, tallies: list[HeapTally], lab: SessionLab, progress: Progress
    ) -> None:
        self.wanted = wanted
        self.lab = lab
        self.frame: Frame[HeapTally] = Frame(tallies, Schedule(wanted.rounds, WARMUP, wanted.seed), progress)
        self._same = SameWork()

    def sequence_of(self, number: int, active: list[HeapTally]) -> Generator[HeapTally, None, None]:
        """Mode none comes last in the first round: it needs to know how much the others allocated."""
        yield from sorted(self.frame.shuffled(active), key=lambda one: not one.mode.collects and not number)

    def one(self, number: int, tally: HeapTally) -> None:
        """One run."""
        if not tally.mode.collects and not number and not self._provide(tally):
            return
        request = self._request(tally, number)
        done = self.lab.run(request)
        if done.out_of_memory:
            self.frame.give_up(tally, self._too_small(tally, done.failure))
            return
        if request.trace:
            self.wanted.traces.append(request.trace)
        work = (tally.scenario.mutators, number)
        tally.add(number, done, self._same.digests(work), warmup=self.frame.warming(number))
        self._same.note(work, done)
        get_logger("gc").debug("run", mode=names.mode(tally.scenario), heap=tally.capacity, round=number)

    def _too_small(self, tally: HeapTally, why: str) -> Skip:
        live = self.wanted.live_bytes >> 20
        return Skip(
            f"{tally.mode.name} with {tally.capacity >> 20} MiB",
            why,
            f"choose a larger --heap: --live {live}m is what the objects take, without room to allocate",
        )

    def _provide(self, tally: HeapTally) -> bool:
        """Give mode none a heap for everything; False if there is no memory for it.

        Its sizes differ, its work does not: it is compared with the smallest of the other heaps.
        """
        allocated = max((one.allocated for one in self.frame.entries if one.mode.collects), default=0)
        available = environment.available_bytes() or 0
        needed = allocated + allocated // 20 + NONE_SPARE
        if allocated and needed <= NONE_SHARE * available:
            tally.capacity = needed
            return True
        why, remedy = "no other mode ended a round, so how much is allocated is unknown", "see why the others did not"
        if allocated:
            remedy = "choose fewer --operations"
            why = f"{needed >> 20} MiB would be allocated without ever collecting, {available >> 20} MiB are available"
        self.frame.give_up(tally, Skip(f"mode {tally.mode.name}", why, remedy))
        return False

    def _request(self, tally: HeapTally, number: int) -> SessionRequest:
        wanted, asked = self.wanted, tally.scenario
        last = number == WARMUP + wanted.rounds - 1
        return SessionRequest(
            mode=asked.mode,
            options=asked.options,
            workload=wanted.workload,
            capacity=tally.capacity,
            mutators=asked.mutators,
            live_bytes=wanted.live_bytes // asked.mutators,
            operations=max(1, wanted.operations // asked.mutators),
            mutation=wanted.mutation,
            fragmentation=wanted.fragmentation,
            seed=wanted.seed * 1000 + number,
            verify=wanted.verify and tally.mode.collects,
            disturb=wanted.disturb,
            trace=self._trace(asked) if wanted.trace and last else "",
            recording=wanted.recording,
            memory=asked.memory,
            policy=asked.policy or "move",
            map=wanted.map,
            status=wanted.status,
            placement=Placement(asked.placement),
            label=f"{names.mode(asked)} {tally.capacity >> 20}M, {asked.memory} folios",
        )

    def _trace(self, asked: WorkloadScenario) -> str:
        """Each scenario has a file of its own."""
        words = [names.mode(asked)] + [asked.placement] * (len(self.wanted.placements) > 1)
        words += [str(asked.mutators)] * (len(self.wanted.mutators) > 1)
        alone = len(self.frame.entries) == 1
        return trace_file(self.wanted.trace, "-".join(words), asked.memory, asked.heap_bytes, alone=alone)


def lower_bound(measurements: list[Measurement]) -> None:
    """Lower-bound overhead (Cai et al., ISPASS 2022): cost over the least that the work itself can have cost.

    The least is taken over all modes of the same workload, with as many mutators in the same placement.  It is the cost
    without the collector's known part: pauses of the wall time, the collector thread's share of the CPU time.
    """
    cells: dict[HeapCell, list[WorkloadFigures]] = {}
    for one in measurements:
        match one.scenario, one.figures:
            case WorkloadScenario() as scenario, WorkloadFigures() as figures if one.valid and figures.wall_ms:
                cells.setdefault(cell_of(scenario)._replace(memory=""), []).append(figures)
    for group in cells.values():
        wall_bound = min((each.wall_ms or 0.0) - _pauses_ms(each) for each in group)
        cpu_bound = min(each.mutator_cpu_ms or 0.0 for each in group)
        if wall_bound <= 0 or cpu_bound <= 0:
            continue
        for each in group:
            each.lbo_wall = (each.wall_ms or 0.0) / wall_bound
            each.lbo_cpu = ((each.mutator_cpu_ms or 0.0) + (each.collector_cpu_ms or 0.0)) / cpu_bound


def _pauses_ms(one: WorkloadFigures) -> float:
    """Of a round, with the time to stop."""
    total = sum(p.stop_ns + p.ns for round_ in one.collections for c in round_ if c.measured for p in c.pauses)
    return total / 1e6 / max(1, len(one.collections))
