"""What became of the pages of one collection, as the model counts it."""

from collections.abc import Iterator

import msgspec

from gcproto.results.schema import Collection, Measurement, Result


class Dispositions(msgspec.Struct, frozen=True):
    """Counts of one collection, by the collector's thread between flip and drain.

    Attributes:
        workload, memory_order, policy: of the heap.
        move_calls, copy_calls: ioctls.
        pages: moved one by one or in batches, of small folios or such as were split.
        whole: moved in whole folios, by order of the folio.
        copied: by choice or after EBUSY.
        discarded: given back after a copy.
        split: folios split by the moves, by order; those split ahead are not in it.
        ebusy: refusals.
        ns: that the ioctls took.

    """

    workload: str
    memory_order: int
    policy: str
    move_calls: int
    copy_calls: int
    pages: int
    whole: dict[int, int]
    copied: int
    split: dict[int, int]
    ebusy: int
    ns: int


def _of(one: Measurement, cycle: Collection) -> Dispositions:
    did = cycle.collector
    order = one.scenario.order
    split = {int(name): count for name, count in cycle.splits.items()}
    ahead = "split" in cycle.phases
    # A call took all of them, and the kernel split some all the same.
    whole = max(0, (did.get("whole", 0) >> order) - split.get(order, 0)) if order else 0
    return Dispositions(
        workload=one.scenario.source.removeprefix("evacuate-"),
        memory_order=order,
        policy=one.scenario.arm,
        move_calls=did.get("move_calls", 0),
        copy_calls=did.get("copy_calls", 0),
        pages=did.get("moved", 0) - (whole << order),
        whole={order: whole} if whole else {},
        copied=did.get("copied", 0) + did.get("copied_after_ebusy", 0),
        split={} if ahead else split,
        ebusy=did.get("ebusy", 0),
        ns=did.get("map_ns", 0),
    )


def dispositions(results: list[Result]) -> Iterator[Dispositions]:
    """Those of all valid collections of ``gcproto gc policies``."""
    for result in results:
        for one in result.measurements:
            if one.valid and one.scenario.source.startswith("evacuate-"):
                yield from (_of(one, cycle) for some in one.collections for cycle in some)
