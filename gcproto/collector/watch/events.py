"""Events of a collection for its listeners; listeners take the times, the collector does not (as in whippet)."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gcproto.collector.modes import Mode
from gcproto.collector.work import Faults

if TYPE_CHECKING:
    from gcproto._native import gcp_compaction_ptr, gcp_plan_ptr, gcp_swept

PHASES = (
    "initialise",
    "cards",
    "mark",
    "prepare",
    "split",
    "compact",
    "drain",
    "promote",
    "release",
    "restore",
    "verify",
)
PAUSES = ("final marking", "flip", "whole collection", "recovery", "verification")


@dataclass(frozen=True)
class Stop:
    """When a pause was, ns of the monotonic clock.

    It is read in C (native/heap/world.c), before mutators can run again: the collector's thread comes to read a clock
    when they have left it a processor, and the GIL.

    Args:
        requested: mutators were asked to stop.
        stopped: the collector's thread saw that they had.
        restarted: the last moment before they could run.

    """

    requested: int
    stopped: int
    restarted: int


class Watched(Protocol):
    """The collector, as listeners see it."""

    @property
    def mode(self) -> Mode:
        """How it collects."""
        ...

    @property
    def native(self) -> "gcp_compaction_ptr":
        """The collector of C."""
        ...

    @property
    def cycles(self) -> int:
        """Collections so far."""
        ...

    def pause(self, name: str) -> AbstractContextManager[None]:
        """Mutators are stopped within."""
        ...

    def unremembered(self) -> int:
        """Old objects that refer to younger ones and are not remembered; the world is stopped."""
        ...


class Listener:
    """Does nothing; listeners override what they want to know.

    Phases run beside mutators, pauses stop them.  But for the first, all is called on the collector's thread, in order.

    Attributes:
        counts_objects: whether a listener wants the number of live objects, which takes a pass over a bitmap.

    """

    counts_objects = False

    def attached(self, collector: Watched) -> None:
        """The collector is ready, and has not collected yet."""

    def cycle_begins(self, number: int, used: int) -> None:
        """Collection ``number`` begins, with ``used`` bytes of the space in use."""

    def cycle_ends(self, number: int, used: int) -> None:
        """It has ended; so many bytes are in use now."""

    def phase_begins(self, name: str) -> None:
        """One of PHASES."""

    def phase_ends(self, name: str) -> None:
        """It has ended."""

    def stop_requested(self, name: str) -> None:
        """Mutators are asked to stop, for one of PAUSES."""

    def mutators_stopped(self, name: str) -> None:
        """They have."""

    def mutators_restarted(self, name: str, stop: Stop) -> None:
        """They run again."""

    def marked(self, objects: int, words: int, dirty_cards: int) -> None:
        """Marking is over: live objects and words, cards that were looked at again."""

    def remembered(self, cards: int) -> None:
        """A young collection: so many cards of the old generation were dirty when it began."""

    def planned(self, plan: "gcp_plan_ptr") -> None:
        """The world is stopped, the plan is complete, nothing has moved yet."""

    def swept(self, swept: "gcp_swept", faults: Faults) -> None:
        """All pages are in their places: the collector's part and the faults' sums."""

    def restored(self, pages: int, refused: int) -> None:
        """Stretches were made THPs: pages of them, and how many stretches the kernel refused."""

    def released(self) -> None:
        """From-space is freed; mutators run."""

    def failed(self, reason: str) -> None:
        """A system call had an answer that none is known for; the collection goes on with the world stopped."""


class Listeners(Listener):
    """Several as one, told in their order."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._all = tuple(listeners)
        self.counts_objects = any(one.counts_objects for one in self._all)

    def attached(self, collector: Watched) -> None:
        """All are told."""
        for one in self._all:
            one.attached(collector)

    def cycle_begins(self, number: int, used: int) -> None:
        """All are told."""
        for one in self._all:
            one.cycle_begins(number, used)

    def cycle_ends(self, number: int, used: int) -> None:
        """All are told."""
        for one in self._all:
            one.cycle_ends(number, used)

    def phase_begins(self, name: str) -> None:
        """All are told."""
        for one in self._all:
            one.phase_begins(name)

    def phase_ends(self, name: str) -> None:
        """All are told."""
        for one in self._all:
            one.phase_ends(name)

    def stop_requested(self, name: str) -> None:
        """All are told."""
        for one in self._all:
            one.stop_requested(name)

    def mutators_stopped(self, name: str) -> None:
        """All are told."""
        for one in self._all:
            one.mutators_stopped(name)

    def mutators_restarted(self, name: str, stop: Stop) -> None:
        """All are told."""
        for one in self._all:
            one.mutators_restarted(name, stop)

    def marked(self, objects: int, words: int, dirty_cards: int) -> None:
        """All are told."""
        for one in self._all:
            one.marked(objects, words, dirty_cards)

    def remembered(self, cards: int) -> None:
        """All are told."""
        for one in self._all:
            one.remembered(cards)

    def planned(self, plan: "gcp_plan_ptr") -> None:
        """All are told."""
        for one in self._all:
            one.planned(plan)

    def swept(self, swept: "gcp_swept", faults: Faults) -> None:
        """All are told."""
        for one in self._all:
            one.swept(swept, faults)

    def restored(self, pages: int, refused: int) -> None:
        """All are told."""
        for one in self._all:
            one.restored(pages, refused)

    def released(self) -> None:
        """All are told."""
        for one in self._all:
            one.released()

    def failed(self, reason: str) -> None:
        """All are told."""
        for one in self._all:
            one.failed(reason)
