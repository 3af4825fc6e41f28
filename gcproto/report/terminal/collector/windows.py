"""The window after the flip as a table, and a line of conclusions for each placement."""

from collections.abc import Sequence

from rich.console import Console

from gcproto.report import labels
from gcproto.report.placement import crowded, steadiest_first
from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.figures import INVALID, Baselines, cost, done, ratio
from gcproto.report.terminal.kit.groups import grouped
from gcproto.report.terminal.kit.table import Cell, Column, Table
from gcproto.report.terminal.kit.text import say
from gcproto.report.words.kinds import Window, windows
from gcproto.report.words.queued import queued_ns, waited
from gcproto.results import names
from gcproto.results.baseline import COPY
from gcproto.results.schema import Latency, Measurement, Result, WindowScenario
from gcproto.results.series import page_size_of
from gcproto.results.statistics import ratio_interval

ENOUGH = 6
"""Windows that a 95 % interval of a median requires. Five samples all lie on one side of it once in sixteen times."""
MIN_FLOOR = 0.02
"""Differences below this are never reported."""


def print_windows(measurements: Sequence[Measurement], result: Result, console: Console) -> None:
    """Print a line for each way, by placement; times of single events in microseconds.

    Args:
        measurements: of windows; others are omitted.
        result: run that they are from.
        console: the terminal.

    """
    found = steadiest_first(windows(measurements))
    if not found:
        return
    page, unit = page_size_of(result), found[0].measured.unit
    common, groups = grouped([_words(one.at, page) for one in found])
    console.print()
    head = f": {', '.join(common)}; touches and faults in {labels.thousand(unit)}"
    say(console, ("The window after the flip", "bold"), head)
    crowd = crowded(measurements, result)
    if crowd:
        say(console, crowd, style="yellow")
    baselines = Baselines(measurements)
    table = Table(_columns(unit), gap=1, wide=True)
    for title, places in groups.items():
        if title:
            table.group(", ".join(title))
        for at in places:
            table.add(*_row(found[at], baselines, page))
    print_table(table, console)
    for one in found:
        _print_remarks(one, console)
    waiting = [one for one in found if waited(one.measured)]
    if waiting:
        shares = [f"{labels.share(waited(one.measured))} ({one.at.way})" for one in waiting]
        text = f"the collector waited for its own processor, in parts of its time: {names.several(shares)}"
        say(console, text, style="yellow")
    floor = max(MIN_FLOOR, result.noise.floor if result.noise else 0.0)
    for title, places in groups.items():
        where = f"{', '.join(title)}: " if title else ""
        for sentence in summary([found[at] for at in places], floor, page):
            say(console, where + sentence)


def _words(one: WindowScenario, page: int) -> list[str]:
    """Words for the head if all share them, else for the title of the group."""
    mutators = "1 mutator" if one.mutators == 1 else f"{one.mutators} mutators"
    size = f"{labels.size(one.size_bytes)} in {one.size_bytes // page} pages"
    return [size, f"{mutators} and the collector", names.placement(one)]


def _columns(unit: str) -> list[Column]:
    return [
        Column("way", words=True),
        Column(f"mutators\n{labels.million(unit)}"),
        Column("to copy"),
        Column(f"collector\n{labels.million(unit)}", rank=1),
        Column("queued\nof it", rank=8, name="the collector's wait for its processor"),
        Column("touch\np50", rank=3),
        Column("\np99", rank=2, name="touch p99"),
        Column("\np99.9", rank=4, name="touch p99.9"),
        Column("faults", rank=6),
        Column("fault\np50", rank=7),
        Column("\np99", rank=5, name="fault p99"),
    ]


