"""One window across the process boundary: what is asked of the worker and what it answers."""

from typing import TYPE_CHECKING

import msgspec

from gcproto._native import ffi, lib
from gcproto.accounts import map_counts_in
from gcproto.chars import text_of
from gcproto.collector.counts import Counts, counts_of
from gcproto.experiments.placement import Cpus, Ran, ran_of
from gcproto.experiments.window.ways import Way
from gcproto.host.child import Child, serve

if TYPE_CHECKING:
    from gcproto._native import gcp_window_config_ptr, gcp_window_thread

UNPLACED = Cpus(-1, (), -1)


class Request(msgspec.Struct):
    """A window to run; fields as in ``struct gcp_window_config`` (native/heap/window/window.h), unless said otherwise.

    Attributes:
        cpus: what its threads are bound to; of mutators without an entry: nothing.

    """

    pages: int
    mutators: int
    collector_by: int
    collector_pages: int
    fault_by: int
    fault_pages: int
    region_pages: int
    seed: int
    handler: int = 0
    no_states: int = 0
    cpus: Cpus = UNPLACED
    late_ns: int = 0
    skew_ns: int = 0


class Thread(msgspec.Struct):
    """What a window was to one thread; fields as in ``struct gcp_window_thread``.

    Attributes:
        queued_ns: time that it waited for a processor; None: the kernel can't tell.

    """

    ran: Ran = msgspec.field(default_factory=Ran)
    late_ns: int = 0
    ns: int = 0
    cpu_ns: int = 0
    queued_ns: int | None = None
    access_ns: int = 0
    fault_ns: int = 0


class Window(msgspec.Struct):
    """A window that was run; fields as in ``struct gcp_window_result``."""

    err: int
    reason: str
    mutator_ns: int
    collector_ns: int
    access: Counts
    fault: Counts
    runs: Counts
    collector: dict[str, int]
    faults: dict[str, int]
    wrong: int
    unmapped: int
    left: int
    wakes: int = 0
    handler_cpu_ns: int = 0
    handler: Ran = msgspec.field(default_factory=Ran)
    sweeper: Thread = msgspec.field(default_factory=Thread)
    threads: list[Thread] = []


def request_for(way: Way, pages: int, mutators: int, seed: int, cpus: Cpus = UNPLACED) -> Request:
    """The window of a way.

    Args:
        way: how pages are mapped.
        pages: of each space.
        mutators: threads that touch to-space.
        seed: of the contents and of the order of touches.
        cpus: what the threads are bound to (gcproto.experiments.placement).

    """
    return Request(
        pages=pages,
        mutators=mutators,
        collector_by=way.collector_by,
        collector_pages=way.collector_pages,
        fault_by=way.fault_by,
        fault_pages=way.fault_pages,
        region_pages=way.region_pages,
        handler=way.handler.number,
        no_states=int(not way.states),
        cpus=cpus,
        seed=seed,
    )


def _config(request: Request) -> "gcp_window_config_ptr":
    """The same for C."""
    config = ffi.new("struct gcp_window_config *")
    config.pages, config.mutators, config.region_pages = request.pages, request.mutators, request.region_pages
    config.collector_by, config.collector_pages = request.collector_by, request.collector_pages
    config.fault_by, config.fault_pages = request.fault_by, request.fault_pages
    config.handler, config.no_states, config.seed = request.handler, request.no_states, request.seed
    config.late_ns, config.skew_ns = request.late_ns, request.skew_ns
    config.collector_cpu, config.handler_cpu = request.cpus.collector, request.cpus.handler
    cpus = request.cpus.mutators
    for number in range(lib.GCP_MAX_MUTATORS):  # C refuses more
        config.mutator_cpu[number] = cpus[number] if number < len(cpus) else -1
    return config


def _thread_of(raw: "gcp_window_thread") -> Thread:
    return Thread(
        ran_of(raw.ran),
        raw.late_ns,
        raw.ns,
        raw.cpu_ns,
        None if raw.queued_ns == lib.GCP_UNKNOWN else raw.queued_ns,
        raw.access_ns,
        raw.fault_ns,
    )


def run(request: Request) -> Window:
    """Run a window in this process."""
    got = ffi.new("struct gcp_window_result *")
    lib.gcp_window_run(_config(request), got)
    return Window(
        err=got.err,
        reason=text_of(got.reason),
        mutator_ns=got.mutator_ns,
        collector_ns=got.collector_ns,
        access=counts_of(got.access),
        fault=counts_of(got.fault),
        runs=counts_of(got.runs),
        collector=map_counts_in(got.collector),
        faults=map_counts_in(got.faults),
        wrong=got.wrong,
        unmapped=got.unmapped,
        left=got.left,
        wakes=got.wakes,
        handler_cpu_ns=got.handler_cpu_ns,
        handler=ran_of(got.handler) if request.handler == lib.GCP_HANDLER_THREAD else Ran(),
        sweeper=_thread_of(got.sweeper),
        threads=[_thread_of(got.mutator[number]) for number in range(min(request.mutators, lib.GCP_MAX_MUTATORS))],
    )


class WindowLab(Child[Request, Window]):
    """A worker process for windows."""

    def __init__(self, timeout: float = 120.0) -> None:
        super().__init__("gcproto.experiments.window.round", Window, timeout)


def main() -> None:
    """The worker: serve requests until the pipe is closed."""
    serve(Request, run)
