"""Texts from untrusted files: they must not control a terminal, nor be longer than a page."""

import unicodedata

KEPT = frozenset("\n\t")
MOST = 10_000
"""Limit of characters of a text. A longer text is cut with a note."""


def clean(text: str) -> str:
    r"""A text with visible control characters: ``\x1b[31m`` is shown, and colours nothing.

    Marks that change the direction of writing and halves of surrogate pairs are also visible. Line breaks and tabs
    stay; other kinds of blanks become a blank.
    """
    if text.isprintable():
        return text
    return "".join(_shown(char) for char in text)


def short_enough(text: str, most: int = MOST) -> str:
    """The text, or its beginning with its length."""
    return text if len(text) <= most else f"{text[:most]} ... ({len(text)} characters)"


def _shown(char: str) -> str:
    if char.isprintable() or char in KEPT:
        return char
    if unicodedata.category(char) == "Zs":
        return " "
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
