"""Claims that need a changed kernel, judged from guests: T3, T11, T15."""

from collections.abc import Mapping
from dataclasses import dataclass

from gcproto.claims.finding import Finding, confirmed, in_part, refuted, untestable
from gcproto.claims.pairs import BUG, SPLIT, WHOLE, Guests
from gcproto.model.kinds import COPIED, COPY_CALL, EBUSY, NEIGHBOURS, Kind, Row, What
from gcproto.model.proposals import PROPOSALS
from gcproto.results.baseline import refused
from gcproto.results.facts import page_size_of, release_of
from gcproto.results.schema import CONGRUENT, Hazard, Measurement, PathScenario, Result
from gcproto.results.steps import CANARY_SAME_KERNEL
from gcproto.sizes import KIB, MIB, log2_pages

FOLIO = 64 * KIB
GRAVE = frozenset({"panic", "corruption"})
GOOD = frozenset({"fine", "ebusy"})
UNIT = "instructions a page"


@dataclass(frozen=True)
class Both:
    """A scenario without the patch and with it."""

    stock: Measurement
    changed: Measurement


def _find(result: Result, source: str, arm: str, granule: int, order: int) -> Measurement | None:
    wanted = (source, arm, granule, order, CONGRUENT, 1)
    for one in result.measurements:
        match one.scenario:
            case PathScenario() as known:
                of = (known.source, known.arm, known.granule_bytes, known.order, known.alignment, known.threads)
                if of == wanted and one.valid and one.median is not None:
                    return one
    return None


def _both(pair: tuple[Result, Result], source: str, arm: str, granule: int, order: int = 0) -> Both | None:
    stock, changed = (_find(one, source, arm, granule, order) for one in pair)
    return Both(stock, changed) if stock is not None and changed is not None else None


def _void(pair: tuple[Result, Result]) -> str:
    """Why the two can't be compared; "" if the canary says that they can."""
    both = _both(pair, "none", "canary", 2 * MIB)
    if both is None or not both.stock.median or both.changed.median is None:
        return "the canary was not measured"
    change = both.changed.median / both.stock.median - 1
    return f"the canary differs by {change:+.1%}" if abs(change) > CANARY_SAME_KERNEL else ""


def _order(pair: tuple[Result, Result]) -> int:
    return log2_pages(FOLIO, page_size_of(pair[0]))


def _count(value: float | None) -> str:
    """Three significant figures of a small count, all digits before the point of a large one."""
    return "?" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _runs(pair: tuple[Result, Result]) -> str:
    return f"runs {pair[0].run_id} and {pair[1].run_id}"


def _said(result: Result) -> dict[str, str]:
    """Verdicts of the hazards that ran, by name."""
    return {one.subject.name: one.verdict for one in result.verdicts if isinstance(one.subject, Hazard)}


