"""What the model counts: kinds of things that take time, each with a cost of its own."""

from enum import StrEnum

import msgspec


class What(StrEnum):
    """Kinds without their folio size; the value is the name for people, ``{}`` stands for the order.

    SCATTERED are pages of memory made of small folios: their page frames lie anywhere, so that each costs misses in
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
"""Kinds as an explanation has them, in its order."""


class Kind(msgspec.Struct, frozen=True, order=True):
    """A kind of thing that takes time.

    Attributes:
        what: it is.
        order: log2 of the folio's size in base pages, of WHOLE and SPLIT; else 0.
        fresh: of the path lab, whose pages were written a moment ago: what is theirs is in the caches, and costs less
            than in a heap.

    """

    what: What
    order: int = 0
    fresh: bool = False

    @property
    def name(self) -> str:
        """For people: ``fresh split of order 4``."""
        return "fresh " * self.fresh + self.what.format(self.order)

    @property
    def group(self) -> str:
        """Which of GROUPS it belongs to."""
        return next(name for name, kinds in GROUPS.items() if self.what in kinds)


Row = dict[Kind, float]
"""How often each kind occurs."""

MOVE_CALL = Kind(What.MOVE_CALL)
COPY_CALL = Kind(What.COPY_CALL)
COPIED = Kind(What.COPIED)
DISCARDED = Kind(What.DISCARDED)
EBUSY = Kind(What.EBUSY)
SCATTERED = Kind(What.SCATTERED)
NEIGHBOURS = Kind(What.NEIGHBOURS)
SHOOT_DOWN = Kind(What.SHOOT_DOWN)
SHOOT_DOWN_LONG = Kind(What.SHOOT_DOWN_LONG)
