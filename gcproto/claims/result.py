"""Findings as a result: one verdict for each claim, and the measurements that they rest on."""

from collections.abc import Sequence

from gcproto.claims.evidence import Evidence
from gcproto.claims.finding import Claim, Finding
from gcproto.record import Record
from gcproto.results.schema import Result, Verdict


def document(
    record: Record, found: Sequence[tuple[Claim, Finding]], evidence: Evidence, seed: int, *, complete: bool
) -> Result:
    """The result.

    Args:
        record: of the run.
        found: claims with their findings.
        evidence: what was measured for them.
        seed: of the measurements.
        complete: nothing was interrupted.

    """
    return record.result(
        [one for result in evidence.results for one in result.measurements],
        [skip for result in evidence.results for skip in result.skips],
        options={"claims": [claim.key for claim, _ in found]},
        seed=seed,
        complete=complete,
        verdicts=[Verdict(f"claim/{claim.key}", one.judgement.value, _text(claim, one)) for claim, one in found],
    )


def _text(claim: Claim, one: Finding) -> str:
    """The claim, why it can't be tested, the figures, the command: lines of their own."""
    lines = [claim.text, *(text for text in (one.why, one.figures) if text), f"alone: {claim.command}"]
    return "\n".join(lines)
