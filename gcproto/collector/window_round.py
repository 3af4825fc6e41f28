"""One window across the process boundary: what is asked of the worker and what it answers."""

from typing import Any

import msgspec

from gcproto._native import ffi, lib
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


class Counts(msgspec.Struct):
    """A histogram: number and largest of its values, and how many are in each bucket that has any."""

    n: int = 0
    max: int = 0
    buckets: dict[int, int] = {}

    def add(self, other: "Counts") -> None:
        """Take the values of another histogram in."""
        self.n += other.n
        self.max = max(self.max, other.max)
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count

    def quantile(self, permille: int) -> int:
        """The value that so many of 1000 values do not exceed (see native/histogram.h)."""
        raw: Any = ffi.new("struct gcp_histogram *")
        raw.n, raw.max = self.n, self.max
        for bucket, count in self.buckets.items():
            raw.counts[bucket] = count
        return int(lib.gcp_histogram_quantile(raw, permille))


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
        access=_counts(got.access),
        fault=_counts(got.fault),
        runs=_counts(got.runs),
        collector={name: int(getattr(got.collector, name)) for name in ACCOUNT_FIELDS},
        faults={name: int(getattr(got.faults, name)) for name in ACCOUNT_FIELDS},
        wrong=got.wrong,
        unmapped=got.unmapped,
        left=got.left,
    )


def _counts(raw: Any) -> Counts:
    numbers = ffi.unpack(raw.counts, lib.GCP_HISTOGRAM_BUCKETS)
    return Counts(raw.n, raw.max, {bucket: count for bucket, count in enumerate(numbers) if count})


class WindowLab(Child[Request, Window]):
    """A worker process for windows."""

    def __init__(self, timeout: float = 120.0) -> None:
        super().__init__("gcproto.collector.window_round", Window, timeout)


if __name__ == "__main__":
    serve(Request, run)
