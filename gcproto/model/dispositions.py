"""The dispositions of the pages of one collection, as the model counts them."""

from collections.abc import Iterator, Sequence

import msgspec

from gcproto._native import lib
from gcproto.model.shoot_downs import Moves, Rule, long_ones, rule_of, shoot_downs
from gcproto.results import names
from gcproto.results.folios import kept_whole
from gcproto.results.schema import (
    CONGRUENT,
    MEMORY,
    SHUFFLED,
    TIMES,
    Collection,
    Measurement,
    PathScenario,
    PolicyFigures,
    PolicyScenario,
    Result,
    Skip,
    WindowScenario,
    WorkloadScenario,
    with_fields,
)
from gcproto.results.series import page_size_of, release_of
from gcproto.rows import arm_is
from gcproto.sizes import log2_pages

DISCARD_LUMP = 8 << 20
"""Bytes that the path lab discards at once, or one granule if that is more (native/paths/arms.c)."""


class Dispositions(msgspec.Struct, frozen=True):
    """Counts of one collection, by the collector's thread between flip and drain; or of one round of the path lab.

    Attributes:
        scenario: of the heap, or of the path.
        move_calls: ioctls that moved something;  copy_calls: ioctls.
        pages: moved one by one or in batches, from small folios or split ones.
        whole: moved in whole folios, by order of the folio.
        copied: by choice or after EBUSY.
        discarded: source pages discarded in the counted time.
        split: folios split by the moves, by order, without those split ahead.
        ebusy: refused calls.
        shoot_downs: of the other processor's TLB; 0 without a second thread;  long_shoot_downs: of these, those that
            drop the whole TLB.
        ns: of all this;  ahead_ns: of splitting ahead, which is not included;  evacuation_ns: from flip to
            drain, with producing the pages; 0 in the path lab.

    """

    scenario: PathScenario | PolicyScenario
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

    @property
    def fresh(self) -> bool:
        """Whether its pages were just written, by the path lab."""
        return isinstance(self.scenario, PathScenario)

    @property
    def neighbours(self) -> bool:
        """Whether page frames of neighbouring pages lie next to each other."""
        return self.fresh or bool(self.scenario.order)


class _Kernel(msgspec.Struct, frozen=True):
    """The properties of the machine that decide how pages are counted: page size, order of a THP, shoot-downs."""

    page: int
    pmd_order: int
    rule: Rule


def _kernel_of(result: Result) -> _Kernel:
    page = page_size_of(result)
    pmd_size = int(result.environment.get("pmd_size") or page << 9)
    return _Kernel(page, log2_pages(pmd_size, page), rule_of(release_of(result)))


def _of(asked: PolicyScenario, cycle: Collection, kernel: _Kernel) -> Dispositions:
    did = cycle.collector
    order = asked.order or 0
    split = {} if cycle.phases.split else cycle.splits
    whole = kept_whole(cycle, order)
    calls = max(0, did.move_calls - did.ebusy)
    pages = did.moved - (whole << order)
    thps = split.get(kernel.pmd_order, 0)
    # Runs begin at any place in a page table, so a run of n pages reaches into n / 512 others on average. Pages built
    # in recycled ones have another offset there than at their destination, and meet the ends of both tables.
    tables = (pages + min(pages, did.built)) / (1 << kernel.pmd_order)
    moves = Moves(calls, pages, tables, sum(split.values()) - thps, thps, whole)
    return Dispositions(
        scenario=asked,
        move_calls=calls,
        copy_calls=did.copy_calls,
        pages=pages,
        whole={order: whole} if whole else {},
        copied=did.copied + did.copied_after_ebusy,
        discarded=0,  # between the ioctls, and not in their time
        split=split,
        ebusy=did.ebusy,
        shoot_downs=shoot_downs(moves, kernel.rule) if asked.threads > 1 else 0.0,
        long_shoot_downs=long_ones(moves, kernel.rule) if asked.threads > 1 else 0.0,
        ns=did.map_ns,
        ahead_ns=cycle.phases.split,
        evacuation_ns=cycle.phases.compact + cycle.phases.drain,
    )


ARMS = frozenset({"move", "copy", "copy_discard", "move_fallback"})
"""Arms that the model has.  It counts calls, pages and splits as the work of each arm makes them, which no flag says.
Another arm is omitted with that reason, and needs no line here."""
SOURCES = frozenset({"small", "mthp", "thp", "pinned"})


