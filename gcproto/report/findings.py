"""The verdict of a page: questions that people have, each with an answer, its figures, and whether it is sure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gcproto.report import labels
from gcproto.report.claims import Claim, claim_of
from gcproto.report.verdict import Lookup, lookup_of, plain
from gcproto.results.schema import Result


@dataclass(frozen=True)
class Finding:
    """A question and its answer.

    Attributes:
        question: as people ask it.
        answer: a word or two.
        figure: the factor, or what else says how much.
        sure: whether it is; None for what is no comparison.
        basis: why it is sure or not, in figures.
        detail: a sentence or two.
        place: anchor of the section with the picture.
        projected: computed from other measurements, not measured itself.

    """

    question: str
    answer: str
    figure: str
    sure: bool | None
    basis: str
    detail: str
    place: str
    projected: bool = False


def path_findings(result: Result, claims: Sequence[Claim], place: str, orders: str = "cost") -> list[Finding]:
    """Of a run of paths, whose claims these are; the picture over folio sizes has a place of its own."""
    lookup = lookup_of(result)
    made = [
        _small(claims, place),
        _mthp(claims, lookup, place),
        _batching(claims, lookup, orders),
        _thp(claims, place),
        _fault(claims, lookup, place),
        _busy(claims, place),
    ]
    return [one for one in made if one]


def headline_claims(result: Result, claims: Sequence[Claim]) -> list[Claim]:
    """What the first picture shows: of each kind of page the claim that decides, in a fixed order."""
    lookup = lookup_of(result)
    singles = [one for one in claims if one.over.scenario.granule_bytes == lookup.page_size]
    picked: list[Claim | None] = [
        _best(one for one in claims if _is(one, "small") and plain(one.over.scenario)),
        next((one for one in singles if _is(one, "small") and plain(one.over.scenario)), None),
        next((one for one in singles if _is(one, "small") and one.over.scenario.threads > 1), None),
        _mthp_claim(claims),
        _best(one for one in claims if _is(one, "mthp") and one.over.scenario.threads > 1),
        _thp_claim(claims),
        _best(one for one in claims if _is(one, "thp") and one.over.scenario.alignment == "skewed"),
        _best(one for one in claims if _is(one, "zero")),
        *(
            _best(one for one in claims if _is(one, source, "move_fallback") and not one.over.scenario.order)
            for source in ("forked", "pinned")
        ),
        _best(one for one in claims if _is(one, "swapped")),
        _best(one for one in claims if _is(one, "swapcache")),
    ]
    return list({id(one): one for one in picked if one}.values())


def _is(one: Claim, source: str, arm: str = "move") -> bool:
    return one.over.scenario.source == source and one.over.scenario.arm == arm


def _best(claims: Iterable[Claim]) -> Claim | None:
    return min(claims, key=lambda one: one.over.median or 0.0, default=None)


def _costs(one: Claim) -> str:
    over, under = (f"{labels.number(each.median or 0)}" for each in (one.over, one.under))
    return (
        f"{over} against {under} {one.over.unit} ({len(one.over.samples)} rounds), "
        f"{labels.size(one.over.scenario.granule_bytes)} a call"
    )


def pick_of(one: Claim) -> str:
    """Move, copy, either; a question mark where too few rounds say so."""
    if not one.sure and not one.few:
        return "Either"
    return ("Move" if one.ratio.value < 1 else "Copy") + "?" * one.few


def _small(claims: Sequence[Claim], place: str) -> Finding | None:
    one = _best(one for one in claims if _is(one, "small") and plain(one.over.scenario))
    if not one:
        return None
    single = next(
        (each for each in claims if _is(each, "small") and plain(each.over.scenario) and each is not one), None
    )
    more = f" Page by page it is {single.versus}." if single else ""
    return Finding(
        "Small folios: move or copy?", pick_of(one), one.versus, one.sure, one.basis, f"{_costs(one)}.{more}", place
    )


def _mthp_claim(claims: Sequence[Claim]) -> Claim | None:
    """Of the mTHP that was measured against copy-then-discard, else of the one that is nearest to 64 KiB."""
    found = [one for one in claims if _is(one, "mthp") and plain(one.over.scenario)]
    if not found:
        return None
    first = min(found, key=lambda one: (one.under.scenario.arm != "copy_discard", abs(one.over.scenario.order - 4)))
    return _best(one for one in found if one.over.scenario.order == first.over.scenario.order)


def _folio(one: Claim, lookup: Lookup) -> str:
    return f"{labels.size(lookup.page_size << one.over.scenario.order)} mTHP"


def _mthp(claims: Sequence[Claim], lookup: Lookup, place: str) -> Finding | None:
    one = _mthp_claim(claims)
    if not one:
        return None
    proof, name = one.over.proof, _folio(one, lookup)
    pick = pick_of(one)
    if not proof.folios:
        kept = "Whether the folios stayed whole was not seen: that takes root."
    elif not proof.folios_split:
        kept = "The folios stayed whole, as split counters and folio orders say."
    else:
        kept = (
            f"{labels.per_round(proof.folios_split, one.over)} of {labels.per_round(proof.folios, one.over)} "
            "folios a round were split to be moved."
        )
        pick = {"Move": "Move, but it splits", "Move?": "Move? It splits", "Either": "Either; a move splits"}.get(
            pick, pick
        )
    return Finding(f"{name}: move or copy?", pick, one.versus, one.sure, one.basis, f"{_costs(one)}. {kept}", place)


def _batching(claims: Sequence[Claim], lookup: Lookup, place: str) -> Finding | None:
    """What mTHPs would cost if they were moved without a split, at what small folios cost in the same run."""
    one = _mthp_claim(claims)
    if not one or not one.over.proof.folios:
        return None
    question = "What would batching mTHP moves change?"
    name = _folio(one, lookup)
    if not one.over.proof.folios_split:
        return Finding(
            question,
            "Nothing more here",
            "moved whole",
            None,
            "split counters and folio orders",
            f"This kernel moves a {name} whole: {_costs(one)}.",
            place,
        )
    small = next(
        (
            each
            for each in lookup.find("small", "move", plain)
            if each.scenario.granule_bytes == one.over.scenario.granule_bytes
        ),
        None,
    )
    claim = claim_of(name, one.over, small, lookup)
    if not claim or not small:
        return None
    now, then = labels.number(one.over.median or 0), labels.number(small.median or 0)
    detail = (
        f"A {name} costs {now} {one.over.unit} now, split and moved page by page; small folios in the same "
        f"run cost {then}. "
        f"Moved in batches without a split it could cost as little, and stay whole."
    )
    if not claim.sure or claim.ratio.value <= 1:
        return Finding(question, "Little", claim.factor, claim.sure, claim.basis, detail, place, projected=True)
    times = claim.times
    return Finding(
        question,
        f"Up to {labels.number(times.value)}x",
        f"{now} \N{RIGHTWARDS ARROW} {then} {one.over.unit}",
        claim.sure,
        claim.basis,
        detail,
        place,
        projected=True,
    )


def _thp_claim(claims: Sequence[Claim]) -> Claim | None:
    return _best(
        one for one in claims if _is(one, "thp") and plain(one.over.scenario) and not one.over.proof.folios_split
    )


def _thp(claims: Sequence[Claim], place: str) -> Finding | None:
    one = _thp_claim(claims)
    if not one:
        return None
    skewed = _best(each for each in claims if _is(each, "thp") and each.over.scenario.alignment == "skewed")
    more = f" Skewed by one page it is split: {skewed.versus}." if skewed and skewed.over.proof.folios_split else ""
    pick = "Move whole, aligned" if one.cheaper else pick_of(one)
    return Finding(
        "2M THP: move or copy?".replace("2M", labels.size(4096 << one.over.scenario.order)),
        pick,
        one.versus,
        one.sure,
        one.basis,
        f"{_costs(one)}, both ends aligned.{more}",
        place,
    )


def _fault(claims: Sequence[Claim], lookup: Lookup, place: str) -> Finding | None:
    """One page a call beside a live thread: what a mutator pays that faults."""
    found = [
        one
        for one in claims
        if _is(one, "small")
        and one.over.scenario.granule_bytes == lookup.page_size
        and one.over.scenario.alignment == "congruent"
    ]
    one = max(found, key=lambda one: one.over.scenario.threads, default=None)
    if not one or one.over.scenario.threads < 2:
        return None
    # What a mutator needs is the page; giving the source back is the collector's, so copy alone is the alternative.
    claim = claim_of(one.subject, one.over, lookup.beside(one.over, "copy"), lookup) or one
    pick = {"Move": "Move it too", "Copy": "Copy it"}.get(pick_of(claim), pick_of(claim))
    return Finding(
        "A mutator that faults on one page?",
        pick,
        f"move is {claim.versus}" if claim.sure or claim.few else claim.factor,
        claim.sure,
        claim.basis,
        f"{_costs(claim)}, beside a second live thread.",
        place,
    )


def _busy(claims: Sequence[Claim], place: str) -> Finding | None:
    found = [
        one
        for one in claims
        if one.over.scenario.arm == "move_fallback" and one.over.outcome.ebusy and not one.over.scenario.order
    ]
    if not found:
        return None
    worst = max(found, key=lambda one: one.ratio.value)
    names = " and ".join(dict.fromkeys(one.over.scenario.source for one in found))
    pick = {"Move": "Try to move", "Copy": "Copy at once"}.get(pick_of(worst), pick_of(worst))
    return Finding(
        f"Pages that are {names}?",
        pick,
        f"trying to move is {worst.versus}" if worst.sure or worst.few else worst.factor,
        worst.sure,
        worst.basis,
        f"{_costs(worst)}; they say EBUSY.",
        place,
    )
