"""A patch against stock as a table: the cost of each scenario in both, the change, and the path that each took."""

from collections.abc import Sequence
from statistics import median

import msgspec
from rich.console import Console

from gcproto.report.terminal.contpte import folded, unfolded
from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.figures import INVALID, REFUSED
from gcproto.report.terminal.kit.table import Cell, Column, Table
from gcproto.report.terminal.kit.text import Part, say
from gcproto.results import names
from gcproto.results.baseline import refused
from gcproto.results.schema import Measurement, PathScenario, Result, Scenario
from gcproto.results.series import release_of, short

SAME = 0.01
"""Smaller changes have no colour."""
LARGE = 0.5
"""Changes from which a factor is clearer than a percentage."""


class Side(msgspec.Struct, frozen=True):
    """A scenario in one kernel, over its boots.

    Attributes:
        value: median of the boots' medians; None: invalid or not measured.
        path: as proven; several if boots differ.
        splits: folios split per round.
        folded, unfolded: blocks of contpte per watched round; None where they were not watched.
        busy: pages that MOVE did not move because of EBUSY, as a share of those asked.
        kept: share of the destination's pages that have the frame of their source.
        refused: no work was done in any boot: the value is the cost of the refusal.
        two_modes: the samples of a boot have two modes, so the value alone does not describe them.

    """

    value: float | None
    path: str
    splits: float
    busy: float
    kept: float
    refused: bool = False
    two_modes: bool = False
    folded: float | None = None
    unfolded: float | None = None


class Row(msgspec.Struct, frozen=True):
    """A scenario in both kernels."""

    scenario: Scenario
    stock: Side
    patched: Side

    @property
    def small(self) -> bool:
        """Whether it moves or copies small folios."""
        return isinstance(self.scenario, PathScenario) and self.scenario.source == "small"

    @property
    def change(self) -> float | None:
        """Relative, -0.96 for 96 % less; None if one of them has no value or did no work."""
        if self.stock.refused or self.patched.refused or not self.stock.value or self.patched.value is None:
            return None
        return self.patched.value / self.stock.value - 1


def rows(results: Sequence[Result], stock: str, patched: str) -> list[Row]:
    """Scenarios that at least one of two kernels has, in their order.

    Args:
        results: of guests.
        stock: name of the one.
        patched: name of the other.

    """
    found = {name: _by_scenario(results, name) for name in (stock, patched)}
    scenarios = dict.fromkeys(scenario for one in found.values() for scenario in one)
    return [Row(one, _side(found[stock].get(one, [])), _side(found[patched].get(one, []))) for one in scenarios]


def _by_scenario(results: Sequence[Result], release: str) -> dict[Scenario, list[Measurement]]:
    found: dict[Scenario, list[Measurement]] = {}
    for result in results:
        if release_of(result) == release:
            for one in result.measurements:
                found.setdefault(one.scenario, []).append(one)
    return found


def _side(measurements: Sequence[Measurement]) -> Side:
    good = [one for one in measurements if one.valid and one.median is not None]
    if not good:
        return Side(None, "INVALID" if measurements else "", 0.0, 0.0, 0.0)
    rounds = max(1, sum(one.proof.rounds for one in good))
    asked = sum(one.outcome.asked for one in good)
    return Side(
        median(one.median for one in good if one.median is not None),
        "/".join(dict.fromkeys(one.proof.path for one in good)),
        sum(one.proof.folios_split for one in good) / rounds,
        sum(one.outcome.left for one in good) / asked if asked else 0.0,
        sum(one.proof.pfn_kept for one in good) / asked if asked else 0.0,
        refused=all(refused(one) for one in good),
        two_modes=any(one.modes for one in good),
        folded=folded(good),
        unfolded=unfolded(good),
    )


def print_proposal(
    found: Sequence[Row], pair: tuple[str, str], unit: str, page_size: int, canary: str, console: Console
) -> None:
    """Print the table.

    Args:
        found: rows.
        pair: names of the stock kernel and of the patched one.
        unit: of the values.
        page_size: in bytes.
        canary: the reason why the two can't be compared; "" if they can.
        console: the terminal.

    """
    stock, patched = pair
    say(console, f"{short(patched)} against {short(stock)}: {unit}, median", style="bold")
    watched = any(one.folded is not None for row in found for one in (row.stock, row.patched))
    table = Table(
        [
            Column("scenario", words=True),
            Column("stock"),
            Column("patched"),
            Column("change"),
            Column("", name="factor", rank=4),
            Column("path", words=True, rank=2),
            Column("splits a round", rank=1),
            Column("EBUSY", rank=3),
            *[Column("folded", rank=1), Column("unfolded", rank=1)] * watched,
        ]
    )
    for row in found:
        old, new = row.stock, row.patched
        table.add(
            names.scenario(row.scenario, page_size),
            _value(old),
            _value(new),
            *_change(row),
            old.path if old.path == new.path else f"{old.path or '-'} -> {new.path or '-'}",
            _both(old.splits, new.splits, "{:.4g}"),
            _both(old.busy, new.busy, "{:.0%}"),
            *[_both(old.folded, new.folded, "{:.4g}"), _both(old.unfolded, new.unfolded, "{:.4g}")] * watched,
        )
    print_table(table, console)
    if canary:
        say(console, f"VOID: {canary}", style="bold red")


def _value(side: Side) -> Cell:
    if side.value is None:
        return INVALID if side.path else "-"
    if side.refused:
        return REFUSED
    shown: list[Part] = [f"{side.value:.0f}" if side.value >= 1000 else f"{side.value:.1f}"]
    return shown + [("two modes", "yellow")] * side.two_modes


def _change(row: Row) -> tuple[Cell, Cell]:
    change = row.change
    if change is None:
        return "", ""
    style = "" if abs(change) < SAME else "green" if change < 0 else "red"
    factor = ""
    if abs(change) >= LARGE and change > -1:
        factor = f"{1 / (1 + change):.1f}x less" if change < 0 else f"{1 + change:.1f}x more"
    return (f"{change:+.2%}" if abs(change) < 0.1 else f"{change:+.1%}", style), factor


def _both(old: float | None, new: float | None, form: str) -> str:
    if not old and not new:
        return ""
    if old is None or new is None:
        return " -> ".join("-" if one is None else form.format(one) for one in (old, new))
    return form.format(old) if old == new else f"{form.format(old)} -> {form.format(new)}"
