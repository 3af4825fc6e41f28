"""What the archive said last, in the cache: with the lock file, the catalog."""

from contextlib import suppress
from pathlib import Path

import msgspec

from gcproto.kernels import cache
from gcproto.kernels.architecture import ROWS, Architecture
from gcproto.kernels.get.catalog import Catalog, Lock, locked


def catalog() -> Catalog:
    """The lock file, and what the archive said last."""
    seen = {}
    for row in ROWS:
        with suppress(OSError, msgspec.DecodeError):
            seen[row.name] = msgspec.json.decode(seen_file(row).read_bytes(), type=Lock)
    return Catalog(locked(), seen)


def seen_file(architecture: Architecture) -> Path:
    """The archive's last answer about an architecture."""
    return cache.folder() / ("seen.json" if not architecture.cross else f"seen-{architecture.name}.json")
