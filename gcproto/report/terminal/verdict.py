"""Two lines of plain words: what to choose on this kernel, and the reason.

Every ratio is made of measurements of this run, and the lines say so. A ratio counts as a difference if its interval
excludes 1 and it is beyond the A/A noise. The case of a concurrent collector leads, with the easy one beside it. A
condition that was not measured is named.
"""

from gcproto.report import labels
from gcproto.report.words import cases, paths
from gcproto.report.words.cases import Case, answer_of, pick_of, where
from gcproto.report.words.ratios import Ratio, Refusal, compared
from gcproto.report.words.rows import path_rows
from gcproto.report.words.typical import typical
from gcproto.results import names
from gcproto.results.schema import PathScenario, Result
from gcproto.results.series import page_size_of


def verdict(result: Result) -> list[str]:
    """The choice: a line for small folios and one for large ones.

    Args:
        result: with statistics filled in.

    Returns:
        Exactly two lines.

    """
    evidence = paths.Evidence(path_rows(result, compared(result)), [], page_size_of(result))
    return [f"Small folios: {_small(evidence)}.", f"Large folios: {_large(evidence)}."]


OF_WHICH = "in this run, "
"""One run does not predict another."""


def _small(evidence: paths.Evidence) -> str:
    case = paths.small_case(evidence)
    more = [*_fault(evidence), *_busy(evidence)]
    if not case and not more:
        return "not measured here (UFFDIO_MOVE against UFFDIO_COPY)"
    first = _case(case) if case else "runs of pages were not measured (UFFDIO_MOVE against UFFDIO_COPY)"
    return OF_WHICH + "; ".join([first, *more])


def _case(case: Case) -> str:
    """The answer with its figures, the other conditions, and those that were not measured."""
    answer = "" if isinstance(case.lead, Refusal) else f"{answer_of(case).lower()}: "
    return "; ".join([f"{answer}{_lead(case, answered=True)}", *_rest(case)])


def _rest(case: Case) -> list[str]:
    """The other conditions, and those that were not measured."""
    parts = [_other(case, number) for number in range(1, len(case.cells))]
    return parts + [f"not measured: {names.several(case.missing)}"] * bool(case.missing)


def _lead(case: Case, *, answered: bool = False) -> str:
    """The sentence of the leading row.

    Args:
        case: the question.
        answered: the answer precedes it: an arm that is the answer is not named again.

    """
    one = case.lead
    granule = f"at {labels.size(one.at.granule_bytes)} per ioctl"
    if isinstance(one, Refusal):
        return f"{one.arm} is refused {granule}, {where(one.at)} ({one.figures})"
    cost = f"{typical(one.over)} {one.over.unit}"
    named = answered and pick_of(one).word.lower() == one.arm
    who = "" if named else f"{one.arm} costs "
    return f"{who}{_versus(one)} {granule}, {where(one.at)} ({cost})"


def _versus(one: Ratio[PathScenario]) -> str:
    """``1.85x copy (1.80-1.90)``, or both modes, with the reason if it is not a sure difference."""
    why = "" if one.differs else f", no sure difference: {one.why_not}"
    part = f", where {one.done}" if one.done else ""
    return f"{one.factor} {one.other}{one.within}{why}{part}"


def _other(case: Case, number: int) -> str:
    """``on one thread, in the caches: move, 0.11x (0.10-0.12)``."""
    one = case.cells[number].row
    granule = one.at.granule_bytes
    other = "" if granule == case.lead.at.granule_bytes else f" at {labels.size(granule)} per ioctl"
    if isinstance(one, Refusal):
        return f"{where(one.at)}: refused{other}"
    return f"{where(one.at)}: {pick_of(one).text.lower()}, {one.factor}{one.within}{other}"


def _fault(evidence: paths.Evidence) -> list[str]:
    """One page per call: the cost for a mutator that faults."""
    case = paths.fault_case(evidence)
    if not case or isinstance(case.lead, Refusal) or not case.lead.differs:
        return []
    who = "a faulting mutator " + ("may move its page too" if case.lead.cheaper else "should copy its page")
    return ["; ".join([f"{who}: {_lead(case)}", *_rest(case)])]


def _busy(evidence: paths.Evidence) -> list[str]:
    found = []
    for source in paths.BUSY:
        case = paths.busy_case(evidence, source)
        if case and case.lead.over.outcome.ebusy:
            found.append("; ".join([f"{source} pages return EBUSY: {_lead(case)}", *_rest(case)]))
    return found


def _large(evidence: paths.Evidence) -> str:
    parts = [*_mthp(evidence), *_thp(evidence)]
    return OF_WHICH + "; ".join(parts) if parts else "not measured here"


def _mthp(evidence: paths.Evidence) -> list[str]:
    case = paths.mthp_case(evidence)
    if not case:
        return []
    name, proof = paths.folio(case.lead.at, evidence.page_size), case.lead.over.proof
    if not proof.folios:
        return [f"{name}, splits unknown (seeing them requires root): {_case(case)}"]
    if not proof.folios_split:
        return [f"this kernel moves {name} whole, without a split: {_case(case)}"]
    split, every = (labels.per_round(count, case.lead.over) for count in (proof.folios_split, proof.folios))
    return [f"this kernel splits {name} to move it ({split} of {every} folios): {_case(case)}"]


def _thp(evidence: paths.Evidence) -> list[str]:
    case = paths.thp_case(evidence)
    texts = []
    if case:
        whole = "stays whole" if case.lead.over.proof.folios else "was moved (splits unknown)"
        texts.append(f"a THP that is aligned at both ends and asked whole {whole}: {_case(case)}")
    skewed = paths.skewed_thp(evidence)
    if isinstance(skewed, Ratio) and skewed.over.proof.folios_split:
        texts.append(f"skewed by one page it is split: {skewed.arm} costs {_versus(skewed)}, {cases.where(skewed.at)}")
    return texts
