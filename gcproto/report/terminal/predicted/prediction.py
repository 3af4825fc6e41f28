"""The cost model as tables: the cost of each primitive, how well heaps are predicted, the effect of a proposal."""

from collections.abc import Sequence

from rich.console import Console

from gcproto.counted import counted
from gcproto.model.kinds import GROUPS
from gcproto.model.prediction import GOOD, Heap, Prediction, Reason
from gcproto.report import labels
from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.table import Cell, Column, Table
from gcproto.report.terminal.kit.text import Part, say
from gcproto.report.terminal.remarks import print_skips
from gcproto.results import names

SEEN = 0.005
"""Parts with a smaller share of the prediction are not shown."""


def print_prediction(found: Prediction, console: Console) -> None:
    """Print costs, heaps, and the share of heaps that is predicted well."""
    console.print()
    where = f"What each costs on this kernel{f' of {found.host}' * bool(found.host)}"
    say(console, (where, "bold"), ": ns, fitted; 90 % of the resamples")
    costs = Table([Column("", words=True, name="what"), Column("ns"), Column("90 %")], heads=False)
    for name, (middle, low, high) in found.costs.items():
        costs.add(name, labels.number(middle), (f"{labels.number(low)}-{labels.number(high)}", "dim"))
    print_table(costs, console)
    console.print()
    say(console, ("Heaps", "bold"), ": ns of ioctls for each page evacuated")
    table = Table([*_heap_columns(), Column("measured", rank=1), Column("predicted"), Column("error")])
    if found.proposal:
        table.columns += [Column(found.proposal.name), Column("gain")]
    for heap in found.heaps:
        table.add(*_row(heap, found.page_size))
    print_table(table, console)
    say(console, *_good(found))
    _print_parts(found.heaps, found.page_size, console)
    _print_reasons(found.reasons, found.page_size, console)
    if found.proposal:
        say(console, f"{found.proposal.name}: {found.proposal.text}. {found.proposal.source}", style="dim")
    print_skips(found.left_out, console, "not used by the model")


def _good(found: Prediction) -> list[Part]:
    unseen = [heap for heap in found.heaps if not heap.fitted]
    if found.good is None:
        return [("all rows were used to fit the costs, so none checks them", "yellow")]
    good = round(found.good * len(unseen))
    return [f"of {counted(len(unseen), 'row')} that the costs were not fitted on, {good} agree to {GOOD:.0%}"]


def _print_parts(heaps: Sequence[Heap], page_size: int, console: Console) -> None:
    groups = [group for group in GROUPS if any(group in heap.parts for heap in heaps)]
    console.print()
    say(console, ("Where the predicted time goes", "bold"), ": ns for each page evacuated")
    parts_of = [Column(group.replace(" ", "\n")) for group in groups]
    table = Table([*_heap_columns(), *parts_of, Column("error\nof all")], gap=1)
    for heap in heaps:
        least = SEEN * heap.predicted
        parts = [heap.parts.get(group, 0.0) for group in groups]
        shown = (labels.number(part) if part > least else "" for part in parts)
        table.add(*_name(heap, page_size), *shown, _percent(heap.error))
    print_table(table, console)


def _print_reasons(reasons: Sequence[Reason], page_size: int, console: Console) -> None:
    if reasons:
        console.print()
        say(
            console,
            ("Where auto and plain moves differ", "bold"),
            ": ns for each page, of move -> of auto; medians of these runs",
        )
    for one in reasons:
        least = SEEN * max(one.predicted)
        changed = [part for part in one.parts.items() if abs(part[1][0] - part[1][1]) > least]
        changed.sort(key=lambda part: -abs(part[1][0] - part[1][1]))
        why = ", ".join(f"{group} {_both(values)}" for group, values in changed) or "the same"
        sums = f"{labels.number(one.ahead)} before the flip, {labels.number(one.ahead + one.evacuation[1])} in all"
        ahead = f"; auto: {sums}" if one.ahead else ""
        beside = " beside a second thread" if one.threads > 1 else ""
        move, auto = one.evacuation
        share = f" auto takes {auto / move:.2f}x" if move else ""
        say(
            console,
            f"{one.workload} {labels.size(page_size << one.memory_order)}{beside}: from flip to drain{share}, "
            f"{_both(one.evacuation)}, of that ioctls {_both(one.measured)}, predicted {_both(one.predicted)} "
            f"(off by {_off(one)}): "
            f"{why}{ahead}",
        )


def _off(one: Reason) -> str:
    errors = [_percent(of / by - 1) if by else "?" for of, by in zip(one.predicted, one.measured, strict=True)]
    return " and ".join(errors)


def _percent(error: float) -> str:
    """``+3%``, ``0%``: a share that rounds to zero has no sign."""
    return f"{error:+.0%}" if round(error * 100) else "0%"


def _both(values: tuple[float, float]) -> str:
    return " -> ".join(labels.number(value) for value in values)


def _heap_columns() -> list[Column]:
    return [Column("heap", words=True), Column("policy", words=True)]


def _name(heap: Heap, page_size: int) -> list[str]:
    return [names.heap(heap.scenario, page_size), heap.policy]


def _row(heap: Heap, page_size: int) -> list[Cell]:
    error = _percent(heap.error) + (" (fitted)" if heap.fitted else "")
    style = "" if heap.fitted or abs(heap.error) <= GOOD else "yellow"
    cells: list[Cell] = [
        *_name(heap, page_size),
        labels.number(heap.measured),
        labels.number(heap.predicted),
        (error, style),
    ]
    if heap.proposed is not None and heap.low is not None and heap.high is not None:
        interval = f"{labels.number(heap.low)}-{labels.number(heap.high)}"
        cells.append([labels.number(heap.proposed), (interval, "dim")])
        cells.append(f"{heap.predicted / heap.proposed:.2f}x" if heap.proposed else "")
    return cells
