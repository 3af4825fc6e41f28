"""What kept a mutator from going on: its events, the longest of them, and the minimum mutator utilisation.

All times are ns of the monotonic clock, read in C on the thread that they are about (native/heap/timeline.h).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gcproto._native import lib
from gcproto.collector.watch.timeline import events_of
from gcproto.experiments.session.mmu import WINDOWS_MS, mmu
from gcproto.results.schema import Stall

if TYPE_CHECKING:
    from gcproto._native import gcp_mutator_ptr

FAULTS = (
    lib.GCP_EVENT_FAULT_READY,
    lib.GCP_EVENT_FAULT_DENSE,
    lib.GCP_EVENT_FAULT_BUILT,
    lib.GCP_EVENT_FAULT_SLID,
    lib.GCP_EVENT_FAULT_FRESH,
    lib.GCP_EVENT_FAULT_WAITED,
    lib.GCP_EVENT_FAULT_SPURIOUS,
)
LONGEST = 2**32 - 1
"""ns that one event can hold; what took longer is several, one right after the other."""
CAUSES = {
    lib.GCP_EVENT_PAUSE: "pause",
    lib.GCP_EVENT_ALLOCATION: "waiting for memory",
    lib.GCP_EVENT_FAULT_READY: "fault on a ready page",
    lib.GCP_EVENT_FAULT_DENSE: "fault on a dense page",
    lib.GCP_EVENT_FAULT_BUILT: "fault that built a page",
    lib.GCP_EVENT_FAULT_SLID: "fault that slid a page",
    lib.GCP_EVENT_FAULT_FRESH: "fault on a fresh page",
    lib.GCP_EVENT_FAULT_WAITED: "fault that waited for another thread",
    lib.GCP_EVENT_FAULT_SPURIOUS: "fault on a page that was mapped meanwhile",
    lib.GCP_EVENT_MAP: "map",
    lib.GCP_EVENT_DISCARD: "discard",
}


def joined(events: NDArray[np.void]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint16]]:
    """Starts, lengths in ns, and kinds of events, the parts of a long one taken together."""
    starts, lengths, kinds = events["start"].astype(np.int64), events["ns"].astype(np.int64), events["kind"]
    if not len(events):
        return starts, lengths, kinds
    part = (lengths[:-1] == LONGEST) & (starts[1:] == starts[:-1] + LONGEST) & (kinds[1:] == kinds[:-1])
    first = np.flatnonzero(np.concatenate([[True], ~part]))
    return starts[first], np.add.reduceat(lengths, first), kinds[first]


def delivered(
    starts: NDArray[np.int64], lengths: NDArray[np.int64], kinds: NDArray[np.uint16], delivery: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint16]]:
    """The same events, faults with the time that their delivery takes: half of it before the handler, half after.

    Args:
        starts: ns, in ascending order.
        lengths: ns.
        kinds: ``enum gcp_event_kind``.
        delivery: ns, 0 leaves them.

    Returns:
        starts, lengths, kinds; where two events come closer to each other, the gap between them is shared out.

    """
    if not len(starts) or not delivery:
        return starts, lengths, kinds
    longer = np.where(np.isin(kinds, FAULTS), delivery // 2, 0)
    ends = starts + lengths
    gap = np.maximum(starts[1:] - ends[:-1], 0)
    before = longer.copy()
    before[1:] = np.minimum(longer[1:], gap // 2)
    after = longer.copy()
    after[:-1] = np.minimum(longer[:-1], gap - before[1:])
    return starts - before, lengths + before + after, kinds


def timing_error(mutators: "list[gcp_mutator_ptr]", started: int) -> str:
    """Why the times of a run can't be believed; "" if they can.

    Args:
        mutators: all through.
        started: when they were let go.

    """
    for native in mutators:
        ended = native.ended_ns
        if not ended:
            return "its workload does not say when it ended (gcproto.heap.mutator.ended)"
        if ended < started:
            return f"the clock says that mutator {native.number} ended {started - ended} ns before it began"
        if native.timeline.backwards:
            return f"{native.timeline.backwards} events of mutator {native.number} ended before they began"
    return ""


def stalls_of(
    mutators: "list[gcp_mutator_ptr]", started: int, pause_at: Callable[[int], str], delivery: int = 0
) -> tuple[dict[int, float], Stall]:
    """The worst utilisation of any mutator by window in ms, and the longest stall.

    Args:
        mutators: all through.
        started: when they were let go.
        pause_at: what the pause was for that a moment lies in.
        delivery: ns that a fault costs its mutator before and after the handler, whose clock does not see it.

    """
    worst: dict[int, float] = {}
    longest = Stall()
    for native in mutators:
        events = events_of(native.timeline)
        starts, lengths, kinds = delivered(*joined(events[events["start"] >= started]), delivery)
        for window in WINDOWS_MS:
            value = mmu(starts, starts + lengths, started, native.ended_ns, window * 1_000_000)
            if value is not None:
                worst[window] = min(worst.get(window, 1.0), value)
        if len(lengths):
            at = int(np.argmax(lengths))
            if lengths[at] > longest.ns:
                cause = CAUSES[int(kinds[at])]
                if cause == "pause":
                    cause = pause_at(int(starts[at] + lengths[at] // 2))
                longest = Stall(int(lengths[at]), cause, native.number)
    return worst, longest
