"""A heap dump on a terminal."""

from rich.console import Console

from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.table import Column, Table
from gcproto.report.terminal.kit.text import say
from gcproto.report.words.dumps import lines, tables
from gcproto.results.schema import Inspection


def print_inspection(one: Inspection, console: Console) -> None:
    """Print a dump: sentences, then a table for each side of it."""
    console.print()
    say(console, (one.file, "bold"))
    for line in lines(one):
        say(console, line)
    for title, heads, rows in tables(one):
        console.print()
        say(console, (title, "bold"))
        table = Table([Column(head, words=not number) for number, head in enumerate(heads)])
        for row in rows:
            table.add(*row)
        print_table(table, console)
