"""Findings as a result: the claims with their judgements, and the measurements that they rest on."""

from collections.abc import Iterator, Sequence

from gcproto.claims.evidence import Evidence
from gcproto.claims.finding import Claim, Finding
from gcproto.record import Record
from gcproto.results.schema import ClaimExperiment, ClaimVerdict, Measurement, Noise, Result, Skip


def document(
    record: Record,
    found: Sequence[tuple[Claim, Finding]],
    skips: Sequence[Skip],
    evidence: Evidence,
    seed: int,
    *,
    complete: bool,
) -> Result:
    """The result.

    Args:
        record: of the run.
        found: claims with their findings.
        skips: claims that could not be judged, and their unmet needs.
        evidence: measurements that they rest on.
        seed: of the measurements.
        complete: nothing was interrupted.

    """
    return record.result(
        ClaimExperiment([claim.key for claim, _ in found]),
        list(_each_once(evidence)),
        [*skips, *(skip for result in evidence.results for skip in result.skips)],
        seed=seed,
        complete=complete,
        noise=_noise(evidence),
        claims=[
            ClaimVerdict(claim.key, claim.text, one.judgement, one.figures, one.why, claim.command)
            for claim, one in found
        ],
    )


def _each_once(evidence: Evidence) -> Iterator[Measurement]:
    """If several runs have a scenario (the canary, copies beside other arms), the first is kept."""
    known = set()
    for result in evidence.results:
        for one in result.measurements:
            if one.scenario not in known:
                known.add(one.scenario)
                yield one


def _noise(evidence: Evidence) -> Noise | None:
    """The noise of all runs: the pairs of each, and the largest floor."""
    noises = [result.noise for result in evidence.results if result.noise]
    if not noises:
        return None
    return Noise([pair for noise in noises for pair in noise.pairs], max(noise.floor for noise in noises))
