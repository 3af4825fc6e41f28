"""The parts of one run of a workload, put together and taken apart: heap, mutators, collector, and its listeners."""

import os
import threading
from collections.abc import Callable
from dataclasses import replace

from gcproto._native import lib
from gcproto.collector.chosen import chosen
from gcproto.collector.costs import measure
from gcproto.collector.modes import MODES, Mode
from gcproto.collector.policies import POLICIES
from gcproto.collector.watch.checks import Checks
from gcproto.collector.watch.events import Listener
from gcproto.collector.watch.folios import FolioListener
from gcproto.collector.watch.page_map import MapListener
from gcproto.collector.watch.recorder import Recorder
from gcproto.collector.watch.shoot_downs import ShootDownListener
from gcproto.collector.watch.swap import SwapListener
from gcproto.collector.young.collector import collector_for
from gcproto.errors import GcprotoError
from gcproto.experiments.placement import cpus_for
from gcproto.experiments.session.collector_thread import CollectorThread
from gcproto.experiments.session.disturb import Disturber
from gcproto.experiments.session.mutator import Mutator
from gcproto.experiments.session.request import SessionRequest
from gcproto.heap.folios import Memory, parse_memory
from gcproto.heap.space import Heap
from gcproto.heap.workloads import workload
from gcproto.heap.workloads.knobs import Knobs
from gcproto.host.machine import machine
from gcproto.results.schema import FaultCosts

WHOLE_AT_ONCE = frozenset({"dump"})
"""Workloads whose heap is there before any mutator runs.  Nothing is collected while it is set up, and a collection
begins as soon as mutators allocate."""


def _mode(request: SessionRequest, memory: Memory, shoot_down: int) -> tuple[Mode, str]:
    """The mode with its options and what the evacuation policy makes of it, and that choice in words."""
    mode = MODES[request.mode].with_options(request.options)
    if not mode.moves:
        return mode, ""
    if mode.adapt and request.policy == "move":
        # What happens to small folios and to mTHPs it finds out itself; THPs go whole only in granules of their size.
        thp = 1 << machine().pmd_order if memory.order == machine().pmd_order else 0
        return replace(mode, granule=max(mode.granule, thp), whole=thp), ""
    choice = POLICIES[request.policy].choose(
        memory, lambda: measure(memory.order or 0, request.seed, shoot_down), request.objective
    )
    if mode.granule > 1:  # asked for by name
        choice = replace(choice, granule=mode.granule)
    return choice.applied_to(mode), choice.why


class Parts:
    """All of them, ready to run.

    Args:
        request: what is to be run.
        begin: runs when all threads are set up, on the last of them, before any may go on.
        costs: measured while no other thread was live (gcproto.experiments.session.costs).
        beside: processor of the second live thread; -1 for none.

    Raises:
        GcprotoError: a processor can't be bound to, or the collector can't work here.

    """

    def __init__(self, request: SessionRequest, begin: Callable[[], None], costs: FaultCosts, beside: int) -> None:
        self.request = request
        self.recorder = Recorder()
        memory = parse_memory(request.memory)
        self.costs = costs
        # A heap that stands still has a mutator to be interrupted only where a second thread is live.
        live = not request.standing or request.threads > 1
        mode, self.choice = _mode(request, memory, self.costs.shoot_down if live else 0)
        self.mode = replace(mode, delivery_ns=self.costs.delivery, interrupt_ns=self.costs.shoot_down)
        self.chosen = chosen(self.mode, memory)
        self.heap = Heap(request.capacity, memory=memory)
        self.folios = FolioListener(self.heap) if memory.order != 0 else None
        self.swap = SwapListener(self.heap, request.page_out) if request.page_out else None
        self.interruptions = ShootDownListener([beside]) if beside >= 0 else None
        self.checks = Checks(self.heap) if request.verify else None
        self.map = MapListener(memory.order or 0) if request.map and self.mode.moves_pages else None
        listeners: list[Listener] = [
            self.recorder,
            *(one for one in (self.interruptions, self.folios, self.map, self.checks, self.swap) if one),
        ]
        self.together = threading.Barrier(request.mutators + 1, begin)
        cpus = cpus_for(request.placement, request.mutators, self.mode.compactors)
        self.mutator_cpus = sorted({cpu for cpu in cpus.mutators if cpu >= 0})
        self.mutators = [self._mutator(number, cpus.mutators[number]) for number in range(request.mutators)]
        self.collector = collector_for(self.heap, self.mode, listeners, request.trigger_share)
        if request.workload in WHOLE_AT_ONCE:
            self.heap.world.trigger = self.heap.to + self.heap.limit
        self.thread = CollectorThread(self.collector, cpus.collector)
        kinds = [kind for kind in request.disturb.split(",") if kind]
        self.disturber = Disturber(self.heap, kinds, request.seed) if kinds else None
        for number, cpu in enumerate(cpus.compactors):
            lib.gcp_compaction_compactor_pin(self.collector.native, number, cpu)
        if self.handler:
            self._pin_handler(cpus.handler)

    @property
    def handler(self) -> bool:
        """Whether a thread answers faults."""
        return bool(self.mode.handler == lib.GCP_HANDLER_THREAD)

    def _mutator(self, number: int, cpu: int) -> Mutator:
        request = self.request
        work = workload(request.workload)
        knobs = Knobs(
            live_bytes=request.live_bytes,
            operations=request.operations,
            mutation=request.mutation,
            fragmentation=request.fragmentation,
            seed=request.seed * 64 + number,
        )
        parameters = work.parameters(knobs, request.recording)
        return Mutator(self.heap.add_mutator(), work, parameters, self.together, cpu)

    def _pin_handler(self, cpu: int) -> None:
        err = lib.gcp_compaction_helper_pin(self.collector.native, cpu)
        if err:
            self.close()
            raise GcprotoError(f"a thread can't be bound to processor {cpu}", why=os.strerror(-err))

    def close(self) -> None:
        """Give everything back."""
        self.collector.close()
        for one in (self.checks, self.folios, self.swap):
            if one:
                one.close()
        self.heap.close()
