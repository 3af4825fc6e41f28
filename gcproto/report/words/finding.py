"""A question of the reader with its answer, its figures, and how far it is established."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from gcproto.report import labels
from gcproto.report.words.ratios import SURE_FROM, Standing
from gcproto.results.schema import Measurement
from gcproto.results.statistics import MIN_SAMPLES


@dataclass(frozen=True)
class Small:
    """A small table inside a card: the same question under several conditions."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def not_compared(question: str, why: str, place: str) -> "Finding":
    """A card of what was measured and can't be compared.

    Args:
        question: as people ask it.
        why: what is missing, as a sentence.
        place: anchor of the section with what was measured.

    """
    return Finding(question, "Not compared", "no ratio", Standing.MISSING, why, [], place)


@dataclass(frozen=True)
class Finding:
    """A question and its answer.

    Attributes:
        question: as people ask it.
        answer: a word or two.
        figure: the ratio, or another measure of size, with its condition.
        standing: how far it is established.
        basis: the reason, in figures.
        detail: sentences, each with its condition.
        place: anchor of the section with the picture.
        table: the question under every condition.

    """

    question: str
    answer: str
    figure: str
    standing: Standing
    basis: str
    detail: Sequence[str]
    place: str
    table: Small | None = field(default=None)


def told_apart(found: Sequence[tuple[Finding, Sequence[str]]]) -> list[Finding]:
    """The same cards; where several ask one question, each names its runs.

    Args:
        found: cards with the labels of the runs that they are of.

    """
    asked = Counter(one.question for one, _ in found)
    return [
        replace(one, question=f"{one.question} (run {', '.join(runs)})") if asked[one.question] > 1 else one
        for one, runs in found
    ]


def sentences(lines: Sequence[str]) -> list[str]:
    """Lines of a terminal as sentences of a page."""
    return [f"{line[:1].upper()}{line[1:]}." for line in lines]


def few_rounds(found: Iterable[Measurement]) -> list[str]:
    """A sentence if intervals rest on too few rounds to hold with 95 %; empty otherwise.

    A percentile interval of fewer than six samples goes from the least to the largest at most. The median of what they
    are drawn from lies outside if all are on one side of it: once in ``2 ** (n - 1)`` times.

    Args:
        found: measurements whose intervals are shown.

    """
    counts = [len(one.samples) for one in found if one.valid and MIN_SAMPLES <= len(one.samples) < SURE_FROM]
    if not counts:
        return []
    least = min(counts)
    holds = 1 - 0.5 ** (least - 1)
    return [
        f"intervals of {least} rounds include the true median in at most {labels.share(holds)} of cases, not in 95 %; "
        f"that takes {SURE_FROM} rounds"
    ]
