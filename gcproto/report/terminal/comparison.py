"""A comparison of two results as a table."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console

from gcproto.counted import counted
from gcproto.report.labels import number
from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.table import Column, Table
from gcproto.report.terminal.kit.text import Part, say
from gcproto.results import names
from gcproto.results.comparison.compare import Comparison
from gcproto.results.comparison.effects import CLASSES
from gcproto.results.schema import Interval, Scenario
from gcproto.results.series import page_size_of

NEVER_MARKED = "gauge"
"""The class of arms that gauge the machine. The drift of all other classes is divided out."""
LISTED = 8
"""Scenarios of one run that are named; more are counted."""
MARKS = {True: "slower", False: "faster"}


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print a line for each scenario, then the arms, the drift, and scenarios that only one run has.

    Args:
        comparison: of two results.
        console: the terminal.

    """
    page_size = page_size_of(comparison.base)
    for warning in comparison.warnings:
        say(console, warning, style="bold yellow")
    print_table(_lines(comparison, page_size), console)
    console.print()
    print_table(_arms(comparison), console)
    console.print()
    for kind, drift in sorted(comparison.drift.items()):
        use = "a gauge of the machine, never marked" if kind == NEVER_MARKED else "divided out above"
        say(console, f"{CLASSES[kind]} ({use}): taken together, NEW takes {drift:.3f}x what BASE does")
    say(
        console,
        f"marked: the interval excludes 1, and the change exceeds {comparison.floor:.1%} (threshold, A/A noise) and "
        "the scatter of an arm's scenarios and a scenario's rounds",
    )
    for text, scenarios in (("only in BASE", comparison.only_base), ("only in NEW", comparison.only_new)):
        if scenarios:
            say(console, f"{text}: {_listed(scenarios, page_size)}")
    say(console, summary(comparison))


def _listed(scenarios: Sequence[Scenario], page_size: int) -> str:
    """Their names; of many, how many each arm has."""
    if len(scenarios) <= LISTED:
        return ", ".join(names.scenario(one, page_size) for one in scenarios)
    arms = Counter(names.arm(one) for one in scenarios)
    of_arms = ", ".join(f"{arm} {count}" for arm, count in arms.most_common())
    return f"{counted(len(scenarios), 'scenario')} ({of_arms}); --json lists them"


def summary(comparison: Comparison) -> str:
    """``in 76 of 79 scenarios no change beyond the noise of these runs; arm move: slower by 10.2 % (8.1-12.4)``."""
    marked = [line for line in comparison.lines if line.significant]
    arms = [line for line in comparison.arms if line.significant]
    still = len(comparison.lines) - len(marked)
    texts = [f"in {still} of {len(comparison.lines)} scenarios no change beyond the noise of these runs"]
    texts += [f"arm {arm.arm}: {_by(arm.ratio)}" for arm in arms]
    if not arms:
        count = "the only arm" if len(comparison.arms) == 1 else f"none of {len(comparison.arms)} arms"
        texts.append(f"{count} changed beyond it" if len(comparison.arms) != 1 else f"{count} did not change beyond it")
    return "; ".join(texts)


def _by(ratio: Interval) -> str:
    """``slower by 10.2 % (8.1-12.4)``: the change with its interval."""
    ends = sorted(abs(end - 1) * 100 for end in (ratio.low, ratio.high))
    return f"{MARKS[ratio.value > 1]} by {abs(ratio.value - 1) * 100:.1f} % ({ends[0]:.1f}-{ends[1]:.1f})"


def _mark(ratio: Interval, *, significant: bool) -> Part:
    if not significant:
        return ""
    return (MARKS[ratio.value > 1], "red" if ratio.value > 1 else "green")


def _lines(comparison: Comparison, page_size: int) -> Table:
    two_modes = _with_two_modes(comparison)
    table = Table(
        [
            Column("scenario", words=True),
            Column("base", rank=2),
            Column("new", rank=1),
            Column("new/base"),
            Column("interval"),
            Column("", words=True, name="mark"),
            Column("", words=True, name="modes"),
        ],
        gap=1,
    )
    for line in comparison.lines:
        table.add(
            names.scenario(line.scenario, page_size),
            number(line.base),
            number(line.new),
            f"{line.ratio.value:.3f}",
            f"{line.ratio.low:.3f}-{line.ratio.high:.3f}",
            _mark(line.ratio, significant=line.significant),
            ("two modes", "yellow") if line.scenario in two_modes else "",
        )
    return table


def _with_two_modes(comparison: Comparison) -> set[Scenario]:
    """Scenarios with two modes in one of the runs: their medians do not describe their cost."""
    every = (*comparison.base.measurements, *comparison.new.measurements)
    return {one.scenario for one in every if one.modes}


def _arms(comparison: Comparison) -> Table:
    table = Table(
        [
            Column("all scenarios of an arm", words=True),
            Column("scenarios", rank=1),
            Column("new/base"),
            Column("interval"),
            Column("", words=True, name="mark"),
        ],
        gap=1,
    )
    for line in comparison.arms:
        table.add(
            line.arm,
            str(line.scenarios),
            f"{line.ratio.value:.3f}",
            f"{line.ratio.low:.3f}-{line.ratio.high:.3f}",
            _mark(line.ratio, significant=line.significant),
        )
    return table
