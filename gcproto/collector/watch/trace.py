"""A run on a time line, for Perfetto or chrome://tracing: phases, pauses, faults, waits, ioctls.

The format is Chrome's JSON ("Trace Event Format"): complete events (ph X) with microseconds.
"""

from pathlib import Path
from typing import TypedDict

import msgspec
import numpy as np
from numpy.typing import NDArray

from gcproto._native import lib
from gcproto.collector.watch.recorder import Recorder

COLLECTOR, PAUSES, IOCTLS, FIRST_MUTATOR = 1, 2, 3, 10
NAMES = {
    lib.GCP_EVENT_PAUSE: ("paused", "pause"),
    lib.GCP_EVENT_ALLOCATION: ("waits for memory", "wait"),
    lib.GCP_EVENT_FAULT_READY: ("fault: ready page", "fault"),
    lib.GCP_EVENT_FAULT_DENSE: ("fault: dense page", "fault"),
    lib.GCP_EVENT_FAULT_BUILT: ("fault: compacted page", "fault"),
    lib.GCP_EVENT_FAULT_SLID: ("fault: slid page", "fault"),
    lib.GCP_EVENT_FAULT_FRESH: ("fault: fresh page", "fault"),
    lib.GCP_EVENT_FAULT_WAITED: ("fault: waited", "fault"),
    lib.GCP_EVENT_FAULT_SPURIOUS: ("fault: mapped meanwhile", "fault"),
    lib.GCP_EVENT_MAP: ("map", "ioctl"),
    lib.GCP_EVENT_DISCARD: ("discard", "madvise"),
}


class Event(TypedDict, total=False):
    """An event of Chrome's format."""

    name: str
    cat: str
    ph: str
    pid: int
    tid: int
    ts: float
    dur: float
    args: dict[str, int] | dict[str, str]


def _span(name: str, category: str, thread: int, start: int, end: int, pages: int = 0) -> Event:
    event: Event = {"name": name, "cat": category, "ph": "X", "pid": 1, "tid": thread, "ts": start / 1000}
    event["dur"] = (end - start) / 1000
    if pages:
        event["args"] = {"pages": pages}
    return event


def _label(thread: int, name: str) -> Event:
    return {"name": "thread_name", "ph": "M", "pid": 1, "tid": thread, "args": {"name": name}}


def _events(thread: int, events: NDArray[np.void]) -> list[Event]:
    found = []
    for start, ns, kind, pages in zip(
        *(events[name].tolist() for name in ("start", "ns", "kind", "pages")), strict=True
    ):
        name, category = NAMES[kind]
        found.append(_span(name, category, thread, start, start + ns, pages))
    return found


def write_trace(path: str, recorder: Recorder, mutators: list[NDArray[np.void]], ioctls: NDArray[np.void]) -> None:
    """Write the trace of a run.

    Args:
        path: of the file.
        recorder: of its phases and pauses.
        mutators: events of each, in their order.
        ioctls: events of the collector's.

    """
    events = [_label(COLLECTOR, "collector: phases"), _label(PAUSES, "pauses"), _label(IOCTLS, "collector: ioctls")]
    events += [_span(name, "phase", COLLECTOR, start, end) for start, end, name in recorder.spans]
    for requested, stopped, restarted, name in recorder.stops:
        events.append(_span(f"stopping for {name}", "stop", PAUSES, requested, stopped))
        events.append(_span(name, "pause", PAUSES, stopped, restarted))
    events += _events(IOCTLS, ioctls)
    for number, one in enumerate(mutators):
        events.append(_label(FIRST_MUTATOR + number, f"mutator {number}"))
        events += _events(FIRST_MUTATOR + number, one)
    start = min((event["ts"] for event in events if "ts" in event), default=0.0)
    for event in events:
        if "ts" in event:
            event["ts"] -= start
    Path(path).write_bytes(msgspec.json.encode({"traceEvents": events, "displayTimeUnit": "ns"}))
