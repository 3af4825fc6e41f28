"""A second live thread beside a heap that stands still: native/base/toucher.c, as the path lab has it.

It touches pages of its own on another processor, so that each page that leaves its place has to be flushed from that
processor's TLB as well.  That is what a collector meets whose mutators run.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gcproto._native import ffi, lib
from gcproto.errors import GcprotoError
from gcproto.host.machine import choose_cpus

if TYPE_CHECKING:
    from gcproto._native import gcp_toucher_ptr


def two_processors() -> tuple[int, int]:
    """The processor of the thread that works, and that of the other thread.

    Raises:
        GcprotoError: this process may run on one only.

    """
    cpu, other = choose_cpus()
    if other < 0:
        raise GcprotoError(
            "a second live thread needs a second processor",
            why="this process may run on one",
            remedy="--threads 1, or allow it another (taskset)",
        )
    return cpu, other


class SecondThread:
    """The other thread, or none.

    Args:
        native: the thread of C; None for none.
        cpu: its processor; -1 for none.

    """

    def __init__(self, native: "gcp_toucher_ptr | None" = None, cpu: int = -1) -> None:
        self._native = native
        self.cpu = cpu

    def __bool__(self) -> bool:
        return self._native is not None

    def await_it(self) -> None:
        """Wait until it runs: another process may have its processor."""
        if self._native is not None:
            lib.gcp_toucher_await(self._native)

    def sweeps(self) -> int:
        """How often it has swept its pages so far; 0 for none."""
        return lib.gcp_toucher_sweeps(self._native) if self._native is not None else 0


@contextmanager
def second_thread(threads: int) -> Iterator[SecondThread]:
    """Keep the address space live on another processor; the caller is pinned to its own meanwhile.

    Args:
        threads: 2; with 1 there is no other thread, and nothing is pinned.

    Yields:
        the other thread.

    Raises:
        GcprotoError: there is no second processor, or the thread can't be made.

    """
    if threads < 2:
        yield SecondThread()
        return
    allowed = os.sched_getaffinity(0)
    cpu, other = two_processors()
    made = ffi.new("struct gcp_toucher **")
    err = lib.gcp_toucher_create(other, made)
    if err:
        raise GcprotoError("the second thread can't be made", why=os.strerror(-err))
    try:
        os.sched_setaffinity(0, {cpu})
        yield SecondThread(made[0], other)
    finally:
        os.sched_setaffinity(0, allowed)
        lib.gcp_toucher_destroy(made[0])
