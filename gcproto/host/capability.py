"""A capability: something this machine can or can't do, with the reason and the remedy if it can't."""

import msgspec


class Capability(msgspec.Struct):
    """One row of the doctor's report.

    Attributes:
        group: userfaultfd, who refuses, folios, swap, proof, machine.
        name: the capability.
        able: yes, no, or None if unknown.
        detail: the observation.
        reason: the reason, if the answer is no.
        remedy: the remedy, if there is one.

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
    """A row; reason and remedy are dropped if the answer is yes."""
    return Capability(group, name, able, detail, "" if able else reason, "" if able else remedy)
