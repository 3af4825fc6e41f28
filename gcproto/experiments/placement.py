"""Which processors the threads of a window or a heap run on: a collector beside its mutators, or in their way.

If more threads want to run than there are processors, the scheduler's choice is measured as well.  So the placement is
a parameter: a collector with a processor of its own, one that shares it with a mutator, and threads that are not bound.
"""

import os
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from gcproto.errors import GcprotoError

if TYPE_CHECKING:
    from gcproto._native import gcp_ran


class Placement(StrEnum):
    """Where the collector's thread runs."""

    OWN = "own"
    """On a processor that has nothing else to do; mutators on the others."""
    SHARED = "shared"
    """On a processor that also runs a mutator: there are as many processors as mutators, or fewer."""
    UNPLACED = "unplaced"
    """Wherever the scheduler likes, as the other threads."""


class Cpus(msgspec.Struct, frozen=True):
    """Processors that threads are bound to, -1 for none.

    Attributes:
        collector: of the collector's thread.
        mutators: of each mutator.
        handler: of a thread that answers faults, where there is one.
        compactors: of each compacting thread beside the collector's.

    """

    collector: int
    mutators: tuple[int, ...]
    handler: int
    compactors: tuple[int, ...] = ()


class Ran(msgspec.Struct):
    """Where a thread ran, as far as it looked; fields as in ``struct gcp_ran`` (native/base/platform.h)."""

    asked: int = -1
    first: int = -1
    last: int = -1
    moves: int = 0


def ran_of(raw: "gcp_ran") -> Ran:
    """The value of a ``struct gcp_ran``."""
    return Ran(raw.asked, raw.first, raw.last, raw.moves)


def allowed() -> list[int]:
    """Processors that this process may run on, in ascending order."""
    return sorted(os.sched_getaffinity(0))


def cpus_for(placement: Placement, mutators: int, compactors: int = 1) -> Cpus:
    """Processors for a placement, out of those that this process may run on.

    The collector has the last one, as interrupts like the first.  A handler thread never takes the collector's own: it
    has one to itself where one is left over, and the first mutator's else, which often sleeps while it is served.
    Compacting threads beside the collector's have processors that are left over, and share those of mutators else.

    Args:
        placement: what is asked.
        mutators: threads beside the collector's.
        compactors: threads that compact, the collector's included.

    Raises:
        GcprotoError: a processor of its own is asked for where there is but one.

    """
    known = allowed()
    if placement is Placement.UNPLACED:
        return Cpus(-1, (-1,) * mutators, -1, (-1,) * (compactors - 1))
    if placement is Placement.SHARED:
        some = known[:mutators]
        spread = tuple(some[number % len(some)] for number in range(mutators))
        return Cpus(spread[-1], spread, spread[0], tuple(some[number % len(some)] for number in range(compactors - 1)))
    if len(known) < 2:
        raise GcprotoError(
            "the collector can't have a processor of its own",
            why=f"this process may run on one processor ({known[0]}), and mutators need one as well",
            remedy="--placement shared, or allow it another (taskset, cpuset)",
        )
    *others, collector = known
    spread = tuple(others[number % len(others)] for number in range(mutators))
    left = others[mutators:] or others
    helpers = tuple(left[number % len(left)] for number in range(compactors - 1))
    return Cpus(collector, spread, left[0], helpers)


def oversubscribed(threads: int) -> int:
    """How many runnable threads have no processor at any moment.

    Args:
        threads: that want to run at the same time.

    Returns:
        0 if there is a processor for each.

    """
    return max(0, threads - len(allowed()))
