"""What judging a claim needs of the machine: asked before anything is measured for it."""

from collections.abc import Sequence

from gcproto.claims.evidence import Evidence
from gcproto.claims.finding import Claim, Finding, untestable
from gcproto.errors import GcprotoError
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


def missing(needs: Sequence[str], survey: Survey) -> str:
    """What of these needs is not met here and what would help; "" if all are.

    Args:
        needs: words of ``CAPABILITIES``, ``folios`` (mTHPs can be chosen) or ``thp``.
        survey: of this machine.

    """
    rows = {row.name: row for row in survey.rows}
    found = []
    for need in needs:
        if need in CAPABILITIES:
            for name in CAPABILITIES[need]:
                row = rows.get(name)
                if row is None or not row.able:
                    reason = f"{row.reason} (what to do: {row.remedy})" if row and row.remedy else row and row.reason
                    found.append(f"{name}: {reason or 'userfaultfd is unavailable'}")
        else:
            found += _folios(need)
    return "; ".join(dict.fromkeys(found))


def _folios(need: str) -> list[str]:
    here = machine()
    orders = [order for order in here.anon_orders if (order == here.pmd_order) == (need == "thp")]
    if not orders:
        return [f"{'THPs' if need == 'thp' else 'mTHPs'}: this kernel has none (what to do: use one from 6.8 on)"]
    if not may_change():
        return ["folio sizes: this user may not choose them (what to do: run as root)"]
    return []


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
