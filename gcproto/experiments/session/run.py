"""One run of a workload on a heap, in this process: what is set up is let go, and joined again."""

import threading
import time

from gcproto._native import lib
from gcproto.collector.watch.recorder import resident_bytes
from gcproto.collector.work import faults_of
from gcproto.errors import ExitCode, GcprotoError
from gcproto.experiments.placement import Placement
from gcproto.experiments.session.account import Course, session_of, status_of
from gcproto.experiments.session.costs import measure_costs
from gcproto.experiments.session.parts import WHOLE_AT_ONCE, Parts
from gcproto.experiments.session.request import Session, SessionRequest
from gcproto.experiments.session.second_thread import SecondThread, second_thread
from gcproto.experiments.session.status import EVERY_SECONDS, write
from gcproto.host.shoot_downs import shoot_downs
from gcproto.results.schema import FaultCosts
from gcproto.structs import address_of

SAMPLE_SECONDS = 0.02


class Running:
    """A run, from its parts to their end."""

    def __init__(self, request: SessionRequest, costs: FaultCosts, beside: int) -> None:
        self.request = request
        self.course = Course()
        self.parts = Parts(request, self.begin, costs, beside)

    def begin(self) -> None:
        """All threads are set up, and none runs yet: the measured time begins here.  The clock comes last."""
        for native in (*(one.native for one in self.parts.mutators), self.parts.collector.helper):
            lib.gcp_mutator_measure(native)
        self.parts.thread.measure()
        self.parts.recorder.measured = True
        if self.request.workload in WHOLE_AT_ONCE:
            self.parts.heap.world.trigger = self.parts.heap.world.top
        self.course.stalls = faults_of(one.native for one in self.parts.mutators)
        self.course.shoot_downs = shoot_downs(self.parts.mutator_cpus)
        self.course.began = lib.gcp_now()

    def go(self, beside: SecondThread) -> None:
        """Run to the end.

        Args:
            beside: the thread that is live beside a heap that stands still.

        """
        if self.request.standing:
            self._go_standing(beside)
            return
        for call, after, count, error in self.request.inject:
            lib.gcp_inject(call, after, count, error)
        started = time.monotonic_ns()
        self._start()
        self._watch(started)
        if self.parts.disturber:
            self.parts.disturber.close()
        lib.gcp_world_close(self.parts.heap.world)
        self.parts.thread.join()
        for call in range(lib.GCP_VERB_COUNT):
            lib.gcp_inject(call, 0, 0, 0)

    def _go_standing(self, beside: SecondThread) -> None:
        """Mutators set up, one after the other, and are gone when the heap is collected."""
        parts = self.parts
        for mutator in parts.mutators:
            mutator.status = mutator.enter(mutator.work.setup, address_of(mutator.native))
            if mutator.status < 0:
                return
        parts.recorder.measured = True
        for _ in range(self.request.standing):
            beside.await_it()
            before = beside.sweeps()
            parts.collector.collect()
            if beside:
                self.course.swept = beside.sweeps() - before

    def _start(self) -> None:
        """Start all threads, and wait until mutators have set up."""
        parts = self.parts
        try:
            for thread in (parts.thread, *parts.mutators, *([parts.disturber] if parts.disturber else [])):
                thread.start()
        except RuntimeError:  # no more threads are allowed: those that wait for the others must not wait forever
            parts.together.abort()
            lib.gcp_world_close(parts.heap.world)
            raise
        try:
            parts.together.wait()
        except threading.BrokenBarrierError:
            lib.gcp_world_close(parts.heap.world)  # the others are still setting up

    def _watch(self, started: int) -> None:
        """Join mutators; meanwhile take samples, and write the status."""
        told = started
        for mutator in self.parts.mutators:
            while mutator.is_alive():
                mutator.join(SAMPLE_SECONDS)
                now = time.monotonic_ns()
                self.course.resident.append((now - started, resident_bytes()))
                if now - told > EVERY_SECONDS * 1e9:
                    self._tell(now - started)
                    told = now
        self._tell(time.monotonic_ns() - started)

    def _tell(self, ns: int) -> None:
        if self.request.status:
            write(self.request.status, status_of(self.parts, ns))


def run(request: SessionRequest) -> Session:
    """Run a workload once in this process."""
    try:
        costs = measure_costs(request)  # before another thread is live, while this one may run on both processors
        with second_thread(request.threads) as beside:
            return _run(request, costs, beside)
    except GcprotoError as error:
        return Session(failure=str(error))


def _run(request: SessionRequest, costs: FaultCosts, beside: SecondThread) -> Session:
    if request.standing and request.placement is not Placement.UNPLACED:
        raise GcprotoError(
            "a heap that stands still has no placement",
            why="no mutator runs while it is collected",
            code=ExitCode.USAGE,
        )
    running = Running(request, costs, beside.cpu)
    try:
        running.go(beside)
        return session_of(running.parts, running.course)
    finally:
        running.parts.close()
