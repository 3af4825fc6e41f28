"""Facts of a result that every reader needs: kernel, processor, sizes, the guest's cell."""

import re
from collections.abc import Mapping

from gcproto.results.schema import KernelCell, Result

FLAVOUR = "-cloud-amd64"
UNKNOWN = "unknown"
UNKNOWN_PAGE_SIZE = 4096
"""Page size of results whose environment lacks it: only damaged and artificial ones."""
PMD_ENTRIES = 8
"""Bytes of an entry of a page table. A page is full of entries, so the page size gives the range of a PMD."""

Version = tuple[tuple[int, ...], bool, str]


def group(result: Result, name: str) -> Mapping[str, object]:
    """A group of the environment: kernel, cpu, thp, uffd, run, ...; empty if there is none."""
    found = result.environment.get(name)
    return found if isinstance(found, dict) else {}


def release_of(result: Result) -> str:
    """Kernel of a result."""
    return str(group(result, "kernel").get("release") or UNKNOWN)


def cpu_of(result: Result) -> str:
    """Model of its processor."""
    return str(group(result, "cpu").get("model") or UNKNOWN)


def page_size_of(result: Result) -> int:
    """Bytes of a base page."""
    return int(result.environment.get("page_size") or UNKNOWN_PAGE_SIZE)


def pmd_size_of(result: Result) -> int:
    """Bytes that a PMD maps."""
    page = page_size_of(result)
    return int(result.environment.get("pmd_size") or page * (page // PMD_ENTRIES))


def cell_of(result: Result) -> KernelCell | None:
    """The scenario set of its guest; None for results that are not of the kernel matrix."""
    return result.experiment if isinstance(result.experiment, KernelCell) else None


def of_heap(result: Result) -> bool:
    """Whether it is of the scenario set ``heap``."""
    cell = cell_of(result)
    return cell is not None and cell.set == "heap"


def version_key(release: str) -> Version:
    """Sort key by version: ``6.12.43 < 6.12.117 < 6.16``, ``7.3~rc7`` and Debian's ``7.3-cloud`` before 7.3.1."""
    candidate = re.search(r"[~-]rc\d", release) is not None
    return _numbers(release), not candidate, release


def branch_of(release: str) -> tuple[int, int] | None:
    """6.18 of ``6.18.44``; None if it does not begin with a version."""
    found = _numbers(release)
    return (found[0], found[1]) if len(found) > 1 else None


def short(release: str) -> str:
    """The release without the flavour that all of Debian's guests have."""
    return release.removesuffix(FLAVOUR)


def _numbers(release: str) -> tuple[int, ...]:
    found = re.match(r"[0-9]{1,9}(?:\.[0-9]{1,9})*", release)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
