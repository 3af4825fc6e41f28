"""What a judge asks first: whether a measurement may be used at all, and what its figures are in words."""

from gcproto.claims.evidence import Evidence
from gcproto.claims.finding import Finding, in_part, untestable
from gcproto.contract import Verdict
from gcproto.results.names import several
from gcproto.results.schema import Measurement, PolicyFigures

MISSING = "the pages could not be had here (folio sizes, swap devices, free memory)"


def ns(value: float | None) -> str:
    """Three significant figures."""
    return "?" if value is None else f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def usable(*found: Measurement | None) -> bool:
    """Whether all could be had and are valid: an invalid measurement never confirms, nor refutes."""
    return all(one is not None and one.valid and one.median is not None for one in found)


def unusable(*found: Measurement | None) -> Finding:
    """What to say if they are not."""
    reasons = [
        one.invalid_rounds[0].reason for one in found if one is not None and not one.valid and one.invalid_rounds
    ]
    return untestable(f"INVALID: too many rounds prove nothing: {reasons[0]}" if reasons else MISSING)


def always(finding: Finding, *found: Measurement) -> Finding:
    """What is claimed of all pages is confirmed by rounds of which each is proven, and by nothing less."""
    lost = sum(len(one.invalid_rounds) for one in found)
    if finding.judgement != "confirmed" or not lost:
        return finding
    return in_part(f"{lost} rounds prove nothing, so that it can't be said of all", finding.figures)


def policy_figures(one: Measurement) -> PolicyFigures:
    """Of a heap that stands still.

    Raises:
        TypeError: it is something else.

    """
    if not isinstance(one.figures, PolicyFigures):
        raise TypeError(f"{type(one.figures).__name__} are not figures of an evacuation policy")
    return one.figures


class Rows:
    """Rows of the contract, run.

    Args:
        evidence: that runs them.
        names: of the rows.

    Attributes:
        good: all that could be had are as they say;  none: none could be had.
        missing: those that could not, and why.
        text: what became of each.

    """

    def __init__(self, evidence: Evidence, *names: str) -> None:
        found = evidence.rows(*names)
        run = [one for one in found if one.verdict is not Verdict.SKIP]
        skipped = [one for one in found if one.verdict is Verdict.SKIP]
        self.good = all(one.verdict is Verdict.OK for one in run)
        self.none = not run
        self.missing = "; ".join(f"{one.row.name}: {one.text}" for one in skipped)
        told = [f"{one.row.name} {'as it says' if one.verdict is Verdict.OK else one.text}" for one in run]
        self.text = f"rows of the contract: {several(told)}" if run else ""
