"""Evacuation policies as a table: a line for each heap, a column for each policy."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gcproto.report import labels
from gcproto.results.schema import Measurement, Scenario
from gcproto.results.statistics import ratio_interval

AUTO = "auto"


def print_policies(measurements: list[Measurement], console: Console, page: int) -> None:
    """Print ns per page from flip to drain, the share that went in whole folios, and how ``auto`` fares.

    Args:
        measurements: of sources ``evacuate-...``.
        console: where to.
        page: bytes of a base page.

    """
    heaps: dict[tuple[str, int], dict[str, Measurement]] = {}
    for one in measurements:
        heaps.setdefault((one.scenario.source, one.scenario.order), {})[one.scenario.arm] = one
    arms = list(dict.fromkeys(one.scenario.arm for one in measurements))
    console.print(
        "\n[bold]Evacuating large folios[/]: ns per page from flip to drain; split+: what splitting ahead took before; "
        "whole: share of the pages that went in whole folios",
        highlight=False,
    )
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.collapse_padding = True
    for name in ("heap", "folios", *arms, "auto to best", "auto to move"):
        table.add_column(name, justify="left" if name in {"heap", "folios"} else "right", no_wrap=True)
    for (source, order), by_arm in heaps.items():
        folios = "system" if source.endswith("-system") else labels.size(page << order) if order else "small"
        heap = source.removeprefix("evacuate-").removesuffix("-system")
        table.add_row(heap, folios, *(_cell(by_arm.get(arm)) for arm in arms), *_auto(by_arm))
    console.print(table)
    for one in measurements:
        if one.notes:
            console.print(f"[dim]{_name(one.scenario, page)}: {escape('; '.join(one.notes))}[/]", highlight=False)


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


def _auto(by_arm: dict[str, Measurement]) -> tuple[str, str]:
    """Auto's time over the best fixed policy's, and over plain move's, with their intervals."""
    auto = by_arm.get(AUTO)
    fixed = [one for arm, one in by_arm.items() if arm != AUTO and one.valid and one.median]
    if auto is None or not auto.valid or not fixed:
        return "", ""
    best = min(fixed, key=lambda one: one.median or 0.0)
    return _ratio(auto, best, best.scenario.arm), _ratio(auto, by_arm.get("move"), "")


def _ratio(over: Measurement, under: Measurement | None, name: str) -> str:
    found = ratio_interval(over, under) if under else None
    if found is None:
        return ""
    label = f" ({name})" if name else ""
    return f"{labels.number(found.value)}x{label}\n[dim]{labels.bounds(found)}[/]"
