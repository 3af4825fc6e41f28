"""A picture with its texts: title, alternative text, the figures it was drawn from."""

import io
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

    """

    name: str
    title: str
    text: str
    draw: Draw
    data: Data
    sizes: Sequence[tuple[int, int]] = field(default=((360, 300),))
    caption: str = ""

    def svgs(self) -> list[str]:
        """SVGs for the page, one for each size; colours are CSS variables."""
        found = []
        for number, (width, height) in enumerate(self.sizes):
            look = Look(variables(), width, height)
            drawn = _drawn(self.draw, look, "svg")
            found.append(inline(drawn.decode(), f"{self.name}-{number}", look.hover))
        return found

    def save(self, path: Path) -> None:
        """Write it as PNG or SVG, according to the file name, in light colours with its title.

        Raises:
            GcprotoError: the file can't be written.

        """
        drawn = _drawn(self.draw, Look(LIGHT, *self.sizes[0]), path.suffix.lower().removeprefix("."), self.title)
        try:
            path.write_bytes(drawn)
        except OSError as error:
            why = error.strerror or str(error)
            raise GcprotoError(
                f"{path} can't be written", why=why, remedy="choose another place", code=ExitCode.WRITE
            ) from error


TITLE = 34
"""Height of the title of a file, pixels; in the page it is text beside the picture."""


def _drawn(draw: Draw, look: Look, ending: str, title: str = "") -> bytes:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib.figure import Figure

    with mpl.rc_context(settings(look)), warnings.catch_warnings():  # type: ignore[arg-type]
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # of a name in some other script
        height = look.height + TITLE * bool(title)
        figure = Figure(figsize=(look.width / 72, height / 72), dpi=72)
        body: Figure | SubFigure = figure
        if title:
            top, body = figure.subfigures(2, 1, squeeze=False, height_ratios=[TITLE, look.height], hspace=0).ravel()
            top.text(4 / look.width, 0.4, clean(title, look.width // 8), fontsize=13, weight="bold", va="center")
        draw(body, look)
        out = io.BytesIO()
        metadata: dict[str, str | None] = {"Date": None} if ending == "svg" else {"Software": None}
        figure.savefig(out, format=ending, dpi=144 if ending == "png" else 72, metadata={**metadata, "Title": title})
    # Names in results can have characters that XML forbids.
    return out.getvalue().translate(NO_XML) if ending == "svg" else out.getvalue()


NO_XML = bytes(ord("?") if one < 32 and one not in (9, 10, 13) else one for one in range(256))
