"""Which folios a collection moved whole, from its counts."""

from collections.abc import Iterable, Sequence

from gcproto.results.schema import Collection


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
    accounts = (cycle.collector, cycle.faults)
    known = "whole_large" in cycle.collector
    taken = sum(account.get("whole_large" if known else "whole", 0) for account in accounts) >> order
    split = sum(count << int(each) for each, count in cycle.splits.items() if int(each) >= order) >> order
    if "split" in cycle.phases:
        return taken if known or split < taken else 0
    return max(0, taken - split)


PARTS = {
    "part_one": "one page",
    "part_skewed": "not congruent",
    "part_edge": "at the edge of a run",
    "part_busy": "after EBUSY",
}
"""Counts of pages that were moved without all of their folio (native/pages.h), and the cause in words."""


def parts_of(cycles: Iterable[Collection], who: str) -> dict[str, int]:
    """Such pages, by cause.

    Args:
        cycles: collections.
        who: ``collector`` or ``faults``.

    """
    counts: list[dict[str, int]] = [getattr(cycle, who) for cycle in cycles]
    return {name: sum(one.get(name, 0) for one in counts) for name in PARTS}


def made_large(cycles: Sequence[Collection]) -> dict[str, tuple[int, int]]:
    """Pages that were made THPs again (``restored``) or populated anew (``renewed``), and the ns that it took."""
    return {
        "restored": (
            sum(one.collector.get("restored", 0) for one in cycles),
            sum(one.phases.get("restore", 0) for one in cycles),
        ),
        "renewed": (
            sum(one.collector.get("renewed", 0) for one in cycles),
            sum(one.collector.get("renew_ns", 0) for one in cycles),
        ),
    }


def large_share(cycle: Collection) -> float:
    """Of the pages that a heap has after a collection, those in large folios."""
    present = sum(count for order, count in cycle.folios.items() if order.isdigit())
    return 1 - cycle.folios.get("0", 0) / present if present else 0.0
