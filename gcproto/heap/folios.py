"""The folios of a heap's memory: a policy by name, and the folios that result.

A policy asks by madvise. The limit to folios of one size is a setting of the machine, which the command makes while it
runs (gcproto.host.settings). Fresh memory follows the policy. Evacuated memory does not: UFFDIO_COPY allocates small
folios, and UFFDIO_MOVE splits folios that it does not move whole. While khugepaged is quiet, the kernel does not make
large folios of small ones.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gcproto._native import ffi, lib
from gcproto.errors import ExitCode, GcprotoError
from gcproto.heap.pages import PAGE_BYTES
from gcproto.host.machine import machine
from gcproto.results.schema import FolioCounts
from gcproto.sizes import size_text


@dataclass(frozen=True)
class Memory:
    """A policy.

    Args:
        name: ``small``, a size such as ``64k`` or ``2m``, or ``system``.
        order: log2 of the folio size in base pages; 0 for small, None for the system's choice.

    """

    name: str
    order: int | None

    @property
    def advice(self) -> int:
        """``enum gcp_advice``."""
        if self.order is None:
            return lib.GCP_ADVICE_NONE
        return lib.GCP_ADVICE_LARGE if self.order else lib.GCP_ADVICE_SMALL

    def advise(self, start: int, size: int) -> None:
        """Ask for such folios in a range of addresses.

        Raises:
            GcprotoError: this kernel has no large folios.

        """
        if self.order == 0:
            lib.gcp_region_small(start, size)
        elif self.order and lib.gcp_region_large(start, size) < 0:
            raise GcprotoError(f"memory of {self.name} is unavailable", why="this kernel has no transparent huge pages")


SMALL = Memory("small", 0)
SYSTEM = Memory("system", None)


def parse_memory(text: str) -> Memory:
    """A policy by its name.

    Raises:
        GcprotoError: there is no such policy, or this kernel has no folios of that size.

    """
    named = {one.name: one for one in (SMALL, SYSTEM)}
    if text in named:
        return named[text]
    sizes = {size_text(PAGE_BYTES << order): order for order in machine().anon_orders}
    if text.lower() not in sizes:
        raise GcprotoError(
            f"no folios of {text!r} are available here",
            why=f"known: {', '.join([*named, *sizes])}",
            code=ExitCode.USAGE,
        )
    return Memory(text.lower(), sizes[text.lower()])


def parse_memories(words: Iterable[str]) -> list[Memory]:
    """Policies by their names, in the order in which they can be set: see `parse_memory`.

    The system's choice comes first, because a policy with a size changes the system's settings.
    """
    return sorted(map(parse_memory, words), key=lambda one: one.order is not None)


class FolioCensus:
    """Counts pages of a range by the order of their folios, and splits of folios in the whole system.

    Needs root: page frame numbers and /proc/kpageflags.
    """

    def __init__(self, pages: int) -> None:
        self._prover = ffi.new("struct gcp_prover *")
        self._view = ffi.new("struct gcp_view *")
        self._counters = ffi.new("struct gcp_counters *")
        if lib.gcp_prover_init(self._prover) < 0 or lib.gcp_view_init(pages, self._view) < 0:
            raise GcprotoError("folios can't be counted: /proc/self/pagemap can't be read")
        self.possible = bool(self._prover.have & lib.GCP_PROOF_KPF)

    def count(self, start: int, pages: int) -> FolioCounts:
        """Present pages by order of their folio; swapped ones and the zero page apart."""
        lib.gcp_view_read(self._prover, start, pages, self._view)
        view = self._view
        found = {order: view.order_histogram[order] for order in range(lib.GCP_MAX_ORDER + 1)}
        present = {order: count for order, count in found.items() if count}
        return FolioCounts(present, view.swapped, view.zero_pages)

    def splits(self) -> dict[int, int]:
        """Folios split since boot, by order."""
        lib.gcp_counters_read(self._prover, self._counters)
        return {order: self._counters.split[order] for order in range(lib.GCP_MAX_ORDER + 1)}

    def close(self) -> None:
        """Free memory and descriptors."""
        lib.gcp_view_deinit(self._view)
        lib.gcp_prover_deinit(self._prover)
