"""What became of the pages of one collection, as the model counts it."""

from collections.abc import Iterator

import msgspec

from gcproto.model.shoot_downs import Moves, Rule, long_ones, rule_of, shoot_downs
from gcproto.results.folios import kept_whole
from gcproto.results.schema import Collection, Measurement, Result
from gcproto.results.series import page_size_of, release_of

DISCARD_LUMP = 8 << 20
"""Bytes that the path lab gives back at once, or one granule if that is more (native/path_arms.c)."""


class Dispositions(msgspec.Struct, frozen=True):
    """Counts of one collection, by the collector's thread between flip and drain.

    Attributes:
        workload, memory_order, policy: of the heap.
        threads: live in its address space while it was evacuated.
        move_calls: ioctls that moved something;  copy_calls: ioctls.
        pages: moved one by one or in batches, of small folios or such as were split.
        whole: moved in whole folios, by order of the folio.
        copied: by choice or after EBUSY.
        discarded: source pages given back in the time that is counted.
        split: folios split by the moves, by order; those split ahead are not in it.
        ebusy: refused calls.
        shoot_downs: of the other processor's TLB; 0 without a second thread;  long_shoot_downs: of these, such as drop
            the whole TLB.
        ns: that all this took;  ahead_ns: splitting ahead of it, which is not in it;  evacuation_ns: from flip to
            drain, with producing the pages; 0 in the path lab.

    """

    workload: str
    memory_order: int
    policy: str
    threads: int
    move_calls: int
    copy_calls: int
    pages: int
    whole: dict[int, int]
    copied: int
    discarded: int
    split: dict[int, int]
    ebusy: int
    shoot_downs: float
    long_shoot_downs: float
    ns: int
    ahead_ns: int = 0
    evacuation_ns: int = 0

    @property
    def every_page(self) -> int:
        """Pages evacuated; at least one."""
        return max(1, self.pages + self.copied + sum(count << order for order, count in self.whole.items()))


class _Kernel(msgspec.Struct, frozen=True):
    """What of the machine decides how pages are counted: bytes of a page, the order of a THP, its shoot-downs."""

    page: int
    pmd_order: int
    rule: Rule


def _kernel_of(result: Result) -> _Kernel:
    page = page_size_of(result)
    pmd_size = int(result.environment.get("pmd_size") or page << 9)
    return _Kernel(page, (pmd_size // page).bit_length() - 1, rule_of(release_of(result)))


def _of(one: Measurement, cycle: Collection, kernel: _Kernel) -> Dispositions:
    did = cycle.collector
    order = one.scenario.order
    split = {int(name): count for name, count in cycle.splits.items()}
    if "split" in cycle.phases:
        split = {}
    whole = kept_whole(cycle, order)
    ebusy = did.get("ebusy", 0)
    calls = max(0, did.get("move_calls", 0) - ebusy)
    pages = did.get("moved", 0) - (whole << order)
    thps = split.get(kernel.pmd_order, 0)
    # Runs begin anywhere in a page table, so that one of n pages reaches into n / 512 others on average; pages that
    # were built in recycled ones have another offset there than at their destination, and meet the ends of both tables.
    tables = (pages + min(pages, did.get("built", 0))) / (1 << kernel.pmd_order)
    moves = Moves(calls, pages, tables, sum(split.values()) - thps, thps, whole)
    return Dispositions(
        workload=one.scenario.source.removeprefix("evacuate-"),
        memory_order=order,
        policy=one.scenario.arm,
        threads=one.scenario.threads,
        move_calls=calls,
        copy_calls=did.get("copy_calls", 0),
        pages=pages,
        whole={order: whole} if whole else {},
        copied=did.get("copied", 0) + did.get("copied_after_ebusy", 0),
        discarded=0,  # between the ioctls, and not in their time
        split=split,
        ebusy=ebusy,
        shoot_downs=shoot_downs(moves, kernel.rule) if one.scenario.threads > 1 else 0.0,
        long_shoot_downs=long_ones(moves, kernel.rule) if one.scenario.threads > 1 else 0.0,
        ns=did.get("map_ns", 0),
        ahead_ns=cycle.phases.get("split", 0),
        evacuation_ns=cycle.phases.get("compact", 0) + cycle.phases.get("drain", 0),
    )


PATHS = "paths"
"""Workload of rounds of the path lab: one kind of disposition at a time, which collections never have."""
ARMS = frozenset({"move", "copy", "copy_discard", "move_fallback"})
SOURCES = frozenset({"small", "mthp", "thp", "pinned"})


def _of_path(one: Measurement, kernel: _Kernel) -> Iterator[Dispositions]:
    """Rounds of one way of evacuating, each as if it were a collection; its pages are fresh neighbours."""
    scenario, proof, did = one.scenario, one.proof, one.outcome
    if scenario.arm not in ARMS or scenario.alignment != "congruent" or not one.samples or not proof.rounds:
        return
    if scenario.source == "pinned" and scenario.order:
        return  # whether such a folio is split before it is refused is the kernel's secret
    rounds, order, total = proof.rounds, scenario.order, scenario.pages * kernel.page
    moves = scenario.arm in {"move", "move_fallback"}
    ebusy, after = did.ebusy // rounds, did.copied_after_ebusy // rounds
    discards = -(-total // max(DISCARD_LUMP, scenario.granule_bytes)) if scenario.arm == "copy_discard" else 0
    # One page is copied at a time after EBUSY; in the other arms all calls but those that discard are of one kind.
    calls = did.calls // rounds - after - ebusy - discards
    split = proof.folios_split // rounds if moves else 0
    folios = (proof.folios - proof.folios_split) // rounds if moves and order else 0
    pages = (did.moved // rounds) - (folios << order) if moves else 0
    tables = max(0.0, pages / (1 << kernel.pmd_order) - calls)  # ranges begin with a page table
    thp = scenario.source == "thp"
    flushed = Moves(discards=discards)
    if moves:
        flushed = Moves(calls, pages, tables, 0 if thp else split, split if thp else 0, folios)
    for sample in one.samples:
        yield Dispositions(
            workload=PATHS,
            memory_order=order or 1,
            policy=scenario.arm,
            threads=scenario.threads,
            move_calls=calls if moves else 0,
            copy_calls=after if moves else calls,
            pages=pages,
            whole={order: folios} if folios else {},
            copied=after if moves else scenario.pages,
            discarded=scenario.pages if discards else 0,
            split={order: split} if split else {},
            ebusy=ebusy,
            shoot_downs=shoot_downs(flushed, kernel.rule) if scenario.threads > 1 else 0.0,
            long_shoot_downs=long_ones(flushed, kernel.rule) if scenario.threads > 1 else 0.0,
            ns=round(sample * scenario.pages),
        )


def dispositions(results: list[Result]) -> Iterator[Dispositions]:
    """Those of all valid collections of ``gcproto gc policies``, and of rounds of ``gcproto bench``."""
    for result in results:
        kernel = _kernel_of(result)
        for one in result.measurements:
            if one.valid and one.scenario.source.startswith("evacuate-"):
                yield from (_of(one, cycle, kernel) for some in one.collections for cycle in some)
            elif one.valid and one.scenario.source in SOURCES and result.producer.name == "paths":
                yield from _of_path(one, kernel)
