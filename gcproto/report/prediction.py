"""The cost model as tables: what things cost, how well heaps are predicted, what a proposal would give."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gcproto.model.prediction import GOOD, Heap, Prediction
from gcproto.report import labels


def print_prediction(found: Prediction, console: Console) -> None:
    """Print costs, heaps, and the share that is predicted well."""
    console.print("\n[bold]What one costs on this kernel[/]: ns, fitted; 90 % of the resamples", highlight=False)
    costs = Table(box=None, padding=(0, 2), pad_edge=False, show_header=False)
    for name, (middle, low, high) in found.costs.items():
        costs.add_row(name, labels.number(middle), f"[dim]{labels.number(low)}-{labels.number(high)}[/]")
    console.print(costs)
    console.print("\n[bold]Heaps[/]: ns of ioctls for each page evacuated", highlight=False)
    table = Table(box=None, padding=(0, 2), pad_edge=False, header_style="bold")
    for name in ("workload", "folios", "policy", "measured", "predicted", "error"):
        table.add_column(name, justify="left" if name in {"workload", "folios", "policy"} else "right")
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
    if found.proposal:
        text = f"{found.proposal.name}: {found.proposal.text}. {found.proposal.source}"
        console.print(escape(text), highlight=False, style="dim")


def _row(heap: Heap) -> list[str]:
    size = labels.size(4096 << heap.memory_order) if heap.memory_order else "small"
    error = f"{heap.error:+.0%}" + (" (fitted)" if heap.fitted else "")
    style = "" if heap.fitted or abs(heap.error) <= GOOD else "yellow"
    cells = [heap.workload, size, heap.policy, labels.number(heap.measured), labels.number(heap.predicted)]
    cells.append(f"[{style}]{error}[/]" if style else error)
    if heap.proposed is not None and heap.low is not None and heap.high is not None:
        gain = heap.predicted / heap.proposed if heap.proposed else 0.0
        cells.append(f"{labels.number(heap.proposed)} [dim]{labels.number(heap.low)}-{labels.number(heap.high)}[/]")
        cells.append(f"{gain:.2f}x")
    return cells
