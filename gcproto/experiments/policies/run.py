"""Evacuation policies beside each other: heaps that stand still, collected once, every policy in each round.

What is measured is the time from the flip to the drain, in which pages are evacuated, without mutators that compete for
processors: a policy that has folios split before the flip is measured without that, and with it (``split ns/page``).
"""

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gcproto.collector.policies import POLICIES
from gcproto.collector.watch.folios import whole_shares
from gcproto.experiments.entry import Entry
from gcproto.experiments.frame import TRIES, Frame, Progress, Schedule
from gcproto.experiments.heap_machine import heap_machine, memory_blocks
from gcproto.experiments.session.request import Session, SessionLab, SessionRequest
from gcproto.experiments.session.second_thread import two_processors
from gcproto.heap.folios import Memory
from gcproto.heap.sizes import see_that_it_can_be_made
from gcproto.host.memory import HEAP_PROGRAM, need
from gcproto.record import Record
from gcproto.results.folios import made_figures
from gcproto.results.outcome import outcome_of
from gcproto.results.schema import (
    UNIT_TIME,
    Collection,
    Measurement,
    ModeOptions,
    PolicyChoice,
    PolicyExperiment,
    PolicyFigures,
    PolicyScenario,
    Proof,
    Result,
)

HEAP_FACTOR = 3
DUMP_SPARE = 16 << 20
"""Of a heap that is as a dump has it, and in which nothing is allocated."""
WARMUP = 1
FRAGMENTATION = {"prefix": 0}
"""Nothing of a dense prefix is dropped; of the others half."""


@dataclass
class PolicyParameters:
    """What a user asks of a run (see ``gcproto gc policies --help``).

    Args:
        workloads, memories, policies: the grid.
        live_bytes: of each heap.
        rounds: measured rounds.
        seed: of graphs and orders.
        verify: check the collections.
        ebusy: answers to EBUSY (gcproto.collector.modes.EBUSY), each of which every policy is run with.
        swapped: of 1000 pages in use, those that are swapped out before;  device: to ``zram`` or ``loop``.
        threads: 2: a second thread keeps the address space live on another processor
            (gcproto.experiments.session.second_thread).
        collections: of each heap, one after the other; the last is measured.
        objective: what policy auto makes small (gcproto.collector.policies.OBJECTIVES).
        timeout: seconds for one heap.
        recording: file of the rebuilt heap for workload ``dump``;  used_bytes, dump_live_bytes: of that heap;
            recording_name: of the dump's file.

    """

    workloads: list[str]
    memories: list[Memory]
    policies: list[str]
    live_bytes: int
    rounds: int = 7
    seed: int = 1
    verify: bool = False
    ebusy: tuple[str, ...] = ("copy",)
    swapped: int = 0
    device: str = "zram"
    threads: int = 1
    collections: int = 1
    objective: str = "mutators"
    timeout: float = 60.0
    recording: str = ""
    used_bytes: int = 0
    dump_live_bytes: int = 0
    recording_name: str = ""

    def capacity(self, workload: str) -> int:
        """Bytes of the heap that a workload is run on."""
        if workload == "dump":
            return self.used_bytes + self.used_bytes // 8 + DUMP_SPARE
        return self.live_bytes * HEAP_FACTOR


