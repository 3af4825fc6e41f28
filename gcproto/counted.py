"""Counts with their nouns, for sentences: one of a thing has another word than several."""


def counted(count: int, noun: str, several: str = "") -> str:
    """``1 round``, ``2 rounds``, ``0 rounds``, ``1,024 pages``.

    Args:
        count: how many.
        noun: of one of them.
        several: of more; "": the noun with an s.

    """
    return f"{count:,} {noun if count == 1 else several or f'{noun}s'}"
