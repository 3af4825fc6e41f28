"""Evacuation policies as a table: a line for each heap, a column for each policy."""

from collections.abc import Sequence
from statistics import median

from rich.console import Console

from gcproto.report import labels
from gcproto.report.placement import crowded
from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.figures import Baselines, cost, done, ratio
from gcproto.report.terminal.kit.groups import grouped
from gcproto.report.terminal.kit.table import Cell, Column, Table
from gcproto.report.terminal.kit.text import Part, say
from gcproto.report.words.kinds import Policy, policies
from gcproto.report.words.policies import by, chosen
from gcproto.results import names
from gcproto.results.policy_cells import AUTO, SAME, cells, objective_of
from gcproto.results.policy_cells import Cell as PolicyCell
from gcproto.results.schema import Interval, Measurement, PolicyFigures, PolicyScenario, Result
from gcproto.results.series import page_size_of
from gcproto.sizes import mib_text

MOVE = "move"


def print_policies(measurements: Sequence[Measurement], result: Result, console: Console) -> None:
    """Print ns per page from flip to drain, the share that moved in whole folios, and the ratios of ``auto``.

    Args:
        measurements: of evacuation policies; others are omitted.
        result: run that they are from.
        console: the terminal.

    """
    every = policies(measurements)
    objective = objective_of(result)
    found = cells((one.measured for one in every), objective)
    if not found:
        return
    page, unit = page_size_of(result), every[0].measured.unit
    common, groups = grouped([_words(cell.heap) for cell in found])
    console.print()
    say(
        console,
        (_heading(found), "bold"),
        f": {', '.join(common)}; {unit} from flip to drain{_explained(every, found, objective)}.",
    )
    crowd = crowded(measurements, result)
    if crowd:
        say(console, crowd, style="yellow")
    asked = list(dict.fromkeys(one.at.policy for one in every))
    table = Table([Column("heap", words=True), *(Column(one) for one in asked)], gap=1, wide=True)
    table.columns += [Column("auto\nto best"), Column("auto\nto move"), Column("A/A")]
    baselines = Baselines(measurements)
    for title, places in groups.items():
        if title:
            table.group(", ".join(title))
        for cell in (found[at] for at in places):
            known = {one.at.policy: one for one in policies(cell.every)}
            shown = [_cell(known[one], baselines) if one in known else "" for one in asked]
            table.add(f"{cell.heap.workload} {names.memory(cell.heap, page)}", *shown, *_auto(cell))
    print_table(table, console)
    for one in every:
        for note in _notes(one):
            say(console, f"{names.scenario(one.at, page)}: {note}", style="dim")


def _explained(every: Sequence[Policy], found: Sequence[PolicyCell], objective: str) -> str:
    """What the parts of cells are that this table has."""
    figures = [one.figures for one in every]
    said = [" with the ratio to copy" * any(one.measured.ratio_to_copy for one in every)]
    if any(one.split_ns_page for one in figures):
        said.append("Split+: finding and splitting folios before the flip. Both: with the time after the flip")
    if any(one.interrupted for one in figures):
        said.append("Interrupted: shoot-downs of a live thread before and after the flip, times the cost of one")
    if any(one.went_whole for one in figures):
        said.append("Whole: share of the pages moved in whole folios")
    if any(one.folios_split for one in figures):
        said.append("Split: folios split in a round")
    if any(cell.arm(AUTO) for cell in found):
        said.append(f"Auto is judged by {by(objective)}")
    if any(cell.noise is not None for cell in found):
        said.append("A/A: between policies that chose the same")
    return ". ".join(said)


def _heading(found: Sequence[PolicyCell]) -> str:
    """By the memory of the heaps. Which folios the system chose is unknown."""
    kinds = {0: "small", None: "the system's"}
    sizes = dict.fromkeys(kinds.get(cell.heap.order, "large") for cell in found)
    return f"Evacuating {names.several(list(sizes))} folios"


def _words(one: PolicyScenario) -> list[str]:
    """Words for the head if all share them, else for the title of the group."""
    swapped = f"{one.swapped_permille / 10:g} % swapped to {one.device}" if one.swapped_permille else "nothing swapped"
    return [
        "a second live thread" if one.threads > 1 else "one thread",
        f"{one.ebusy} on EBUSY",
        swapped,
        "one collection" if one.collections == 1 else f"the last of {one.collections} collections",
        f"{mib_text(one.live_bytes)} live",
    ]


def heap_text(cell: PolicyCell, page: int) -> str:
    """``sparse 64K``, with all other differences: ``sparse 64K, 2 threads, touch on EBUSY``."""
    return names.heap(cell.heap, page)


def _notes(one: Policy) -> list[str]:
    return [chosen(one.figures)] * bool(one.figures.choice) + one.measured.notes


def _cell(policy: Policy, baselines: Baselines) -> Cell:
    one, _, figures = policy
    shown = cost(one)
    if not one.valid or one.median is None:
        return [*shown]
    lines: list[Part] = shown
    match ratio(one, baselines):
        case [str(factor), interval]:
            lines = [f"{shown[0]} {factor:>6}", interval]
        case why:
            lines = [*shown, *why]
    return [*lines, *done(one), *_folios(figures, one.median)]


def _folios(found: PolicyFigures, after: float) -> list[Part]:
    """Work besides moving, and the effect on large folios."""
    lines: list[Part] = []
    if found.split_ns_page:
        lines.append((f"split+ {labels.number(found.split_ns_page)}", "dim"))
        lines.append((f"both {labels.number(found.split_ns_page + after)}", "dim"))
    if found.interrupted:
        lines.append((f"interrupted {labels.number(median(found.interrupted))}", "dim"))
    for what, made in (("restored", found.restored), ("renewed", found.renewed)):
        if made and made.pages:
            lines.append((f"{what} {made.pages:.0f} at {labels.number(made.ns_page)}", "dim"))
    if found.went_whole:
        lines.append((f"whole {labels.share(found.went_whole)}", "green"))
    if found.swapped_before:
        lines.append((f"swapped {found.swapped_before:.0f} -> {found.swapped_after:.0f}", "dim"))
    if found.ebusy:
        lines.append((f"EBUSY {found.ebusy:.0f}, copied {found.fallback:.0f}", "yellow"))
    if found.folios_split:
        lines.append((f"{found.folios_split:.0f} split", "yellow"))
    return lines


def _auto(cell: PolicyCell) -> tuple[Cell, Cell, Cell]:
    """The ratios of ``auto`` to the best fixed policy and to plain move, and the noise."""
    noise = f"\N{PLUS-MINUS SIGN}{cell.noise:.1%}" if cell.noise is not None else ""
    auto, best, move = cell.arm(AUTO), cell.best, cell.arm(MOVE)
    modes = any(one.modes for one in cell.every)
    if cell.alike:  # all policies did the same work, so there was nothing to choose
        return [("not tested", "dim"), ("same work", "dim")], "", noise
    return (
        _ratio(auto.over(best), best.names[0], modes=modes) if auto and best else "",
        _ratio(auto.over(move), "", modes=modes) if auto and move else "",
        noise,
    )


def _ratio(found: Interval | None, name: str, *, modes: bool) -> Cell:
    if found is None:
        return ""
    label = f" ({name})" if name else ""
    if found == SAME:
        return ["1x same choice", *([(f"({name})", "dim")] if name else [])]
    if modes:
        return [("two modes", "yellow")]
    return [f"{labels.number(found.value)}x{label}", (labels.bounds(found), "dim")]
