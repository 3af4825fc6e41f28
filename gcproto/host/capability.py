"""A capability: something this machine can or can't do, with the reason and the remedy for each no."""

import msgspec


class Capability(msgspec.Struct):
    """One row of the doctor's report.

    Attributes:
        group: userfaultfd, folios, swap, proof, machine.
        name: what it is.
        able: yes, no, or None where it could not be found out.
        detail: what was seen.
        reason: why not, where the answer is no.
        remedy: what would help, where anything would.

    """

    group: str
    name: str
    able: bool | None
    detail: str = ""
    reason: str = ""
    remedy: str = ""


def row(
    group: str, name: str, able: bool | None, detail: str = "", *, reason: str = "", remedy: str = ""
) -> Capability:
    """A row; reason and remedy are dropped where the answer is yes."""
    return Capability(group, name, able, detail, "" if able else reason, "" if able else remedy)
