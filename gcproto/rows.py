"""Arms and sources of the path lab as their tables in C have them: names, numbers and what is to be known of each.

The tables are native/paths/arms.c and native/paths/sources.c.  Python does not list arms or sources by what they are:
it asks here.  Names in results may be of other versions, so a name that the tables do not have has no flags.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gcproto._native import ffi, lib
from gcproto.chars import text_of

if TYPE_CHECKING:
    from gcproto._native import Pointer


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Args:
        name: as in results.
        number: its place, which is what C is given.
        flags: ``enum gcp_arm_flag`` or ``enum gcp_source_flag`` bits.

    """

    name: str
    number: int
    flags: int

    def has(self, flags: int) -> bool:
        """Whether it has one of these flags."""
        return bool(self.flags & flags)


def _rows(name_of: "Callable[[int], Pointer[bytes]]", flags_of: Callable[[int], int]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    while (name := name_of(number := len(found))) != ffi.NULL:
        row = Row(text_of(name), number, flags_of(number))
        found[row.name] = row
    return found


ARMS: Final = _rows(lib.gcp_arm_name, lib.gcp_arm_flags)
SOURCES: Final = _rows(lib.gcp_source_name, lib.gcp_source_flags)

_NOTHING: Final = Row("", -1, 0)


def arm_is(name: str, flags: int) -> bool:
    """Whether an arm of that name is known and has one of these flags (``lib.GCP_ARM_*``)."""
    return ARMS.get(name, _NOTHING).has(flags)


def source_is(name: str, flags: int) -> bool:
    """Whether a source of that name is known and has one of these flags (``lib.GCP_SOURCE_*``)."""
    return SOURCES.get(name, _NOTHING).has(flags)


def arms_with(flags: int) -> tuple[str, ...]:
    """Arms that have one of these flags, in the order of the table."""
    return tuple(name for name, row in ARMS.items() if row.has(flags))


def sources_with(flags: int) -> tuple[str, ...]:
    """Sources that have one of these flags, in the order of the table."""
    return tuple(name for name, row in SOURCES.items() if row.has(flags))


SWAP_SOURCES: Final = frozenset(sources_with(lib.GCP_SOURCE_SWAPS))
"""Sources that need a swap device."""
