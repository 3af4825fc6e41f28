"""A picture with its texts: title, alternative text, the figures it was drawn from."""

import io
import textwrap
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gcproto.errors import ExitCode, GcprotoError
from gcproto.report.plots.look import LIGHT, Look, clean, settings, variables
from gcproto.report.plots.svg import inline
from gcproto.results.exports import rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

WIDE, NARROW = 1000, 350

Draw = Callable[["Figure | SubFigure", Look], None]


def anchor(*words: str) -> str:
    """A name for anchors and files: text from a file keeps only its letters and digits."""
    return "-".join("".join(one for one in word if one.isascii() and (one.isalnum() or one in "-_")) for word in words)


@dataclass(frozen=True)
class Data:
    """The data that a picture was drawn from.

    Attributes:
        heads, rows: a table for readers.
        samples: every sample: head and rows for a file.

    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    sample_heads: Sequence[str] = ()
    samples: Sequence[Sequence[object]] = ()

    def csv(self) -> str:
        """The samples, or the table if there are none."""
        return rows.text(self.sample_heads, self.samples) if self.samples else rows.text(self.heads, self.rows)


@dataclass(frozen=True)
class Plot:
    """One picture.

    Attributes:
        name: name of its files and of its anchor in the page; unique.
        title: title.
        text: the alternative text, with the figures.
        draw: draws into a matplotlib figure.
        data: the data that it was drawn from.
        sizes: width and height, for a screen and, where needed, a narrow screen.
        caption: how to read it.
        notes: what a file says below the picture; the page says it beside the picture.

    """

    name: str
    title: str
    text: str
    draw: Draw
    data: Data
    sizes: Sequence[tuple[int, int]] = field(default=((360, 300),))
    caption: str = ""
    notes: Sequence[str] = ()

    def svgs(self) -> list[str]:
        """SVGs for the page, one for each size; colours are CSS variables."""
        found = []
        for number, (width, height) in enumerate(self.sizes):
            look = Look(variables(), width, height)
            drawn = _drawn(self.draw, look, "svg")
            found.append(inline(drawn.decode(), f"{self.name}-{number}", look.hover))
        return found

    def save(self, path: Path) -> None:
        """Write it as PNG or SVG, according to the file name, in light colours with its title and its notes.

        Raises:
            GcprotoError: the file can't be written.

        """
        look = Look(LIGHT, *self.sizes[0])
        drawn = _drawn(self.draw, look, path.suffix.lower().removeprefix("."), self.title, self.notes)
        try:
            path.write_bytes(drawn)
        except OSError as error:
            why = error.strerror or str(error)
            raise GcprotoError(
                f"{path} can't be written", why=why, remedy="choose another place", code=ExitCode.WRITE
            ) from error


TITLE = 34
"""Height of the title of a file, pixels; in the page it is text beside the picture."""
NOTE = 14
"""Height of a line of notes."""
LETTER = 6
"""Width of a letter of notes, pixels, on the safe side."""
MOST_LETTERS = 600
"""Of a note. Texts from results may be of any length."""


def _lines(notes: Sequence[str], width: int) -> list[str]:
    """Notes in lines that a picture of this width has room for; continued lines are indented."""
    letters = width // LETTER
    return [
        line for note in notes for line in textwrap.wrap(clean(note, MOST_LETTERS), letters, subsequent_indent="    ")
    ]


def _drawn(draw: Draw, look: Look, ending: str, title: str = "", notes: Sequence[str] = ()) -> bytes:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib.figure import Figure

    with mpl.rc_context(settings(look)), warnings.catch_warnings():  # type: ignore[arg-type]
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # of a name in some other script
        lines = _lines(notes, look.width)
        heights = [TITLE * bool(title), look.height, NOTE * (len(lines) + 1) * bool(lines)]
        figure = Figure(figsize=(look.width / 72, sum(heights) / 72), dpi=72)
        body: Figure | SubFigure = figure
        if title or lines:
            parts = iter(
                figure.subfigures(
                    sum(map(bool, heights)), 1, squeeze=False, height_ratios=[*filter(None, heights)], hspace=0
                ).ravel()
            )
            if title:
                text = clean(title, look.width // 8)
                next(parts).text(4 / look.width, 0.4, text, fontsize=13, weight="bold", va="center")
            body = next(parts)
            if lines:
                _note(next(parts), look, lines)
        draw(body, look)
        out = io.BytesIO()
        metadata: dict[str, str | None] = {"Date": None} if ending == "svg" else {"Software": None}
        figure.savefig(out, format=ending, dpi=144 if ending == "png" else 72, metadata={**metadata, "Title": title})
    # Names in results can have characters that XML forbids.
    return out.getvalue().translate(NO_XML) if ending == "svg" else out.getvalue()


def _note(below: "SubFigure", look: Look, lines: Sequence[str]) -> None:
    for at, line in enumerate(lines):
        y = 1 - (at + 0.5) / (len(lines) + 1)
        below.text(8 / look.width, y, line, fontsize=9.5, va="center", color=look.colour("muted"))


NO_XML = bytes(ord("?") if one < 32 and one not in (9, 10, 13) else one for one in range(256))
