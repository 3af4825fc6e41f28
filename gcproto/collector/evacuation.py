"""Evacuation policies beside each other: heaps that stand still, collected once, every policy in each round.

What is measured is the time from the flip to the drain, in which pages are evacuated, without mutators that compete for
processors: a policy that has folios split before the flip is measured without that, and with it (``split ns/page``).
"""

import random
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

from gcproto.collector.folio_listener import whole_shares
from gcproto.collector.heap_machine import heap_machine
from gcproto.collector.policies import POLICIES
from gcproto.collector.second_thread import two_processors
from gcproto.collector.session_round import Session, SessionLab, SessionRequest
from gcproto.heap.folios import Memory
from gcproto.host import environment
from gcproto.host.child import WorkerDied
from gcproto.host.memory import HEAP_PROGRAM, need
from gcproto.process import interrupts
from gcproto.record import Record
from gcproto.results.folios import made_large
from gcproto.results.rounds import Rounds
from gcproto.results.schema import (
    UNIT_TIME,
    Collection,
    InvalidRound,
    Measurement,
    Outcome,
    Proof,
    Result,
    Scenario,
    Skip,
)
from gcproto.results.statistics import summarise

HEAP_FACTOR = 3
WARMUP = 1
FRAGMENTATION = {"prefix": 0}
"""Nothing of a dense prefix is dropped; of the others half."""


@dataclass
class PolicyOrder:
    """What a user asks of a run (see ``gcproto gc policies --help``).

    Args:
        workloads, memories, policies: the grid.
        live_bytes: of each heap.
        runs: measured rounds.
        seed: of graphs and orders.
        verify: check the collections.
        ebusy: answers to EBUSY (gcproto.collector.modes.EBUSY), each of which every policy is run with.
        swapped: of 1000 pages in use, those that are swapped out before;  device: to ``zram`` or ``loop``.
        threads: 2: a second thread keeps the address space live on another processor (gcproto.collector.second_thread).
        collections: of each heap, one after the other; the last is measured.
        timeout: seconds for one heap.

    """

    workloads: list[str]
    memories: list[Memory]
    policies: list[str]
    live_bytes: int
    runs: int = 7
    seed: int = 1
    verify: bool = False
    ebusy: tuple[str, ...] = ("copy",)
    swapped: int = 0
    device: str = "zram"
    threads: int = 1
    collections: int = 1
    timeout: float = 60.0


@dataclass
class _Tally(Rounds):
    workload: str
    memory: Memory
    policy: str
    ebusy: str
    cycles: list[Collection] = field(default_factory=list)
    swapped: list[tuple[int, int]] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)
    choices: list[dict[str, str]] = field(default_factory=list)
    sweeps: list[int] = field(default_factory=list)
    heaps: list[list[Collection]] = field(default_factory=list)

    def add(self, number: int, done: Session) -> None:
        """Count a collection; one that was not right is kept apart."""
        idle = "the second thread did not run" if done.sweeps == 0 else ""
        problems = [done.failure, *done.wrong, *done.failures, idle]
        reason = next((text for text in problems if text), "")
        if reason or not done.collections:
            self.invalid.append(InvalidRound(number, 0.0, reason or "nothing was collected"))
            return
        cycle = done.collections[-1]
        sample = (cycle.phases["compact"] + cycle.phases["drain"]) / max(1, pages_of(cycle))
        if number < WARMUP:
            self.warmup.append(sample)
            return
        self.samples.append(sample)
        self.rounds.append(number)
        self.cycles.append(cycle)
        before, after = done.swapped
        self.swapped.append((before[-1], after[-1]) if before and after else (0, 0))
        self.reasons.add(done.choice)
        self.sweeps.append(done.sweeps)
        self.heaps.append(done.collections)
        if done.chosen and done.chosen not in self.choices:
            self.choices.append(done.chosen)

    def measurement(self) -> Measurement:
        """The measurement, statistics still missing."""
        return self.summed(
            UNIT_TIME,
            valid=self.sound(1),
            proof=Proof(
                level="state",
                rounds=len(self.cycles),
                swapped_before=sum(before for before, _ in self.swapped),
                swapped_after=sum(after for _, after in self.swapped),
                folios_split=sum(sum(one.splits.values()) for one in self.cycles),
                order_after=_sum([one.folios for one in self.cycles]),
                path=self.policy,
            ),
            outcome=Outcome(
                asked=sum(map(pages_of, self.cycles)),
                moved=self._total("moved"),
                copied=self._total("copied"),
                copied_after_ebusy=self._total("copied_after_ebusy"),
                zeroed=self._total("zeroed"),
                ebusy=self._total("ebusy"),
                eagain=self._total("eagain"),
                calls=self._total("move_calls") + self._total("copy_calls"),
            ),
            figures=self._figures(),
            collections=[[one] for one in self.cycles],
            notes=[f"chosen by {text}" for text in sorted(self.reasons) if text][:1],
            choices=self.choices,
        )

    def _total(self, name: str) -> int:
        return sum(one.collector.get(name, 0) for one in self.cycles)

    def _figures(self) -> dict[str, float]:
        if not self.cycles:
            return {}

        def middle(value: Callable[[Collection], float]) -> float:
            return statistics.median(value(one) / max(1, pages_of(one)) for one in self.cycles)

        could, did = whole_shares(self.cycles, self.memory.order or 0)
        live = {"second thread sweeps": statistics.median(map(float, self.sweeps))} if min(self.sweeps) > 0 else {}
        return (
            live
            | {
                "map ns/page": middle(lambda one: one.collector["map_ns"]),
                "split ns/page": middle(lambda one: one.phases.get("split", 0)),
                "dense share": self._total("updated") / max(1, sum(map(pages_of, self.cycles))),
                "could go whole": could,
                "went whole": did,
                "swapped before": statistics.median(float(before) for before, _ in self.swapped),
                "swapped after": statistics.median(float(after) for _, after in self.swapped),
                "EBUSY": statistics.median(float(one.collector.get("ebusy", 0)) for one in self.cycles),
                "fallback": statistics.median(float(one.collector.get("copied_after_ebusy", 0)) for one in self.cycles),
                "folios split": statistics.median(float(sum(one.splits.values())) for one in self.cycles),
            }
            | self._restored()
        )

    def _restored(self) -> dict[str, float]:
        """Over all collections of a heap: pages that were made THPs again or populated anew, and what one took."""
        found = {}
        for what, (pages, ns) in made_large([one for heap in self.heaps for one in heap]).items():
            if pages:
                found[f"{what} pages"] = statistics.median(float(made_large(heap)[what][0]) for heap in self.heaps)
                found[f"{what} ns/page"] = ns / pages
        return found


