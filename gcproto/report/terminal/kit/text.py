"""Text for a terminal, made of parts of data.

Nothing here is parsed as markup, so text from a file can't style anything. Control characters never reach the terminal:
no escape sequence, no moved cursor, no text that runs backwards.
"""

import re
import unicodedata

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

BLANKS = "Zs"
"""Unicode's category of blanks.  Other characters that are not printable may control the terminal."""

WORD = re.compile(r"\S+")

Part = str | tuple[str, str] | Text
"""Text; text and its style; or text with styles of its own."""


def plain(text: str, *, lines: bool = False) -> str:
    r"""The text with all control characters spelt out: ``\x1b[31m``.

    Args:
        text: from any source.
        lines: line feeds stay; else they become blanks, as tabs do.

    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(char, lines=lines) for char in text)


def _shown(char: str, *, lines: bool) -> str:
    if char in "\n\t":
        return char if lines and char == "\n" else " "
    shown = char.isprintable() or unicodedata.category(char) == BLANKS
    return char if shown else char.encode("unicode_escape").decode()


def text(*parts: Part, style: str = "", lines: bool = False) -> Text:
    """Parts one after the other.

    Args:
        parts: text, or text and its style.
        style: of all of it, beneath the styles of its parts.
        lines: line feeds in it are kept.

    """
    made = Text(style=style)
    for part in parts:
        match part:
            case Text():
                made.append_text(part)
            case (words, own):
                made.append(plain(words, lines=lines), style=own)
            case str():
                made.append(plain(part, lines=lines))
    return made


def say(console: Console, *parts: Part, style: str = "", indent: int = 0) -> None:
    """Print a paragraph.  Lines end at blanks only: no word and no figure is ever cut.

    Args:
        console: the terminal; one that wraps softly gets a line for each line of the text.
        parts: of the text.
        style: of all of it.
        indent: blanks before each line.

    """
    made = text(*parts, style=style, lines=True)
    for line in made.split("\n", allow_blank=True):
        for piece in [line] if console.soft_wrap else wrapped(line, console.width - indent):
            console.print(text(" " * indent, piece), soft_wrap=True)


def wrapped(line: Text, width: int) -> list[Text]:
    """A line as several lines of at most this width. Only a word that is wider makes a wider line.

    Args:
        line: one line.
        width: in cells of the terminal.

    """
    pieces = list(line.divide(_breaks(line.plain, width)))
    for piece in pieces:
        piece.rstrip()
    return pieces


def _breaks(line: str, width: int) -> list[int]:
    """Offsets of the words that no longer fit into their line."""
    found: list[int] = []
    begin = 0
    for word in WORD.finditer(line):
        if cell_len(line[begin : word.end()]) > width and line[begin : word.start()].strip():
            begin = word.start()
            found.append(begin)
    return found
