"""Names of sources and arms, as they stand in results, and what each is made of in C."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from gcproto._native import ffi, lib
from gcproto.chars import text_of
from gcproto.host.machine import Machine

if TYPE_CHECKING:
    from gcproto._native import Pointer

KINDS: Final[dict[str, int]] = {
    "small": lib.GCP_SOURCE_PLAIN,
    "mthp": lib.GCP_SOURCE_PLAIN,
    "thp": lib.GCP_SOURCE_PLAIN,
    "zero": lib.GCP_SOURCE_ZERO,
    "hole": lib.GCP_SOURCE_HOLE,
    "forked": lib.GCP_SOURCE_FORKED,
    "pinned": lib.GCP_SOURCE_PINNED,
    "swapped": lib.GCP_SOURCE_SWAPPED,
    "swapcache": lib.GCP_SOURCE_SWAPCACHE,
    "none": lib.GCP_SOURCE_HOLE,
}
"""Source names; ``none`` is for arms that use no source."""

SWAP_KINDS: Final = frozenset({"swapped", "swapcache"})
SWAPIN_ARMS: Final = ("swapin", "move_swapin")
"""Arms that end with the pages of a source ``swapped`` in memory again."""


def _numbers(name_of: "Callable[[int], Pointer[bytes]]") -> dict[str, int]:
    """Names that a C function knows, with their numbers."""
    found: dict[str, int] = {}
    while (name := name_of(len(found))) != ffi.NULL:
        found[text_of(name)] = len(found)
    return found


ARMS: Final[dict[str, int]] = _numbers(lib.gcp_arm_name)
"""Arm names and their numbers in C (native/paths/paths.h says what each does)."""

FRAMES: Final[dict[str, int]] = _numbers(lib.gcp_frames_name)
"""Orders of a source's page frames (native/paths/frames.h): ``any``, ``consecutive``, ``shuffled``."""

WORKING_SETS: Final[dict[str, int]] = _numbers(lib.gcp_working_set_name)
"""Where the work finds what it touches (native/paths/working_set.h): ``any``, ``cache``, ``memory``."""


def order_of(source: str, size: int | None, machine: Machine) -> int:
    """Folio order of a source: of its name, or of a folio size in bytes for those that come in several."""
    if source == "thp":
        return machine.pmd_order
    if size is None or source in {"small", "zero", "hole", "none"}:
        return 0
    return (size // machine.page_size).bit_length() - 1
