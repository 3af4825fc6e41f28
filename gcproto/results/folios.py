"""Which folios a collection moved whole, from its counts."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Literal, NamedTuple

from gcproto.results.schema import Collection, MadeLarge, MapAccount, Parts


def kept_whole(cycle: Collection, order: int) -> int:
    """Folios that moves took whole and the kernel did not split.

    Where the heap's folios were counted after the collection, these are at most the large ones among them, and those
    that are swapped. Nothing else makes large folios, unless the collector was asked to.

    Elsewhere, splits are counted over the whole collection. Without splitting ahead, they are taken for splits of
    folios that a move took. Some are of folios that moved in part, so the count is too low by those. With it, they are
    splits of other folios, which are known to be small when they are moved.  (Version 1 did not know: then a policy
    that split ahead split either those that it moved afterwards, which are as many, or others.)

    Args:
        cycle: the collection.
        order: of the folios of the heap's memory; 0: no large folios.

    """
    if not order:
        return 0
    accounts = (cycle.collector, cycle.faults)
    known = cycle.collector.whole_large is not None
    taken = sum((one.whole_large or 0) if known else one.whole for one in accounts) >> order
    if (counted := cycle.folios.by_order) and not (cycle.collector.restored or cycle.collector.renewed):
        large = sum(pages for each, pages in counted.items() if each >= order)
        return min(taken, (large + cycle.folios.swapped) >> order)
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
"""Counts of pages moved without their whole folio (native/uffd/answer.h), and the cause in words."""


def parts_of(cycles: Iterable[Collection], who: Who) -> Parts:
    """Pages moved without their whole folio, by cause.

    Args:
        cycles: collections.
        who: the mover.

    """
    accounts: list[MapAccount] = [one.collector if who == "collector" else one.faults for one in cycles]
    return Parts(**{name: sum(getattr(one, name) for one in accounts) for name in Parts.__struct_fields__})


def by_cause(parts: Parts) -> dict[str, int]:
    """Pages by the cause in words, in the order of ``PARTS``."""
    return {words: int(getattr(parts, name)) for name, words in PARTS.items()}


class Made(NamedTuple):
    """Pages put into large folios again, and the time in ns."""

    pages: int
    ns: int


def made_large(cycles: Sequence[Collection]) -> tuple[Made, Made]:
    """Pages that became THPs again (restored), and pages that were populated again (renewed)."""
    return (
        Made(sum(one.collector.restored for one in cycles), sum(one.phases.restore for one in cycles)),
        Made(sum(one.collector.renewed for one in cycles), sum(one.collector.renew_ns for one in cycles)),
    )


def made_figures(heaps: Sequence[Sequence[Collection]]) -> tuple[MadeLarge | None, MadeLarge | None]:
    """Restored and renewed pages of a heap, medians over heaps, and ns for each page; None without any."""
    each = [made_large(heap) for heap in heaps]
    every = made_large([one for heap in heaps for one in heap])
    found = [
        MadeLarge(median(float(one[which].pages) for one in each), every[which].ns / every[which].pages)
        if every[which].pages
        else None
        for which in (0, 1)
    ]
    return found[0], found[1]


def large_share(cycle: Collection) -> float:
    """Share of a heap's pages in large folios after a collection."""
    present = sum(cycle.folios.by_order.values())
    return 1 - cycle.folios.by_order.get(0, 0) / present if present else 0.0
