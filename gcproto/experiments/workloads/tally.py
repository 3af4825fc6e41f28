"""What the runs of one workload on one heap come to: samples, figures, proof, notes of a measurement."""

import statistics
from dataclasses import dataclass, field

from gcproto.collector.counts import Counts
from gcproto.collector.modes import Mode
from gcproto.collector.watch.folios import whole_shares
from gcproto.experiments.entry import Entry
from gcproto.experiments.session.request import Session
from gcproto.experiments.workloads.kinds import kinds_of
from gcproto.heap.folios import Memory
from gcproto.host import environment
from gcproto.results.folios import large_share, made_figures, parts_of
from gcproto.results.outcome import outcome_of
from gcproto.results.schema import (
    UNIT_OPERATION,
    Collection,
    FolioFigures,
    Histograms,
    Measurement,
    Mmu,
    PauseFigure,
    PhaseTimes,
    Proof,
    Stall,
    WorkloadFigures,
    WorkloadScenario,
)

MIB = 1 << 20


@dataclass
class HeapTally(Entry):
    """The runs of one scenario so far.

    Attributes:
        mode: with its options;  memory: of the heap;  capacity: bytes of the moving space.
        sessions: valid runs;  allocated: bytes at most.
        verify: every collection.

    """

    scenario: WorkloadScenario
    mode: Mode
    memory: Memory
    capacity: int
    verify: bool
    sessions: list[Session] = field(default_factory=list)
    allocated: int = 0

    def add(self, number: int, done: Session, digests: list[int], *, warmup: bool) -> None:
        """Count a run; one that found something wrong is kept apart."""
        self.allocated = max(self.allocated, done.allocated_bytes)
        sample = done.mutator_ns / done.operations if done.operations else 0.0
        if self.take(number, sample, invalid_reason(done, digests), warmup=warmup):
            self.sessions.append(done)

    def _by_heap(self) -> list[list[Collection]]:
        """Measured collections of each valid round."""
        return [[one for one in session.collections if one.measured] for session in self.sessions]

    def measurement(self) -> Measurement:
        """The measurement, statistics still missing."""
        every = [one for heap in self._by_heap() for one in heap]
        verified = sum(session.verified for session in self.sessions)
        return self.summed(
            UNIT_OPERATION,
            proof=Proof(level="state", rounds=len(self.sessions), contents=verified, path=self.mode.name),
            outcome=outcome_of(account for one in every for account in (one.collector, one.faults)),
            figures=self._figures(every) if self.sessions else WorkloadFigures(),
            notes=self._notes(),
        )

    def _pooled(self) -> tuple[Counts, Counts, Counts, Counts]:
        """Faults, pauses, waits and runs of all valid rounds."""
        fault, pause, wait, runs = Counts(), Counts(), Counts(), Counts()
        for one in self.sessions:
            fault.add(one.fault)
            pause.add(one.pause)
            wait.add(one.wait)
            runs.add(one.runs)
        return fault, pause, wait, runs

    def _figures(self, every: list[Collection]) -> WorkloadFigures:
        sessions = self.sessions
        fault, pause, wait, runs = self._pooled()
        marking = sum(one.phases.mark for one in every)
        found = WorkloadFigures(
            collections_a_round=statistics.median(
                sum(one.measured for one in session.collections) for session in sessions
            ),
            wall_ms=statistics.median(session.mutator_ns for session in sessions) / 1e6,
            mutator_cpu_ms=statistics.median(session.mutator_cpu_ns for session in sessions) / 1e6,
            collector_cpu_ms=statistics.median(session.collector_cpu_ns for session in sessions) / 1e6,
            phases=_phases(every),
            pauses=_pauses(every),
            mmu=_mmu(sessions),
            stall=max((session.stall for session in sessions), key=lambda stall: stall.ns, default=Stall()),
            faults=statistics.median(session.fault.n for session in sessions),
            marked_mobjects_s=sum(one.objects for one in every) / marking * 1e3 if marking else None,
            resident_max_mib=max((size for s in sessions for _, size in s.resident), default=0) / MIB,
            resident=[(when, size / MIB) for when, size in sessions[-1].resident],
            folios=_folios(self._by_heap(), self.memory.order or 0),
            fault=fault.latency() if fault.n else None,
            pause=pause.latency() if pause.n else None,
            wait=wait.latency() if wait.n else None,
            histograms=Histograms(*(one.hdr() if one.n else "" for one in (fault, pause, wait, runs))),
            verified=sum(session.verified for session in sessions),
            choice=next((session.choice for session in sessions if session.choice), ""),
            kinds=kinds_of(self._by_heap()),
            lost_ms=statistics.median(
                one.time.lost_ns(one.costs.delivery) / max(1, one.time.mutators) for one in sessions
            )
            / 1e6,
            times=[session.time for session in sessions],
            costs=sessions[-1].costs,
            collections=[session.collections for session in sessions],
        )
        _add_evacuation(found, every)
        return found

    def _notes(self) -> list[str]:
        dropped = sum(session.dropped for session in self.sessions)
        found = [f"{dropped} events found no room: MMU and stalls are missing"] if dropped else []
        return found + sorted({failure for session in self.sessions for failure in session.failures})


