"""Ways to map ready pages in the window after the flip: what the collector's thread does, and what a fault does.

``copy`` and ``move`` are ART's two modes (art/runtime/gc/collector/mark_compact.cc, MapMovingSpacePages): batches on
the collector's thread, one page for a fault.  ``move-copy`` is its policy for faults that come early (3ea872cadc).  The
others are experiments.
"""

from dataclasses import dataclass

from gcproto._native import lib

MOVE: int = lib.GCP_MAP_MOVE
COPY: int = lib.GCP_MAP_COPY

BATCH = 512
GROUP = 16
REGION = 512
"""Pages: of a batch of the collector's, of a group that a fault maps, of a region with an anon_vma of its own."""


@dataclass(frozen=True)
class Way:
    """A way.

    Args:
        name: as it stands in results.
        collector_by, collector_pages: what the collector's ioctls do, and for how many pages at most.
        fault_by, fault_pages: the same for a fault: the ready pages of the aligned group around the one that faulted.
        region_pages: from-space is cut into mappings of that many pages with an anon_vma each; 0: it is one mapping.
        text: in words.

    """

    name: str
    collector_by: int
    collector_pages: int
    fault_by: int
    fault_pages: int
    region_pages: int
    text: str


def ways(batch: int = BATCH, group: int = GROUP) -> dict[str, Way]:
    """All ways, by name.

    Args:
        batch: pages per ioctl of the collector's batches.
        group: pages that a fault maps where it maps more than its own.

    """
    found = [
        Way("copy", COPY, batch, COPY, 1, 0, f"COPY {batch} pages, a fault COPYs its page (ART's copy mode)"),
        Way("move", MOVE, batch, MOVE, 1, 0, f"MOVE {batch} pages, a fault MOVEs its page (ART's move mode)"),
        Way("move-copy", MOVE, batch, COPY, 1, 0, f"MOVE {batch} pages, a fault COPYs its page"),
        Way("move-group", MOVE, batch, MOVE, group, 0, f"MOVE {batch} pages, a fault MOVEs its group of {group}"),
        Way("move-regions", MOVE, batch, MOVE, 1, REGION, f"move, from-space in regions of {REGION} pages"),
        Way("move-plain", MOVE, 1, MOVE, 1, 0, "MOVE 1 page, a fault MOVEs its page: what not to do"),
        Way("copy-group", COPY, batch, COPY, group, 0, f"COPY {batch} pages, a fault COPYs its group of {group}"),
    ]
    return {way.name: way for way in found}


DEFAULT_WAYS = ("copy", "move", "move-copy", "move-group", "move-regions", "move-plain")
CHOSEN = "move-copy"
"""What the heap does with a page that is ready, chosen by the window's figures (see README): a mutator phase far below
copy's, and faults no dearer than there.

move-group has the shortest mutator phase of all by a little, but a fault waits for the whole group's MOVE.
"""
