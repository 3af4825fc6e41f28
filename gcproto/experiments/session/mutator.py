"""A mutator: a thread that runs a workload on its part of the heap, on a processor that may be given."""

import os
import resource
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gcproto._native import ffi, lib
from gcproto.errors import GcprotoError
from gcproto.experiments.placement import Ran, ran_of
from gcproto.heap.mutator import STOPPED
from gcproto.heap.workloads import Workload
from gcproto.structs import address_of

if TYPE_CHECKING:
    from gcproto._native import gcp_mutator_ptr


class Place:
    """Binds a thread to a processor, and notes where it is found.

    Args:
        cpu: to bind to, -1 for none.

    """

    def __init__(self, cpu: int) -> None:
        self._cpu = cpu
        self._ran = ffi.new("struct gcp_ran *")

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


class Mutator(threading.Thread):
    """Sets up, waits for the others, runs, checks.

    Args:
        native: the mutator of C.
        work: the workload;  parameters: of it, for this mutator.
        together: barrier of all mutators, between setting up and running.
        cpu: processor to bind it to, -1 for none.

    """

    def __init__(
        self,
        native: "gcp_mutator_ptr",
        work: Workload,
        parameters: NDArray[np.int64],
        together: threading.Barrier,
        cpu: int,
    ) -> None:
        super().__init__(name=f"mutator {native.number}")
        self.native = native
        self.work = work
        self.parameters = parameters
        self.together = together
        self.place = Place(cpu)
        self.cpu = 0
        self.minor_faults = 0
        self.queued = 0
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
            faults, queued = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt, lib.gcp_thread_queued()
            cpu = lib.gcp_thread_cpu()
            self.status = self.enter(self.work.run, address)
            self.cpu = self.native.cpu_ns - cpu
            self.minor_faults = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - faults
            if queued != lib.GCP_UNKNOWN:
                self.queued = lib.gcp_thread_queued() - queued
            self.place.look()
        except threading.BrokenBarrierError:
            self.status = STOPPED
        except Exception as error:
            self.problem = repr(error)
            self.together.abort()

    def enter(self, function: Callable[[int, NDArray[np.int64]], int], address: int) -> int:
        """Call compiled code of a workload as a mutator."""
        lib.gcp_mutator_enter(self.native)
        try:
            return int(function(address, self.parameters))
        finally:
            lib.gcp_mutator_leave(self.native)

    def check(self) -> int:
        """What is wrong in the end; nothing moves any more."""
        return int(self.work.check(address_of(self.native), self.parameters))
