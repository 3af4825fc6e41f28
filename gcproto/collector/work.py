"""What threads did in a collection, by kind, as C counts it (native/heap/work.h, native/heap/timeline.h)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gcproto._native import ffi, lib
from gcproto.accounts import MAPPING, map_counts_in
from gcproto.heap.arrays import array_at
from gcproto.results.schema import Work
from gcproto.structs import numbers_of

if TYPE_CHECKING:
    from gcproto._native import Array, gcp_mutator, gcp_mutator_ptr, gcp_tally

KINDS = (
    "build",
    "update",
    "slide",
    "move_1",
    "move_16",
    "move_128",
    "move_more",
    "copy_1",
    "copy_16",
    "copy_128",
    "copy_more",
    "remap",
    "zero",
    "wait",
    "discard",
    "renew",
)
"""By ``enum gcp_work_kind``."""

STALLS = {
    lib.GCP_EVENT_PAUSE: "pause",
    lib.GCP_EVENT_ALLOCATION: "memory",
    lib.GCP_EVENT_FAULT_READY: "fault_ready",
    lib.GCP_EVENT_FAULT_DENSE: "fault_dense",
    lib.GCP_EVENT_FAULT_BUILT: "fault_built",
    lib.GCP_EVENT_FAULT_SLID: "fault_slid",
    lib.GCP_EVENT_FAULT_FRESH: "fault_fresh",
    lib.GCP_EVENT_FAULT_WAITED: "fault_waited",
    lib.GCP_EVENT_FAULT_SPURIOUS: "fault_spurious",
}
"""What keeps a mutator from running, by ``enum gcp_event_kind``."""

FAULT_COUNTS = ("built", "slid", "updated", "fresh", "waited", "faults")

assert len(KINDS) == lib.GCP_WORK_COUNT

Tallies = NDArray[np.uint64]
"""A row for each kind: n, pages, timed, ns."""


def tallies_at(tallies: "Array[gcp_tally]", count: int) -> Tallies:
    """A copy of an array of ``struct gcp_tally``: (count, 4), uint64."""
    return array_at(ffi.cast("uint64_t *", tallies), count * 4, np.uint64).reshape(count, 4).copy()


def work_of(tallies: Tallies) -> list[Work]:
    """Kinds of work that were done at all.

    Args:
        tallies: (GCP_WORK_COUNT, 4).

    """
    return [Work(name, *map(int, row)) for name, row in zip(KINDS, tallies, strict=True) if row[0]]


def stalls_in(tallies: Tallies) -> list[Work]:
    """What kept mutators from running, where anything did.

    Args:
        tallies: (GCP_EVENT_COUNT, 4).

    """
    return [Work(name, *map(int, tallies[kind])) for kind, name in STALLS.items() if tallies[kind][0]]


@dataclass(frozen=True)
class Faults:
    """What faults did, since the mutators began or between two moments.

    Attributes:
        counts: pages by kind, pages and ioctls of the account.
        work, stalls: as ``work_of`` and ``stalls_in`` take them.

    """

    counts: dict[str, int]
    work: Tallies
    stalls: Tallies

    def since(self, before: "Faults") -> "Faults":
        """The difference."""
        counts = {name: value - before.counts[name] for name, value in self.counts.items()}
        return Faults(counts, self.work - before.work, self.stalls - before.stalls)


def faults_of(mutators: "Iterable[gcp_mutator | gcp_mutator_ptr]") -> Faults:
    """What faults of these mutators did since they began."""
    counts = dict.fromkeys((*FAULT_COUNTS, *MAPPING), 0)
    work = np.zeros((lib.GCP_WORK_COUNT, 4), dtype=np.uint64)
    stalls = np.zeros((lib.GCP_EVENT_COUNT, 4), dtype=np.uint64)
    for mutator in mutators:
        numbers = numbers_of(mutator)
        for name in FAULT_COUNTS:
            counts[name] += numbers[name]
        for name, value in map_counts_in(mutator.account).items():
            counts[name] += value
        work += tallies_at(mutator.work, lib.GCP_WORK_COUNT)
        stalls += tallies_at(mutator.stalls, lib.GCP_EVENT_COUNT)
    return Faults(counts, work, stalls)