def _of_path(one: Measurement, asked: PathScenario, kernel: _Kernel) -> Iterator[Dispositions]:
    """Rounds of one arm, each as if it were a collection. Its pages are fresh neighbours."""
    proof, did = one.proof, one.outcome
    rounds, order, total = proof.rounds, asked.order, asked.pages * kernel.page
    moves = arm_is(asked.arm, lib.GCP_ARM_MOVES)
    ebusy, after = did.ebusy // rounds, did.copied_after_ebusy // rounds
    discards = -(-total // max(DISCARD_LUMP, asked.granule_bytes)) if arm_is(asked.arm, lib.GCP_ARM_DISCARDS) else 0
    # After EBUSY, pages are copied one at a time. In the other arms all calls except discards are of one kind.
    calls = did.calls // rounds - after - ebusy - discards
    split = proof.folios_split // rounds if moves else 0
    folios = (proof.folios - proof.folios_split) // rounds if moves and order else 0
    pages = (did.moved // rounds) - (folios << order) if moves else 0
    tables = max(0.0, pages / (1 << kernel.pmd_order) - calls)  # ranges begin with a page table
    thp = asked.source == "thp"
    flushed = Moves(discards=discards)
    if moves:
        flushed = Moves(calls, pages, tables, 0 if thp else split, split if thp else 0, folios)
    for sample in one.samples:
        yield Dispositions(
            scenario=with_fields(asked, replica=0),
            move_calls=calls if moves else 0,
            copy_calls=after if moves else calls,
            pages=pages,
            whole={order: folios} if folios else {},
            copied=after if moves else asked.pages,
            discarded=asked.pages if discards else 0,
            split={order: split} if split else {},
            ebusy=ebusy,
            shoot_downs=shoot_downs(flushed, kernel.rule) if asked.threads > 1 else 0.0,
            long_shoot_downs=long_ones(flushed, kernel.rule) if asked.threads > 1 else 0.0,
            ns=round(sample * asked.pages),
        )


def _path_objection(one: PathScenario) -> str:
    """The reason why rounds of a path are not counted; "" if they are."""
    if one.arm not in ARMS or one.source not in SOURCES:
        return "the model has no such arm or source"
    if one.source == "pinned" and one.order:
        return "whether the kernel splits such a folio before it refuses it is unknown"
    if one.alignment != CONGRUENT or one.working_set == MEMORY or one.frames == SHUFFLED:
        return "the model only has aligned ranges that were just written, on page frames in any order"
    return ""


def _heap_objection(one: PolicyScenario, figures: PolicyFigures) -> str:
    """The reason why collections of a heap are not counted; "" if they are."""
    if one.order is None:
        return "the orders of its folios are unknown"
    if any(cycle.collector.remapped for some in figures.collections for cycle in some):
        return "the model has no mremap"
    return ""


def objection(one: Measurement) -> str:
    """The reason why the model can't use a measurement; "" if it can."""
    match one.scenario, one.figures:
        case PathScenario() as asked, _:
            found = _path_objection(asked)
        case PolicyScenario() as asked, PolicyFigures() as figures:
            found = _heap_objection(asked, figures)
        case ((WorkloadScenario() | WindowScenario()), _):
            return "the model covers evacuation without mutators"
        case _:
            return "its figures do not belong to its kind"
    if found:
        return found
    if one.unit not in TIMES:
        return f"it is counted in {one.unit}, which are not times"
    return "" if one.valid and one.samples and one.proof.rounds else "it is invalid"


def dispositions(results: Sequence[Result]) -> Iterator[Dispositions]:
    """Dispositions that the model covers: collections of ``gcproto gc policies``, rounds of ``gcproto bench``."""
    for result in results:
        kernel = _kernel_of(result)
        for one in result.measurements:
            if objection(one):
                continue
            match one.scenario, one.figures:
                case PolicyScenario() as asked, PolicyFigures() as figures:
                    yield from (_of(asked, cycle, kernel) for some in figures.collections for cycle in some)
                case PathScenario() as asked, _:
                    yield from _of_path(one, asked, kernel)


def left_out(results: Sequence[Result]) -> list[Skip]:
    """Measurements that the model does not use, by reason."""
    found: dict[str, list[str]] = {}
    for result in results:
        for one in result.measurements:
            why = objection(one)
            if why:
                found.setdefault(why, []).append(names.scenario(one.scenario, page_size_of(result)))
    return [Skip(_several(some), why) for why, some in found.items()]


SHOWN = 3


def _several(some: Sequence[str]) -> str:
    every = list(dict.fromkeys(some))
    more = len(every) - SHOWN
    return ", ".join(every[:SHOWN]) + (f" and {more} more" if more > 0 else "")
