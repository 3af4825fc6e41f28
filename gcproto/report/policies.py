"""Evacuation policies as a table: a line for each heap, a column for each policy."""

from collections.abc import Callable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gcproto.report import labels
from gcproto.results.policy_cells import AUTO, SAME, Cell, cells, policy_of
from gcproto.results.schema import Interval, Measurement, Scenario


def print_policies(measurements: list[Measurement], console: Console, page: int) -> None:
    """Print ns per page from flip to drain, the share that went in whole folios, and how ``auto`` fares.

    Args:
        measurements: of sources ``evacuate-...``.
        console: where to.
        page: bytes of a base page.

    """
    found = cells(measurements)
    arms = list(dict.fromkeys(policy_of(one) for one in measurements))
    marks = _marks(found)
    beside = ", a second thread live on another CPU" if {cell.threads for cell in found} == {2} else ""
    console.print(
        f"\n[bold]Evacuating large folios{beside}[/]: ns per page from flip to drain; split+: what splitting ahead "
        "took before; whole: share of the pages that went in whole folios; A/A: between policies that chose the same",
        highlight=False,
    )
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.collapse_padding = True
    left = {"heap", "folios", *marks}
    for name in ("heap", "folios", *marks, *arms, "auto to best", "auto to move", "A/A"):
        table.add_column(name, justify="left" if name in left else "right", no_wrap=True)
    for cell in found:
        by_arm = {policy_of(one): one for one in cell.every}
        shown = (_cell(by_arm.get(arm)) for arm in arms)
        table.add_row(*_heap(cell, page), *(mark(cell) for mark in marks.values()), *shown, *_auto(cell))
    console.print(table)
    for one in measurements:
        if one.notes:
            console.print(f"[dim]{_name(one.scenario, page)}: {escape('; '.join(one.notes))}[/]", highlight=False)


def _marks(found: list[Cell]) -> dict[str, Callable[[Cell], str]]:
    """Columns for what is not the same in all heaps."""
    marks: dict[str, Callable[[Cell], str]] = {}
    if len({cell.threads for cell in found}) > 1:
        marks["threads"] = lambda cell: str(cell.threads)
    if {cell.answer for cell in found} != {""}:
        marks["on EBUSY"] = lambda cell: cell.answer or "copy"
    return marks


def _heap(cell: Cell, page: int) -> tuple[str, str]:
    folios = labels.size(page << cell.order) if cell.order else "small"
    system = cell.source.endswith("-system")
    return cell.source.removeprefix("evacuate-").removesuffix("-system"), "system" if system else folios


def heap_text(cell: Cell, page: int) -> str:
    """``sparse 64K``, with what else tells it from others: ``sparse 64K, 2 threads, touch on EBUSY``."""
    more = [f"{cell.threads} threads"] * (cell.threads > 1) + [f"{cell.answer} on EBUSY"] * bool(cell.answer)
    return ", ".join((" ".join(_heap(cell, page)), *more))


def _name(one: Scenario, page: int) -> str:
    size = labels.size(page << one.order) if one.order else "small"
    return f"{one.source.removeprefix('evacuate-')} {size} {one.arm}"


def _cell(one: Measurement | None) -> str:
    if one is None:
        return ""
    if not one.valid or one.median is None:
        return "[bold red]INVALID[/]"
    lines = [labels.number(one.median)]
    if one.figures.get("split ns/page"):
        lines.append(f"[dim]split+ {labels.number(one.figures['split ns/page'])}[/]")
    for what in ("restored", "renewed"):
        if one.figures.get(f"{what} pages"):
            pages, each = one.figures[f"{what} pages"], one.figures[f"{what} ns/page"]
            lines.append(f"[dim]{what} {pages:.0f} at {labels.number(each)}[/]")
    whole = one.figures.get("went whole", 0.0)
    if whole:
        lines.append(f"[green]whole {whole:.0%}[/]")
    if one.figures.get("swapped before"):
        before, after = one.figures["swapped before"], one.figures["swapped after"]
        lines.append(f"[dim]swapped {before:.0f} -> {after:.0f}[/]")
    if one.figures.get("EBUSY"):
        lines.append(f"[yellow]EBUSY {one.figures['EBUSY']:.0f}, copied {one.figures['fallback']:.0f}[/]")
    if one.figures.get("folios split"):
        lines.append(f"[yellow]{one.figures['folios split']:.0f} split[/]")
    return "\n".join(lines)


def _auto(cell: Cell) -> tuple[str, str, str]:
    """Auto's time over the best fixed policy's, and over plain move's, and the noise."""
    noise = f"\N{PLUS-MINUS SIGN}{cell.noise:.0%}" if cell.noise is not None else ""
    auto, best, move = cell.arm(AUTO), cell.best, cell.arm("move")
    return (
        _ratio(auto.over(best), best.names[0]) if auto and best else "",
        _ratio(auto.over(move), "") if auto and move else "",
        noise,
    )


def _ratio(found: Interval | None, name: str) -> str:
    if found is None:
        return ""
    label = f" ({name})" if name else ""
    if found == SAME:
        return "1x same choice" + (f"\n[dim]({name})[/]" if name else "")
    return f"{labels.number(found.value)}x{label}\n[dim]{labels.bounds(found)}[/]"
