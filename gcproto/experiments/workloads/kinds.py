"""Figures of young collections and of full ones, apart."""

from collections.abc import Iterable
from statistics import median

from gcproto.host import environment
from gcproto.results.schema import Collection, KindFigures

MIB = 1 << 20


def kinds_of(heaps: list[list[Collection]]) -> list[KindFigures]:
    """Of measured collections, by round; young ones first, and no kind without a collection.

    Args:
        heaps: collections of each valid round.

    """
    found = []
    for young in (True, False):
        every = [one for heap in heaps for one in heap if one.young == young]
        if every:
            found.append(_of(every, young=young, rounds=len(heaps)))
    return found


def _of(every: list[Collection], *, young: bool, rounds: int) -> KindFigures:
    page = environment.page_size()
    freed = sum(one.freed for one in every)
    evacuated = sum(one.collector.mapped + one.faults.mapped - one.faults.fresh for one in every)
    in_place = sum(one.collector.updated + one.faults.updated for one in every)
    produced = sum(one.collector.produced + one.faults.built + one.faults.slid + one.faults.updated for one in every)
    return KindFigures(
        young=young,
        collections=len(every) / rounds,
        freed_mib=_median(one.freed for one in every) * page / MIB,
        promoted_mib=_median(one.promoted for one in every) * page / MIB,
        evacuated=evacuated / freed if freed else None,
        copied=sum(_copied(one) for one in every) / freed if freed else None,
        old_share=in_place / produced if produced else 0.0,
        cards=_median(one.old_cards for one in every),
        cards_us=_median(one.phases.cards for one in every) / 1e3,
        mark_ms=_median(one.phases.mark for one in every) / 1e6,
        compact_ms=_median(one.phases.compact for one in every) / 1e6,
        pause_ms=max(_pauses(every), default=0) / 1e6,
    )


def _pauses(every: list[Collection]) -> list[int]:
    """With the time to stop; those of the verifier are not the collector's."""
    return [one.stop_ns + one.ns for each in every for one in each.pauses if one.name != "verification"]


def _copied(one: Collection) -> int:
    """Pages that were copied: once where they were built, and once more where COPY mapped them."""
    built = one.collector.built + one.collector.slid + one.faults.built + one.faults.slid
    return built + sum(each.copied + each.copied_after_ebusy for each in (one.collector, one.faults))


def _median(values: Iterable[int]) -> float:
    return float(median(values))