def _told(said: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {said.get(name, 'not run')}" for name in BUG.hazards)


def unfixed_kernels_corrupt(guests: Guests) -> Finding:
    """T3, on a kernel with the fix and on the same without it."""
    pair = guests.pair(BUG)
    fixed, undone = (_said(one) for one in pair)
    small = BUG.hazards[0]
    why = next((one.text for one in pair[1].verdicts if one.subject == Hazard(small)), "")
    text = (
        f"{release_of(pair[1])}, without the handling of the swap cache: {_told(undone)} ({why}). "
        f"{release_of(pair[0])}, with it: {_told(fixed)}. Neither copies such pages as KSM does. {_runs(pair)}"
    )
    if fixed.get(small) not in GOOD:
        return untestable("the kernel with the fix did not do what it should, so the fix is not what differs", text)
    if undone.get(small) in GRAVE:
        return confirmed(text)
    return refuted(text) if undone.get(small) in GOOD else untestable("the hazard gave no verdict", text)


def _predicted(name: str, row: Row, costs: Mapping[Kind, float]) -> str:
    """What the model's proposal makes of costs that were measured on stock: ``76 to 189``."""
    proposal = PROPOSALS[name]
    ends = sorted(sum(count * costs[kind] for kind, count in proposal.applied(row, end).items()) for end in (0, 1))
    return f"The model's proposal {name} says {_count(ends[0])} to {_count(ends[1])}"


def whole_mthp_could_move(guests: Guests) -> Finding:
    """T11, on stock and on the series that does it."""
    pair = guests.pair(WHOLE)
    order = _order(pair)
    moves, small = _both(pair, "mthp", "move", 2 * MIB, order), _both(pair, "small", "move", 2 * MIB)
    copies = _both(pair, "small", "copy", 2 * MIB)
    if moves is None or small is None or copies is None:
        return untestable("a scenario is missing or INVALID in one of the two kernels", _runs(pair))
    old, new = moves.stock, moves.changed
    assert old.median is not None
    assert new.median is not None
    assert small.stock.median is not None
    split = Kind(What.SPLIT, order)
    row = {NEIGHBOURS: 1.0, split: 1 / (1 << order)}
    costs = {NEIGHBOURS: small.stock.median, split: (old.median - small.stock.median) * (1 << order)}
    text = (
        f"64K mTHPs, 2M a call, {UNIT}: {release_of(pair[0])} {_count(old.median)}, {old.proof.folios_split} of "
        f"{old.proof.folios} split; {release_of(pair[1])} {_count(new.median)}, {new.proof.folios_split} of "
        f"{new.proof.folios} split, {new.proof.pfn_kept} of {new.outcome.asked} page frames kept. "
        f"{_predicted('whole-folio', row, costs)}. UFFDIO_COPY {_count(copies.stock.median)}, small folios moved "
        f"{_count(small.stock.median)} and {_count(small.changed.median)}. {_runs(pair)}"
    )
    if why := _void(pair):
        return untestable(why, text)
    if old.proof.folios_split != old.proof.folios:
        return untestable("the kernel without the change does not split all of them", text)
    if new.proof.folios_split == new.proof.folios:
        return refuted(text)
    if new.proof.folios_split or new.proof.pfn_kept != new.outcome.asked or new.proof.level != "pfn":
        return in_part("not all folios moved whole", text)
    return confirmed(text) if new.median < old.median else in_part("it costs no less", text)


def _share(one: Measurement) -> str:
    return f"{one.outcome.left / max(1, one.outcome.asked):.0%}"


def unmapped_split_would_save(guests: Guests) -> Finding:
    """T15, on stock and on a kernel that splits folios in the swap cache."""
    pair = guests.pair(SPLIT)
    order, page = _order(pair), page_size_of(pair[0])
    part = _both(pair, "swapcache", "move", page, order)
    whole = _both(pair, "swapcache", "move", FOLIO, order)
    after = _both(pair, "swapcache", "move_fallback", FOLIO, order)
    copies = _both(pair, "swapcache", "copy", FOLIO, order)
    small, cached = (_both(pair, source, "move", 2 * MIB) for source in ("small", "swapcache"))
    present = _both(pair, "mthp", "move", 2 * MIB, order)
    if part is None or whole is None or after is None or copies is None or small is None:
        return untestable("a scenario is missing or INVALID in one of the two kernels", _runs(pair))
    assert small.stock.median is not None
    assert after.stock.median is not None
    assert whole.changed.median is not None
    row = {EBUSY: 1.0, COPIED: 1.0, COPY_CALL: 1.0, NEIGHBOURS: 0.0}
    costs = {EBUSY: after.stock.median, COPIED: 0.0, COPY_CALL: 0.0, NEIGHBOURS: (cached or small).stock.median or 0.0}
    of_split = "" if present else ", without the split"
    if present is not None:
        assert present.stock.median is not None
        kind = Kind(What.SPLIT, order)
        row[kind] = 0.0
        costs[kind] = (present.stock.median - small.stock.median) * (1 << order)
    kept = whole.changed.proof
    text = (
        f"64K mTHPs in the swap cache, EBUSY without and with the change: {_share(part.stock)} and "
        f"{_share(part.changed)} of single pages, {_share(whole.stock)} and {_share(whole.changed)} of whole folios. "
        f"Of {kept.swapped_before} moved pages {kept.swapped_after} stay swapped. {UNIT.capitalize()}, 64K a call: "
        f"moved {_count(whole.changed.median)}, with COPY after EBUSY {_count(after.stock.median)}, copied at once "
        f"{_count(copies.stock.median)}. {_predicted('unmapped-split', row, costs)}{of_split}. Kernels "
        f"{release_of(pair[0])} and {release_of(pair[1])}, {_runs(pair)}"
    )
    if why := _void(pair):
        return untestable(why, text)
    if not (refused(part.stock) and refused(whole.stock)):
        return untestable("the kernel without the change moves some of them", text)
    if refused(part.changed):
        return refuted(text)
    if part.changed.outcome.left or whole.changed.outcome.left:
        return in_part("some of them still give EBUSY", text)
    if kept.swapped_after != kept.swapped_before:
        return in_part("they move, and are read in", text)
    alternatives = [one.stock.median for one in (after, copies) if one.stock.median is not None]
    if whole.changed.median >= min(alternatives):
        return in_part("parts survive; moving them costs no fewer instructions than copying", text)
    return confirmed(text)
