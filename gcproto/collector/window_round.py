"""One window across the process boundary: what is asked of the worker and what it answers."""

from typing import Any

import msgspec

from gcproto._native import ffi, lib
from gcproto.collector.counts import Counts, counts_of
from gcproto.host.child import Child, serve

ACCOUNT_FIELDS = tuple(name for name, _ in ffi.typeof("struct gcp_map_account").fields or ())


class Request(msgspec.Struct):
    """A window to run; fields as in ``struct gcp_window_config`` (native/window.h)."""

    pages: int
    mutators: int
    collector_by: int
    collector_pages: int
    fault_by: int
    fault_pages: int
    region_pages: int
    collector_cpu: int
    mutator_cpu: int
    seed: int


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


def run(request: Request) -> Window:
    """Run a window in this process."""
    config = ffi.new("struct gcp_window_config *", msgspec.to_builtins(request))
    got: Any = ffi.new("struct gcp_window_result *")
    lib.gcp_window_run(config, got)
    return Window(
        err=got.err,
        reason=bytes(ffi.string(got.reason)).decode(errors="replace"),  # type: ignore[arg-type]
        mutator_ns=got.mutator_ns,
        collector_ns=got.collector_ns,
        access=counts_of(got.access),
        fault=counts_of(got.fault),
        runs=counts_of(got.runs),
        collector={name: int(getattr(got.collector, name)) for name in ACCOUNT_FIELDS},
        faults={name: int(getattr(got.faults, name)) for name in ACCOUNT_FIELDS},
        wrong=got.wrong,
        unmapped=got.unmapped,
        left=got.left,
    )


class WindowLab(Child[Request, Window]):
    """A worker process for windows."""

    def __init__(self, timeout: float = 120.0) -> None:
        super().__init__("gcproto.collector.window_round", Window, timeout)


def main() -> None:
    """The worker: serve requests until the pipe is closed."""
    serve(Request, run)
