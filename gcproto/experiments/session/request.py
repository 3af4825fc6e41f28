"""One run of a workload on a heap across the process boundary: what is asked of the worker and what it answers."""

import msgspec

from gcproto.collector.counts import Counts
from gcproto.collector.modes import MODES
from gcproto.experiments.placement import Placement, Ran
from gcproto.heap.calls import BARRIER_VARIABLE
from gcproto.host.child import Child
from gcproto.process.cache_folder import settle
from gcproto.results.schema import Collection, FaultCosts, ModeOptions, MutatorTime, PolicyChoice, Stall


class SessionRequest(msgspec.Struct):
    """A run.

    Attributes:
        mode: name of a mode, and options that it differs in (see ``gcproto.collector.modes``).
        workload: name.
        capacity: bytes of the moving space.
        mutators: threads.
        live_bytes, operations, mutation, fragmentation, seed: for each mutator, see ``Knobs``.
        trigger_share: see ``gcproto.collector.cycle``.
        verify: check every collection.
        disturb: "", "pins", "pageout", or both with a comma.
        trace: file for a trace, "" for none.
        recording: file that workload ``replay`` replays.
        memory: folios of the heap (gcproto.heap.folios).
        policy: what is done with large ones (gcproto.collector.policies).
        objective: what policy auto makes small (gcproto.collector.policies.OBJECTIVES).
        status: file that is told what the run is doing (gcproto.experiments.session.status), "" for none.
        label: of the run in it.
        map: record what became of each page.
        standing: collect so many times once all are set up, and let no mutator run; 0: they run.
        threads: of a heap that stands still, 2: another thread keeps the address space live on another processor.
        page_out: of 1000 pages in use, those that are swapped out when a collection flips.
        inject: system calls that are to fail: (call, after, count, errno).
        placement: of the collector's thread beside the mutators (gcproto.experiments.placement); of a heap that stands
            still: unplaced.

    """

    mode: str
    options: ModeOptions
    workload: str
    capacity: int
    mutators: int
    live_bytes: int
    operations: int
    mutation: int
    fragmentation: int
    seed: int
    trigger_share: float = 0.0
    verify: bool = False
    disturb: str = ""
    trace: str = ""
    recording: str = ""
    memory: str = "small"
    policy: str = "move"
    objective: str = "mutators"
    status: str = ""
    label: str = ""
    map: bool = False
    standing: int = 0
    threads: int = 1
    page_out: int = 0
    inject: list[tuple[int, int, int, int]] = []
    placement: Placement = Placement.UNPLACED


class Places(msgspec.Struct):
    """Where the threads of a run were: bound to, found when the measured time began, and when it ended.

    Attributes:
        collector: of the collector's thread;  mutators: of each mutator.
        handler: of the thread that answers faults, where there is one: as it found itself when it did.

    """

    collector: Ran = msgspec.field(default_factory=Ran)
    mutators: list[Ran] = []
    handler: Ran = msgspec.field(default_factory=Ran)


class Session(msgspec.Struct):
    """What came of a run.

    Attributes:
        failure: why it can't be used, "" if it can; out_of_memory: because memory was missing.
        mutator_ns: from when all were set up until the last was through.
        operations, allocated_bytes, allocated_objects: of all mutators, in that time the first, altogether the others.
        digests: of each mutator's sequence of allocations, and of what its workload noted (gcproto.heap.mutator.note).
        wrong: what the workloads and the verifier found, in words.
        verified: collections that the verifier passed.
        mutator_cpu_ns, collector_cpu_ns: CPU time of their threads in the measured time.  The collector's goes on to
            the end of a collection under way.  It includes that of a thread that answers faults.
        pause, fault, wait: how long the mutators' stops, faults and waits for memory took in that time.
        runs: pages per ioctl of the collector, over all collections.
        time: where the mutators' time went;  costs: of what no handler sees.
        mmu: by window in ms, the worst of all mutators; a fault counts with its delivery.
        stall: the longest.
        resident: bytes of the process over time, ns from the start.
        dropped: events that found no room; then mmu is missing.
        failures: of collections that ended with the world stopped.
        swapped: pages that were swapped out at the flip and after the sweep, by collection, where that was asked for.
        choice: why the policy chose what it did, in words;  chosen: what it chose (gcproto.collector.chosen).
        sweeps: of the second thread during the last collection of a heap that stands still; -1 without one.
        cpus: where the threads of a heap with running mutators were.

    """

    failure: str = ""
    out_of_memory: bool = False
    mutator_ns: int = 0
    operations: int = 0
    allocated_bytes: int = 0
    allocated_objects: int = 0
    digests: list[int] = []
    wrong: list[str] = []
    verified: int = 0
    mutator_cpu_ns: int = 0
    collector_cpu_ns: int = 0
    collections: list[Collection] = []
    pause: Counts = msgspec.field(default_factory=Counts)
    fault: Counts = msgspec.field(default_factory=Counts)
    wait: Counts = msgspec.field(default_factory=Counts)
    runs: Counts = msgspec.field(default_factory=Counts)
    time: MutatorTime = msgspec.field(default_factory=MutatorTime)
    costs: FaultCosts = msgspec.field(default_factory=FaultCosts)
    mmu: dict[int, float] = {}
    stall: Stall = msgspec.field(default_factory=Stall)
    resident: list[tuple[int, int]] = []
    dropped: int = 0
    failures: list[str] = []
    swapped: tuple[list[int], list[int]] = ([], [])
    choice: str = ""
    chosen: PolicyChoice | None = None
    sweeps: int = -1
    cpus: Places = msgspec.field(default_factory=Places)


WORKER = "gcproto.experiments.session.worker"


class SessionLab(Child[SessionRequest, Session]):
    """A worker process for runs, and another one for mutators without a write barrier.

    Args:
        timeout: seconds that one run may take before its worker is killed.

    """

    def __init__(self, timeout: float = 600.0) -> None:
        settle()  # before there are workers, of which each would say it
        super().__init__(WORKER, Session, timeout)
        self._bare: Child[SessionRequest, Session] = Child(WORKER, Session, timeout, {BARRIER_VARIABLE: "off"})

    def run(self, request: SessionRequest) -> Session:
        """One request, in the worker whose mutators are as its mode wants them; see ``Child``."""
        return super().run(request) if MODES[request.mode].barrier else self._bare.run(request)

    def close(self) -> None:
        """End both workers."""
        super().close()
        self._bare.close()
