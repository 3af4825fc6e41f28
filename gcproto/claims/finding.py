"""A claim and what was found."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from gcproto.claims.evidence import Evidence


class Judgement(StrEnum):
    """What measuring says of a claim."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    UNTESTABLE = "not testable here"


@dataclass(frozen=True)
class Finding:
    """What was found.

    Args:
        judgement: of the claim, on this kernel.
        figures: what was measured, in words.
        why: why it can't be tested, and what it waits for; "" if it can.

    """

    judgement: Judgement
    figures: str
    why: str = ""


def judged(confirmed: bool, figures: str) -> Finding:
    """Confirmed or refuted."""
    return Finding(Judgement.CONFIRMED if confirmed else Judgement.REFUTED, figures)


def untestable(why: str, figures: str = "") -> Finding:
    """It can't be tested here."""
    return Finding(Judgement.UNTESTABLE, figures, why)


@dataclass(frozen=True)
class Claim:
    """A row of the thread.

    Args:
        key: T1 ... T16.
        text: what is claimed.
        command: shows it alone.
        judge: finds out.
        needs: of the machine (gcproto.claims.needs).

    """

    key: str
    text: str
    command: str
    judge: Callable[[Evidence], Finding]
    needs: tuple[str, ...] = ()
