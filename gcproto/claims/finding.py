"""A claim and its finding."""

from collections.abc import Callable
from dataclasses import dataclass

from gcproto.claims.evidence import Evidence
from gcproto.claims.pairs import Pair
from gcproto.results.schema import Judgement


@dataclass(frozen=True)
class Finding:
    """The finding on a claim.

    Args:
        judgement: of the claim, on this kernel.
        figures: what was measured, in words.
        why: the reason why it can't be tested, or which part of it holds and which does not; "" otherwise.

    """

    judgement: Judgement
    figures: str
    why: str = ""


def confirmed(figures: str) -> Finding:
    """The whole claim was seen."""
    return Finding("confirmed", figures)


def refuted(figures: str) -> Finding:
    """The opposite of the claim was seen."""
    return Finding("refuted", figures)


def in_part(why: str, figures: str) -> Finding:
    """A part of the claim was seen, or the claim holds under a condition."""
    return Finding("in part", figures, why)


def untestable(why: str, figures: str = "") -> Finding:
    """The claim can't be tested here."""
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
        pair: kernels that decide it, if kernels may be built and booted.

    """

    key: str
    text: str
    command: str
    judge: Callable[[Evidence], Finding]
    needs: tuple[str, ...] = ()
    pair: Pair | None = None
