"""What a kernel was seen to do: rows of the contract and hazards; and what measuring says of the thread's claims."""

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
    """What the kernel printed of itself."""


Subject = ContractRow | Hazard | Console

Word = Literal["fine", "ebusy", "differs", "hang", "panic", "corruption", "unavailable"]
"""``ebusy``: refused, which is fine; ``unavailable``: this kernel lacks what it takes, or it was never reached."""


class Verdict(msgspec.Struct, frozen=True):
    """What a kernel was seen to do where it might misbehave.

    Attributes:
        subject: what was tried.
        verdict: in a word.
        text: what was seen.
        seconds: that it took.

    """

    subject: Subject
    verdict: Word
    text: str
    seconds: float = 0.0


Judgement = Literal["confirmed", "in part", "refuted", "not testable here"]


class ClaimVerdict(msgspec.Struct, frozen=True):
    """A claim of the thread, judged.

    Attributes:
        key: T1 ... T16;  claim: what is claimed.
        judgement: what measuring says of it on this kernel.
        figures: what was measured, in words.
        why: why it is not testable or confirmed in part only; "" else.
        command: shows it alone.

    """

    key: str
    claim: str
    judgement: Judgement
    figures: str
    why: str
    command: str
