"""The bug that the thread began with: T3, T16."""

from gcproto.claims import judge_guests
from gcproto.claims.evidence import Evidence
from gcproto.claims.finding import Finding, in_part, untestable
from gcproto.claims.sound import Rows
from gcproto.host.doctor import BugState

PANIC = "swapcache-rmap"


def _panic(evidence: Evidence) -> BugState | None:
    return next((one for one in evidence.survey.bugs if one.key == PANIC), None)


def unfixed_kernels_corrupt(evidence: Evidence) -> Finding:
    """T3."""
    if evidence.guests is not None:
        return judge_guests.unfixed_kernels_corrupt(evidence.guests)
    bug = _panic(evidence)
    if bug is None:
        return untestable("this kernel has no UFFDIO_MOVE")
    if bug.may_bite:
        return untestable(f"this kernel has it by its version ({bug.evidence}); provoking it may corrupt the machine")
    rows = Rows(evidence, "swapcache-small", "swapcache-mthp")
    why = f"here the bug is {bug.state} ({bug.evidence}); --kernels builds a kernel with the bug, whose guest panics"
    return untestable(why, rows.text)


def panic_must_be_fixed(evidence: Evidence) -> Finding:
    """T16."""
    bug = _panic(evidence)
    if bug is None:
        return untestable("this kernel has no UFFDIO_MOVE")
    if bug.may_bite:
        return untestable(
            f"this kernel has the bug by its version ({bug.evidence}); provoking it may panic the machine"
        )
    biting = [one.key for one in evidence.survey.bugs if one.may_bite and one.harm != "slow"]
    text = f"{bug.key}: {bug.state}; other known bugs that may affect this kernel: {', '.join(biting) or 'nothing'}"
    return in_part(
        "with the fix it is usable, as the other claims show; this kernel was not tried without the fix", text
    )
