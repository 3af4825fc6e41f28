"""What mutators pay outside of their handlers, measured once in each worker (native/heap/costs.h)."""

import os
from functools import cache

from gcproto._native import ffi, lib
from gcproto.experiments.placement import Cpus, cpus_for
from gcproto.experiments.session.request import SessionRequest
from gcproto.host.machine import choose_cpus
from gcproto.logs import get_logger
from gcproto.results.schema import FaultCosts


def cpus_to_measure(cpus: Cpus) -> tuple[int, int]:
    """Processors of a mutator and of the thread that unmaps pages; any two where threads are bound to none.

    Args:
        cpus: of the run.

    """
    first, second = choose_cpus()
    if cpus.collector >= 0 and cpus.mutators and cpus.mutators[0] not in {-1, cpus.collector}:
        return cpus.mutators[0], cpus.collector
    return first, second


def measure_costs(request: SessionRequest) -> FaultCosts:
    """Those of a run's processors.

    Args:
        request: of the run.

    """
    return fault_costs(*cpus_to_measure(cpus_for(request.placement, request.mutators)))


@cache
def fault_costs(worker: int, other: int) -> FaultCosts:
    """Measure, or give what was measured before: all runs of a process are held against the same costs.

    Args:
        worker: processor of the mutator.
        other: of the second thread, -1 for none: then ``shoot_down`` is 0.

    """
    found = ffi.new("struct gcp_fault_costs *")
    err = lib.gcp_fault_costs_measure(worker, other, found)
    if err:
        get_logger("gc").warning("costs outside of fault handlers are unknown", why=os.strerror(-err))
    return FaultCosts(found.delivery, found.minor_fault, found.shoot_down)
