"""How each claim is judged: by proofs and counters first, by costs where it is about costs."""

from gcproto.claims.evidence import ANSWERS, Evidence
from gcproto.claims.finding import Finding, judged, untestable
from gcproto.contract import Verdict
from gcproto.results.folios import PARTS, parts_of
from gcproto.results.schema import Measurement
from gcproto.sizes import KIB, MIB

ORDER_64K = 4
MISSING = "the pages could not be had here (root, swap devices, folio sizes)"


def _ns(value: float | None) -> str:
    """Three significant figures."""
    return "?" if value is None else f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _usable(*found: Measurement | None) -> bool:
    return all(one is not None and one.valid and one.median is not None for one in found)


def _rows(evidence: Evidence, *names: str) -> tuple[bool | None, str]:
    """Whether all rows of the contract hold (None: one can't be had), and what they say."""
    found = evidence.rows(*names)
    skipped = [f"{one.row.name}: {one.text}" for one in found if one.verdict is Verdict.SKIP]
    if skipped:
        return None, "; ".join(skipped)
    text = "; ".join(f"{one.row.name}: {one.verdict.name.lower()}" for one in found)
    return all(one.verdict is Verdict.OK for one in found), f"rows of the contract: {text}"


def present_is_rewritten(evidence: Evidence) -> Finding:
    """T1."""
    move, copy = evidence.path("small", "move", 2 * MIB), evidence.path("small", "copy_discard", 2 * MIB)
    if move is None or copy is None or not _usable(move, copy):
        return untestable(MISSING)
    pages, kept = move.scenario.pages * move.proof.rounds, move.proof.pfn_kept
    text = f"{kept} of {pages} page frames kept; move {_ns(move.median)}, copy and discard {_ns(copy.median)} ns/page"
    return judged(kept == pages and move.proof.pfn_changed == 0, text)


def swap_entry_is_copied(evidence: Evidence) -> Finding:
    """T2."""
    move, copy = (evidence.path("swapped", arm, 64 * KIB, swap=True) for arm in ("move", "copy"))
    if move is None or copy is None or not _usable(move, copy):
        return untestable(MISSING)
    before, after = move.proof.swapped_before, move.proof.swapped_after
    text = f"{after} of {before} pages still swapped; move {_ns(move.median)}, copy {_ns(copy.median)} ns/page"
    return judged(before > 0 and after == before, text)


def unfixed_kernels_corrupt(evidence: Evidence) -> Finding:
    """T3."""
    bug = next(one for one in evidence.survey.bugs if one.key == "swapcache-rmap")
    if bug.may_bite:
        return untestable(f"this kernel has it by its version ({bug.evidence}); provoking it may corrupt the machine")
    good, text = _rows(evidence, "swapcache-small", "swapcache-mthp")
    why = (
        "this kernel has the fix, and so have all that Debian has with UFFDIO_MOVE: one without it is built and panics"
    )
    return untestable(why, text if good is not None else "")


def small_in_swap_cache_moves(evidence: Evidence) -> Finding:
    """T4."""
    move = evidence.path("swapcache", "move", 64 * KIB, swap=True)
    if move is None or not move.outcome.asked:
        return untestable(MISSING)
    moved, asked = move.outcome.moved, move.outcome.asked
    return judged(moved == asked, f"{moved} of {asked} pages in the swap cache moved, EBUSY {move.outcome.ebusy}")


def mthp_in_swap_cache_is_busy(evidence: Evidence) -> Finding:
    """T5."""
    good, text = _rows(evidence, "swapcache-mthp", "swapcache-mthp-page", "swapcache-mthp-written")
    if good is None:
        return untestable(text)
    tried = evidence.path("swapcache", "move_fallback", 64 * KIB, order=ORDER_64K, swap=True)
    copy = evidence.path("swapcache", "copy", 64 * KIB, order=ORDER_64K, swap=True)
    if tried is not None and copy is not None and _usable(tried, copy):
        text += f"; trying first {_ns(tried.median)}, copying at once {_ns(copy.median)} ns/page"
    return judged(good, text)


