"""Profiles by function as tables: where instructions go, what was counted, and what makes up a difference."""

from collections.abc import Sequence

from rich.console import Console

from gcproto.counted import counted
from gcproto.report import labels
from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.table import Column, Table
from gcproto.report.terminal.kit.text import say
from gcproto.results import names
from gcproto.results.facts import architecture_of
from gcproto.results.profiles.events import SENDERS, counts_ipis, events
from gcproto.results.profiles.explain import Explanation, Profiled, merged
from gcproto.results.schema import Result
from gcproto.results.series import page_size_of, short

SHOWN = 0.95
"""Share of the instructions that the functions shown have."""
LEAST = 0.005
"""Smaller counts for each page are not shown."""
FLUSHING = ("flush_tlb", "smp_call_function", "call_func", "tlb_one_user", "tlb_gen")
"""Parts of names of functions that take part in a shoot-down."""
IN_A_LINE = 8
"""Functions that are named below a step."""
INLINED = (
    "Code that the compiler inlined counts for its caller: a function that comes or goes may only have been inlined "
    "in one of the two."
)


def print_profiles(results: Sequence[Result], console: Console, *, every: bool = False) -> None:
    """Print the functions of each scenario, most instructions first.

    Args:
        results: of guests.
        console: where.
        every: all functions, not only those that have most of the instructions.

    """
    for one in merged(results):
        console.print()
        name = f"{short(one.release)}: {names.scenario(one.scenario, page_size_of(results[0]))}"
        if counts_ipis(one.scenario):
            say(console, (name, "bold"), ": functions of a TLB shoot-down; calls a page")
            _print_flushes(one, console)
            continue
        found = events(one.profile)
        strings = f", {labels.number(found.rep)} of them iterations of string instructions" if found.rep else ""
        say(console, (name, "bold"), f": {labels.number(found.instructions)} instructions a page{strings}")
        _print_functions(one, console, every=every)


def _print_functions(one: Profiled, console: Console, *, every: bool) -> None:
    whole = one.profile.instructions or 1.0
    table = Table(
        [
            Column("function", words=True),
            Column("instructions"),
            Column("share", rank=2),
            Column("so far", rank=1),
            Column("calls"),
            Column("locked", rank=4),
            Column("TLB", rank=5),
            Column("string", rank=3),
        ]
    )
    so_far = 0.0
    shown = 0
    for function in one.profile.functions:
        if not every and so_far >= SHOWN * whole:
            break
        shown += 1
        so_far += function.instructions
        table.add(
            function.name,
            labels.number(function.instructions),
            f"{function.instructions / whole:.1%}",
            f"{so_far / whole:.1%}",
            _count(function.calls),
            _count(function.locked),
            _count(function.invlpg + function.invpcid + function.cr3),
            _count(function.rep),
        )
    print_table(table, console)
    left = len(one.profile.functions) - shown
    if left:
        more = counted(left, "more function", "more functions")
        say(console, f"{more} with {labels.number(whole - so_far)} instructions a page: --every", style="dim")


def _print_flushes(one: Profiled, console: Console) -> None:
    table = Table([Column("function", words=True), Column("calls"), Column("TLB", rank=1)])
    for function in sorted(one.profile.functions, key=lambda function: -function.calls):
        flushes = function.invlpg + function.invpcid + function.cr3
        part = function.name in SENDERS or any(part in function.name for part in FLUSHING)
        if part and max(function.calls, flushes) >= LEAST / 10:
            table.add(function.name, labels.number(function.calls), _count(flushes))
    print_table(table, console)


def _flushes(results: Sequence[Result]) -> tuple[tuple[str, int], tuple[str, int]]:
    """Heads and ranks of the columns of TLB flushes: those of single pages, and of more."""
    if all(architecture_of(one) == "arm64" for one in results):
        return ("TLBI by\naddress", 0), ("other\nTLBI", 6)
    return ("INVLPG", 0), ("INVPCID\nor CR3", 6)


