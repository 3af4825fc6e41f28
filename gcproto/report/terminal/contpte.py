"""Blocks of contpte that MOVE folded and unfolded, scenario by scenario and kernel by kernel."""

from collections.abc import Iterable, Sequence
from statistics import median

from rich.console import Console

from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.figures import INVALID
from gcproto.report.terminal.kit.table import Column, Table
from gcproto.report.terminal.kit.text import say
from gcproto.results import names
from gcproto.results.schema import Blocks, Measurement, PathFigures, Result, Scenario
from gcproto.results.series import release_of, short, version_key
from gcproto.results.statistics import midmean


def _watched(measurements: Sequence[Measurement]) -> list[Blocks]:
    """The blocks of those whose blocks were watched."""
    every = (one.figures.blocks for one in measurements if isinstance(one.figures, PathFigures))
    return [one for one in every if one is not None]


def folded(measurements: Sequence[Measurement]) -> float | None:
    """Blocks folded in a watched round, median; None without one."""
    return _middle(n for one in _watched(measurements) for n in one.folded)


def unfolded(measurements: Sequence[Measurement]) -> float | None:
    """Blocks unfolded in a watched round, median; None without one."""
    return _middle(n for one in _watched(measurements) for n in one.unfolded)


def _middle(counts: Iterable[int]) -> float | None:
    found = list(counts)
    return median(found) if found else None


def print_blocks(results: Sequence[Result], page: int, console: Console) -> None:
    """Print a table of the scenarios whose blocks were watched; nothing without one.

    Args:
        results: of guests with pages of one size.
        page: their size in bytes.
        console: the terminal.

    """
    rows: dict[tuple[str, Scenario], list[Measurement]] = {}
    for result in sorted(results, key=lambda one: version_key(release_of(one))):
        for one in result.measurements:
            if _watched([one]):
                rows.setdefault((release_of(result), one.scenario), []).append(one)
    if not rows:
        return
    console.print()
    say(console, "Blocks of contpte that a round folded and unfolded (median of watched rounds)", style="bold")
    table = Table(
        [
            Column("scenario", words=True),
            Column("kernel", words=True),
            Column("cost"),
            Column("folded"),
            Column("unfolded"),
            Column("path", words=True, rank=1),
            Column("void", rank=2),
        ]
    )
    for (release, scenario), found in rows.items():
        values = [midmean(one.samples) for one in found if one.valid and one.samples]
        table.add(
            names.scenario(scenario, page),
            short(release),
            f"{median(values):.4g}" if values else INVALID,
            _count(folded(found)),
            _count(unfolded(found)),
            "/".join(dict.fromkeys(one.proof.path for one in found)),
            str(sum(one.void for one in _watched(found)) or ""),
        )
    print_table(table, console)


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
