"""Windows in which the collector waited for a processor although it had its own.

Another process ran there. Such a window measures that process and is not put together with the others.
"""

from collections.abc import Iterable, Sequence

from gcproto.report import labels
from gcproto.report.words.kinds import Window, kind_of
from gcproto.report.words.placed import OWN
from gcproto.report.words.ratios import Ratio, Row, S
from gcproto.results import names
from gcproto.results.schema import TIMES, Measurement

OVER = 0.02
"""Share of the collector's time. A smaller share is due to the kernel's own threads."""


def queued_ns(one: Measurement) -> float | None:
    """For each page, how long the collector of a window waited for its processor; None if unknown."""
    match kind_of(one):
        case Window(_, _, figures) if one.unit in TIMES:
            return figures.collector_queued_ns_page
        case _:
            return None


def queued_share(one: Measurement) -> float | None:
    """Share of the collector's time in which it waited for its processor; None if unknown or without a window."""
    match kind_of(one):
        case Window(_, _, figures) if one.unit in TIMES and figures.collector_queued_ns_page is not None:
            waited, every = figures.collector_queued_ns_page, figures.collector_ns_page
            # The count begins before the sweep, so it may slightly exceed the sweep's time.
            return waited / max(waited, every) if waited > 0 else 0.0
        case _:
            return None


def waited(one: Measurement) -> float:
    """The share if it is too large for a collector with its own processor; else 0."""
    match kind_of(one):
        case Window(_, at, _) if at.placement == OWN:
            share = queued_share(one) or 0.0
            return share if share > OVER else 0.0
        case _:
            return 0.0


def disturbed(one: Ratio[S]) -> float:
    """The share for a comparison: that of the side that waited more."""
    return max(waited(one.over), waited(one.under))


def undisturbed(found: Sequence[Ratio[S]]) -> Sequence[Ratio[S]]:
    """The runs of a comparison that may be put together: the undisturbed ones; all of them if all were disturbed."""
    return [one for one in found if not disturbed(one)] or found


def why(one: Ratio[S]) -> str:
    """``its collector waited for its processor in 12 % of its time``."""
    return f"its collector waited for its processor in {labels.share(disturbed(one))} of its time"


def remarks(rows: Iterable[Row[S]]) -> list[str]:
    """Sentences on what was omitted from the comparisons of a group, and on what was kept although disturbed."""
    ratios = [one for one in rows if isinstance(one, Ratio)]
    together = [one for one in ratios if one.across and disturbed(one)]
    alone = [one for one in ratios if not one.across and disturbed(one)]
    said = _left_out(ratios)
    if together:
        shares = [disturbed(member) for one in together for member in one.members]
        said.append(f"Put together, because in every run {_waits(together, shares)}.")
    if alone:
        run = f" of run {alone[0].run}" if len({one.run for one in alone}) == 1 and alone[0].run else ""
        said.append(f"Disturbed comparisons{run}: {_waits(alone, [disturbed(one) for one in alone])}.")
    return said


def _waits(ratios: Sequence[Ratio[S]], shares: Sequence[float]) -> str:
    least, most = labels.share(min(shares)), labels.share(max(shares))
    share = most if least == most else f"{least} to {most}"
    ways = names.several(list(dict.fromkeys(one.arm for one in ratios)))
    return f"the collector waited for its own processor, in {share} of its time: {ways}"


def _left_out(ratios: Sequence[Ratio[S]]) -> list[str]:
    """A sentence for each run with omitted comparisons: the greatest share, and which comparisons."""
    by_run: dict[str, list[Ratio[S]]] = {}
    for one in ratios:
        for member in one.left_out:
            by_run.setdefault(member.run, []).append(member)
    said = []
    for run, some in by_run.items():
        worst = max(some, key=disturbed)
        every = sum(_has(one, run) for one in ratios)
        ways = names.several(list(dict.fromkeys(one.arm for one in some)))
        which = "" if len(some) == every else f" ({ways})"
        most = "up to " * (len({labels.share(disturbed(one)) for one in some}) > 1)
        share = f"{most}{labels.share(disturbed(worst))}"
        text = f"Not put together: run {run}{which}. Its collector waited for its processor in {share} of its time."
        said.append(text)
    return said


def _has(one: Ratio[S], run: str) -> bool:
    """Whether a run has a comparison with the collector on its own processor."""
    match kind_of(one.over):
        case Window(_, at, _) if at.placement == OWN:
            return any(member.run == run for member in (*(one.members or (one,)), *one.left_out))
        case _:
            return False
