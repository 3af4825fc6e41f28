"""Verdicts on a kernel: rows of the contract, hazards, and the thread's claims."""

from typing import Literal

import msgspec


class ContractRow(msgspec.Struct, frozen=True, tag_field="kind", tag="contract"):
    """A row of the contract."""

    name: str


class Hazard(msgspec.Struct, frozen=True, tag_field="kind", tag="hazard", omit_defaults=True):
    """A hazard, which runs in guests only.

    Attributes:
        name: of the hazard.
        seed: of the one that is random, ``stress``; None for others.

    """

    name: str
    seed: int | None = None


class Console(msgspec.Struct, frozen=True, tag_field="kind", tag="console"):
    """The kernel's own messages."""


Subject = ContractRow | Hazard | Console

Word = Literal["fine", "ebusy", "differs", "hang", "panic", "corruption", "unavailable"]
"""``ebusy``: refused, which is fine; ``unavailable``: this kernel lacks a requirement, or it was never reached."""


class Verdict(msgspec.Struct, frozen=True):
    """A verdict on a row or a hazard.

    Attributes:
        subject: the row or hazard.
        verdict: in a word.
        text: the observation.
        seconds: that it took.
        unexplained: a corruption, panic or hang that no known bug of the release explains, and that fresh guests showed
            again.

    """

    subject: Subject
    verdict: Word
    text: str
    seconds: float = 0.0
    unexplained: bool = False


Judgement = Literal["confirmed", "in part", "refuted", "not testable here"]


class ClaimVerdict(msgspec.Struct, frozen=True):
    """A claim of the thread, judged.

    Attributes:
        key: T1 ... T16;  claim: what is claimed.
        judgement: the verdict on this kernel.
        figures: what was measured, in words.
        why: the reason if it is not testable or only confirmed in part; "" otherwise.
        command: judges it alone.

    """

    key: str
    claim: str
    judgement: Judgement
    figures: str
    why: str
    command: str
