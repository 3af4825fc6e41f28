"""Minimum mutator utilisation (Cheng and Blelloch, PLDI 2001): the worst share of any window that a mutator had.

Utilisation over a window is lowest for one that begins where a stop begins or ends where one ends, so only those are
computed.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOWS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def mmu(starts: "NDArray[np.int64]", ends: "NDArray[np.int64]", begin: int, end: int, window: int) -> float | None:
    """Minimum mutator utilisation of one mutator.

    Args:
        starts: ns, of its stops, in ascending order, none overlapping the next; those outside are cut off.
        ends: ns, of the same.
        begin: ns, of the time that counts.
        end: ns, likewise.
        window: ns.

    Returns:
        0 to 1; None if the window is longer than the time.

    """
    if window > end - begin or window <= 0:
        return None
    inside = (ends > begin) & (starts < end)
    first = np.clip(starts[inside], begin, end)
    last = np.clip(ends[inside], begin, end)
    if len(first) == 0:
        return 1.0
    total = np.concatenate([[0], np.cumsum(last - first)])

    def stopped_before(times: "NDArray[np.int64]") -> "NDArray[np.int64]":
        """Time stopped in [begin, t), for each t."""
        index = np.searchsorted(first, times, side="right")
        before = np.maximum(index - 1, 0)
        part = np.where(index > 0, np.clip(times - first[before], 0, last[before] - first[before]), 0)
        found: NDArray[np.int64] = np.where(index > 0, total[before] + part, 0)
        return found

    windows = np.clip(np.concatenate([first, last - window]), begin, end - window)
    worst = np.max(stopped_before(windows + window) - stopped_before(windows))
    return float(max(0.0, 1 - worst / window))
