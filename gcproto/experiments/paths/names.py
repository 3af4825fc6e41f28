"""Names of sources, arms, orders of frames and working sets, as in results, with their numbers in C."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from gcproto import rows
from gcproto._native import ffi, lib
from gcproto.chars import text_of
from gcproto.host.machine import Machine
from gcproto.sizes import log2_pages

if TYPE_CHECKING:
    from gcproto._native import Pointer

KINDS: Final[dict[str, int]] = {name: row.number for name, row in rows.SOURCES.items()}
"""Source names (native/paths/sources.c has the table); ``none`` is for arms that use no source."""

ARMS: Final[dict[str, int]] = {name: row.number for name, row in rows.ARMS.items()}
"""Arm names (native/paths/arms.c has the table, and says what each does)."""

SWAP_KINDS: Final = rows.SWAP_SOURCES
SWAPIN_ARMS: Final = rows.arms_with(lib.GCP_ARM_SWAPS_IN)
"""Arms that end with the pages of a source ``swapped`` in memory again."""


def _numbers(name_of: "Callable[[int], Pointer[bytes]]") -> dict[str, int]:
    """Names that a C function knows, with their numbers."""
    found: dict[str, int] = {}
    while (name := name_of(len(found))) != ffi.NULL:
        found[text_of(name)] = len(found)
    return found


FRAMES: Final[dict[str, int]] = _numbers(lib.gcp_frames_name)
"""Orders of a source's page frames (native/paths/frames.h): ``any``, ``consecutive``, ``shuffled``."""

WORKING_SETS: Final[dict[str, int]] = _numbers(lib.gcp_working_set_name)
"""Where the work finds what it touches (native/paths/working_set.h): ``any``, ``cache``, ``memory``."""


def order_of(source: str, size: int | None, machine: Machine) -> int:
    """Folio order of a source: of its name, or of a folio size in bytes for those that come in several."""
    if rows.source_is(source, lib.GCP_SOURCE_PMD):
        return machine.pmd_order
    if size is None or not rows.source_is(source, lib.GCP_SOURCE_LARGE):
        return 0
    return log2_pages(size, machine.page_size)
