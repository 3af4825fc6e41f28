"""The cost model as tables: what things cost, how well heaps are predicted, what a proposal would give."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gcproto.model.kinds import GROUPS
from gcproto.model.prediction import GOOD, Heap, Prediction, Reason
from gcproto.report import labels

SEEN = 0.005
"""Parts that are a smaller share of the prediction are not shown."""
HEAP = ("workload", "folios", "policy", "threads")


def print_prediction(found: Prediction, console: Console) -> None:
    """Print costs, heaps, and the share that is predicted well."""
    console.print("\n[bold]What one costs on this kernel[/]: ns, fitted; 90 % of the resamples", highlight=False)
    costs = Table(box=None, padding=(0, 2), pad_edge=False, show_header=False)
    for name, (middle, low, high) in found.costs.items():
        costs.add_row(name, labels.number(middle), f"[dim]{labels.number(low)}-{labels.number(high)}[/]")
    console.print(costs)
    console.print("\n[bold]Heaps[/]: ns of ioctls for each page evacuated", highlight=False)
    table = Table(box=None, padding=(0, 2), pad_edge=False, header_style="bold")
    for name in (*HEAP, "measured", "predicted", "error"):
        table.add_column(name, justify="left" if name in HEAP else "right", no_wrap=True)
    if any(heap.threads > 1 for heap in found.heaps):
        console.print("threads 2: beside a second thread that is live on another CPU", style="dim", highlight=False)
    if found.proposal:
        table.add_column(found.proposal.name, justify="right")
        table.add_column("gain", justify="right")
    for heap in found.heaps:
        table.add_row(*_row(heap))
    console.print(table)
    if found.good is None:
        console.print("no heap that the costs were not fitted on: nothing checks them", style="yellow")
    else:
        console.print(f"{found.good:.0%} of the heaps that the costs were not fitted on are predicted to {GOOD:.0%}")
    _print_parts(found.heaps, console)
    _print_reasons(found.reasons, console)
    if found.proposal:
        text = f"{found.proposal.name}: {found.proposal.text}. {found.proposal.source}"
        console.print(escape(text), highlight=False, style="dim")


def _print_parts(heaps: list[Heap], console: Console) -> None:
    groups = [group for group in GROUPS if any(group in heap.parts for heap in heaps)]
    console.print("\n[bold]Where the predicted time goes[/]: ns for each page evacuated", highlight=False)
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    for name in (*HEAP, *groups):
        table.add_column(name, justify="left" if name in HEAP else "right")
    for heap in heaps:
        least = SEEN * heap.predicted
        parts = [heap.parts.get(group, 0.0) for group in groups]
        table.add_row(*_name(heap), *(labels.number(part) if part > least else "" for part in parts))
    console.print(table)


def _print_reasons(reasons: list[Reason], console: Console) -> None:
    if reasons:
        console.print(
            "\n[bold]Why auto is faster than plain moves[/], or is not: ns for each page, of move -> of auto",
            highlight=False,
        )
    for one in reasons:
        least = SEEN * max(one.predicted)
        changed = [part for part in one.parts.items() if abs(part[1][0] - part[1][1]) > least]
        changed.sort(key=lambda part: -abs(part[1][0] - part[1][1]))
        why = ", ".join(f"{group} {_both(values)}" for group, values in changed) or "the same"
        ahead = f"; split before the flip instead: {labels.number(one.ahead)}" if one.ahead else ""
        size = labels.size(4096 << one.memory_order)
        beside = " beside a second thread" if one.threads > 1 else ""
        ratio = one.evacuation[0] / one.evacuation[1] if one.evacuation[1] else 0.0
        console.print(
            f"{one.workload} {size}{beside}: {ratio:.2f}x, from flip to drain {_both(one.evacuation)}, of that ioctls "
            f"{_both(one.measured)}, predicted {_both(one.predicted)}: {why}{ahead}",
            highlight=False,
        )


def _both(values: tuple[float, float]) -> str:
    return " -> ".join(labels.number(value) if value else "0" for value in values)


def _name(heap: Heap) -> list[str]:
    size = labels.size(4096 << heap.memory_order) if heap.memory_order else "small"
    return [heap.workload, size, heap.policy, str(heap.threads)]


def _row(heap: Heap) -> list[str]:
    error = f"{heap.error:+.0%}" + (" (fitted)" if heap.fitted else "")
    style = "" if heap.fitted or abs(heap.error) <= GOOD else "yellow"
    cells = [*_name(heap), labels.number(heap.measured), labels.number(heap.predicted)]
    cells.append(f"[{style}]{error}[/]" if style else error)
    if heap.proposed is not None and heap.low is not None and heap.high is not None:
        gain = heap.predicted / heap.proposed if heap.proposed else 0.0
        cells.append(f"{labels.number(heap.proposed)} [dim]{labels.number(heap.low)}-{labels.number(heap.high)}[/]")
        cells.append(f"{gain:.2f}x")
    return cells
