"""Modes compared in every cell of workload x mutators x placement x memory, cell after cell: a run can go on."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from gcproto.collector.modes import MODES
from gcproto.errors import ExitCode, GcprotoError
from gcproto.experiments.frame import Block, Frame, Progress, Schedule
from gcproto.experiments.heap_machine import heap_machine
from gcproto.experiments.placement import Placement
from gcproto.experiments.session.request import SessionLab, SessionRequest
from gcproto.experiments.workloads.run import WARMUP, lower_bound
from gcproto.experiments.workloads.same_work import SameWork
from gcproto.experiments.workloads.tally import HeapTally
from gcproto.heap.folios import Memory, parse_memory
from gcproto.heap.sizes import see_that_it_can_be_made
from gcproto.host.memory import HEAP_PROGRAM, need
from gcproto.record import Record
from gcproto.results.heaps.cells import HeapCell, cell_of
from gcproto.results.schema import GridExperiment, Measurement, ModeOptions, Result, Skip, WorkloadScenario
from gcproto.results.statistics import noise_of, summarise

FRAGMENTATION = {"prefix": 0}
"""Nothing of a dense prefix is dropped; of the others half."""
USUAL_FRAGMENTATION = 500


@dataclass
class GridParameters:
    """What a user asks of a grid (see ``gcproto gc grid --help``).

    Args:
        operations: of each workload, of all its mutators together.
        mutators, placements, memories, modes: the other sides of the grid.
        live_bytes: of all mutators;  factor: the heap's size as a multiple of it.
        rounds: measured rounds of a cell.
        seed: of graphs and orders.
        mutation: as in ``SessionRequest``.
        seconds: once so many have passed no other cell is begun.
        timeout: seconds for one run.

    """

    operations: dict[str, int]
    mutators: Sequence[int]
    placements: Sequence[Placement]
    memories: Sequence[Memory]
    modes: Sequence[str]
    live_bytes: int
    factor: float
    rounds: int
    seed: int = 1
    mutation: int = 100
    seconds: float = 900.0
    timeout: float = 60.0

    def experiment(self) -> GridExperiment:
        """What its results are compared by."""
        return GridExperiment(
            operations=self.operations,
            mutation=self.mutation,
            live_bytes=self.live_bytes,
            heap_bytes=int(self.live_bytes * self.factor),
            modes=list(self.modes),
            rounds=self.rounds,
        )


@dataclass
class _Grid:
    """The rounds of a grid."""

    wanted: GridParameters
    lab: SessionLab
    frame: Frame[HeapTally]
    same: SameWork = field(default_factory=SameWork)
    started: float = field(default_factory=time.monotonic)
    refused: set[HeapCell] = field(default_factory=set)
    begun: set[HeapCell] = field(default_factory=set)

    def one(self, number: int, tally: HeapTally) -> None:
        """One run."""
        asked, wanted = tally.scenario, self.wanted
        cell = cell_of(asked)
        if cell not in self.begun and time.monotonic() - self.started > wanted.seconds:
            self._late(cell, tally)
            return
        self.begun.add(cell)
        done = self.lab.run(
            SessionRequest(
                mode=asked.mode,
                options=asked.options,
                workload=asked.workload,
                capacity=tally.capacity,
                mutators=asked.mutators,
                live_bytes=asked.live_bytes // asked.mutators,
                operations=max(1, wanted.operations[asked.workload] // asked.mutators),
                mutation=wanted.mutation,
                fragmentation=FRAGMENTATION.get(asked.workload, USUAL_FRAGMENTATION),
                seed=wanted.seed * 1000 + number,
                memory=asked.memory,
                policy=asked.policy or "move",
                placement=Placement(asked.placement),
            )
        )
        work = (asked.workload, asked.mutators, number)
        tally.add(number, done, self.same.digests(work), warmup=self.frame.warming(number))
        self.same.note(work, done)

    def _late(self, cell: HeapCell, tally: HeapTally) -> None:
        skip = None
        if cell not in self.refused:
            why = f"{self.wanted.seconds:.0f} s had passed"
            skip = Skip(f"cell {cell.text}", why, "go on with --resume and the file of this result")
        self.refused.add(cell)
        self.frame.give_up(tally, skip)


def run(wanted: GridParameters, progress: Progress, earlier: Result | None, keep: Callable[[Result], object]) -> Result:
    """Measure the cells that an earlier run of the same grid has not.

    Args:
        wanted: the grid.
        progress: is told rounds done and to be done.
        earlier: a result to go on from, None for none.
        keep: is given the result so far after each cell, so that nothing ends with more than a cell lost.

    Raises:
        GcprotoError: memory is too small, or the earlier result is not of this grid and this code.

    """
    capacity = int(wanted.live_bytes * wanted.factor)
    see_that_it_can_be_made(capacity)
    need(
        f"a heap of {capacity >> 20} MiB",
        capacity,
        "choose a smaller --live",
        program=HEAP_PROGRAM,
        threads=max(wanted.mutators),
    )
    record, experiment = Record(), wanted.experiment()
    known = _known(wanted, earlier) if earlier else []
    have = {cell_of(one.scenario) for one in known if isinstance(one.scenario, WorkloadScenario)}
    tallies = [one for one in _tallies(wanted, capacity) if cell_of(one.scenario) not in have]
    frame: Frame[HeapTally] = Frame(tallies, Schedule(wanted.rounds, WARMUP, wanted.seed), progress)

    def made() -> Result:
        result = frame.result(record, experiment)
        if known:  # modes and noise are those of all cells
            result.measurements = [*known, *result.measurements]
            summarise(result.measurements)
            result.noise = noise_of(result.measurements)
        lower_bound(result.measurements)
        return result

    with heap_machine(list(wanted.memories)) as enable, SessionLab(wanted.timeout) as lab:
        grid = _Grid(wanted, lab, frame)

        def block(cell: HeapCell) -> Block[HeapTally]:
            def begin() -> None:
                enable(parse_memory(cell.memory))
                if grid.begun:
                    keep(made())

            return Block(begin, lambda entry: cell_of(entry.scenario) == cell)

        frame.run(grid.one, blocks=[block(cell) for cell in dict.fromkeys(cell_of(one.scenario) for one in tallies)])
    return made()


def _known(wanted: GridParameters, earlier: Result) -> list[Measurement]:
    """Measurements of whole cells of an earlier run.

    Raises:
        GcprotoError: it was another grid, or other code.

    """
    here = Record().program(wanted.experiment())
    if earlier.experiment != wanted.experiment() or earlier.producer.benchmark != here:
        raise GcprotoError(
            "that result is not of this grid",
            why="its options differ" if earlier.producer.benchmark == here else "the code that measures has changed",
            remedy="omit --resume, or give the options of that run",
            code=ExitCode.USAGE,
        )
    asked: dict[HeapCell, set[WorkloadScenario]] = {}
    for tally in _tallies(wanted, int(wanted.live_bytes * wanted.factor)):
        asked.setdefault(cell_of(tally.scenario), set()).add(tally.scenario)
    found: dict[HeapCell, list[Measurement]] = {}
    for one in earlier.measurements:
        if isinstance(one.scenario, WorkloadScenario) and len(one.samples) + len(one.invalid_rounds) >= wanted.rounds:
            found.setdefault(cell_of(one.scenario), []).append(one)
    whole = [some for cell, some in found.items() if {one.scenario for one in some} >= asked.get(cell, {None})]
    return [one for some in whole for one in some]


def _tallies(wanted: GridParameters, capacity: int) -> Iterator[HeapTally]:
    """Cell by cell; the first mode is measured twice in each: the noise (A/A)."""
    for memory, workload, mutators, placement in product(
        wanted.memories, wanted.operations, wanted.mutators, wanted.placements
    ):
        for name in wanted.modes:
            for replica in range(1 + (name == wanted.modes[0])):
                mode = MODES[name]
                scenario = WorkloadScenario(
                    workload=workload,
                    mode=name,
                    options=ModeOptions(),
                    policy="move" if mode.moves else "",
                    memory=memory.name,
                    order=memory.order,
                    heap_bytes=capacity,
                    live_bytes=wanted.live_bytes,
                    mutators=mutators,
                    placement=placement.value,
                    replica=replica,
                )
                yield HeapTally(scenario, mode, memory, capacity, verify=False)
