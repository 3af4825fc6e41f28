"""What a page is made of, before it is HTML."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gcproto.report.page.heap_map import HeapMap
from gcproto.report.plots.plot import Plot
from gcproto.report.words.finding import Finding


@dataclass(frozen=True)
class Grid:
    """A table; columns after the first ``texts`` are numbers and stand right."""

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
        title: what it is about; "" if the section says so.
        lines: sentences above the pictures.
        wide, small: pictures across the page, and several in a row.
        grids: tables.
        heap_map: of a heap's collections.
        small_first: the pictures that stand in a row come before those across the page.
        folded: it is closed until a reader opens it; its title is the handle.

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
    """A section with its anchor; ``missing`` says what to run where there is nothing to show."""

    name: str
    title: str
    missing: str
    intro: str = ""
    parts: list[Part] = field(default_factory=list)


@dataclass(frozen=True)
class Answers:
    """Findings that belong together, with the picture and the table that show them; folded if others stand above.

    Attributes:
        title: what they are of.
        lines: sentences above the cards.
        findings: the cards.
        plot, grids: what they are made of.
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
