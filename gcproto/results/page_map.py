"""The outcome of each page of to-space in a collection, as a text: ``m120c3z5`` is 120 moved, 3 copied, 5 zero-filled.

Letters with counts, run after run, from the lowest page of the moving space to the highest.
"""

import re
from collections import Counter

LETTERS = {
    "W": "moved whole, as part of a large folio",
    "m": "moved",
    "s": "split and moved",
    "e": "copied after EBUSY",
    "c": "copied by choice",
    "z": "zero-filled",
    "w": "still swapped",
    "u": "updated in place and moved",
    ".": "unused",
}

_RUN = re.compile(r"([A-Za-z.])([0-9]+)")
MAX_PAGES = 1 << 28
"""A terabyte of 4 KiB pages. No heap here is larger."""


def decode(text: str) -> list[tuple[str, int]]:
    """Runs of a map, in order.

    Raises:
        ValueError: the text is not a map.

    """
    runs: list[tuple[str, int]] = []
    at = 0
    for found in _RUN.finditer(text):
        letter, count = found[1], int(found[2]) if len(found[2]) < 12 else MAX_PAGES + 1
        if found.start() != at or letter not in LETTERS:
            raise ValueError(
                f"at character {at}: {text[at : at + 12]!r} is not a letter of {''.join(LETTERS)} with a count"
            )
        runs.append((letter, count))
        at = found.end()
    if at != len(text):
        raise ValueError(
            f"at character {at}: {text[at : at + 12]!r} is not a letter of {''.join(LETTERS)} with a count"
        )
    if sum(count for _, count in runs) > MAX_PAGES:
        raise ValueError(f"it has more than {MAX_PAGES} pages")
    return runs


def encode(letters: str) -> str:
    """One letter per page as runs; the inverse of ``decode``."""
    return "".join(f"{run[0][0]}{len(run[0])}" for run in re.finditer(r"(.)\1*", letters))


def totals(runs: list[tuple[str, int]]) -> dict[str, int]:
    """Pages by letter, in the order of ``LETTERS``."""
    found: Counter[str] = Counter()
    for letter, count in runs:
        found[letter] += count
    return {letter: found[letter] for letter in LETTERS if found[letter]}