def large_is_split(evidence: Evidence) -> Finding:
    """T6."""
    texts, split = [], True
    for order, part in evidence.splits().items():
        source = "thp" if order == evidence.thp else "mthp"
        moved = evidence.path(source, "move", 64 * KIB, order=order)
        if moved is None or not moved.proof.folios:
            return untestable(MISSING)
        split = split and moved.proof.folios_split == moved.proof.folios
        texts.append(
            f"{4 << order}K {moved.proof.folios_split} of {moved.proof.folios}, {_ns(part.split_part)} ns/page"
        )
    if not texts:
        return untestable(MISSING)
    return judged(split, "split when 64K are asked, and the cost of the split alone: " + "; ".join(texts))


def split_can_fail(evidence: Evidence) -> Finding:
    """T7."""
    names = ("mthp-pinned-page", "mthp-pinned-whole", "mthp-referenced", "mthp-forked", "swapcache-mthp")
    good, text = _rows(evidence, *names, "short-hides-ebusy")
    return untestable(text) if good is None else judged(good, f"{text}; ENOMEM was not provoked")


def _answer(evidence: Evidence, name: str) -> Measurement | None:
    return next((one for one in evidence.pinned if f"ebusy={name}" in one.scenario.arm), None)


def heap_falls_back(evidence: Evidence) -> Finding:
    """T8."""
    copy = _answer(evidence, "copy")
    if copy is None:
        return untestable(MISSING)
    out = copy.outcome
    text = (
        f"{copy.proof.contents} collections verified, every page accounted for; {out.moved} moved, {out.copied} copied "
        f"by choice, {out.copied_after_ebusy} copied after {out.ebusy} EBUSY, {out.zeroed} zero-filled"
    )
    return judged(copy.valid and copy.proof.contents > 0 and out.ebusy > 0, text)


def _cached(evidence: Evidence) -> dict[str, Measurement]:
    """Heaps whose mTHPs are in the swap cache, by the answer to EBUSY."""
    found = {one.scenario.arm.partition(":")[2] or "copy": one for one in evidence.cached if _usable(one)}
    return found if len(found) == len(ANSWERS) else {}


def early_ebusy_is_better(evidence: Evidence) -> Finding:
    """T9."""
    found = _cached(evidence)
    if not found:
        return untestable(MISSING)
    text = "; ".join(
        f"{name} {_ns(one.median)} ns/page, {one.figures['EBUSY']:.0f} EBUSY, {one.figures['fallback']:.0f} copied"
        for name, one in found.items()
    )
    better = (found["copy"].median or 0.0) < (found["backoff"].median or 0.0)
    return judged(better, f"half of a heap of 64 KiB mTHPs in the swap cache: {text}")


def tao_may_be_worse_than_copy(evidence: Evidence) -> Finding:
    """T10."""
    tao, copy, split = (
        evidence.path("mthp", arm, 2 * MIB, order=ORDER_64K) for arm in ("tao", "copy_discard", "split_move")
    )
    if tao is None or copy is None or split is None or not _usable(tao, copy, split):
        return untestable(MISSING)
    text = (
        f"emulated (allocate, copy, move) {_ns(tao.median)}; copy and discard {_ns(copy.median)}; split and move "
        f"{_ns(split.median)} ns/page"
    )
    return judged((tao.median or 0.0) > (copy.median or 0.0), text)


def whole_mthp_could_move(evidence: Evidence) -> Finding:
    """T11."""
    move = evidence.path("mthp", "move", 64 * KIB, order=ORDER_64K)
    if move is not None and move.valid and move.proof.folios and not move.proof.folios_split:
        return judged(True, f"this kernel does: {_ns(move.median)} ns/page, no folio was split")
    figures = f"here {_ns(move.median)} ns/page, {move.proof.folios_split} of {move.proof.folios} split" if move else ""
    return untestable("waits for a kernel with that change, which can be built (native/kernel/series)", figures)