def _phases(every: list[Collection]) -> PhaseTimes:
    """Medians; a phase that some collections did not have counts as 0 there."""
    found = PhaseTimes()
    for name in PhaseTimes.__struct_fields__:
        lengths = [int(getattr(one.phases, name)) for one in every]
        if any(lengths):
            setattr(found, name, statistics.median(lengths) / 1e6)
    return found


def _pauses(every: list[Collection]) -> list[PauseFigure]:
    lengths: dict[str, list[int]] = {}
    for one in every:
        for pause in one.pauses:
            lengths.setdefault(pause.name, []).append(pause.stop_ns + pause.ns)
    return [PauseFigure(name, statistics.median(some) / 1e6, max(some) / 1e6) for name, some in sorted(lengths.items())]


def _mmu(sessions: list[Session]) -> list[Mmu]:
    values: dict[int, list[float]] = {}
    for session in sessions:
        for window, value in session.mmu.items():
            values.setdefault(window, []).append(value)
    return [Mmu(window, statistics.median(some), min(some), some) for window, some in sorted(values.items())]


def _add_evacuation(ret: WorkloadFigures, every: list[Collection]) -> None:
    """What the collector's thread needed for a page, and how pages were mapped."""
    pages = sum(one.collector.produced for one in every)
    by_collector = sum(one.collector.mapped for one in every)
    calls = sum(one.collector.calls for one in every)
    mapped = by_collector + sum(one.faults.mapped for one in every)
    accounts = [account for one in every for account in (one.collector, one.faults)]
    if pages:
        ret.compact_ns_page = sum(one.phases.compact for one in every) / pages
    if by_collector:
        ret.map_ns_page = sum(one.collector.map_ns for one in every) / by_collector
    if calls:
        ret.pages_an_ioctl = by_collector / calls
    if mapped:
        copied = sum(one.copied + one.copied_after_ebusy for one in accounts)
        ret.copied_mib = copied * environment.page_size() / MIB
        ret.fallback_share = sum(one.copied_after_ebusy for one in accounts) / mapped


def _folios(heaps: list[list[Collection]], order: int) -> FolioFigures | None:
    """What became of large folios: how much went in whole granules, how many were split, what the heap is made of."""
    every = [one for heap in heaps for one in heap]
    if not any(one.folios.by_order for one in every):
        return None
    could, did = whole_shares(every, order)
    restored, renewed = made_figures(heaps)
    return FolioFigures(
        could_go_whole=could,
        went_whole=did,
        folios_split=float(sum(sum(one.splits.values()) for one in every)),
        evacuation_ms=statistics.median(one.phases.compact for one in every) / 1e6,
        large_share_at_end=large_share(every[-1]),
        restored=restored,
        renewed=renewed,
        collector_parts=parts_of(every, "collector"),
        fault_parts=parts_of(every, "faults"),
    )


def invalid_reason(done: Session, digests: list[int]) -> str:
    """Why a run proves nothing; "" if all is well.

    Args:
        done: the run.
        digests: of the mutators' allocations in the first run of this round; empty if this is the first.

    """
    if done.failure:
        return done.failure
    if done.wrong:
        return "; ".join(done.wrong[:3])
    if done.failures:
        return f"a collection had to be finished with the world stopped: {done.failures[0]}"
    if digests and done.digests != digests:
        return "its mutators did not allocate what the other runs of this round did"
    return ""
