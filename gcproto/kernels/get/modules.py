"""Kernel modules for a guest: the wanted ones and their dependencies, in the order of loading.

A package has no modules.dep (depmod writes it on installation), but each module names what it depends on in its
.modinfo section.
"""

import lzma
import re
from collections.abc import Iterable, Mapping

WANTED = ("lzo-rle", "zram", "loop")
"""zram for swap, a loop device for the swap cache; lzo-rle is what zram compresses with by default up to 6.11."""

NAME = re.compile(r"([^/]+)\.ko(\.xz|\.gz|\.zst)?$")


def name_of(path: str) -> str | None:
    """Module's name of a file's name; None if it is not a module."""
    found = NAME.search(path)
    return found[1].replace("-", "_") if found else None


def decompress(path: str, data: bytes) -> bytes:
    """A module's contents.

    Raises:
        ValueError: its compression is unknown here.

    """
    if path.endswith(".xz"):
        return lzma.decompress(data)
    if path.endswith(".ko"):
        return data
    raise ValueError(f"{path}: modules are .ko or .ko.xz here")


def depends(data: bytes) -> list[str]:
    """Names of the modules that a module depends on."""
    found = re.search(rb"(?:^|\0)depends=([^\0]*)\0", data)
    return [name.decode().replace("-", "_") for name in found[1].split(b",") if name] if found else []


def dependencies_first(files: Mapping[str, bytes], wanted: Iterable[str] = WANTED) -> list[str]:
    """Names of the modules to load for `wanted`, dependencies first; missing ones are omitted.

    Args:
        files: contents by name.
        wanted: names.

    """
    order: list[str] = []

    def visit(name: str) -> None:
        if name in files and name not in order:
            for other in depends(files[name]):
                visit(other)
            order.append(name)

    for name in wanted:
        visit(name.replace("-", "_"))
    return order
