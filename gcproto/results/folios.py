"""Which folios a collection moved whole, from its counts."""

from collections.abc import Iterable, Sequence
from typing import Literal

from gcproto.results.schema import Collection, MapAccount, Parts


def kept_whole(cycle: Collection, order: int) -> int:
    """Folios that moves took whole and the kernel did not split.

    Splits are counted over the whole collection.  Without splitting ahead they are of folios that a move took; with it
    of others, which are known to be small when they are moved.  (The first version did not know: then a policy that
    split ahead split either those that it moved afterwards, which are as many, or others.)

    Args:
        cycle: the collection.
        order: of the folios that the heap's memory is made of; 0: there are none.

    """
    if not order:
        return 0
    accounts: tuple[MapAccount, ...] = (cycle.collector, cycle.faults)
    known = any(account.whole_large is not None for account in accounts)
    taken = sum((account.whole_large or 0) if known else account.whole for account in accounts) >> order
    split = sum(count << each for each, count in cycle.splits.items() if each >= order) >> order
    if cycle.phases.split:
        return taken if known or split < taken else 0
    return max(0, taken - split)


Who = Literal["collector", "faults"]

PARTS = {
    "part_one": "one page",
    "part_skewed": "not congruent",
    "part_edge": "at the edge of a run",
    "part_busy": "after EBUSY",
}
"""Counts of pages that were moved without all of their folio (native/pages.h), and the cause in words."""


def parts_of(cycles: Iterable[Collection], who: Who) -> Parts:
    """Such pages, by cause.

    Args:
        cycles: collections.
        who: moved them.

    """
    found = Parts()
    for cycle in cycles:
        account = cycle.collector if who == "collector" else cycle.faults
        found.part_one += account.part_one
        found.part_skewed += account.part_skewed
        found.part_edge += account.part_edge
        found.part_busy += account.part_busy
    return found


def by_cause(parts: Parts) -> dict[str, int]:
    """Pages by the cause in words, in the order of ``PARTS``."""
    return {words: int(getattr(parts, name)) for name, words in PARTS.items()}


def made_large(cycles: Sequence[Collection]) -> dict[str, tuple[int, int]]:
    """Pages that were made THPs again (``restored``) or populated anew (``renewed``), and the ns that it took."""
    return {
        "restored": (
            sum(one.collector.restored for one in cycles),
            sum(one.phases.restore for one in cycles),
        ),
        "renewed": (
            sum(one.collector.renewed for one in cycles),
            sum(one.collector.renew_ns for one in cycles),
        ),
    }


def large_share(cycle: Collection) -> float:
    """Of the pages that a heap has after a collection, those in large folios."""
    present = sum(cycle.folios.by_order.values())
    return 1 - cycle.folios.by_order.get(0, 0) / present if present else 0.0
