"""Checks that every judge needs: whether a measurement may be used, and its figures in words."""

from collections.abc import Sequence

from gcproto.claims.evidence import Evidence
from gcproto.claims.finding import Finding, in_part, untestable
from gcproto.contract import TIMEOUT_MS, RowResult, Verdict
from gcproto.counted import counted
from gcproto.results.schema import Measurement, PolicyFigures

MISSING = "the pages are unavailable here (check folio sizes, swap devices, free memory)"


def ns(value: float | None) -> str:
    """Three significant figures."""
    return "?" if value is None else f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def usable(*found: Measurement | None) -> bool:
    """Whether all exist and are valid. An invalid measurement neither confirms nor refutes."""
    return all(one is not None and one.valid and one.median is not None for one in found)


def unusable(*found: Measurement | None) -> Finding:
    """The finding if they are not usable."""
    reasons = [
        one.invalid_rounds[0].reason for one in found if one is not None and not one.valid and one.invalid_rounds
    ]
    return untestable(f"INVALID: too many rounds prove nothing: {reasons[0]}" if reasons else MISSING)


def always(finding: Finding, *found: Measurement) -> Finding:
    """A claim on all pages is confirmed only if every round is proven."""
    lost = sum(len(one.invalid_rounds) for one in found)
    if finding.judgement != "confirmed" or not lost:
        return finding
    lost_rounds = counted(lost, "round proves", "rounds prove")
    return in_part(f"{lost_rounds} nothing, so it can't be confirmed for all", finding.figures)


def policy_figures(one: Measurement) -> PolicyFigures:
    """The figures of a heap without mutators.

    Raises:
        TypeError: they are figures of another kind.

    """
    if not isinstance(one.figures, PolicyFigures):
        raise TypeError(f"{type(one.figures).__name__} are not figures of an evacuation policy")
    return one.figures


class Rows:
    """Rows of the contract, run.

    Args:
        evidence: runs the rows.
        names: names of the rows.

    Attributes:
        good: every available row holds;  none: no row is available.
        missing: rows that are unavailable, with the reason.
        killed: rows whose MOVE spun until it was killed; such a row holds if that is a known bug.
        text: the outcome of each.

    """

    def __init__(self, evidence: Evidence, *names: str) -> None:
        found = evidence.rows(*names)
        run = [one for one in found if one.verdict is not Verdict.SKIP]
        skipped = [one for one in found if one.verdict is Verdict.SKIP]
        self.good = all(one.verdict is Verdict.OK for one in run)
        self.none = not run
        self.missing = "; ".join(f"{one.row.name}: {one.text}" for one in skipped)
        self.killed = [one.row.name for one in run if one.verdict is Verdict.OK and one.seconds * 1000 >= TIMEOUT_MS]
        self.text = f"rows of the contract, each {_tries(run)}: {'; '.join(map(_seen, run))}" if run else ""


def _tries(run: Sequence[RowResult]) -> str:
    """A row is one experiment. It is repeated only if a counter of the whole system was disturbed."""
    most = max(one.attempts for one in run)
    return "tried once" if most == 1 else f"tried at most {most} times"


def _seen(one: RowResult) -> str:
    """What was seen, or the rule that held: ``mthp-pinned-page: EBUSY at once, order 4``."""
    return f"{one.row.name}: {one.text or one.row.rule}"
