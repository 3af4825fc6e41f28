"""Findings on the thread's claims."""

from collections.abc import Sequence
from typing import get_args

from gcproto.report.words.finding import Finding, Small
from gcproto.report.words.ratios import Standing
from gcproto.results.names import several
from gcproto.results.schema import ClaimVerdict, Judgement

JUDGEMENTS: tuple[Judgement, ...] = get_args(Judgement)


def by_judgement(claims: Sequence[ClaimVerdict]) -> dict[Judgement, list[ClaimVerdict]]:
    """In the order of the judgements. Judgements without a claim are omitted."""
    found = {judgement: [one for one in claims if one.judgement == judgement] for judgement in JUDGEMENTS}
    return {judgement: ones for judgement, ones in found.items() if ones}


def thread_finding(claims: Sequence[ClaimVerdict], label: str, place: str) -> Finding | None:
    """A card.

    Args:
        claims: of one run.
        label: of the run, "" where there is only one.
        place: anchor of the section.

    """
    if not claims:
        return None
    found = by_judgement(claims)
    counts = [f"{len(ones)} {judgement}" for judgement, ones in found.items()]
    run = f" (run {label})" if label else ""
    confirmed = len(found.get("confirmed", []))
    return Finding(
        f"Which of the thread's claims hold here?{run}",
        f"{confirmed} of {len(claims)} confirmed",
        several(counts),
        Standing.SEEN,
        "judged by counters and proofs, and by costs where the claim is about costs",
        [],
        place,
        Small(("judgement", "claims"), [(name, ", ".join(one.key for one in ones)) for name, ones in found.items()]),
    )