def _row(window: Window, baselines: Baselines, page: int) -> list[Cell]:
    one, scenario, figures = window
    label = scenario.way + " (A/A)" * bool(scenario.replica)
    if not one.valid or one.median is None:
        return [label, INVALID]
    scale = scenario.size_bytes / page / 1e6
    ebusy = [(f"EBUSY {labels.per_round(one.outcome.ebusy, one)}", "yellow")] if one.outcome.ebusy else []
    return [
        label,
        [*cost(one, scale)],
        [*ratio(one, baselines), *done(one)],
        labels.number(figures.collector_ns_page * scale),
        _queued(one, scale),
        *_percentiles(figures.access, p999=True),
        [f"{figures.faults:.0f}", *ebusy],
        *_percentiles(figures.fault, p999=False),
    ]


def _queued(one: Measurement, scale: float) -> Cell:
    """The collector's wait for its processor; with its share if that defeats its placement."""
    time, share = queued_ns(one), waited(one)
    if time is None:
        return ""
    return [labels.number(time * scale), *([(labels.share(share), "yellow")] if share else [])]


def _percentiles(one: Latency | None, *, p999: bool) -> list[Cell]:
    """Percentiles in thousands of their unit."""
    values = (one.p50, one.p99, *([one.p999] if p999 else [])) if one else (None,) * (2 + p999)
    return ["" if value is None else labels.number(value / 1000) for value in values]


def _print_remarks(window: Window, console: Console) -> None:
    one, scenario, figures = window
    if figures.uncounted:
        say(
            console,
            f"{names.arm(scenario)}: {figures.uncounted:.0f} pages of {one.outcome.asked} were moved although every "
            "MOVE for them returned EEXIST (gcproto doctor: a step that the kernel repeats)",
            style="yellow",
        )
    for note in one.notes:
        say(console, f"{names.arm(scenario)}: {note}", style="dim")


def summary(some: Sequence[Window], floor: float, page: int) -> list[str]:
    """Conclusions of this run on the mutator phases in one placement.

    Args:
        some: windows that differ in their way only.
        floor: relative size below which a difference is noise.
        page: bytes of a base page.

    """
    valid = [(scenario, one) for one, scenario, _ in some if one.valid and one.samples and not scenario.replica]
    if len(valid) < 2:
        return []
    split = [(scenario, one) for scenario, one in valid if one.modes]
    if split:
        return [_two_modes(scenario, one, page) for scenario, one in split]
    fewest = min(len(one.samples) for _, one in valid)
    if fewest < ENOUGH:
        return [f"{fewest} windows of a way are too few to tell which way has the shortest mutator phase"]
    best, measured = min(valid, key=lambda pair: pair[1].median or 0.0)
    rivals = [way for way, one in valid if one is not measured and not _shorter(measured, one, floor)]
    if len(rivals) == len(valid) - 1:
        none = "in this run no way has the shortest mutator phase"
        return [f"{none}: {best.way} does not differ clearly from the others"]
    if rivals:
        ways = names.several([one.way for one in rivals])
        lowest = f"in this run {best.way} has the lowest median mutator phase of {len(valid)} ways"
        return [f"{lowest}; it does not differ clearly from {ways}"]
    return [f"in this run {best.way} has the shortest mutator phase of {len(valid)} ways{_of_copy(best, measured)}"]


def _two_modes(one: WindowScenario, measured: Measurement, page: int) -> str:
    scale, unit = one.size_bytes / page / 1e6, labels.million(measured.unit)
    modes = [f"{labels.number(mode.median * scale)} {unit} in {labels.share(mode.share)}" for mode in measured.modes]
    return f"in this run the windows of {one.way} have two modes, and no one ratio: {names.several(modes)} of them"


def _shorter(one: Measurement, other: Measurement, floor: float) -> bool:
    """Whether one is shorter than the other beyond the interval of their ratio and the noise."""
    found = ratio_interval(one, other)
    return found is not None and found.high < 1 and 1 - found.value > floor


def _of_copy(best: WindowScenario, one: Measurement) -> str:
    if best.way == COPY:
        return ""
    found = one.ratio_to_copy
    if found is None:
        return "; copy was not measured beside it"
    return f": {labels.number(found.value)} ({labels.bounds(found)}) of copy's"