def pages_of(cycle: Collection) -> int:
    """To-space pages that the collector evacuated."""
    return sum(cycle.collector[name] for name in ("updated", "built", "slid"))


def _sum(counts: list[dict[str, int]]) -> dict[str, int]:
    names = sorted({name for one in counts for name in one})
    return {name: sum(one.get(name, 0) for one in counts) for name in names}


def run(order: PolicyOrder, progress: Callable[[int, int], None]) -> Result:
    """Measure.

    Raises:
        GcprotoError: memory is too small, or folios of a size can't be had.

    """
    check(order)
    record = Record("collector")
    rng = random.Random(order.seed)
    tallies = _tallies(order)
    complete = True
    done, total = 0, len(tallies) * (WARMUP + order.runs)
    with (
        heap_machine(order.memories, swap=order.device if order.swapped else "") as enable,
        SessionLab(order.timeout) as lab,
    ):
        try:
            for memory in order.memories:
                enable(memory)
                some = [tally for tally in tallies if tally.memory == memory]
                for number in range(WARMUP + order.runs):
                    for tally in rng.sample(some, len(some)):
                        _one(lab, tally, order, number)
                        done += 1
                        progress(done, total)
            interrupts.defer()
        except KeyboardInterrupt:
            complete = False
    measurements = [tally.measurement() for tally in tallies if tally.samples or tally.invalid]
    summarise(measurements)
    return record.result(
        measurements,
        [] if complete else [Skip("the rest", "interrupted", "")],
        options={"policies": True, "live": order.live_bytes, "verify": order.verify, "swapped": order.swapped}
        | ({"collections": order.collections} if order.collections > 1 else {}),
        seed=order.seed,
        complete=complete,
    )


def _tallies(order: PolicyOrder) -> list[_Tally]:
    page = environment.page_size()
    return [
        _Tally(
            Scenario(
                f"evacuate-{workload}" + ("-system" if memory.order is None else ""),
                memory.order or 0,
                policy if answer == "copy" else f"{policy}:{answer}",
                page,
                "congruent",
                order.threads,
                order.live_bytes // page,
            ),
            workload,
            memory,
            policy,
            answer,
        )
        for memory in order.memories
        for workload in order.workloads
        for policy in order.policies
        for answer in order.ebusy
    ]


def _one(lab: SessionLab, tally: _Tally, order: PolicyOrder, number: int) -> None:
    mode = tally.policy if tally.policy not in POLICIES else "move"
    request = SessionRequest(
        mode=mode,
        options={"ebusy": tally.ebusy},
        workload=tally.workload,
        capacity=order.live_bytes * HEAP_FACTOR,
        mutators=1,
        live_bytes=order.live_bytes,
        operations=0,
        mutation=0,
        fragmentation=FRAGMENTATION.get(tally.workload, 500),
        seed=order.seed * 1000 + number,
        verify=order.verify,
        memory=tally.memory.name,
        policy="move" if mode != "move" else tally.policy,
        standing=order.collections,
        threads=order.threads,
        page_out=order.swapped,
    )
    try:
        tally.add(number, lab.run(request))
    except WorkerDied as died:
        tally.invalid.append(InvalidRound(number, 0.0, str(died)))


def check(order: PolicyOrder) -> None:
    """See that heaps fit, and that there are the processors, before anything is measured.

    Raises:
        GcprotoError: they don't.

    """
    needed = order.live_bytes * HEAP_FACTOR * (3 if order.verify else 1)
    if order.threads > 1:
        two_processors()
    need(
        f"a heap of {needed >> 20} MiB",
        needed,
        "choose a smaller --live",
        program=HEAP_PROGRAM,
        why="--verify needs three times the heap" if order.verify else "",
    )
