"""Accounts of pages and calls (native/uffd/answer.h) as dictionaries: their fields are listed in C and nowhere else."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from gcproto.results.schema import MapAccount
from gcproto.structs import number_names, numbers_of

if TYPE_CHECKING:
    from gcproto._native import Struct

ACCOUNT: Final = number_names("gcp_account")
"""All fields of ``struct gcp_account``."""

RENAMED: Final[Mapping[str, str]] = {"lost": "already"}
"""Fields of MapAccount that have another name in results than in C: results are older."""

MAPPING: Final = {name: RENAMED.get(name, name) for name in MapAccount.__struct_fields__}
"""Fields of MapAccount, and what each is in C."""


def map_counts_in(account: "Struct") -> dict[str, int]:
    """Those that mapping a heap's pages fills, by their names in results (MapAccount).

    Args:
        account: ``struct gcp_account``.

    """
    counts = numbers_of(account)
    return {name: counts[field] for name, field in MAPPING.items()}