def print_events(results: Sequence[Result], console: Console) -> None:
    """Print what was counted in each scenario, a page; nothing if nothing was profiled.

    Args:
        results: of guests.
        console: where.

    """
    found = merged(results)
    if not found:
        return
    console.print()
    say(console, "Counted a page in the timed region: events, which do not add up to a time", style="bold")
    table = Table(
        [
            Column("scenario", words=True),
            Column("instructions"),
            Column("without\nstring", rank=1),
            Column("string", rank=2, name="iterations of string instructions"),
            Column("calls", rank=3),
            Column("locked"),
            *(Column(head, rank=rank) for head, rank in _flushes(results)),
            Column("system\ncalls", rank=4),
            Column("excep-\ntions", rank=5, name="exceptions"),
            Column("IPIs", rank=7),
        ]
    )
    last = ""
    for one in found:
        if one.release != last:
            table.group(short(one.release))
            last = one.release
        sums = events(one.profile)
        spins = counts_ipis(one.scenario)
        first = [labels.number(value) for value in (sums.instructions, sums.plain, sums.rep)]
        first += [_count(sums.calls), _count(sums.locked)]
        table.add(
            names.scenario(one.scenario, page_size_of(results[0])),
            *(["-"] * len(first) if spins else first),
            _count(sums.invlpg),
            _count(sums.invpcid + sums.cr3),
            _count(sums.syscalls),
            _count(sums.exceptions),
            labels.number(sums.ipis) if spins else _count(sums.ipis),
        )
    print_table(table, console)
    if any(counts_ipis(one.scenario) for one in found):
        say(
            console,
            "-: a second thread spins beside the work, so instructions say nothing; the rest is of both processors",
            style="dim",
        )
    if not all(one.profile.by_clock for one in found):
        say(console, "the guest's program can't read its clock by itself: reading it is counted, too", style="dim")


def print_explanations(
    found: Sequence[Explanation],
    before: str,
    after: str,
    known_before: set[str] | None,
    known_after: set[str] | None,
    page_size: int,
    console: Console,
) -> None:
    """Print the functions that make up differences.

    Args:
        found: differences.
        before: release of the kernel that was compared with.
        after: of the other.
        known_before: names of its functions, None if they are not known.
        known_after: of the other.
        page_size: of both, in bytes.
        console: where.

    """
    console.print()
    if not found:
        say(console, "no scenario with a profile changed by more than boots of one kernel may differ", style="bold")
        return
    say(console, f"{short(before)} -> {short(after)} by function, instructions a page", style="bold")
    for one in found:
        console.print()
        change = f"{one.change:+.1f}" + (f", {one.change / one.old:+.1%}" if one.old else "")
        title = f"{labels.number(one.old)} -> {labels.number(one.new)} ({change})"
        say(console, (names.scenario(one.scenario, page_size), "bold"), f": {title}")
        print_table(_differences(one, known_before, known_after), console)
        if one.others:
            more = counted(one.others, "other function changes", "other functions change")
            say(console, f"{more}, by {one.rest:+.1f} together", style="dim")
    console.print()
    say(console, INLINED, style="dim")


def _differences(one: Explanation, known_before: set[str] | None, known_after: set[str] | None) -> Table:
    table = Table(
        [
            Column("function", words=True),
            Column("before"),
            Column("after"),
            Column("change"),
            Column("so far", rank=2),
            Column("calls", rank=1),
            Column("", words=True, name="note", rank=3),
        ]
    )
    so_far = 0.0
    for function in one.functions:
        so_far += function.change
        calls = (_count(function.old_calls) or "0", _count(function.new_calls) or "0")
        note = "new here" if _lacks(known_before, function.name) else ""
        note = "gone here" if _lacks(known_after, function.name) else note
        table.add(
            function.name,
            labels.number(function.old),
            labels.number(function.new),
            f"{function.change:+.1f}",
            f"{so_far:+.1f}",
            calls[0] if calls[0] == calls[1] else f"{calls[0]} -> {calls[1]}",
            note,
        )
    return table


def _lacks(known: set[str] | None, name: str) -> bool:
    """Whether a kernel has no symbol of that name; one that is not known lacks none."""
    return known is not None and not name.startswith(("user:", "[")) and name not in known


def in_a_line(one: Explanation) -> str:
    """``by function: move_pages_ptes +12.0, vm_normal_page +5.0; 3 others +0.1``."""
    parts = ", ".join(f"{function.name} {function.change:+.1f}" for function in one.functions[:IN_A_LINE])
    left = one.change - sum(function.change for function in one.functions[:IN_A_LINE])
    others = len(one.functions[IN_A_LINE:]) + one.others
    return f"by function: {parts}" + (f"; {counted(others, 'other')} {left:+.1f}" if others else "")


def _count(value: float) -> str:
    return f"{value:.2f}" if value >= LEAST else ""
