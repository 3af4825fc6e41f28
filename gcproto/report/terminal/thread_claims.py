"""Claims as a table: the claim, the verdict, the figures, the command that judges it alone."""

from collections import Counter

from rich.console import Console

from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.table import Cell, Column, Table
from gcproto.report.terminal.kit.text import Part, say
from gcproto.results.schema import ClaimVerdict, Judgement, Result
from gcproto.results.series import release_of

STYLES: dict[Judgement, str] = {
    "confirmed": "green",
    "in part": "yellow",
    "refuted": "bold red",
    "not testable here": "bright_black",
}


def print_claims(result: Result, console: Console) -> None:
    """Print the claims of a result, each with its verdict."""
    console.print()
    counts = Counter(one.judgement for one in result.claims)
    said = ", ".join(f"{counts[judgement]} {judgement}" for judgement in STYLES if counts[judgement])
    say(console, (f"The thread's claims on {release_of(result)}", "bold"), f", in this run: {said or 'none judged'}")
    table = Table(
        [
            Column("claim", words=True),
            Column("verdict", words=True),
            Column("what was claimed, what was measured, how to see it alone", folds=True),
        ]
    )
    for one in result.claims:
        table.add(one.key, (one.judgement, STYLES[one.judgement]), _text(one))
    print_table(table, console)


def _text(one: ClaimVerdict) -> Cell:
    """The claim, the figures, the reason if neither confirmed nor refuted, the command: each on its own line."""
    lines: list[Part] = [one.claim]
    lines += [part for part in (one.figures, one.why) if part]
    return lines + [(f"alone: {one.command}", "dim")] * bool(one.command)
