"""Evacuation paths as tables: one for each setting, the normal case of a concurrent collector first.

Rows are sources and arms, columns granules, cells the median with the ratio to copy and its interval, then splits and
EBUSY.
"""

from collections import defaultdict
from collections.abc import Sequence

from rich.console import Console

from gcproto.counted import counted
from gcproto.report import labels
from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.figures import Baselines, cost, done, ratio
from gcproto.report.terminal.kit.table import Cell, Column, Table
from gcproto.report.terminal.kit.text import Part, say
from gcproto.report.words.kinds import Path, paths
from gcproto.results import names
from gcproto.results.baseline import refused
from gcproto.results.schema import ANY, CACHE, CONGRUENT, MEMORY, SHUFFLED, Measurement, PathScenario, with_fields
from gcproto.rows import SWAP_SOURCES

MAIN_GRANULES = 3
"""A source with at least this many granules belongs to the main table."""
USUAL = frozenset({"small", "mthp", "thp"})

SETTINGS = ((False, False), (True, False), (True, True), (False, True))
"""Order of tables: memory beyond the cache, and page frames that are shuffled."""
EASY, SIZES, SKEWED, SPECIAL, SWAP = range(2 * len(SETTINGS), 2 * len(SETTINGS) + 5)

Theme = tuple[int, str]
"""Rank, and title."""


def print_paths(measurements: Sequence[Measurement], console: Console, page_size: int) -> None:
    """Print a table for each theme.

    Args:
        measurements: of paths; others are omitted.
        console: the terminal.
        page_size: bytes of a base page.

    """
    baselines = Baselines(measurements)
    for (_, title), found in sorted(themes(measurements).items(), key=lambda item: item[0]):
        console.print()
        say(console, (title, "bold"))
        print_table(_pivot(found, baselines, page_size), console)


def themes(measurements: Sequence[Measurement]) -> dict[Theme, list[Path]]:
    """The measurements of each table. Second members of A/A pairs and arms without a source are in none."""
    shown = [one for one in paths(measurements) if not one.at.replica and one.at.source != "none"]
    granules: dict[PathScenario, set[int]] = defaultdict(set)
    for one in shown:
        granules[_without_granule(one.at)].add(one.at.granule_bytes)
    found: dict[Theme, list[Path]] = defaultdict(list)
    for one in shown:
        found[_theme(one.at, len(granules[_without_granule(one.at)]))].append(one)
    return found


def _without_granule(one: PathScenario) -> PathScenario:
    return with_fields(one, granule_bytes=0, arm="", pages=0)


def _theme(one: PathScenario, granules: int) -> Theme:
    """Sort key: the second thread, then the memory, then the source."""
    setting = names.condition(with_fields(one, alignment=CONGRUENT))
    memory = (one.working_set == MEMORY, one.frames == SHUFFLED)
    if one.source in SWAP_SOURCES:
        return SWAP, "Swapped out"
    if one.threads > 1 or any(memory):
        rank = SETTINGS.index(memory) + len(SETTINGS) * (one.threads == 1)
        return rank, setting[0].upper() + setting[1:]
    if one.alignment != CONGRUENT:
        return SKEWED, f"Destination skewed by one page: {setting}"
    if one.source not in USUAL:
        return SPECIAL, f"Zero pages, holes, shared and pinned pages: {setting}"
    if one.source == "mthp" and granules < MAIN_GRANULES:
        return SIZES, f"Other folio sizes: {setting}"
    return EASY, f"The easy case: {setting}"


def _pivot(found: list[Path], baselines: Baselines, page_size: int) -> Table:
    granules = sorted({labels.granule(one.at, page_size) for one in found})
    table = Table(
        [Column("per ioctl", words=True), *(Column(labels.granule_text(one)) for one in granules)], gap=1, wide=True
    )
    groups: dict[str, dict[str, list[dict[labels.Granule, Path]]]] = defaultdict(lambda: defaultdict(list))
    for path in found:
        rows, column = groups[_group(path.at, page_size)][path.at.arm], labels.granule(path.at, page_size)
        free = next((row for row in rows if column not in row), None)
        if free is None:
            rows.append(free := {})
        free[column] = path
    for group, arms in groups.items():
        table.group(group)
        for arm, rows in arms.items():
            for row in rows:
                cells = [_cell(row[one], baselines, page_size) if one in row else "" for one in granules]
                table.add(f" {_label(arm, row) if len(rows) > 1 else arm}", *cells)
    return table


def _label(arm: str, row: dict[labels.Granule, Path]) -> str:
    """An arm that was measured with several numbers of pages."""
    pages = {one.at.pages for one in row.values()}
    return f"{arm}, {'/'.join(map(str, sorted(pages)))} pages"


def _group(one: PathScenario, page_size: int) -> str:
    """The setting inside which arms are compared. Only the table of swapped pages has several."""
    if one.source in SWAP_SOURCES:
        more = [*names.layout(one), *([names.reach(one)] if one.working_set == CACHE else [])]
    elif one == _easy(one):
        more = []  # a skewed destination has a table of its own here
    else:
        more = names.layout(_easy(one))
    return ", ".join((names.source(one, page_size), *more))


def _easy(one: PathScenario) -> PathScenario:
    """Whether it is on one thread, in the usual memory."""
    place = ANY if one.working_set == MEMORY else one.working_set
    return with_fields(one, threads=1, working_set=place, frames=ANY)


def _cell(path: Path, baselines: Baselines, page_size: int) -> Cell:
    one = path.measured
    bad = len(one.invalid_rounds)
    shown = cost(one)
    if not one.valid or one.median is None:
        return [*shown, f"{bad}/{counted(bad + len(one.samples), 'round')}"]
    match ratio(one, baselines):
        case [str(factor), interval]:
            lines: list[Part] = [f"{shown[0]} {factor:>6}", interval]
        case why:
            lines = [*shown, *why]
    lines += done(one)
    proof, outcome = one.proof, one.outcome
    if proof.folios_split:
        of = f"/{labels.per_round(proof.folios, one)}" if 0 < proof.folios != proof.folios_split else ""
        lines.append((f"split {labels.per_round(proof.folios_split, one)}{of}", "yellow"))
    lines += _swapped_in(path, page_size)
    if outcome.ebusy:
        style = "bright_black" if refused(one) else "yellow"
        lines.append((f"EBUSY {labels.per_round(outcome.ebusy, one)}", style))
    if bad:
        lines.append((f"{bad} invalid", "red"))
    return lines


def _swapped_in(one: Path, page_size: int) -> list[Part]:
    """The share of time that swapping in took, and the folios that hold the pages now."""
    if one.figures.swapin_part is None:
        return []
    sizes = ", ".join(labels.size(page_size << order) for order in sorted(one.measured.proof.order_after))
    return [(f"swap-in {labels.number(one.figures.swapin_part)}{f' as {sizes}' if sizes else ''}", "dim")]
