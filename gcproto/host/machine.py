"""Sizes of this machine's memory, and its processors, from the system (see native/base/platform.h)."""

import os
from dataclasses import dataclass

from gcproto._native import ffi, lib
from gcproto.sizes import KIB


@dataclass(frozen=True)
class Machine:
    """Sizes from the system.

    Attributes:
        page_size, pmd_size: bytes;  pmd_order: log2 of the pages of a THP.
        anon_orders: of the large folios that anonymous memory can have.
        cpus: processors that this process may run on.
        llc_bytes: of the last-level cache of the first of them; 0 if unknown.

    """

    page_size: int
    pmd_size: int
    pmd_order: int
    anon_orders: tuple[int, ...]
    cpus: int
    llc_bytes: int = 0

    @property
    def mid_order(self) -> int:
        """The mTHP that tables show: 64 KiB if it exists, else the nearest above; 0 without mTHP."""
        sizes = [order for order in self.anon_orders if order < self.pmd_order]
        fitting = [order for order in sizes if self.page_size << order >= 64 * KIB]
        return (fitting or sizes or [0])[0]


def machine() -> Machine:
    """Sizes of this machine."""
    got = ffi.new("struct gcp_platform *")
    lib.gcp_platform_get(got)
    orders = tuple(order for order in range(1, got.pmd_order + 1) if got.anon_orders >> order & 1)
    return Machine(got.page_size, got.pmd_size, got.pmd_order, orders, got.cpus, got.llc_bytes)


def choose_cpus() -> tuple[int, int]:
    """The processor to work on (the last allowed: interrupts like the first) and one for the second thread or -1."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[-1], allowed[0] if len(allowed) > 1 else -1
