"""Text of a finding."""

from gcproto.report.words.finding import Finding


def text_of(one: Finding) -> str:
    """All of its sentences."""
    return " ".join((one.question, one.answer, one.figure, one.basis, *one.detail))
