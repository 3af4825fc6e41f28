"""Findings of path runs: move or copy, for each kind of page, under each condition."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gcproto.report import labels
from gcproto.report.words import cases
from gcproto.report.words.cases import Case, PathRow, answer_of, case_of
from gcproto.report.words.finding import Finding, Small
from gcproto.report.words.ratios import Ratio, Refusal, Standing, apart_note
from gcproto.report.words.rows import cheapest, discards_beside
from gcproto.report.words.typical import sample_modes, typical
from gcproto.results import names
from gcproto.results.baseline import MOVE
from gcproto.results.schema import CONGRUENT, PathScenario

NEAR_64K = 4
BUSY = ("forked", "pinned")


@dataclass(frozen=True)
class Evidence:
    """What the findings are made of.

    Attributes:
        rows: comparisons with copy, of one run or of runs that were put together.
        projected: moves of mTHPs against moves of small folios.
        page_size: bytes.

    """

    rows: Sequence[PathRow]
    projected: Sequence[Ratio[PathScenario]]
    page_size: int

    def case(self, choose: Callable[[PathScenario], bool]) -> Case | None:
        """A question about the chosen scenarios."""
        return case_of(self.rows, choose)


def path_findings(evidence: Evidence, place: str, orders: str) -> list[Finding]:
    """A card for each question that was measured.

    Args:
        evidence: of one run or of runs that were put together.
        place: anchor of the section with the pictures.
        orders: anchor of the picture over folio sizes.

    """
    made = [
        _small(evidence, place),
        _mthp(evidence, place),
        _batching(evidence, orders),
        _thp(evidence, place),
        _fault(evidence, place),
        *(_busy(evidence, source, place) for source in BUSY),
    ]
    return [one for one in made if one]


def headline_rows(evidence: Evidence) -> list[PathRow]:
    """Rows of the first picture: each question of the cards under each of its conditions, and related rows."""
    questions = [
        small_case(evidence),
        mthp_case(evidence),
        thp_case(evidence),
        fault_case(evidence),
        *(busy_case(evidence, source) for source in BUSY),
        *(refused_case(evidence, source) for source in BUSY),
        *(evidence.case(_is(source)) for source in ("zero", "swapped", "swapcache")),
    ]
    picked: list[PathRow] = []
    for case in questions:
        if not case:
            continue
        picked += [one.row for one in case.cells]
        picked += [one for one in [_discard(evidence, case), _skewed(evidence, case.lead.at)] if one]
    return list({id(one): one for one in picked}.values())


def _is(source: str, arm: str = MOVE) -> Callable[[PathScenario], bool]:
    return lambda one: one.source == source and one.arm == arm


def small_case(evidence: Evidence) -> Case | None:
    """Runs of small folios, as a collector moves them: more than one page per call."""
    small = _is("small")
    return evidence.case(lambda one: small(one) and one.granule_bytes > evidence.page_size)


def mthp_case(evidence: Evidence) -> Case | None:
    """The case of the mTHP with the most layouts; among equals, of the order nearest to 4."""
    counts: dict[int, set[PathScenario]] = {}
    for one in evidence.rows:
        if _is("mthp")(one.at) and one.at.alignment == CONGRUENT:
            counts.setdefault(one.at.order, set()).add(one.at)
    if not counts:
        return None
    order = min(counts, key=lambda order: (-len(counts[order]), abs(order - NEAR_64K)))
    return evidence.case(lambda one: _is("mthp")(one) and one.order == order)


def thp_case(evidence: Evidence) -> Case | None:
    """THPs that were moved whole: congruent, asked whole."""
    whole = {one.at for one in evidence.rows if isinstance(one, Ratio) and one.over.proof.folios_split == 0}
    return evidence.case(lambda one: _is("thp")(one) and one in whole)


def fault_case(evidence: Evidence) -> Case | None:
    """One page per call: the cost for a mutator that faults."""
    return evidence.case(lambda one: _is("small")(one) and one.granule_bytes == evidence.page_size)


def busy_case(evidence: Evidence, source: str) -> Case | None:
    """Small folios for which MOVE returns EBUSY, with COPY as the fallback: the question is about this arm alone."""
    return evidence.case(lambda one: _is(source, "move_fallback")(one) and one.order == 0)


def refused_case(evidence: Evidence, source: str) -> Case | None:
    """Small folios for which MOVE returns EBUSY, without a fallback."""
    return evidence.case(lambda one: _is(source)(one) and one.order == 0)


def _discard(evidence: Evidence, case: Case) -> PathRow | None:
    """Copy-then-discard in the layout of the leading row, else in another of the case."""
    for cell in case.cells:
        found = next((one for one in evidence.rows if discards_beside(one.at, cell.row.at)), None)
        if found:
            return found
    return None


def _skewed(evidence: Evidence, at: PathScenario) -> PathRow | None:
    """The same folios moved to a destination that is not congruent."""
    found = [
        one
        for one in evidence.rows
        if _is(at.source)(one.at) and one.at.order == at.order and one.at.alignment != CONGRUENT
    ]
    same = [one for one in found if one.at.granule_bytes == at.granule_bytes]
    return cheapest(same or found) if found else None


def skewed_thp(evidence: Evidence) -> PathRow | None:
    """A THP moved to a destination that is not congruent, in the layout of the one that was moved whole."""
    case = thp_case(evidence)
    rows = [one for one in evidence.rows if _is("thp")(one.at) and one.at.alignment != CONGRUENT]
    return _skewed(evidence, case.lead.at) if case else cheapest(rows) if rows else None


def _table(case: Case) -> Small:
    heads, rows = cases.table_of(case)
    return Small(heads, rows)


def _details(case: Case, evidence: Evidence) -> list[str]:
    """Times, what was not measured, where runs or modes disagree, and the cost of discarding."""
    lead = case.lead
    said = [cases.costs(lead)]
    if isinstance(lead, Ratio):
        said += [sentence(text) for text in (lead.apart, lead.done) if text]
    said += [text for cell in case.cells if isinstance(cell.row, Ratio) for text in two_modes(cell.row)]
    said += apart_note(cell.row for cell in case.cells)
    discard = _discard(evidence, case)
    return [*said, *([cases.says(discard)] if discard else []), case.missing_text]


def sentence(text: str) -> str:
    """The text with a capital letter and a full stop."""
    return f"{text[:1].upper()}{text[1:]}."


def two_modes(one: Ratio[PathScenario]) -> list[str]:
    """A sentence for each bimodal set of samples in any run."""
    return [text for member in (one.members or (one,)) for text in _two_modes(member)]


def _two_modes(one: Ratio[PathScenario]) -> list[str]:
    texts = []
    run = f" in run {one.run}" if one.run else ""
    for arm, measured in ((one.arm, one.over), (one.other, one.under)):
        found = sample_modes(measured)
        if found:
            shares = " and ".join(
                f"{labels.share(mode.share)} of the rounds at {labels.number(mode.median)} {measured.unit}"
                for mode in found
            )
            texts.append(f"{arm[:1].upper()}{arm[1:]} has two modes{run}, {cases.where(one.at)}: {shares}.")
    return texts


def _finding(
    question: str, case: Case, evidence: Evidence, place: str, picks: Callable[[str], str], more: Sequence[str] = ()
) -> Finding:
    lead = case.lead
    where = cases.where(lead.at)
    figure = "refused" if isinstance(lead, Refusal) else f"{lead.arm} {lead.versus}"
    return Finding(
        question,
        answer_of(case, picks),
        f"{figure}, {where}",
        cases.standing_of(case),
        cases.basis_of(case),
        [one for one in (*_details(case, evidence), *more) if one],
        place,
        _table(case),
    )


def _same(pick: str) -> str:
    return pick


def _small(evidence: Evidence, place: str) -> Finding | None:
    case = small_case(evidence)
    return _finding("Small folios: move or copy?", case, evidence, place, _same) if case else None


SPLITS = {"Move": ", but it splits", "Either": "; a move splits"}
"""Additions to an answer if the kernel splits mTHPs to move them."""


def folio(at: PathScenario, page_size: int) -> str:
    """``64K mTHP``."""
    return names.source(at, page_size)


def kept(row: PathRow) -> str:
    """A sentence on whether the folios were split."""
    proof = row.over.proof
    if isinstance(row, Refusal):
        return ""
    if not proof.folios:
        return "Whether folios stayed whole is unknown: reading folio sizes requires root."
    if not proof.folios_split:
        return "Folios stayed whole, as split counters and folio orders show."
    split, every = (labels.per_round(count, row.over) for count in (proof.folios_split, proof.folios))
    return f"{split} of {every} folios per round were split to be moved."


def _mthp(evidence: Evidence, place: str) -> Finding | None:
    case = mthp_case(evidence)
    if not case:
        return None
    splits = case.lead.over.proof.folios_split > 0
    name = folio(case.lead.at, evidence.page_size)
    found = _finding(f"{name}: move or copy?", case, evidence, place, _same, [kept(case.lead)])
    return replace(found, answer=found.answer + SPLITS.get(case.picks[0].word, "")) if splits else found


def _batching(evidence: Evidence, place: str) -> Finding | None:
    """The cost of mTHPs if they moved without a split, at the cost of small folios in the same run."""
    case = mthp_case(evidence)
    lead = case.lead if case else None
    if not isinstance(lead, Ratio) or not lead.over.proof.folios:
        return None
    question = "What would batching mTHP moves change?"
    name, where = folio(lead.at, evidence.page_size), cases.where(lead.at)
    if not lead.over.proof.folios_split:
        basis = "split counters and folio orders"
        detail = [f"This kernel moves a {name} whole.", cases.costs(lead)]
        return Finding(question, "Nothing more here", "moved whole", Standing.SEEN, basis, detail, place)
    one = next((one for one in evidence.projected if one.under.scenario == lead.at), None)
    if not one:
        return None
    now, then = (typical(each) for each in (one.under, one.over))
    unit = one.over.unit
    detail = [
        f"A {name} costs {now} {unit} now: it is split and moved page by page, {where}.",
        f"Small folios cost {then} {unit} there, in the same run.",
        "Moved in batches without a split, an mTHP could cost as little and stay whole.",
    ]
    figure = f"{now} \N{RIGHTWARDS ARROW} {then} {unit}, {where}"
    answer = f"At best {labels.number(one.value.value)}x of today's cost" + "?" * one.leans
    if not one.leans and (not one.differs or one.value.value >= 1):
        answer = "Nothing" if one.differs else "Nothing that is sure"
    return Finding(question, answer, figure, Standing.PROJECTED, one.basis, detail, place)


def _thp(evidence: Evidence, place: str) -> Finding | None:
    case = thp_case(evidence)
    if not case:
        return None
    skewed = _skewed(evidence, case.lead.at)
    more = ["Both ends are aligned."]
    if skewed and skewed.over.proof.folios_split:
        more.append(f"Skewed by one page it is split. {cases.says(skewed)}")
    picks: Callable[[str], str] = lambda pick: "Move whole, aligned" if pick == "Move" else pick  # noqa: E731
    name = folio(case.lead.at, evidence.page_size)
    return _finding(f"{name}: move or copy?", case, evidence, place, picks, more)


FAULTS = {"Move": "Move it too", "Copy": "Copy it"}


def _fault(evidence: Evidence, place: str) -> Finding | None:
    case = fault_case(evidence)
    if not case:
        return None
    return _finding("A mutator that faults on one page?", case, evidence, place, lambda pick: FAULTS.get(pick, pick))


TRIES = {"Move": "Try to move", "Copy": "Copy at once"}


def _busy(evidence: Evidence, source: str, place: str) -> Finding | None:
    """Pages for which MOVE returns EBUSY: the cost of trying first, and the result of MOVE alone."""
    case = busy_case(evidence, source)
    alone = refused_case(evidence, source)
    moved = alone.lead if alone else None
    ebusy = case is not None and case.lead.over.outcome.ebusy > 0
    refused = isinstance(moved, Refusal) or (isinstance(moved, Ratio) and moved.part is not None)
    if not ebusy and not refused:
        return None
    said = [cases.says(moved)] if moved and refused else []
    question = f"Pages that are {source}?"
    if case and ebusy:
        return _finding(question, case, evidence, place, lambda pick: TRIES.get(pick, pick), said)
    assert alone
    return _finding(question, alone, evidence, place, _same)