def across_page_tables(evidence: Evidence) -> Finding:
    """T12."""
    mthp = evidence.path("mthp", "move", 2 * MIB, order=ORDER_64K, skewed=True)
    thp = evidence.path("thp", "move", 2 * MIB, order=evidence.thp, skewed=True)
    if mthp is None or thp is None or not _usable(mthp, thp):
        return untestable(MISSING)
    text = (
        f"one page askew, folios come to lie across page tables: {mthp.proof.folios_split} of {mthp.proof.folios} "
        f"mTHPs and {thp.proof.folios_split} of {thp.proof.folios} THPs are split for it, contents right"
    )
    return judged(mthp.proof.folios_split == mthp.proof.folios and thp.proof.folios_split == thp.proof.folios, text)


def parts_of_mthps_move(evidence: Evidence) -> Finding:
    """T13."""
    built, small = (evidence.heap("sparse", order, "move") for order in (ORDER_64K, 0))
    running = evidence.running[0]
    if built is None or small is None or not _usable(built, small, running):
        return untestable(MISSING)
    cycles = [cycle for some in running.collections for cycle in some]
    counts = {name: sum(parts_of(cycles, who)[name] for who in ("collector", "faults")) for name in PARTS}
    whole = sum(account.get("moved", 0) for cycle in cycles for account in (cycle.collector, cycle.faults))
    split = sum(cycle.splits.get(str(ORDER_64K), 0) for cycle in cycles)
    text = (
        f"LRU heap of 64 KiB mTHPs, {len(cycles)} collections as ART's: of {whole} pages moved "
        + ", ".join(f"{counts[name]} {PARTS[name]}" for name in PARTS)
        + f" were parts of folios, {split} folios split. A half-live heap that stands still: "
        f"{_ns(built.figures['map ns/page'])} ns/page of ioctls, of small folios {_ns(small.figures['map ns/page'])}"
    )
    return judged(sum(counts.values()) > 0, text)


def granules_of_folios(evidence: Evidence) -> Finding:
    """T14."""
    whole = evidence.heap("prefix", evidence.thp, "whole")
    small = evidence.heap("prefix", 0, "move")
    mthp, auto = (evidence.heap("prefix", ORDER_64K, policy) for policy in ("move", "auto"))
    if whole is None or small is None or mthp is None or auto is None or not _usable(whole, small, mthp, auto):
        return untestable(MISSING)
    share = whole.figures["went whole"]
    text = (
        f"2M granule: {share:.0%} of the pages moved whole, {_ns(whole.figures['map ns/page'])} ns/page of ioctls "
        f"(small folios {_ns(small.figures['map ns/page'])}); 64K mTHPs: move {_ns(mthp.median)}, auto "
        f"{_ns(auto.median)} ns/page"
    )
    return judged(share >= 0.9, text)


def unmapped_split_would_save(evidence: Evidence) -> Finding:
    """T15."""
    found = _cached(evidence)
    if not found:
        return untestable(MISSING)
    copy = found["copy"]
    pages = copy.outcome.asked / max(1, len(copy.samples))
    text = (
        f"half of a heap of 64 KiB mTHPs in the swap cache: {copy.figures['EBUSY']:.0f} EBUSY for {pages:.0f} pages, "
        f"and {copy.figures['swapped before']:.0f} swapped pages become {copy.figures['swapped after']:.0f}"
    )
    return untestable("waits for a kernel that splits unmapped folios; this is what it could save", text)


def panic_must_be_fixed(evidence: Evidence) -> Finding:
    """T16."""
    bugs = {one.key: one for one in evidence.survey.bugs}
    biting = [key for key, one in bugs.items() if one.may_bite and one.harm != "slow"]
    text = f"swapcache-rmap: {bugs['swapcache-rmap'].state}; to be reckoned with here: {', '.join(biting) or 'nothing'}"
    return judged(not bugs["swapcache-rmap"].may_bite, text)
