"""Claims as a table: what was claimed, what measuring says, the figures, the command that shows it alone."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gcproto.results.schema import Result

STYLES = {"confirmed": "green", "refuted": "bold red"}


def print_claims(result: Result, console: Console) -> None:
    """Print the verdicts ``claim/...`` of a result."""
    claims = [one for one in result.verdicts if one.name.startswith("claim/")]
    kernel = result.environment.get("kernel", {}).get("release", "unknown")
    console.print(f"\n[bold]The thread's claims on {escape(str(kernel))}[/]", highlight=False)
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    table.add_column("claim", no_wrap=True)
    table.add_column("verdict")
    table.add_column("what was claimed, what was measured, how to see it alone", overflow="fold")
    for one in claims:
        style = STYLES.get(one.verdict, "yellow")
        table.add_row(one.name.removeprefix("claim/"), f"[{style}]{one.verdict}[/]", escape(one.text))
    console.print(table)
