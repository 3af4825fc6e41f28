"""A run on a time line, for Perfetto or chrome://tracing: phases, pauses, faults, waits, ioctls.

The format is Chrome's JSON ("Trace Event Format"): complete events (ph X) with microseconds.
"""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from gcproto._native import ffi, lib
from gcproto.collector.watch.recorder import Recorder

COLLECTOR, PAUSES, IOCTLS, FIRST_MUTATOR = 1, 2, 3, 10
NAMES = {
    int(lib.GCP_EVENT_PAUSE): ("paused", "pause"),
    int(lib.GCP_EVENT_ALLOCATION): ("waits for memory", "wait"),
    int(lib.GCP_EVENT_FAULT_READY): ("fault: ready page", "fault"),
    int(lib.GCP_EVENT_FAULT_DENSE): ("fault: dense page", "fault"),
    int(lib.GCP_EVENT_FAULT_BUILT): ("fault: compacted page", "fault"),
    int(lib.GCP_EVENT_FAULT_SLID): ("fault: slid page", "fault"),
    int(lib.GCP_EVENT_FAULT_FRESH): ("fault: fresh page", "fault"),
    int(lib.GCP_EVENT_FAULT_WAITED): ("fault: waited", "fault"),
    int(lib.GCP_EVENT_MAP): ("map", "ioctl"),
    int(lib.GCP_EVENT_DISCARD): ("discard", "madvise"),
}


def _span(name: str, category: str, thread: int, start: int, end: int, **details: Any) -> dict[str, Any]:
    event = {"name": name, "cat": category, "ph": "X", "pid": 1, "tid": thread, "ts": start / 1000}
    return event | {"dur": (end - start) / 1000} | ({"args": details} if details else {})


def _label(thread: int, name: str) -> dict[str, Any]:
    return {"name": "thread_name", "ph": "M", "pid": 1, "tid": thread, "args": {"name": name}}


def _events(thread: int, events: Any) -> list[dict[str, Any]]:
    found = []
    for start, ns, kind, pages in zip(
        *(events[name].tolist() for name in ("start", "ns", "kind", "pages")), strict=True
    ):
        name, category = NAMES[kind]
        details = {"pages": pages} if pages else {}
        found.append(_span(name, category, thread, start, start + ns, **details))
    return found


def write_trace(path: str, recorder: Recorder, mutators: list[Any], collector: Any) -> None:
    """Write the trace of a run.

    Args:
        path: of the file.
        recorder: of its phases and pauses.
        mutators: events of each, in their order.
        collector: whose ioctls are shown.

    """
    events = [_label(COLLECTOR, "collector: phases"), _label(PAUSES, "pauses"), _label(IOCTLS, "collector: ioctls")]
    events += [_span(name, "phase", COLLECTOR, start, end) for start, end, name in recorder.spans]
    for requested, stopped, restarted, name in recorder.stops:
        events.append(_span(f"stopping for {name}", "stop", PAUSES, requested, stopped))
        events.append(_span(name, "pause", PAUSES, stopped, restarted))
    raw: Any = collector.timeline
    kind = np.dtype([("start", "<u8"), ("ns", "<u4"), ("kind", "<u2"), ("pages", "<u2")])
    if raw.n:
        memory: Any = ffi.buffer(raw.events, int(raw.n) * kind.itemsize)
        events += _events(IOCTLS, np.frombuffer(memory, dtype=kind))
    for number, one in enumerate(mutators):
        events.append(_label(FIRST_MUTATOR + number, f"mutator {number}"))
        events += _events(FIRST_MUTATOR + number, one)
    start = min((event["ts"] for event in events if "ts" in event), default=0.0)
    for event in events:
        if "ts" in event:
            event["ts"] -= start
    Path(path).write_bytes(msgspec.json.encode({"traceEvents": events, "displayTimeUnit": "ns"}))
