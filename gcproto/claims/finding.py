"""A claim and what was found."""

from collections.abc import Callable
from dataclasses import dataclass

from gcproto.claims.evidence import Evidence
from gcproto.results.schema import Judgement


@dataclass(frozen=True)
class Finding:
    """What was found.

    Args:
        judgement: of the claim, on this kernel.
        figures: what was measured, in words.
        why: why it can't be tested, and what it waits for; or what of it holds and what does not; "" else.

    """

    judgement: Judgement
    figures: str
    why: str = ""


def confirmed(figures: str) -> Finding:
    """All of it was seen."""
    return Finding("confirmed", figures)


def refuted(figures: str) -> Finding:
    """The contrary was seen."""
    return Finding("refuted", figures)


def in_part(why: str, figures: str) -> Finding:
    """Some of it was seen, or under a condition."""
    return Finding("in part", figures, why)


def untestable(why: str, figures: str = "") -> Finding:
    """It can't be tested here."""
    return Finding("not testable here", figures, why)


@dataclass(frozen=True)
class Claim:
    """A row of the thread.

    Args:
        key: T1 ... T16.
        text: what is claimed.
        command: shows it alone.
        judge: finds out.
        needs: of the machine, without which nothing can be said (gcproto.claims.needs).

    """

    key: str
    text: str
    command: str
    judge: Callable[[Evidence], Finding]
    needs: tuple[str, ...] = ()
