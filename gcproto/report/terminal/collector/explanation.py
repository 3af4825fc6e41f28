"""Why two modes of a heap differ, as a table: counts times costs, and the residual."""

from collections.abc import Sequence

from rich.console import Console

from gcproto.counted import counted
from gcproto.report import labels
from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.table import Column, Table
from gcproto.report.terminal.kit.text import say
from gcproto.report.words.kinds import workloads
from gcproto.results import names
from gcproto.results.heaps.explanation import Account, Explanation, explain
from gcproto.results.schema import Measurement, WorkloadScenario, with_fields

SHOWN = 0.002
"""Terms that are a smaller share of the time than this stand together in one line."""


def print_explanations(measurements: Sequence[Measurement], pair: tuple[str, str], console: Console) -> int:
    """Print why the second mode of a pair takes longer or shorter than the first, on each heap that has both.

    Args:
        measurements: of a run.
        pair: names of modes.
        console: where to.

    Returns:
        The number of heaps.

    """
    found: dict[WorkloadScenario, dict[str, Measurement]] = {}
    again: dict[WorkloadScenario, Measurement] = {}
    for one in workloads(measurements):
        place = with_fields(one.at, mode="", policy="", options=type(one.at.options)(), replica=0)
        if one.at.replica:
            again[place] = one.measured
        else:
            found.setdefault(place, {}).setdefault(one.at.mode, one.measured)
    count = 0
    for place, modes in found.items():
        if pair[0] not in modes or pair[1] not in modes:
            continue
        made = explain(modes[pair[0]], modes[pair[1]], pair, again.get(place))
        if made:
            count += 1
            _print(made, place, console)
    return count


def _print(found: Explanation, place: WorkloadScenario, console: Console) -> None:
    where = f"{place.workload}, {counted(place.mutators, 'mutator')}, {names.placement(place)}"
    for account in (found.mutators, found.compaction):
        console.print()
        say(console, (f"{found.first} less {found.second}, {account.what}", "bold"), f" ({where}); ms; costs in us")
        _table(found, account, console)
        say(console, _said(account))


def _said(account: Account) -> str:
    noise = f"the same mode measured twice differs by up to {_plain(account.noise_ns or 0)} ms"
    if account.within_noise:
        return f"difference {_ms(account.difference)} ms: {noise} (A/A), so there is nothing to explain"
    share = f"{account.share:.0%} of the difference" if account.share is not None else "no difference"
    total = sum(abs(one.difference) for one in account.terms) / 1e6
    return (
        f"difference {_ms(account.difference)} = explained {_ms(account.explained)} + residual "
        f"{_ms(account.residual)} ms; the residual is {share}, and {_part(account.residual / 1e6, total)} of the "
        "terms added up without their signs"
        + (f"; {noise} (A/A)" + ", which covers the residual" * account.covered)
        * (account.noise_ns is not None)
    )


def _part(residual: float, total: float) -> str:
    return f"{abs(residual) / total:.0%}" if total else "all"


def _table(found: Explanation, account: Account, console: Console) -> None:
    columns = [Column("cause", words=True)]
    for name in (found.first, found.second):
        columns += [Column(f"{name}\ncount"), Column("\ncost"), Column("\nms")]
    table = Table([*columns, Column("difference")], gap=2)
    largest = max(account.total_ns)
    small = [one for one in account.terms if abs(one.difference) < SHOWN * largest]
    for one in account.terms:
        if one in small:
            continue
        cells = []
        for side in (0, 1):
            cells += [f"{one.n[side]:.0f}", labels.number(one.each_ns[side] / 1e3), labels.number(one.ns[side] / 1e6)]
        table.add(one.what + " *" * one.calibrated, *cells, _ms(one.difference))
    if small:
        sums = [labels.number(sum(one.ns[side] for one in small) / 1e6) for side in (0, 1)]
        table.add("others", "", "", sums[0], "", "", sums[1], _ms(sum(one.difference for one in small)))
    table.add("sum", "", "", *_sums(account, 0), "", "", *_sums(account, 1), _ms(account.explained))
    table.add(
        "measured", "", "", _plain(account.total_ns[0]), "", "", _plain(account.total_ns[1]), _ms(account.difference)
    )
    print_table(table, console)
    if any(one.calibrated for one in account.terms):
        say(
            console,
            "*: a calibrated cost, since no clock can be read there; the delivery of a fault is one too",
            style="dim",
        )


def _sums(account: Account, side: int) -> list[str]:
    return [_plain(sum(one.ns[side] for one in account.terms))]


def _plain(ns: float) -> str:
    return labels.number(ns / 1e6)


def _ms(ns: float) -> str:
    return ("-" if ns < 0 else "+") + labels.number(abs(ns) / 1e6)
