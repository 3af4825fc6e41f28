"""One run of a workload on a heap, in this process: mutator threads, the collector's thread, what they did."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gcproto._native import ffi, lib
from gcproto.collector.chosen import chosen
from gcproto.collector.costs import measure
from gcproto.collector.counts import counts_of
from gcproto.collector.cycle import CollectionError, Collector, fault_sums
from gcproto.collector.modes import MODES, Mode
from gcproto.collector.policies import POLICIES
from gcproto.collector.watch.checks import Checks
from gcproto.collector.watch.events import Listener
from gcproto.collector.watch.folios import FolioListener
from gcproto.collector.watch.page_map import MapListener
from gcproto.collector.watch.recorder import Recorder, resident_bytes
from gcproto.collector.watch.swap import SwapListener
from gcproto.collector.watch.trace import write_trace
from gcproto.errors import ExitCode, GcprotoError
from gcproto.experiments.placement import Placement, Ran, cpus_for, ran_of
from gcproto.experiments.session.disturb import Disturber
from gcproto.experiments.session.request import Places, Session, SessionRequest
from gcproto.experiments.session.second_thread import second_thread
from gcproto.experiments.session.stalls import events_of, stalls_of, timing_error
from gcproto.experiments.session.status import EVERY_SECONDS, Status, write
from gcproto.heap.folios import Memory, parse_memory
from gcproto.heap.mutator import OUT_OF_MEMORY, STOPPED
from gcproto.heap.space import Heap
from gcproto.heap.workloads import Workload, workload
from gcproto.heap.workloads.knobs import Knobs

SAMPLE_SECONDS = 0.02


def address_of(pointer: Any) -> int:
    """A C pointer as compiled code takes it."""
    return int(ffi.cast("uintptr_t", pointer))


class _Place:
    """Binds a thread to a processor, and notes where it is found.

    Args:
        cpu: to bind to, -1 for none.

    """

    def __init__(self, cpu: int) -> None:
        self._cpu = cpu
        self._ran: Any = ffi.new("struct gcp_ran *")

    def begin(self) -> None:
        """On the thread itself, before it does anything.

        Raises:
            GcprotoError: the system refuses.

        """
        err = lib.gcp_ran_begin(self._cpu, self._ran)
        if err:
            raise GcprotoError(f"a thread can't be bound to processor {self._cpu}", why=os.strerror(-err))

    def look(self) -> None:
        """On the thread itself."""
        lib.gcp_ran_look(self._ran)

    def ran(self) -> Ran:
        """Where it was found."""
        return ran_of(self._ran)


class _Mutator(threading.Thread):
    """Sets up, waits for the others, runs, checks.

    Args:
        native: ``struct gcp_mutator *``.
        work: the workload;  parameters: of it, for this mutator.
        together: barrier of all mutators, between setting up and running.
        cpu: processor to bind it to, -1 for none.

    """

    def __init__(self, native: Any, work: Workload, parameters: Any, together: threading.Barrier, cpu: int) -> None:
        super().__init__(name=f"mutator {int(native.number)}")
        self.native = native
        self.work = work
        self.parameters = parameters
        self.together = together
        self.place = _Place(cpu)
        self.cpu = 0
        self.status = 0
        self.problem = ""

    def run(self) -> None:
        """The whole life of a mutator."""
        address = address_of(self.native)
        try:
            self.place.begin()
            self.status = self.enter(self.work.setup, address)
            if self.status < 0:
                self.together.abort()
                return
            self.together.wait()
            self.place.look()
            cpu = int(lib.gcp_thread_cpu())
            self.status = self.enter(self.work.run, address)
            self.cpu = int(self.native.cpu_ns) - cpu
            self.place.look()
        except threading.BrokenBarrierError:
            self.status = STOPPED
        except Exception as error:
            self.problem = repr(error)
            self.together.abort()

    def enter(self, function: Any, address: int) -> int:
        """Call compiled code of a workload as a mutator."""
        lib.gcp_mutator_enter(self.native)
        try:
            return int(function(address, self.parameters))
        finally:
            lib.gcp_mutator_leave(self.native)

    def check(self) -> int:
        """What is wrong in the end; nothing moves any more."""
        return int(self.work.check(address_of(self.native), self.parameters))


def _mode(request: SessionRequest, memory: Memory) -> tuple[Mode, str]:
    """The mode with its options and what the evacuation policy makes of it, and that choice in words."""
    mode = MODES[request.mode].with_options(request.options)
    if not mode.moves:
        return mode, ""
    choice = POLICIES[request.policy].choose(memory, lambda: measure(memory.order or 0, request.seed))
    if mode.granule > 1:  # asked for by name
        choice = replace(choice, granule=mode.granule)
    return choice.applied_to(mode), choice.why


class _Run:
    """The parts of one run, and how they are put together and taken apart."""

    def __init__(self, request: SessionRequest) -> None:
        self.request = request
        self.recorder = Recorder()
        self.resident: list[tuple[int, int]] = []
        memory = parse_memory(request.memory)
        self.mode, self.choice = _mode(request, memory)
        self.chosen = chosen(self.mode, memory)
        self.heap = Heap(request.capacity, memory=memory)
        self.folios = FolioListener(self.heap) if memory.order != 0 else None
        self.swap = SwapListener(self.heap, request.page_out) if request.page_out else None
        self.checks = Checks(self.heap) if request.verify else None
        self.map = MapListener(memory.order or 0) if request.map and self.mode.moves_pages else None
        listeners: list[Listener] = [
            self.recorder,
            *(one for one in (self.folios, self.map, self.checks, self.swap) if one),
        ]
        work = workload(request.workload)
        # Whoever comes last runs ``_begin`` before it lets any of them go.
        together = threading.Barrier(request.mutators + 1, self._begin)
        cpus = cpus_for(request.placement, request.mutators)
        self.mutators: list[_Mutator] = []
        for number in range(request.mutators):
            knobs = Knobs(
                live_bytes=request.live_bytes,
                operations=request.operations,
                mutation=request.mutation,
                fragmentation=request.fragmentation,
                seed=request.seed * 64 + number,
            )
            parameters = work.parameters(knobs, request.recording)
            self.mutators.append(_Mutator(self.heap.add_mutator(), work, parameters, together, cpus.mutators[number]))
        self.together = together
        self.began = 0
        self.swept = 0
        self.collector = Collector(self.heap, self.mode, listeners, request.trigger_share)
        if self.checks:
            self.checks.collector = self.collector
        if self.map:
            self.map.native = self.collector.native
        if self.mode.handler == lib.GCP_HANDLER_THREAD:
            self._pin_handler(cpus.handler)
        self.place = _Place(cpus.collector)
        self.collector_cpu = 0
        self.collector_error = ""
        self._cpu_clock: int | None = None
        self._cpu_before = self._handler_cpu_before = 0
        self._thread = threading.Thread(target=self._collect, name="collector")
        kinds = [kind for kind in request.disturb.split(",") if kind]
        self.disturber = Disturber(self.heap, kinds, request.seed) if kinds else None

    def _pin_handler(self, cpu: int) -> None:
        err = lib.gcp_compaction_helper_pin(self.collector.native, cpu)
        if err:
            self.close()
            raise GcprotoError(f"a thread can't be bound to processor {cpu}", why=os.strerror(-err))

    def _begin(self) -> None:
        """All are set up, and nobody runs yet: what is measured begins here.  The clock comes last."""
        for native in (*(one.native for one in self.mutators), self.collector.helper):
            lib.gcp_mutator_measure(native)
        self._cpu_before = self._collector_cpu()
        self._handler_cpu_before = int(lib.gcp_compaction_helper_cpu(self.collector.native))
        self.recorder.measured = True
        self.began = int(lib.gcp_now())

    def _collector_cpu(self) -> int:
        """CPU time of the collector's thread so far, ns; 0 if it has not begun, or has ended by an error."""
        try:
            return time.clock_gettime_ns(self._cpu_clock) if self._cpu_clock is not None else 0
        except OSError:
            return 0

    def _collect(self) -> None:
        try:
            self._cpu_clock = time.pthread_getcpuclockid(threading.get_ident())
            self.place.begin()
            self.place.look()
            self.collector.serve()
        except CollectionError as error:
            self.collector_error = str(error)
        except Exception as error:
            self.collector_error = repr(error)
        self.collector_cpu = int(lib.gcp_thread_cpu()) - self._cpu_before
        self.place.look()
        if self.collector_error:
            lib.gcp_world_close(self.heap.world)

    def _go_standing(self, sweeps: Callable[[], int]) -> None:
        """Mutators set up, one after the other, and are gone when the heap is collected."""
        for mutator in self.mutators:
            mutator.status = mutator.enter(mutator.work.setup, address_of(mutator.native))
            if mutator.status < 0:
                return
        self.recorder.measured = True
        before = sweeps()
        for _ in range(self.request.standing):
            self.collector.collect()
        self.swept = sweeps() - before

    def go(self, sweeps: Callable[[], int]) -> None:
        """Run to the end.

        Args:
            sweeps: how often a second thread has swept its pages so far.

        """
        if self.request.standing:
            self._go_standing(sweeps)
            return
        for call, after, count, error in self.request.inject:
            lib.gcp_inject(call, after, count, error)
        threads = [self._thread, *self.mutators, *([self.disturber] if self.disturber else [])]
        started = time.monotonic_ns()
        try:
            for thread in threads:
                thread.start()
        except RuntimeError:  # no more threads are allowed: those that wait for the others must not wait for ever
            self.together.abort()
            lib.gcp_world_close(self.heap.world)
            raise
        try:
            self.together.wait()
        except threading.BrokenBarrierError:
            lib.gcp_world_close(self.heap.world)  # the others are still setting up
        told = started
        for mutator in self.mutators:
            while mutator.is_alive():
                mutator.join(SAMPLE_SECONDS)
                now = time.monotonic_ns()
                self.resident.append((now - started, resident_bytes()))
                if self.request.status and now - told > EVERY_SECONDS * 1e9:
                    write(self.request.status, self._status(now - started))
                    told = now
        if self.request.status:
            write(self.request.status, self._status(time.monotonic_ns() - started))
        if self.disturber:
            self.disturber.close()
        lib.gcp_world_close(self.heap.world)
        self._thread.join()
        for call in range(lib.GCP_CALL_COUNT):
            lib.gcp_inject(call, 0, 0, 0)

    def _status(self, ns: int) -> Status:
        """What it is doing, and came to so far."""
        accounts = [cycle.collector for cycle in list(self.recorder.cycles)]
        faults = fault_sums(mutator.native for mutator in self.mutators)

        def pages(name: str) -> int:
            return sum(int(getattr(account, name)) for account in accounts) + faults[name]

        pauses = [(restarted - requested) / 1e6 for requested, _, restarted, _ in list(self.recorder.stops)]
        return Status(
            label=self.request.label,
            seconds=ns / 1e9,
            phase=self.recorder.phase,
            collections=len(accounts),
            moved=pages("moved") + pages("remapped"),
            copied=pages("copied"),
            after_ebusy=pages("copied_after_ebusy"),
            zeroed=pages("zeroed"),
            ebusy=pages("ebusy"),
            faults=faults["faults"],
            last_pause_ms=pauses[-1] if pauses else 0.0,
            longest_pause_ms=max(pauses, default=0.0),
        )

    def close(self) -> None:
        """Give everything back."""
        self.collector.close()
        for one in (self.checks, self.folios, self.swap):
            if one:
                one.close()
        self.heap.close()

    def session(self) -> Session:
        """What came of it."""
        found = Session(
            collections=self.recorder.cycles,
            runs=self.recorder.runs,
            resident=self.resident,
            failures=self.collector.failures,
            swapped=(self.swap.before, self.swap.after) if self.swap else ([], []),
            choice=self.choice,
            chosen=self.chosen,
        )
        if self.folios:
            self.folios.write_into(found.collections)
        if self.map:
            self.map.write_into(found.collections)
        natives = [mutator.native for mutator in self.mutators]
        found.digests = [int(one.digest) for one in natives]
        found.allocated_bytes = sum(int(one.allocated_bytes) for one in natives)
        found.allocated_objects = sum(int(one.allocated_objects) for one in natives)
        found.operations = sum(int(one.operations) for one in natives)
        found.mutator_cpu_ns = sum(mutator.cpu for mutator in self.mutators)
        found.collector_cpu_ns = self.collector_cpu + self._handler_cpu()
        found.failure = self._failure(found)
        for name in ("pause", "fault", "wait"):
            for one in natives:
                getattr(found, name).add(counts_of(getattr(one, name)))
        if self.mutators and self.collector.mode.handler == lib.GCP_HANDLER_THREAD:
            found.fault.add(counts_of(self.collector.helper.fault))
        if not self.request.standing:
            found.cpus = Places(self.place.ran(), [one.place.ran() for one in self.mutators])
            if self.mode.handler == lib.GCP_HANDLER_THREAD:
                found.cpus.handler = ran_of(lib.gcp_compaction_helper_ran(self.collector.native))
        if not found.failure:
            self._spans(found, natives)
            found.wrong = self._wrong()
        if self.checks:
            found.wrong += self.checks.wrong
            found.verified = self.checks.passed
        if self.request.trace:
            write_trace(self.request.trace, self.recorder, [events_of(one.timeline) for one in natives], self.collector)
        return found

    def _failure(self, found: Session) -> str:
        if self.collector_error:
            return self.collector_error
        problems = [mutator.problem for mutator in self.mutators if mutator.problem]
        if problems:
            return f"a mutator failed: {problems[0]}"
        if any(mutator.status == OUT_OF_MEMORY for mutator in self.mutators):
            found.out_of_memory = True
            return (
                f"out of memory: {self.heap.capacity >> 20} MiB of heap, {self.heap.used >> 20} MiB in use after "
                f"{self.collector.cycles} collections"
            )
        if any(mutator.status == STOPPED for mutator in self.mutators):
            return "it was stopped"
        return ""

    def _wrong(self) -> list[str]:
        found = []
        for mutator in self.mutators:
            if mutator.status > 0:
                found.append(f"{mutator.name} met {mutator.status} wrong objects")
            wrong = mutator.check()
            if wrong:
                found.append(f"{mutator.name} has {wrong} wrong objects in the end")
        return found

    def _spans(self, found: Session, natives: list[Any]) -> None:
        """The measured time, MMU and the longest stall; not while somebody verifies, whose pauses are nobody's."""
        if self.request.standing:
            return
        found.failure = timing_error(natives, self.began)
        if found.failure:
            return
        found.mutator_ns = max(int(one.ended_ns) for one in natives) - self.began
        found.dropped = sum(int(one.timeline.dropped) for one in natives)
        if not found.dropped and not self.checks:
            worst, found.stall = stalls_of(natives, self.began, self._pause_at)
            found.mmu = worst

    def _handler_cpu(self) -> int:
        return int(lib.gcp_compaction_helper_cpu(self.collector.native)) - self._handler_cpu_before

    def _pause_at(self, when: int) -> str:
        for requested, _, restarted, name in self.recorder.stops:
            if requested <= when <= restarted:
                return f"pause: {name}"
        return "pause"


def run(request: SessionRequest) -> Session:
    """Run a workload once in this process."""
    try:
        with second_thread(request.threads) as sweeps:
            return _run(request, sweeps)
    except GcprotoError as error:
        return Session(failure=str(error))


def _run(request: SessionRequest, sweeps: Callable[[], int]) -> Session:
    if request.standing and request.placement is not Placement.UNPLACED:
        raise GcprotoError(
            "a heap that stands still has no placement",
            why="no mutator runs while it is collected",
            code=ExitCode.USAGE,
        )
    running = _Run(request)
    try:
        running.go(sweeps)
        found = running.session()
        found.sweeps = running.swept if request.threads > 1 else -1
        return found
    finally:
        running.close()
