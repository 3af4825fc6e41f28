"""A result on a terminal: a table for each kind of measurement."""

from rich.console import Console

from gcproto.report.terminal.collector.grid import print_grid
from gcproto.report.terminal.collector.heaps import print_heaps
from gcproto.report.terminal.collector.kinds import print_kinds
from gcproto.report.terminal.collector.policies import print_policies
from gcproto.report.terminal.collector.windows import print_windows
from gcproto.report.terminal.dumps import print_inspection
from gcproto.report.terminal.folios import print_folios
from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.text import say
from gcproto.report.terminal.paths import print_paths
from gcproto.report.terminal.remarks import print_head, print_invalid, print_noise, print_skips
from gcproto.report.terminal.thread_claims import print_claims
from gcproto.report.terminal.verdict import verdict
from gcproto.report.terminal.verdicts import print_verdicts
from gcproto.report.terminal.wide import wide_table
from gcproto.report.words.kinds import paths
from gcproto.results.schema import (
    GridExperiment,
    Measurement,
    PathScenario,
    PolicyScenario,
    Result,
    WindowScenario,
    WorkloadScenario,
)
from gcproto.results.series import page_size_of


def print_result(result: Result, console: Console, *, wide: bool = False) -> None:
    """Print a result.

    Args:
        result: of any experiment.
        console: where to.
        wide: one line more for each scenario, with every count.

    """
    print_head(result, console)
    if result.inspection:
        print_inspection(result.inspection, console)
    if result.claims:
        print_claims(result, console)
    if result.verdicts:
        print_verdicts([result], console)
    if result.claims and not wide:
        # Claims rest on measurements of several experiments, which no single table can hold.
        if result.measurements:
            count = len(result.measurements)
            say(console, f"gcproto show --wide prints the {count} measurements that these claims rest on", style="dim")
    else:
        print_measurements(result, console, wide=wide)
    print_invalid(result, console)
    print_skips(result.skips, console)
    print_noise(result, console)
    if not result.claims and any(not one.at.replica and one.at.source != "none" for one in paths(result.measurements)):
        console.print()
        for line in verdict(result):
            say(console, line)


def print_measurements(result: Result, console: Console, *, wide: bool = False) -> None:
    """Print one table or several for each kind of scenario.

    Args:
        result: of any experiment, also of several in one guest.
        console: where to.
        wide: one line more for each scenario, with every count.

    """
    page = page_size_of(result)
    if isinstance(result.experiment, GridExperiment):
        print_grid(result, console)
        if not wide:
            return
    for kind in (WindowScenario, WorkloadScenario, PolicyScenario, PathScenario):
        found = [one for one in result.measurements if isinstance(one.scenario, kind)]
        if found:
            _print_kind(kind, found, result, console, wide=wide)
            if wide:
                console.print()
                print_table(wide_table(found, kind, page), console)


def _print_kind(kind: type, found: list[Measurement], result: Result, console: Console, *, wide: bool) -> None:
    if kind is WindowScenario:
        print_windows(found, result, console)
    elif kind is WorkloadScenario:
        print_heaps(found, result, console)
        print_kinds(found, result, console)
        print_folios(found, result, console)
    elif kind is PolicyScenario:
        print_policies(found, result, console)
    elif not wide:
        print_paths(found, console, page_size_of(result))
