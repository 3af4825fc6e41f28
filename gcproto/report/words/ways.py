"""Further sentences of a card of windows: the next best way, and single touches and faults."""

from collections.abc import Sequence

from gcproto.report import labels
from gcproto.report.words.kinds import Window, kind_of
from gcproto.report.words.ratios import Ratio, Row
from gcproto.report.words.runs import pooled
from gcproto.results import names
from gcproto.results.schema import Latency, Measurement, WindowScenario
from gcproto.results.statistics import ratio_interval

WindowRow = Row[WindowScenario]


def against_others(one: WindowRow, rows: Sequence[WindowRow]) -> str:
    """A sentence on whether the way with the lowest ratio differs from the next; "" for a refusal.

    Args:
        one: that way.
        rows: all of a group.

    """
    if not isinstance(one, Ratio):
        return ""
    others = [each for each in rows if isinstance(each, Ratio) and each.at != one.at]
    others = [each for each in others if each.at.placement == one.at.placement]
    if not others:
        return f"If {names.placement(one.at)}, no other way than {one.arm} was measured against copy."
    second = min(others, key=lambda each: each.value.value)
    said = f"If {names.placement(one.at)}, {one.arm} has the lowest ratio to copy"
    found = between(one, second)
    if not found:
        return f"{said}; no run compares it with the next, {second.arm}."
    if not found.differs:
        return f"{said}; it does not differ clearly from the next, {second.arm}: {found.why_not}."
    return f"{said}; it differs from the next ({found.standing.value.lower()}): it {found.versus}{found.within}."


def between(one: Ratio[WindowScenario], other: Ratio[WindowScenario]) -> Ratio[WindowScenario] | None:
    """One way against another, in the runs that have both; None without such a run.

    Args:
        one: a way against copy.
        other: likewise.

    """
    theirs = {member.run: member for member in other.members or (other,)}
    found: list[Row[WindowScenario]] = []
    for mine in one.members or (one,):
        under = theirs[mine.run].over if mine.run in theirs else None
        ratio = ratio_interval(mine.over, under) if under else None
        if under and ratio and ratio.low > 0:
            text = (f"{one.arm} against {other.arm}", one.arm, other.arm)
            found.append(Ratio(*text, one.at, ratio, mine.floor, mine.over, under, mine.run))
    every = pooled([[row] for row in found])
    return every[0] if every and isinstance(every[0], Ratio) else None


def single_events(one: WindowRow) -> str:
    """The p99 of a touch and of a fault beside those of copy; "" for a refusal."""
    if not isinstance(one, Ratio):
        return ""
    sides = [(arm, _latencies(each)) for arm, each in ((one.arm, one.over), (one.other, one.under))]
    if not any(latency for _, both in sides for latency in both):
        return "Not measured: single touches and faults."
    unit = labels.thousand(one.over.unit)
    said = [
        f"{what} takes " + ", ".join(f"{_p99(both[at], unit)} with {arm}" for arm, both in sides)
        for at, what in enumerate(("a first touch of a page", "serving a fault"))
        if any(both[at] for _, both in sides)
    ]
    run = f" (run {one.run})" if one.run else ""
    return f"The answer is for the whole phase. For single events, at p99, {', and '.join(said)}{run}."


def _latencies(one: Measurement) -> tuple[Latency | None, Latency | None]:
    match kind_of(one):
        case Window(_, _, figures):
            return _seen(figures.access), _seen(figures.fault)
        case _:
            return None, None


def _seen(one: Latency | None) -> Latency | None:
    return one if one and one.n else None


def _p99(one: Latency | None, unit: str) -> str:
    if one is None:
        return "an unknown time"
    return "an unknown time (too few for it)" if one.p99 is None else f"{labels.number(one.p99 / 1000)} {unit}"
