"""Words that all rows share go into the head of the table. Words that differ go into the titles of groups."""

from collections.abc import Sequence

Words = Sequence[str]


def grouped(every: Sequence[Words]) -> tuple[list[str], dict[tuple[str, ...], list[int]]]:
    """Divide rows by words that not all of them have.

    Args:
        every: for each row words of the same fields; at least one row.

    Returns:
        The words that all rows have, and for the other words of each group the places of its rows, in order.

    """
    fields = range(len(every[0]))
    differing = [at for at in fields if len({words[at] for words in every}) > 1]
    common = [every[0][at] for at in fields if at not in differing]
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, words in enumerate(every):
        groups.setdefault(tuple(words[at] for at in differing), []).append(place)
    return common, groups
