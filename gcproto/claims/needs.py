"""The needs of a claim: checked on the machine before anything is measured."""

from collections.abc import Sequence

from gcproto.claims.evidence import Evidence
from gcproto.claims.finding import Claim, Finding, untestable
from gcproto.claims.pairs import Guests
from gcproto.errors import GcprotoError
from gcproto.host.capability import Capability
from gcproto.host.doctor import Survey
from gcproto.host.machine import machine
from gcproto.host.settings import may_change
from gcproto.results.schema import Skip

CAPABILITIES = {
    "move": "a page really moved",
    "orders": "/proc/kpageflags",
    "zram": "zram",
    "loop": "loop device",
    "pins": "io_uring fixed buffers",
}
"""The doctor's row for each need; the settings answer ``folios`` and ``thp``."""

NO_USERFAULTFD = Capability("userfaultfd", "", False, reason="userfaultfd is unavailable", remedy="gcproto doctor")


def missing(claim: Claim, survey: Survey) -> Skip | None:
    """The needs of a claim that this machine lacks, with remedies; None if it has all.

    Args:
        claim: whose needs are words of ``CAPABILITIES``, ``folios`` (mTHPs can be chosen) or ``thp``.
        survey: of this machine.

    """
    rows = {row.name: row for row in survey.rows}
    reasons: dict[str, None] = {}
    remedies: dict[str, None] = {}
    for need in claim.needs:
        name = CAPABILITIES.get(need, "")
        row = rows.get(name, NO_USERFAULTFD) if name else _folios(need)
        if not row.able:
            reasons[f"{name}: {row.reason}" if name else row.reason] = None
            remedies |= {row.remedy: None} if row.remedy else {}
    return Skip(f"claim {claim.key}", "; ".join(reasons), "; ".join(remedies)) if reasons else None


def _folios(need: str) -> Capability:
    """Whether folio sizes can be chosen."""
    here = machine()
    name = "THPs" if need == "thp" else "mTHPs"
    if not any((order == here.pmd_order) == (need == "thp") for order in here.anon_orders):
        return Capability("folios", name, False, reason=f"this kernel has no {name}", remedy="use a kernel from 6.8 on")
    if may_change():
        return Capability("folios", name, True)
    return Capability("folios", name, False, reason="this user may not choose folio sizes", remedy="run as root")


def why_not(skip: Skip) -> Finding:
    """The finding on a claim that can't be judged."""
    return untestable(skip.reason + (f" (what to do: {skip.remedy})" if skip.remedy else ""))


def asked_first(claims: Sequence[Claim], survey: Survey, guests: Guests | None = None) -> dict[str, Skip]:
    """The claims that can't be judged here, by key, with the reason. Nothing is measured for this.

    Args:
        claims: to be judged.
        survey: of this machine.
        guests: decide claims that need a changed kernel; these need no more of this machine than to build and boot it.

    """
    lacking = guests.lacking() if guests is not None and any(claim.pair for claim in claims) else None
    found = {
        claim.key: _in_guests(claim, lacking) if claim.pair and guests is not None else missing(claim, survey)
        for claim in claims
    }
    return {key: skip for key, skip in found.items() if skip}


def _in_guests(claim: Claim, lacking: Skip | None) -> Skip | None:
    return Skip(f"claim {claim.key}", lacking.reason, lacking.remedy) if lacking else None


def judge(claim: Claim, evidence: Evidence) -> tuple[Finding, Skip | None]:
    """Judge a claim whose needs are met.

    Args:
        claim: to be judged.
        evidence: takes measurements on demand.

    Returns:
        The finding, and the skip if it could not be judged.

    """
    try:
        return claim.judge(evidence), None
    except GcprotoError as error:
        why = ": ".join(text for text in (error.what, error.why) if text)
        skip = Skip(f"claim {claim.key}", why, error.remedy)
        return why_not(skip), skip
