"""The thread's claims as a strip: one field each, by verdict."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from gcproto.report.plots.look import Look, clean
from gcproto.report.plots.plot import NARROW, WIDE, Data, Plot
from gcproto.report.words.thread import by_judgement
from gcproto.results.schema import ClaimVerdict, Judgement

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

LOOKS: dict[Judgement, tuple[str, str, bool]] = {
    "confirmed": ("good", "\N{CHECK MARK}", True),
    "in part": ("tao", "\N{ALMOST EQUAL TO}", True),
    "refuted": ("bad", "\N{MULTIPLICATION X}", True),
    "not testable here": ("plain", "?", False),
}
"""Role of the colour, sign, and whether the field is filled."""

HEADS = ("claim", "what is claimed", "judgement", "why", "figures", "command")
IN_A_ROW = 16
NARROW_ROW = 8


def strip(claims: Sequence[ClaimVerdict], name: str) -> Plot:
    """A picture.

    Args:
        claims: one at least.
        name: of the picture.

    """
    found = by_judgement(claims)
    text = "The thread's claims by verdict. " + " ".join(
        f"{judgement}: {', '.join(one.key for one in ones)}." for judgement, ones in found.items()
    )
    rows = [(one.key, one.claim, one.judgement, one.why, one.figures, one.command) for one in claims]
    wide, narrow = (-(-len(claims) // count) for count in (IN_A_ROW, NARROW_ROW))
    return Plot(
        f"{name}-strip",
        "The thread's claims by verdict",
        text,
        lambda figure, look: _draw(figure, look, claims),
        Data(HEADS, rows),
        ((WIDE, 44 + 66 * wide), (NARROW, 74 + 58 * narrow)),
        "Each field is a claim; the table below has the claim, the figures and the command that judges it alone.",
    )


def _draw(figure: "Figure | SubFigure", look: Look, claims: Sequence[ClaimVerdict]) -> None:
    from matplotlib.patches import Rectangle

    count = NARROW_ROW if look.narrow else IN_A_ROW
    step = (look.width - 8) / count
    high = 58 if look.narrow else 66
    transform = figure.transSubfigure
    top = look.height - (66 if look.narrow else 36)
    for at, one in enumerate(claims):
        role, sign, filled = LOOKS[one.judgement]
        x, y = 4 + (at % count) * step, top - (at // count + 1) * high + 8
        figure.add_artist(
            Rectangle(
                (x / look.width, y / look.height),
                (step - 6) / look.width,
                (high - 8) / look.height,
                facecolor=look.colour(role) if filled else "none",
                edgecolor=look.colour(role),
                linewidth=1.4,
                transform=transform,
            )
        )
        ink = look.colour("paper" if filled else "ink")
        middle = (x + (step - 6) / 2) / look.width
        put = partial(figure.text, ha="center", va="center", color=ink)
        put(middle, (y + (high - 8) * 0.68) / look.height, clean(one.key, 6), fontsize=12, weight="bold")
        put(middle, (y + (high - 8) * 0.28) / look.height, sign, fontsize=13)
    _legend(figure, look, [one for one in LOOKS if any(each.judgement == one for each in claims)])


def _legend(figure: "Figure | SubFigure", look: Look, shown: Sequence[Judgement]) -> None:
    x, y = 4.0, look.height - 16.0
    for judgement in shown:
        role, sign, _ = LOOKS[judgement]
        width = 26 + 7.4 * len(judgement)
        if x + width > look.width:
            x, y = 4.0, y - 22
        figure.text(
            (x + 8) / look.width, y / look.height, sign, ha="center", va="center", fontsize=13, color=look.colour(role)
        )
        figure.text((x + 20) / look.width, y / look.height, judgement, va="center", fontsize=11.5)
        x += width + 12
