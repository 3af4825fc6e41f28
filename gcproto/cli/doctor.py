"""``gcproto doctor``: what this machine can do."""

from typing import TYPE_CHECKING

import click

from gcproto.cli.output import echo_json

if TYPE_CHECKING:
    from rich.console import Console

    from gcproto.host.doctor import Survey


@click.command(name="doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """Say what this machine can do and what it cannot, why, and what would help.

    Then the known bugs of UFFDIO_MOVE, judged for the running kernel, and the scenarios that are off here.  Works
    without root; changes nothing.
    """
    from gcproto.host.doctor import survey

    found = survey()
    if as_json:
        from gcproto.results.documents import document

        echo_json(document("doctor", _document(found)))
        return
    from rich.console import Console

    _print(found, Console())


def _document(found: "Survey") -> dict[str, object]:
    return {
        "kernel": found.kernel,
        "capabilities": found.rows,
        "bugs": found.bugs,
        "scenarios_off": [
            {"scenarios": off.text, "reason": off.reason, "remedy": off.remedy, "forcible": off.forcible}
            for off in found.scenarios_off
        ],
    }


def _print(found: "Survey", console: "Console") -> None:
    from rich.markup import escape
    from rich.table import Table

    from gcproto.host.known_bugs import State

    console.print(f"kernel {found.kernel}", highlight=False)
    answers = {True: "[green]yes[/]", False: "[red]no[/]", None: "?"}
    group = ""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    for row in found.rows:
        if row.group != group:
            group = row.group
            table.add_row("", "", "")
            table.add_row(f"[bold]{group}[/]", "", "")
        text = row.detail if row.able else row.reason
        if row.remedy:
            text += f"\nwhat to do: {row.remedy}"
        table.add_row(f"  {escape(row.name)}", answers[row.able], escape(text))
    console.print(table)

    console.print("\n[bold]known bugs of UFFDIO_MOVE[/]", highlight=False)
    bugs = Table(box=None, pad_edge=False, show_header=False)
    bugs.add_column(no_wrap=True)
    bugs.add_column(ratio=1)
    for bug in found.bugs:
        mark = "[green]ok[/]" if bug.state in {State.FIXED, State.ABSENT} else "[red]bug[/]"
        text = f"{escape(bug.effect)}\n[dim]{escape(bug.title)}[/]\n{bug.state}: {escape(bug.evidence)}"
        bugs.add_row(f"  {mark}", text)
    console.print(bugs)
    if not found.bugs:
        console.print("  no UFFDIO_MOVE here, no bugs of it", highlight=False)

    console.print("\n[bold]scenarios that are off here[/]", highlight=False)
    for off in found.scenarios_off:
        console.print(f"  {escape(off.text)}: {escape(off.reason)}", highlight=False)
        if off.remedy:
            console.print(f"    what to do: {escape(off.remedy)}", highlight=False)
    if not found.scenarios_off:
        console.print("  none", highlight=False)