@dataclass
class _Tally(Entry):
    """The heaps of one scenario so far.

    ``cycles`` are the measured collections, ``heaps`` all of them; ``disturbed``: heaps beside which the second thread
    did not run;  ``shoot_down``: ns that one costs.
    """

    scenario: PolicyScenario
    memory: Memory
    cycles: list[Collection] = field(default_factory=list)
    swapped: list[tuple[int, int]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    choices: list[PolicyChoice] = field(default_factory=list)
    sweeps: list[int] = field(default_factory=list)
    heaps: list[list[Collection]] = field(default_factory=list)
    disturbed: int = 0
    shoot_down: int = 0

    def add(self, number: int, done: Session, *, warmup: bool) -> None:
        """Count a collection; one that was not right is kept apart."""
        idle = "the second thread did not run" if done.sweeps == 0 else ""
        nothing = "" if done.collections else "nothing was collected"
        problems = [done.failure, *done.wrong, *done.failures, idle, nothing]
        reason = next((text for text in problems if text), "")
        if reason:
            self.lost(number, reason)
            return
        cycle = done.collections[-1]
        sample = (cycle.phases.compact + cycle.phases.drain) / max(1, cycle.collector.produced)
        if not self.take(number, sample, "", warmup=warmup):
            return
        self.cycles.append(cycle)
        self.shoot_down = done.costs.shoot_down
        before, after = done.swapped
        self.swapped.append((before[-1], after[-1]) if before and after else (0, 0))
        self.reasons.append(done.choice)
        self.sweeps.append(done.sweeps)
        self.heaps.append(done.collections)
        if done.chosen and done.chosen not in self.choices:
            self.choices.append(done.chosen)

    def measurement(self) -> Measurement:
        """The measurement, statistics still missing."""
        split = sum(sum(one.splits.values()) for one in self.cycles)
        return self.summed(
            UNIT_TIME,
            proof=Proof(
                level="state",
                rounds=len(self.cycles),
                swapped_before=sum(before for before, _ in self.swapped),
                swapped_after=sum(after for _, after in self.swapped),
                folios_split=split,
                order_after=_sum([one.folios.by_order for one in self.cycles]),
                path=self.scenario.policy,
            ),
            outcome=outcome_of(
                (one.collector for one in self.cycles),
                asked=sum(one.collector.produced for one in self.cycles),
                splits=split,
            ),
            figures=self._figures() if self.cycles else PolicyFigures(),
        )

    def _figures(self) -> PolicyFigures:
        def a_page(value: Callable[[Collection], float]) -> float:
            return statistics.median(value(one) / max(1, one.collector.produced) for one in self.cycles)

        def middle(value: Callable[[Collection], float]) -> float:
            return statistics.median(float(value(one)) for one in self.cycles)

        could, did = whole_shares(self.cycles, self.memory.order or 0)
        restored, renewed = made_figures(self.heaps)
        produced = sum(one.collector.produced for one in self.cycles)
        return PolicyFigures(
            map_ns_page=a_page(lambda one: one.collector.map_ns),
            split_ns_page=a_page(lambda one: one.phases.split),
            before=[one.phases.split / max(1, one.collector.produced) for one in self.cycles],
            interrupted=self._interrupted(),
            dense_share=sum(one.collector.updated for one in self.cycles) / max(1, produced),
            could_go_whole=could,
            went_whole=did,
            swapped_before=statistics.median(float(before) for before, _ in self.swapped),
            swapped_after=statistics.median(float(after) for _, after in self.swapped),
            ebusy=middle(lambda one: one.collector.ebusy),
            fallback=middle(lambda one: one.collector.copied_after_ebusy),
            folios_split=middle(lambda one: sum(one.splits.values())),
            second_thread_sweeps=statistics.median(map(float, self.sweeps)) if min(self.sweeps) > 0 else None,
            restored=restored,
            renewed=renewed,
            choice=next((text for text in self.reasons if text), ""),
            choices=self.choices,
            disturbed=self.disturbed,
            collections=[[one] for one in self.cycles],
        )

    def _interrupted(self) -> list[float]:
        """What a mutator beside the collector loses to its shoot-downs, ns for each page."""
        if not self.shoot_down or not all(one.shoot_downs for one in self.cycles):
            return []
        return [sum(one.shoot_downs.values()) * self.shoot_down / max(1, one.collector.produced) for one in self.cycles]


def _sum(counts: list[dict[int, int]]) -> dict[int, int]:
    names = sorted({name for one in counts for name in one})
    return {name: sum(one.get(name, 0) for one in counts) for name in names}


def run(wanted: PolicyParameters, progress: Progress) -> Result:
    """Measure.

    Raises:
        GcprotoError: memory is too small, or folios of a size are unavailable.

    """
    check(wanted)
    largest = max(map(wanted.capacity, wanted.workloads))
    record = Record()
    frame: Frame[_Tally] = Frame(list(_tallies(wanted)), Schedule(wanted.rounds, WARMUP, wanted.seed), progress)
    with (
        heap_machine(wanted.memories, largest, swap=wanted.device if wanted.swapped else "") as enable,
        SessionLab(wanted.timeout) as lab,
    ):

        def one(number: int, tally: _Tally) -> None:
            for _ in range(TRIES):
                done = lab.run(_request(wanted, tally.scenario, number))
                if done.sweeps != 0:
                    break
                tally.disturbed += 1
            tally.add(number, done, warmup=frame.warming(number))

        frame.run(one, blocks=memory_blocks(enable, wanted.memories))
    return frame.result(record, _experiment(wanted))


def _experiment(wanted: PolicyParameters) -> PolicyExperiment:
    return PolicyExperiment(verify=wanted.verify, objective=wanted.objective, recording=wanted.recording_name)


def check(wanted: PolicyParameters) -> None:
    """See that heaps fit, and that there are the processors, before anything is measured.

    Raises:
        GcprotoError: they don't.

    """
    capacity = max(map(wanted.capacity, wanted.workloads))
    see_that_it_can_be_made(capacity)
    needed = capacity * (3 if wanted.verify else 1)
    if wanted.threads > 1:
        two_processors()
    need(
        f"a heap of {needed >> 20} MiB",
        needed,
        "a dump has one size: choose --scale 1, or a machine with more memory"
        if capacity == wanted.capacity("dump")
        else "choose a smaller --live",
        program=HEAP_PROGRAM,
        why="--verify needs three times the heap" if wanted.verify else "",
    )


def _tallies(wanted: PolicyParameters) -> Iterator[_Tally]:
    for memory in wanted.memories:
        for workload in wanted.workloads:
            for policy in wanted.policies:
                for answer in wanted.ebusy:
                    scenario = PolicyScenario(
                        workload=workload,
                        memory=memory.name,
                        order=memory.order,
                        policy=policy,
                        ebusy=answer,
                        swapped_permille=wanted.swapped,
                        device=wanted.device if wanted.swapped else "",
                        threads=wanted.threads,
                        collections=wanted.collections,
                        live_bytes=wanted.live_bytes if workload != "dump" else wanted.dump_live_bytes,
                    )
                    yield _Tally(scenario, memory)


def _request(wanted: PolicyParameters, asked: PolicyScenario, number: int) -> SessionRequest:
    mode = asked.policy if asked.policy not in POLICIES else "move"
    return SessionRequest(
        mode=mode,
        options=ModeOptions(ebusy=asked.ebusy),
        workload=asked.workload,
        capacity=wanted.capacity(asked.workload),
        mutators=1,
        live_bytes=wanted.live_bytes,
        operations=0,
        mutation=0,
        fragmentation=FRAGMENTATION.get(asked.workload, 500),
        seed=wanted.seed * 1000 + number,
        verify=wanted.verify,
        memory=asked.memory,
        policy="move" if mode != "move" else asked.policy,
        standing=wanted.collections,
        objective=wanted.objective,
        threads=wanted.threads,
        page_out=wanted.swapped,
        recording=wanted.recording if asked.workload == "dump" else "",
    )
