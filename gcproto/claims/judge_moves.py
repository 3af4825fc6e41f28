"""The effect of a move on a page: T1, T2, T4."""

from gcproto.claims.contrast import contrast
from gcproto.claims.evidence import Evidence
from gcproto.claims.finding import Finding, confirmed, in_part, refuted, untestable
from gcproto.claims.sound import MISSING, always, ns, unusable, usable
from gcproto.counted import counted
from gcproto.results.schema import Measurement, PathScenario
from gcproto.sizes import KIB, MIB


def _pages(one: Measurement) -> int:
    """Pages of all proven rounds."""
    return one.scenario.pages * one.proof.rounds if isinstance(one.scenario, PathScenario) else 0


def present_is_rewritten(evidence: Evidence) -> Finding:
    """T1."""
    move, copy = (evidence.present("small", arm, 2 * MIB) for arm in ("move", "copy"))
    if move is None or copy is None or not usable(move, copy):
        return unusable(move, copy)
    beside = contrast(move, copy, "copying", evidence.floor(move, copy))
    cost = f"small folios, 2M a call: move {ns(move.median)} ns/page, {beside.text}"
    moves = [one for one in evidence.moves() if usable(one)]
    if any(one.proof.level != "pfn" for one in moves):
        why = "page frame numbers can't be read here, so only the cost supports it"
        return in_part(why, cost) if beside.word == "less" else untestable(why, cost)
    kept, changed = (sum(getattr(one.proof, name) for one in moves) for name in ("pfn_kept", "pfn_changed"))
    pages = sum(map(_pages, moves))
    text = f"{kept} of {pages} page frames kept, for folios of every size, contents right; {cost}"
    return always(confirmed(text), *evidence.moves()) if kept == pages and not changed else refuted(text)


def swap_entry_is_copied(evidence: Evidence) -> Finding:
    """T2."""
    small = [evidence.swapped("swapped", arm, 64 * KIB) for arm in ("move", "copy")]
    large = evidence.swapped("swapped", "move", 64 * KIB, evidence.order)
    move, copy = small
    if move is None or copy is None or not usable(move, copy):
        return unusable(move, copy)
    moves = [move, *([large] if large is not None and usable(large) else [])]
    before, after = (sum(getattr(one.proof, name) for one in moves) for name in ("swapped_before", "swapped_after"))
    beside = contrast(move, copy, "copying, which reads them in", evidence.floor(move, copy))
    sizes = "small and 64 KiB mTHPs" if len(moves) > 1 else "small"
    text = f"{after} of {counted(before, 'page')} still swapped, {sizes}; move {ns(move.median)} ns/page, {beside.text}"
    return always(confirmed(text), *moves) if before > 0 and after == before == _asked(moves) else refuted(text)


def _asked(some: list[Measurement]) -> int:
    return sum(one.outcome.asked for one in some)


def small_in_swap_cache_moves(evidence: Evidence) -> Finding:
    """T4."""
    move = evidence.swapped("swapcache", "move", 64 * KIB)
    if move is None or not usable(move):
        return unusable(move)
    if not move.outcome.asked or move.proof.cached_before != move.outcome.asked:
        return untestable(MISSING)
    out = move.outcome
    text = (
        f"{out.moved} of {counted(out.asked, 'page')} that were in the swap cache moved, EBUSY {out.ebusy}, in the "
        f"{counted(move.proof.rounds, 'round')} tried, with one thread"
    )
    return always(confirmed(text), move) if out.moved == out.asked else refuted(text)
