"""Texts of files that anyone may have made: nothing in them may steer a terminal, or be longer than a page."""

import unicodedata

KEPT = frozenset("\n\t")
MOST = 10_000
"""Characters of a text; what is longer is cut, and says so."""


def clean(text: str) -> str:
    r"""A text whose control characters are visible: ``\x1b[31m`` is shown, and does not turn anything red.

    So are marks that change the direction of writing, and halves of surrogate pairs.  Line breaks and tabs stay; other
    kinds of blanks become a blank.
    """
    if text.isprintable():
        return text
    return "".join(_shown(char) for char in text)


def short_enough(text: str, most: int = MOST) -> str:
    """The text, or its beginning and how long it was."""
    return text if len(text) <= most else f"{text[:most]} ... ({len(text)} characters)"


def _shown(char: str) -> str:
    if char.isprintable() or char in KEPT:
        return char
    if unicodedata.category(char) == "Zs":
        return " "
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
