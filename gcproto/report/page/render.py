"""A page as one HTML file: it loads nothing, and no text of a result becomes markup."""

import base64
import gzip
import hashlib
import json
from dataclasses import dataclass, replace
from importlib import resources
from typing import TYPE_CHECKING
from urllib.parse import quote

from gcproto.counted import counted
from gcproto.errors import ExitCode, GcprotoError
from gcproto.report.page.heap_map import thinner
from gcproto.report.page.model import Page, Section
from gcproto.report.plots.look import DARK, LIGHT
from gcproto.report.plots.plot import Plot
from gcproto.results.exports import rows
from gcproto.results.page_map import LETTERS

if TYPE_CHECKING:
    from markupsafe import Markup

MAX_BYTES = 3_000_000
PLAIN_CSV = 4096
"""Samples up to this size are plain text in the page; larger ones are compressed."""


@dataclass(frozen=True)
class Fit:
    """The data in a page besides figures and pictures: less of it if all does not fit.

    Attributes:
        files: the result files, to download.
        maps: limit of characters of each heap map.
        samples: every sample of each picture, not only its figures.

    """

    files: bool = True
    maps: int | None = None
    samples: bool = True


FITS = (Fit(), Fit(files=False), Fit(files=False, maps=120_000), Fit(files=False, maps=60_000, samples=False))
"""From all data to the least that the page requires."""


def render(page: Page) -> str:
    """The page as HTML, with as much data as fits. The page names what is omitted.

    Raises:
        GcprotoError: even the smallest form exceeds ``MAX_BYTES``.

    """
    svgs = {plot.name: [_safe(svg) for svg in plot.svgs()] for plot in plots(page)}
    size = 0
    for fit in FITS:
        text = _render(_fitted(page, fit), svgs, fit)
        size = len(text.encode())
        if size <= MAX_BYTES:
            return text
    raise GcprotoError(
        f"the page would have {size / 1e6:.1f} MB, the limit is {MAX_BYTES / 1e6:.0f} MB",
        why=f"it shows {counted(len(page.downloads), 'result')}",
        remedy="give fewer results, or one report for each kind",
        code=ExitCode.USAGE,
    )


def _fitted(page: Page, fit: Fit) -> Page:
    """The page with heap maps that fit."""
    if fit.maps is None:
        return page
    return replace(page, sections=[_fitted_section(one, fit.maps) for one in page.sections])


def _fitted_section(section: Section, limit: int) -> Section:
    parts = []
    for part in section.parts:
        if part.heap_map:
            small = thinner(part.heap_map, limit)
            more = small.notes[len(part.heap_map.notes) :]
            parts.append(replace(part, heap_map=small, lines=[*part.lines, *more]))
        else:
            parts.append(part)
    return replace(section, parts=parts)


def _render(page: Page, svgs: dict[str, list["Markup"]], fit: Fit) -> str:
    import jinja2

    files = resources.files("gcproto.report.page")
    script = files.joinpath("page.js").read_text()
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: files.joinpath(name).read_text()),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"samples": samples if fit.samples else figures, "code": _code}
    return environment.get_template("page.html.j2").render(
        page=page,
        fit=fit,
        downloads=[(one.name, _data("application/gzip", one.data)) for one in page.downloads] if fit.files else [],
        style=_safe(_colours() + files.joinpath("page.css").read_text()),
        script=_safe(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        svgs=svgs,
        maps=_safe(_maps(page)),
        letters=LETTERS,
        has_maps=any(part.heap_map and part.heap_map.modes for section in page.sections for part in section.parts),
    )


def _plots(page: Page) -> list[Plot]:
    shown = [one.plot for one in page.answers if one.plot]
    return shown + [plot for section in page.sections for part in section.parts for plot in part.plots()]


def plots(page: Page) -> list[Plot]:
    """All pictures of a page, each once."""
    return list({plot.name: plot for plot in _plots(page)}.values())


def _safe(text: str) -> "Markup":
    """Markup that this program wrote itself: it is not escaped."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704


def _code(text: str) -> "Markup":
    """A sentence in which text between backquotes is a command."""
    from markupsafe import Markup, escape

    pieces = [escape(piece) for piece in text.split("`")]
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if at % 2 else piece for at, piece in enumerate(pieces)
    )


def _colours() -> str:
    light, dark = (";".join(f"--{role}:{colour}" for role, colour in colours.items()) for colours in (LIGHT, DARK))
    return f":root{{color-scheme:light dark;{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def samples(plot: Plot) -> tuple[str, str]:
    """Name and address of the file with all samples of a picture."""
    text = plot.data.csv()
    if len(text) <= PLAIN_CSV:
        return f"{plot.name}.csv", f"data:text/csv;charset=utf-8,{quote(text)}"
    return f"{plot.name}.csv.gz", _data("application/gzip", gzip.compress(text.encode("utf-8", "replace"), mtime=0))


def figures(plot: Plot) -> tuple[str, str]:
    """Name and address of the file with the figures of a picture alone."""
    text = rows.text(plot.data.heads, plot.data.rows)
    return f"{plot.name}.csv", f"data:text/csv;charset=utf-8,{quote(text)}"


def _maps(page: Page) -> str:
    """Heap maps for the script, as JSON that can't end its HTML element."""
    found = {
        f"{section.name}-{number}": part.heap_map.document()
        for section in page.sections
        for number, part in enumerate(section.parts)
        if part.heap_map and part.heap_map.modes
    }
    return (
        json.dumps(found, separators=(",", ":"))
        .replace("<", "\\u003c")
        .replace("\u2028", "\\u2028")
        .replace("&", "\\u0026")
    )
