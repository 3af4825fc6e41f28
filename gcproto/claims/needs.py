"""What judging a claim needs of the machine: asked before anything is measured for it."""

from collections.abc import Sequence

from gcproto.claims.evidence import Evidence
from gcproto.claims.finding import Claim, Finding, untestable
from gcproto.errors import GcprotoError
from gcproto.host.capability import Capability
from gcproto.host.doctor import Survey
from gcproto.host.machine import machine
from gcproto.host.settings import may_change

CAPABILITIES = {
    "move": ("a page really moved",),
    "frames": ("page frame numbers", "/proc/kpageflags"),
    "swap": ("zram", "loop device"),
    "pins": ("io_uring fixed buffers",),
}
"""The doctor's rows that a need stands for; ``folios`` and ``thp`` are asked of the settings."""

NO_USERFAULTFD = Capability("userfaultfd", "", False, reason="userfaultfd is unavailable", remedy="gcproto doctor")


def missing(needs: Sequence[str], survey: Survey) -> str:
    """What of these needs is not met here and what would help; "" if all are.

    Args:
        needs: words of ``CAPABILITIES``, ``folios`` (mTHPs can be chosen) or ``thp``.
        survey: of this machine.

    """
    rows = {row.name: row for row in survey.rows}
    reasons: dict[str, None] = {}
    remedies: dict[str, None] = {}
    for need in needs:
        for name in CAPABILITIES.get(need, ()):
            row = rows.get(name, NO_USERFAULTFD)
            if not row.able:
                # What stands behind a semicolon is about other uses.
                reasons[f"{name}: {row.reason.partition(';')[0]}"] = None
                remedies |= {row.remedy: None} if row.remedy else {}
        reason, remedy = _folios(need) if need not in CAPABILITIES else ("", "")
        if reason:
            reasons[reason], remedies[remedy] = None, None
    return ", ".join(reasons) + (f" (what to do: {', '.join(remedies)})" if remedies else "")


def _folios(need: str) -> tuple[str, str]:
    """Why folio sizes can't be chosen, and what would help."""
    here = machine()
    orders = [order for order in here.anon_orders if (order == here.pmd_order) == (need == "thp")]
    if not orders:
        return f"{'THPs' if need == 'thp' else 'mTHPs'}: this kernel has none", "use a kernel from 6.8 on"
    return ("", "") if may_change() else ("folio sizes: this user may not choose them", "run as root")


def judge(claim: Claim, evidence: Evidence) -> tuple[Finding, bool]:
    """Judge a claim, or say what is missing for it.

    Args:
        claim: to be judged.
        evidence: measures what is asked for.

    Returns:
        The finding, and whether the machine had what judging needs.

    """
    reason = missing(claim.needs, evidence.survey)
    if reason:
        return untestable(f"not here: {reason}"), False
    try:
        return claim.judge(evidence), True
    except GcprotoError as error:
        why = ": ".join(text for text in (error.what, error.why) if text)
        return untestable(f"not here: {why}" + (f" (what to do: {error.remedy})" if error.remedy else "")), False
