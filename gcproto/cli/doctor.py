"""``gcproto doctor``: what this machine can do."""

from typing import TYPE_CHECKING

import click

from gcproto.cli.kit.output import echo_json

if TYPE_CHECKING:
    from rich.console import Console

    from gcproto.host.doctor import Survey


@click.command(name="doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """Say what this machine can do and what it cannot, why, and what would help.

    Then list the known bugs of UFFDIO_MOVE, judged for the running kernel, and the scenarios that are off here.  The
    command works without root and changes nothing.
    """
    from gcproto.host.doctor import survey

    found = survey()
    if as_json:
        from gcproto.results.documents import document

        echo_json(document("doctor", _document(found)))
        return
    from gcproto.cli.kit.terminal import console

    print_survey(found, console())


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


def print_survey(found: "Survey", console: "Console") -> None:
    """Print what was found: capabilities by group, bugs, and scenarios that are off."""
    from gcproto.report.terminal.kit import say

    say(console, f"kernel {found.kernel}")
    _print_capabilities(found, console)
    _print_bugs(found, console)
    console.print()
    say(console, "scenarios that are off here", style="bold")
    for off in found.scenarios_off:
        say(console, f"{off.text}: {off.reason}", indent=2)
        if off.remedy:
            say(console, f"what to do: {off.remedy}", indent=4)
    if not found.scenarios_off:
        say(console, "none", indent=2)


def _print_capabilities(found: "Survey", console: "Console") -> None:
    from gcproto.report.terminal.kit import Column, Part, Table, print_table, say

    answers: dict[bool | None, Part] = {True: ("yes", "green"), False: ("no", "red"), None: "?"}
    for group in dict.fromkeys(row.group for row in found.rows):
        table = Table([Column("", words=True), Column("", words=True), Column("", folds=True)], heads=False)
        for row in found.rows:
            if row.group == group:
                text = row.detail if row.able else row.reason
                lines: list[Part] = [text]
                if row.remedy:
                    lines.append(f"what to do: {row.remedy}")
                table.add(f"  {row.name}", answers[row.able], lines)
        console.print()
        say(console, group, style="bold")
        print_table(table, console)


def _print_bugs(found: "Survey", console: "Console") -> None:
    from gcproto.known.bugs import State
    from gcproto.report.terminal.kit import Column, Table, print_table, say

    console.print()
    say(console, "known bugs of UFFDIO_MOVE", style="bold")
    table = Table([Column("", words=True), Column("", folds=True)], heads=False)
    for bug in found.bugs:
        mark = ("  ok", "green") if bug.state in {State.FIXED, State.ABSENT} else ("  bug", "red")
        table.add(mark, [bug.effect, (bug.title, "dim"), f"{bug.state}: {bug.evidence}"])
    print_table(table, console)
    if not found.bugs:
        say(console, "no UFFDIO_MOVE here, no bugs of it", indent=2)
