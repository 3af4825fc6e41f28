"""The parts of a page before they become HTML."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gcproto.report.page.heap_map import HeapMap
from gcproto.report.plots.plot import Plot
from gcproto.report.words.finding import Finding


@dataclass(frozen=True)
class Grid:
    """A table; columns after the first ``texts`` are numbers, aligned right."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: int = 1
    note: str = ""
    folded: bool = True


@dataclass
class Part:
    """A part of a section, of one result or of several that belong together.

    Attributes:
        title: subject; "" if the section's title is enough.
        lines: sentences above the pictures.
        wide, small: pictures across the page, and several in a row.
        grids: tables.
        heap_map: of a heap's collections.
        small_first: the pictures in a row precede those across the page.
        folded: closed until a reader opens it by its title.

    """

    title: str = ""
    lines: list[str] = field(default_factory=list)
    wide: list[Plot] = field(default_factory=list)
    small: list[Plot] = field(default_factory=list)
    grids: list[Grid] = field(default_factory=list)
    heap_map: HeapMap | None = None
    small_first: bool = False
    folded: bool = False

    def plots(self) -> list[Plot]:
        """All pictures."""
        return [*self.wide, *self.small]


@dataclass
class Section:
    """A section with its anchor; ``missing`` names the command to run if there is nothing to show."""

    name: str
    title: str
    missing: str
    intro: str = ""
    parts: list[Part] = field(default_factory=list)


@dataclass(frozen=True)
class Answers:
    """Findings that belong together, with their picture and table; folded if others are above.

    Attributes:
        title: the runs or the kind of runs.
        lines: sentences above the cards.
        findings: the cards.
        plot, grids: their source.
        folded: closed until a reader opens it.

    """

    title: str
    findings: Sequence[Finding]
    plot: Plot | None = None
    grids: Sequence[Grid] = ()
    lines: Sequence[str] = ()
    folded: bool = False


@dataclass(frozen=True)
class Download:
    """A result file inside the page."""

    name: str
    data: bytes


@dataclass
class Page:
    """Everything."""

    title: str
    subtitle: list[str]
    answers: list[Answers]
    sections: list[Section]
    files: Grid
    downloads: list[Download]
    made: str
