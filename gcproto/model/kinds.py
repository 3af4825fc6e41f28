"""What the model counts: kinds of work, each with its own cost."""

from enum import StrEnum

import msgspec


class What(StrEnum):
    """Kinds without their folio size; the value is the name in reports, with ``{}`` for the order.

    SCATTERED are pages of memory made of small folios: their page frames are in any order, so each costs misses in
    the memory map.  NEIGHBOURS lie next to each other.  SHOOT_DOWN is of one other processor: with more of them the
    kernel waits for the slowest (gcproto.model.shoot_downs).
    """

    MOVE_CALL = "move call"
    SCATTERED = "page moved"
    NEIGHBOURS = "page of a split folio moved"
    WHOLE = "folio of order {} moved"
    SPLIT = "split of order {}"
    COPY_CALL = "copy call"
    COPIED = "page copied"
    DISCARDED = "page discarded"
    EBUSY = "EBUSY call"
    SHOOT_DOWN = "TLB shoot-down"
    SHOOT_DOWN_LONG = "TLB shoot-down of all entries"


GROUPS = {
    "calls": (What.MOVE_CALL, What.COPY_CALL),
    "pages": (What.SCATTERED, What.NEIGHBOURS),
    "whole folios": (What.WHOLE,),
    "splits": (What.SPLIT,),
    "shoot-downs": (What.SHOOT_DOWN, What.SHOOT_DOWN_LONG),
    "copies": (What.COPIED,),
    "discards": (What.DISCARDED,),
    "EBUSY": (What.EBUSY,),
}
"""Groups of kinds in an explanation, in its order."""


class Kind(msgspec.Struct, frozen=True, order=True):
    """A kind of work.

    Attributes:
        what: it is.
        order: log2 of the folio's size in base pages, of WHOLE and SPLIT; else 0.
        fresh: of the path lab, whose pages were just written: they are in the caches and cost less than in a heap.

    """

    what: What
    order: int = 0
    fresh: bool = False

    @property
    def name(self) -> str:
        """Name in reports: ``fresh split of order 4``."""
        return "fresh " * self.fresh + self.what.format(self.order)

    @property
    def group(self) -> str:
        """Its group in GROUPS."""
        return next(name for name, kinds in GROUPS.items() if self.what in kinds)


Row = dict[Kind, float]
"""Counts by kind."""

MOVE_CALL = Kind(What.MOVE_CALL)
COPY_CALL = Kind(What.COPY_CALL)
COPIED = Kind(What.COPIED)
DISCARDED = Kind(What.DISCARDED)
EBUSY = Kind(What.EBUSY)
SCATTERED = Kind(What.SCATTERED)
NEIGHBOURS = Kind(What.NEIGHBOURS)
SHOOT_DOWN = Kind(What.SHOOT_DOWN)
SHOOT_DOWN_LONG = Kind(What.SHOOT_DOWN_LONG)
