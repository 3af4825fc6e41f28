"""Large folios: how they are split, moved whole, moved in part: T6, T10 to T14."""

from gcproto.claims import judge_guests
from gcproto.claims.contrast import Contrast, contrast, judged_as
from gcproto.claims.evidence import Evidence
from gcproto.claims.finding import Finding, confirmed, in_part, refuted, untestable
from gcproto.claims.sound import always, ns, policy_figures, unusable, usable
from gcproto.results.baseline import evacuated
from gcproto.results.folios import PARTS, parts_of
from gcproto.results.names import several, source
from gcproto.results.schema import (
    CONGRUENT,
    SKEWED,
    Measurement,
    Parts,
    PathFigures,
    PathScenario,
    PolicyScenario,
    WorkloadFigures,
    fields_of,
)
from gcproto.sizes import KIB, MIB, size

MOST = 0.9
"""Share of the pages that counts as all: the ends of a heap's dense part are inside folios."""


def _name(one: Measurement, page: int) -> str:
    """``64K mTHP, 2M a call``."""
    if not isinstance(one.scenario, PathScenario):
        return ""
    return f"{source(one.scenario, page)}, {size(one.scenario.granule_bytes)} a call"


def large_is_split(evidence: Evidence) -> Finding:
    """T6."""
    moves = [one for one in evidence.moves() if one.proof.folios and usable(one)]
    if not moves:
        return unusable(*evidence.moves())
    split = [one for one in moves if one.proof.folios_split == one.proof.folios]
    kept = [one for one in moves if not one.proof.folios_split]
    told = [f"{_name(one, evidence.page)} {one.proof.folios_split} of {one.proof.folios} split" for one in moves]
    text = "; ".join(dict.fromkeys(told)) + _split_costs(evidence)
    if len(split) == len(moves):
        return always(confirmed(text), *evidence.moves())
    if not split:
        return refuted(text)
    whole = (
        f"not {several(list(dict.fromkeys(_name(one, evidence.page) for one in kept)))}, which moves whole"
        if kept
        else "not all folios"
    )
    return in_part(whole, text)


def _split_costs(evidence: Evidence) -> str:
    """The cost of the split alone, by folio size."""
    costs = []
    for order in range(1, evidence.thp + 1):
        one = evidence.present("thp" if order == evidence.thp else "mthp", "split_move", 2 * MIB, order)
        if one is not None and usable(one) and isinstance(one.figures, PathFigures) and one.figures.split_part:
            costs.append(f"{size(evidence.page << order)} {ns(one.figures.split_part)}")
    return f"; the split alone, ns/page: {', '.join(costs)}" if costs else ""


def tao_may_be_worse_than_copy(evidence: Evidence) -> Finding:
    """T10."""
    found: list[Contrast] = []
    told = []
    for threads, where in ((1, ""), (2, " beside a live thread")):
        tao, copy, discard, split = (
            evidence.migrated(arm, 2 * MIB, threads) for arm in ("tao", "copy", "copy_discard", "split_move")
        )
        beside = f"split and move {ns(split.median)}{where}" if split is not None and usable(split) else ""
        if tao is None or copy is None or discard is None or not usable(tao, copy, discard):
            if threads == 1:
                return unusable(tao, copy, discard)
            told += [beside] * bool(beside)
            continue
        floor = evidence.floor(tao, copy, discard)
        found += [contrast(tao, copy, f"UFFDIO_COPY{where}", floor)]
        found += [contrast(tao, discard, f"UFFDIO_COPY with the source discarded{where}", floor)]
        told.append(", ".join(one for one in (f"{ns(tao.median)} ns/page{where}", beside) if one))
    finding = judged_as("more", found, f"emulated TAO (allocate, copy, move), 64K mTHP, 2M a call: {'; '.join(told)}")
    if finding.judgement != "confirmed":
        return finding
    return in_part("TAO is emulated in user space, which costs page faults; the kernel's would not", finding.figures)


def whole_mthp_could_move(evidence: Evidence) -> Finding:
    """T11."""
    if evidence.guests is not None:
        return judge_guests.whole_mthp_could_move(evidence.guests)
    move = evidence.present("mthp", "move", 64 * KIB, evidence.order)
    if move is None or not usable(move) or not move.proof.folios:
        return unusable(move)
    proof = move.proof
    figures = f"{proof.folios_split} of {proof.folios} split, {ns(move.median)} ns/page"
    if not proof.folios_split:
        return always(confirmed(f"this kernel does: {figures}"), move)
    if proof.folios_split < proof.folios:
        return in_part("this kernel moves some of them whole", figures)
    return untestable("it needs a kernel with that change, which --kernels builds", f"here {figures}")


