"""What became of the pages of one collection, as the model counts it."""

from collections.abc import Iterator

import msgspec

from gcproto.results.folios import kept_whole
from gcproto.results.schema import Collection, Measurement, Result
from gcproto.results.series import page_size_of


class Dispositions(msgspec.Struct, frozen=True):
    """Counts of one collection, by the collector's thread between flip and drain.

    Attributes:
        workload, memory_order, policy: of the heap.
        move_calls, copy_calls: ioctls.
        pages: moved one by one or in batches, of small folios or such as were split.
        whole: moved in whole folios, by order of the folio.
        copied: by choice or after EBUSY.
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
    whole = kept_whole(cycle, order)
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


PATHS = "paths"
"""Workload of rounds of the path lab: one kind of disposition at a time, which collections never have."""


def _of_path(one: Measurement, page: int) -> Iterator[Dispositions]:
    """Rounds of one way of evacuating, each as if it were a collection; its pages are fresh neighbours."""
    scenario, proof = one.scenario, one.proof
    if scenario.arm not in {"move", "copy"} or scenario.threads > 1 or not one.samples or not proof.rounds:
        return
    calls = max(1, scenario.pages * page // scenario.granule_bytes)
    move = scenario.arm == "move"
    folios = (proof.folios - proof.folios_split) // proof.rounds if move and scenario.order else 0
    split = proof.folios_split // proof.rounds
    for sample in one.samples:
        yield Dispositions(
            workload=PATHS,
            memory_order=scenario.order or 1,
            policy=scenario.arm,
            move_calls=calls if move else 0,
            copy_calls=0 if move else calls,
            pages=scenario.pages - (folios << scenario.order) if move else 0,
            whole={scenario.order: folios} if folios else {},
            copied=0 if move else scenario.pages,
            split={scenario.order: split} if move and split else {},
            ebusy=0,
            ns=round(sample * scenario.pages),
        )


def dispositions(results: list[Result]) -> Iterator[Dispositions]:
    """Those of all valid collections of ``gcproto gc policies``, and of rounds of ``gcproto bench``."""
    for result in results:
        page = page_size_of(result)
        for one in result.measurements:
            if one.valid and one.scenario.source.startswith("evacuate-"):
                yield from (_of(one, cycle) for some in one.collections for cycle in some)
            elif one.valid and one.scenario.source in {"small", "mthp", "thp"} and result.producer.name == "paths":
                yield from _of_path(one, page)
