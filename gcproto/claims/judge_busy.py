"""Pages for which MOVE returns EBUSY, and the answers to it: T5, T7, T8, T9, T15."""

from gcproto.claims import judge_guests
from gcproto.claims.contrast import contrast, judged_as
from gcproto.claims.evidence import EBUSY_ANSWERS, Evidence
from gcproto.claims.finding import Finding, confirmed, in_part, refuted, untestable
from gcproto.claims.sound import Rows, always, ns, policy_figures, unusable, usable
from gcproto.counted import counted
from gcproto.results.names import several
from gcproto.results.schema import Measurement, WorkloadFigures
from gcproto.sizes import KIB

EARLY, TOUCH, HARD = EBUSY_ANSWERS
NO_MEMORY = "enomem-page-table"
HEAP = "half of a heap of 64 KiB mTHPs in the swap cache"


def _cached(evidence: Evidence) -> dict[str, Measurement] | Finding:
    """Heaps whose mTHPs are in the swap cache, by the answer to EBUSY; or the reason why they are unavailable."""
    found = {answer: evidence.cached(answer) for answer in EBUSY_ANSWERS}
    sound = {answer: one for answer, one in found.items() if one is not None and usable(one)}
    return sound if len(sound) == len(EBUSY_ANSWERS) else unusable(*found.values())


def _busy(one: Measurement) -> str:
    """``450 pages in 9 rounds``: the outcome counts all rounds; other figures are for one collection."""
    return f"{counted(one.outcome.copied_after_ebusy, 'page')} in {counted(len(one.samples), 'round')}"


def mthp_in_swap_cache_is_busy(evidence: Evidence) -> Finding:
    """T5."""
    rows = Rows(evidence, "swapcache-mthp", "swapcache-mthp-page", "swapcache-mthp-written")
    if rows.none:
        return untestable(rows.missing)
    if not rows.good:
        return refuted(rows.text)
    heaps = _cached(evidence)
    if isinstance(heaps, Finding):
        return in_part(f"the effect of waiting was not measured: {heaps.why}", rows.text)
    early, waited = heaps[EARLY].outcome, heaps[HARD].outcome
    text = (
        f"{rows.text}. Heaps, {HEAP}: {_busy(heaps[EARLY])} copied after EBUSY at once, and {_busy(heaps[HARD])} after "
        f"waiting and retrying ({waited.ebusy} EBUSY)"
    )
    tried, copy = (evidence.swapped("swapcache", arm, 64 * KIB, evidence.order) for arm in ("move_fallback", "copy"))
    if tried is not None and copy is not None and usable(tried, copy):
        beside = contrast(tried, copy, "copying at once", evidence.floor(tried, copy))
        text += (
            f". Paths, mTHPs of 64K in the swap cache, 64K a call, {counted(beside.rounds, 'round')}: trying MOVE "
            f"first {ns(tried.median)} ns/page, {beside.text}"
        )
    if not early.copied_after_ebusy:
        return untestable("no page of the heap was busy", text)
    if waited.copied_after_ebusy < early.copied_after_ebusy:
        helped = early.copied_after_ebusy - waited.copied_after_ebusy
        return in_part(f"waiting made {helped} of {counted(early.copied_after_ebusy, 'busy page')} movable", text)
    return confirmed(text)


def split_can_fail(evidence: Evidence) -> Finding:
    """T7."""
    names = ("mthp-pinned-page", "mthp-pinned-whole", "mthp-referenced", "mthp-forked", "swapcache-mthp")
    rows = Rows(evidence, *names, "short-hides-ebusy", NO_MEMORY)
    if rows.none:
        return untestable(rows.missing)
    text = rows.text
    if NO_MEMORY not in rows.missing:
        text += ". ENOMEM is of a page table for the destination: splitting an anonymous folio allocates nothing"
    if not rows.good:
        return refuted(text)
    if rows.killed:
        return in_part(f"no EBUSY, MOVE spins until it is killed: {several(rows.killed)}", text)
    return in_part(f"some rows are unavailable: {rows.missing}", text) if rows.missing else confirmed(text)


def heap_falls_back(evidence: Evidence) -> Finding:
    """T8."""
    bare, with_copy = (evidence.refused(arm, 64 * KIB) for arm in ("move", "move_fallback"))
    if bare is None or with_copy is None or not usable(bare, with_copy):
        return unusable(bare, with_copy)
    left, done = bare.outcome, with_copy.outcome
    text = (
        f"pinned pages: without a fallback {left.left} of {left.asked} are not evacuated. With UFFDIO_COPY as the "
        f"fallback {done.copied_after_ebusy} of {done.asked} are evacuated after EBUSY"
    )
    if not left.left:
        return refuted(text)
    heap = evidence.pinned(EARLY)
    if heap is None or not usable(heap):
        return in_part(f"no heap was verified: {unusable(heap).why}", text)
    out = heap.outcome
    verified = heap.figures.verified if isinstance(heap.figures, WorkloadFigures) else 0
    text += (
        f". A heap with pins, {counted(verified, 'collection')} verified: {counted(out.moved, 'page')} moved, "
        f"{out.copied} copied by choice, {out.copied_after_ebusy} after {out.ebusy} EBUSY"
    )
    if not verified or done.copied_after_ebusy != done.asked:
        return refuted(text)
    return always(confirmed(text), bare, with_copy, heap)


def early_ebusy_is_better(evidence: Evidence) -> Finding:
    """T9."""
    found = _cached(evidence)
    if isinstance(found, Finding):
        return found
    told = []
    rounds = counted(min(len(one.samples) for one in found.values()), "round")
    for name, one in found.items():
        figures = policy_figures(one)
        each = f"{figures.ebusy:.0f} EBUSY and {figures.fallback:.0f} copied per collection"
        told.append(f"{name} {ns(one.median)} ns/page, {each}")
    floor = evidence.floor(*found.values())
    against = [contrast(found[EARLY], found[other], _words(other), floor) for other in (HARD, TOUCH)]
    return judged_as("less", against, f"{HEAP}, by answer to EBUSY, {rounds}: {'; '.join(told)}. Copying at once")


def _words(answer: str) -> str:
    return {HARD: "waiting and retrying", TOUCH: "writing to the page and retrying, which copies nothing"}[answer]


def unmapped_split_would_save(evidence: Evidence) -> Finding:
    """T15."""
    if evidence.guests is not None:
        return judge_guests.unmapped_split_would_save(evidence.guests)
    found = _cached(evidence)
    if isinstance(found, Finding):
        return found
    copied, touched = (policy_figures(found[answer]) for answer in (EARLY, TOUCH))
    pages = found[EARLY].outcome.asked / max(1, len(found[EARLY].samples))
    text = (
        f"{HEAP}, per collection: {copied.ebusy:.0f} EBUSY for {pages:.0f} pages, {copied.fallback:.0f} copied. Of "
        f"{copied.swapped_before:.0f} swapped pages {copied.swapped_after:.0f} are swapped afterwards. If busy pages "
        f"are written to and retried, {touched.swapped_after:.0f} are"
    )
    return untestable(
        "it needs a kernel that splits unmapped folios, which --kernels builds; the figures show what that could save",
        text,
    )