def across_page_tables(evidence: Evidence) -> Finding:
    """T12."""
    straight, mthp = (evidence.skewed("mthp", 2 * MIB, evidence.order, one) for one in (CONGRUENT, SKEWED))
    aligned, thp = (evidence.skewed("thp", 2 * MIB, evidence.thp, one) for one in (CONGRUENT, SKEWED))
    if straight is None or mthp is None or aligned is None or thp is None:
        return unusable(straight, mthp, aligned, thp)
    if not usable(straight, mthp, aligned, thp) or not mthp.proof.folios:
        return unusable(straight, mthp, aligned, thp)
    # The destination is one page off, so one folio crosses each boundary of a page table.
    crossing = mthp.outcome.asked >> evidence.thp
    beside = contrast(mthp, straight, "an aligned destination", evidence.floor(mthp, straight))
    text = (
        f"one page off, {crossing} of {mthp.proof.folios} mTHPs of 64K cross page tables (aligned: none), and each THP "
        f"does; contents right. MTHPs split: {mthp.proof.folios_split}, aligned {straight.proof.folios_split}. THPs "
        f"split: {thp.proof.folios_split} of {thp.proof.folios}, aligned {aligned.proof.folios_split}. Time of mTHPs: "
        f"{beside.text}"
    )
    if straight.proof.folios_split:
        why = "a corner case by the layout; this kernel splits every mTHP that it moves, so crossing changes nothing"
        return in_part(why, text)
    if mthp.proof.folios_split <= crossing:
        return confirmed(text)
    return refuted(text)


def _parts(one: Measurement) -> tuple[Parts, int]:
    """Pages moved as parts of folios, by cause, and all moved pages."""
    if not isinstance(one.figures, WorkloadFigures):
        return Parts(), 0
    cycles = [cycle for some in one.figures.collections for cycle in some]
    each = [fields_of(parts_of(cycles, "collector")), fields_of(parts_of(cycles, "faults"))]
    found = Parts(**{name: sum(some[name] for some in each) for name in PARTS})
    return found, sum(cycle.collector.moved + cycle.faults.moved for cycle in cycles)


def _told(parts: Parts, moved: int) -> str:
    count = sum(fields_of(parts).values())
    causes = ", ".join(f"{fields_of(parts)[name]} {word}" for name, word in PARTS.items())
    return f"{count} of {moved} ({count / max(1, moved):.0%}: {causes})"


def parts_of_mthps_move(evidence: Evidence) -> Finding:
    """T13."""
    pages, whole = (evidence.running(whole_folios=yes) for yes in (False, True))
    moved, copied = (evidence.heap("sparse", evidence.order, policy) for policy in ("move", "copy-large"))
    if pages is None or whole is None or moved is None or copied is None or not usable(pages, whole, moved, copied):
        return unusable(pages, whole, moved, copied)
    (by_page, all_pages), (by_folio, all_folios) = _parts(pages), _parts(whole)
    beside = contrast(moved, copied, "copying them", evidence.floor(moved, copied))
    text = (
        f"pages moved as parts of folios, in an LRU heap of 64K mTHPs with mutators: in ART's granules "
        f"{_told(by_page, all_pages)}; in granules of a folio {_told(by_folio, all_folios)}. Time of a half-live heap "
        f"without mutators: {beside.text}"
    )
    if not sum(fields_of(by_page).values()):
        return refuted(text)
    if not sum(fields_of(by_folio).values()):
        return in_part("a collector that evacuates granules of a folio moves no parts", text)
    if beside.word != "less":
        return in_part(
            "parts also remain in granules of a folio, but moving them is not surely cheaper than copying", text
        )
    return confirmed(text)


def _live(one: Measurement) -> str:
    """Live bytes of an evacuated heap: ``32M``."""
    return size(one.scenario.live_bytes) if isinstance(one.scenario, PolicyScenario) else "?"


def granules_of_folios(evidence: Evidence) -> Finding:
    """T14."""
    thp, half = (evidence.heap(workload, evidence.thp, "whole") for workload in ("prefix", "sparse"))
    mthp, small = (evidence.heap("prefix", order, "move") for order in (evidence.order, 0))
    auto = evidence.heap("prefix", evidence.order, "auto")
    if thp is None or half is None or mthp is None or small is None or auto is None:
        return unusable(thp, half, mthp, small, auto)
    if not usable(thp, half, mthp, small, auto) or not evacuated(thp):
        return unusable(thp, half, mthp, small, auto)
    whole, partly, split, chosen = (policy_figures(one) for one in (thp, half, mthp, auto))
    floor = evidence.floor(thp, mthp, auto, small)
    beside = contrast(auto, mthp, "move", floor)
    text = (
        f"dense heap of THPs, {_live(thp)} live, 2M granule: {whole.went_whole:.1%} of the pages move whole "
        f"(half live: {partly.went_whole:.1%}), {contrast(thp, small, 'small folios', floor).text}. Of 64K mTHPs "
        f"{split.could_go_whole:.1%} are asked for whole and {split.went_whole:.1%} move whole. Policy auto for these: "
        f"from flip to drain {beside.text}, plus {ns(chosen.split_ns_page)} ns/page of splitting before the flip"
    )
    if whole.went_whole < MOST:
        return refuted(text)
    if split.went_whole < MOST:
        return in_part("it holds for THPs of a dense heap; this kernel splits 64K mTHPs although asked for whole", text)
    return confirmed(text)
