"""Evacuation policies: what a collector that moves does with pages that lie in large folios.

ART has none: its heap has small folios.  The kernel moves an aligned THP whole.  It splits every other large folio
before it moves a page of it, which costs ten times as much as moving small ones.  A copy leaves small folios too.  A
policy chooses once for each heap, from the memory that it is made of and, where it wants to know, from what
things cost on this kernel (gcproto.collector.costs).
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from gcproto._native import lib
from gcproto.collector.costs import Costs
from gcproto.collector.modes import COPY, MOVE, Mode
from gcproto.heap.folios import Memory
from gcproto.host.machine import machine

Measure = Callable[[], Costs]

MUTATORS, FLIP, TOTAL = "mutators", "flip", "total"
OBJECTIVES = {
    MUTATORS: "what mutators lose: the time from flip to drain, and interruptions before and after the flip",
    FLIP: "the time from flip to drain alone",
    TOTAL: "the collector's time before and after the flip",
}
"""What a policy that chooses makes small."""


@dataclass(frozen=True)
class Choice:
    """What is to be done.

    Attributes:
        large_by: how pages in large folios are mapped, MOVE or COPY.
        granule: pages that are evacuated at once.
        whole: pages of a folio that is moved whole where it is aligned; 0: none is.
        split_ahead: have large folios split beside the mutators, before the flip.
        restore: make THPs of dense stretches after a collection, beside the mutators.
        renew: give granules of recycled pages in small folios back, and populate them again before they are built in.
        why: in words.

    """

    large_by: int = MOVE
    granule: int = 1
    whole: int = 0
    split_ahead: bool = False
    restore: bool = False
    renew: bool = False
    why: str = ""

    def applied_to(self, mode: Mode) -> Mode:
        """The mode with this choice."""
        return replace(mode, **{name: value for name, value in asdict(self).items() if name != "why"})


class Policy:
    """Chooses.

    Attributes:
        name: as in results;  text: in words.

    """

    name = "move"
    text = "move everything, and let the kernel split what it must (ART's calls on other memory)"

    def choose(self, memory: Memory, measure: Measure, objective: str = MUTATORS) -> Choice:
        """The choice for a heap made of such folios.

        Args:
            memory: its folios.
            measure: what they cost; measuring takes some milliseconds.
            objective: one of OBJECTIVES.

        """
        return Choice()


class CopyLarge(Policy):
    """Copy what would be split."""

    name = "copy-large"
    text = "copy pages in large folios, move those in small ones"

    def choose(self, memory: Memory, measure: Measure, objective: str = MUTATORS) -> Choice:
        """COPY for memory of large folios."""
        return Choice(large_by=COPY)


class SplitAhead(Policy):
    """Split off the pause."""

    name = "split-ahead"
    text = "have large folios split beside the mutators before the flip, then move small ones"

    def choose(self, memory: Memory, measure: Measure, objective: str = MUTATORS) -> Choice:
        """Split where there is anything to be split."""
        return Choice(split_ahead=bool(memory.order))


class Whole(Policy):
    """THPs whole, the rest by copy."""

    name = "whole"
    text = "move aligned THPs of the dense prefix whole, copy other pages in large folios"

    def choose(self, memory: Memory, measure: Measure, objective: str = MUTATORS) -> Choice:
        """Granules of the size of a THP where there are some."""
        order = machine().pmd_order
        if memory.order is not None and memory.order != order:
            return Choice(large_by=COPY)
        return Choice(large_by=COPY, granule=1 << order, whole=1 << order)


class Collapse(Policy):
    """Whole THPs, and more of them after each collection."""

    name = "collapse"
    text = "as whole, and make THPs of dense stretches after each collection, beside the mutators (MADV_COLLAPSE)"

    def choose(self, memory: Memory, measure: Measure, objective: str = MUTATORS) -> Choice:
        """Where large folios are asked for, of whatever size: collapsing makes THPs, which go whole next time."""
        if memory.order == 0:
            return Choice(large_by=COPY)
        thp = 1 << machine().pmd_order
        return Choice(large_by=COPY, granule=thp, whole=thp, restore=True)


class Populate(Whole):
    """Whole folios, built in fresh ones."""

    name = "populate"
    text = "as whole, and build compacted pages in fresh folios, which then go whole"

    def choose(self, memory: Memory, measure: Measure, objective: str = MUTATORS) -> Choice:
        """Only where a folio of the memory's size goes whole on this kernel."""
        if not memory.order:
            return super().choose(memory, measure, objective)
        folio = 1 << memory.order
        if memory.order != machine().pmd_order and not measure().folios_kept:
            return Choice(large_by=COPY, why="this kernel splits folios of that size: fresh ones would not stay")
        return Choice(large_by=COPY, granule=folio, whole=folio, renew=True)


WHOLE_BELOW = 0.5
"""A move that keeps folios and costs less than so much of a copy is worth granules of their size."""


class Auto(Policy):
    """By what things cost here."""

    name = "auto"
    text = "what makes the objective smallest, by a calibration on this kernel at start-up"

    def choose(self, memory: Memory, measure: Measure, objective: str = MUTATORS) -> Choice:
        """Whole folios where this kernel moves such folios whole; else the cheapest way after the flip."""
        if not memory.order:
            return Choice(why="the folios are small")
        costs = measure()
        if costs.move is None or costs.copy is None:
            return Choice(why="this kernel could not be calibrated")
        whole = 1 << memory.order if costs.folios_kept and costs.move < WHOLE_BELOW * costs.copy else 0
        in_move = 0.0 if costs.folios_kept else _interruptions(costs, objective, SPLIT_IN_MOVE)
        move = costs.move + in_move
        moved = _said("MOVE of whole folios" if whole else "MOVE", costs.move, in_move)
        figures = f"calibrated ns/page {moved}, COPY with discard {costs.copy:.0f}"
        if costs.split is not None and costs.move_split is not None:
            before = _interruptions(costs, objective, SPLIT_AHEAD)
            figures += f", {_said('MOVE after splitting ahead', costs.move_split, before)}"
            figures += f" (the splitting {costs.split:.0f})"
            split = costs.move_split + before
            split += costs.split if objective == TOTAL else 0.0
            if split < min(costs.copy, move if not whole else costs.copy):
                return Choice(granule=whole or 1, whole=whole, split_ahead=True, why=figures)
        large_by = COPY if costs.copy < move and not whole else MOVE
        return Choice(large_by=large_by, granule=whole or 1, whole=whole, why=figures)


SPLIT_IN_MOVE, SPLIT_AHEAD = 2, 3
"""Shoot-downs of running mutators for each folio: where MOVE splits it, and where MADV_COLD does before the flip.

Counted on 6.18.44 in heaps of 64 KiB mTHPs (docs/results/policies.md): 2.1 and 3.1.  COPY has none.
"""


def _said(way: str, ns: float, interruptions: float) -> str:
    """``MOVE 1889 + 1254 of shoot-downs``: both parts that the objective adds up."""
    return f"{way} {ns:.0f}" + f" + {interruptions:.0f} of shoot-downs" * bool(interruptions)


def _interruptions(costs: Costs, objective: str, times: int) -> float:
    """What so many shoot-downs for each folio add to an objective, ns/page."""
    return times * costs.shoot_down / (1 << costs.order) if objective == MUTATORS else 0.0


POLICIES: dict[str, Policy] = {
    one.name: one for one in (Policy(), CopyLarge(), SplitAhead(), Whole(), Collapse(), Populate(), Auto())
}

assert {MOVE, COPY} == {lib.GCP_VERB_MOVE, lib.GCP_VERB_COPY}
