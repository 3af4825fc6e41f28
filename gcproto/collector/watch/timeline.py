"""Events of a thread (native/heap/timeline.h) as arrays."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gcproto._native import ffi
from gcproto.heap.arrays import array_at

if TYPE_CHECKING:
    from gcproto._native import gcp_timeline

EVENT = np.dtype([("start", "<u8"), ("ns", "<u4"), ("kind", "<u2"), ("pages", "<u2")])


def events_of(timeline: "gcp_timeline") -> NDArray[np.void]:
    """The events of a timeline: an array of EVENT, a copy."""
    if not timeline.n:
        return np.zeros(0, dtype=EVENT)
    return array_at(ffi.cast("uint8_t *", timeline.events), timeline.n, EVENT).copy()
