"""Findings as a result: one verdict for each claim, and the measurements that they rest on."""

import datetime
import uuid
from collections.abc import Sequence

from gcproto import __version__
from gcproto._native import ffi, lib
from gcproto.claims.evidence import Evidence
from gcproto.claims.finding import Claim, Finding
from gcproto.host import environment
from gcproto.results.schema import Producer, Result, Verdict


def document(
    found: Sequence[tuple[Claim, Finding]], evidence: Evidence, command: list[str], seed: int, *, complete: bool
) -> Result:
    """The result.

    Args:
        found: claims with their findings.
        evidence: what was measured for them.
        command: the command line.
        seed: of the measurements.
        complete: nothing was interrupted.

    """
    seconds = sum(result.producer.seconds for result in evidence.results)
    return Result(
        run_id=uuid.uuid4().hex[:12],
        producer=Producer(
            name="claims",
            version=__version__,
            command=command,
            options={"claims": [claim.key for claim, _ in found]},
            seed=seed,
            started=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            seconds=round(seconds, 3),
            benchmark=bytes(ffi.string(lib.gcp_build_hash())).decode(),  # type: ignore[arg-type]
            complete=complete,
        ),
        environment=environment.capture(),
        measurements=[one for result in evidence.results for one in result.measurements],
        skips=[skip for result in evidence.results for skip in result.skips],
        noise=None,
        verdicts=[Verdict(f"claim/{claim.key}", one.judgement.value, _text(claim, one)) for claim, one in found],
    )


def _text(claim: Claim, one: Finding) -> str:
    """The claim, why it can't be tested, the figures, the command: lines of their own."""
    lines = [claim.text, *(text for text in (one.why, one.figures) if text), f"alone: {claim.command}"]
    return "\n".join(lines)
