"""Ways to map ready pages in the window after the flip: what the collector's thread does, and what a fault does.

``copy`` and ``move`` are ART's two modes (art/runtime/gc/collector/mark_compact.cc, MapMovingSpacePages): batches on
the collector's thread, one page for a fault.  ``move-copy`` is its policy for faults that come early (3ea872cadc).  The
others are experiments.  ``-no-states`` keeps no state for each page: the kernel's answer says what is mapped already.
``-thread`` is ART before UFFD_FEATURE_SIGBUS (70f6132cf7), where one thread reads the userfaultfd and answers all
faults.
"""

from dataclasses import dataclass
from enum import StrEnum

from gcproto._native import lib

MOVE: int = lib.GCP_VERB_MOVE
COPY: int = lib.GCP_VERB_COPY

BATCH = 512
GROUP = 16
REGION = 512
"""Pages: of a batch of the collector's, of a group that a fault maps, of a region with an anon_vma of its own."""


class Handler(StrEnum):
    """Who answers a fault."""

    SIGBUS = "sigbus"
    """The thread that faulted, in its signal handler."""
    THREAD = "thread"
    """One thread that reads the userfaultfd, while the one that faulted sleeps."""

    @property
    def number(self) -> int:
        """Its ``enum gcp_handler``."""
        return lib.GCP_HANDLER_THREAD if self is Handler.THREAD else lib.GCP_HANDLER_SIGBUS


@dataclass(frozen=True)
class Way:
    """A way.

    Args:
        name: as in results.
        collector_by, collector_pages: what the collector's ioctls do, and for how many pages at most.
        fault_by, fault_pages: the same for a fault: the ready pages of the aligned group around the one that faulted.
        region_pages: from-space is cut into mappings of that many pages with an anon_vma each; 0: it is one mapping.
        text: in words.
        handler: who answers a fault.
        states: both look at a page's state before they ask the kernel to map it; False: only
            EEXIST says what is mapped.

    """

    name: str
    collector_by: int
    collector_pages: int
    fault_by: int
    fault_pages: int
    region_pages: int
    text: str
    handler: Handler = Handler.SIGBUS
    states: bool = True


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
        *_variants("copy", COPY, batch),
        *_variants("move", MOVE, batch),
    ]
    return {way.name: way for way in found}


def _variants(name: str, by: int, batch: int) -> list[Way]:
    """A mode of ART's without page states, and with a handler thread."""
    unseen = f"{name}, no page states: EEXIST says what is mapped"
    thread = f"{name}, one thread reads the userfaultfd and answers all faults (ART before SIGBUS)"
    return [
        Way(f"{name}-no-states", by, batch, by, 1, 0, unseen, states=False),
        Way(f"{name}-thread", by, batch, by, 1, 0, thread, handler=Handler.THREAD),
    ]


DEFAULT_WAYS = (
    "copy",
    "move",
    "move-copy",
    "move-group",
    "move-regions",
    "move-plain",
    "copy-no-states",
    "move-no-states",
    "copy-thread",
    "move-thread",
)
CHOSEN = "move-copy"
"""What the heap does with a page that is ready.

The window's figures chose it (docs/results/window.md).  The mutator phase is far below that of copy, and faults cost no
more.  The mutator phase of move-group is a little shorter, but a fault waits for the MOVE of the whole group.
"""
