"""Accounts of pages and calls (native/uffd/answer.h) as dictionaries: their fields are listed in C and nowhere else."""

from collections.abc import Mapping
from typing import Any, Final

from gcproto._native import ffi
from gcproto.results.schema import MapAccount

ACCOUNT: Final = tuple(name for name, _ in ffi.typeof("struct gcp_account").fields or ())
"""All fields of ``struct gcp_account``."""

RENAMED: Final[Mapping[str, str]] = {"lost": "already"}
"""Fields of MapAccount that have another name in results than in C: results are older."""

MAPPING: Final = {name: RENAMED.get(name, name) for name in MapAccount.__struct_fields__}
"""Fields of MapAccount, and what each is in C."""


def counts_in(account: Any) -> dict[str, int]:
    """All fields.

    Args:
        account: ``struct gcp_account``.

    """
    return {name: int(getattr(account, name)) for name in ACCOUNT}


def map_counts_in(account: Any) -> dict[str, int]:
    """Those that mapping a heap's pages fills, by their names in results (MapAccount).

    Args:
        account: ``struct gcp_account``.

    """
    return {name: int(getattr(account, field)) for name, field in MAPPING.items()}
