"""Windows in which the collector waited for its processor, though it had one of its own.

Another process ran there.  Such a window says what that process costs, and is not put together with the others.
"""

from collections.abc import Iterable, Sequence

from gcproto.report import labels
from gcproto.report.words.kinds import Window, kind_of
from gcproto.report.words.placed import OWN
from gcproto.report.words.ratios import Ratio, Row, S
from gcproto.results import names
from gcproto.results.schema import TIMES, Measurement

OVER = 0.02
"""Of the collector's time; less is the tick of the kernel's own threads."""


def queued_ns(one: Measurement) -> float | None:
    """For each page, how long the collector of a window waited for its processor; None if unknown."""
    match kind_of(one):
        case Window(_, _, figures) if one.unit in TIMES:
            return figures.collector_queued_ns_page
        case _:
            return None


def queued_share(one: Measurement) -> float | None:
    """Of the collector's time, that in which it waited for its processor; None if unknown, or of no window."""
    match kind_of(one):
        case Window(_, _, figures) if one.unit in TIMES and figures.collector_queued_ns_page is not None:
            waited, every = figures.collector_queued_ns_page, figures.collector_ns_page
            # It is counted from before the sweep's start, so it may be a little more than the sweep.
            return waited / max(waited, every) if waited > 0 else 0.0
        case _:
            return None


def waited(one: Measurement) -> float:
    """The share where it should be none and is too much: on a processor of the collector's own; else 0."""
    match kind_of(one):
        case Window(_, at, _) if at.placement == OWN:
            share = queued_share(one) or 0.0
            return share if share > OVER else 0.0
        case _:
            return 0.0


def disturbed(one: Ratio[S]) -> float:
    """The same of a comparison: of the side that waited more."""
    return max(waited(one.over), waited(one.under))


def undisturbed(found: Sequence[Ratio[S]]) -> Sequence[Ratio[S]]:
    """Those of the same comparison that may be put together; all of them where none is undisturbed."""
    return [one for one in found if not disturbed(one)] or found


def why(one: Ratio[S]) -> str:
    """``its collector waited for its processor in 12 % of its time``."""
    return f"its collector waited for its processor in {labels.share(disturbed(one))} of its time"


def remarks(rows: Iterable[Row[S]]) -> list[str]:
    """What was left out of the comparisons of a group, and what was put together in spite of it, in sentences."""
    ratios = [one for one in rows if isinstance(one, Ratio)]
    together = [one for one in ratios if one.across and disturbed(one)]
    alone = [one for one in ratios if not one.across and disturbed(one)]
    said = _left_out(ratios)
    if together:
        shares = [disturbed(member) for one in together for member in one.members]
        said.append(f"Put together though in every run {_waits(together, shares)}.")
    if alone:
        run = f" of run {alone[0].run}" if len({one.run for one in alone}) == 1 and alone[0].run else ""
        said.append(f"Comparisons{run} in which {_waits(alone, [disturbed(one) for one in alone])}.")
    return said


def _waits(ratios: Sequence[Ratio[S]], shares: Sequence[float]) -> str:
    least, most = labels.share(min(shares)), labels.share(max(shares))
    share = most if least == most else f"{least} to {most}"
    ways = names.several(list(dict.fromkeys(one.arm for one in ratios)))
    return f"the collector waited for its own processor, in {share} of its time: {ways}"


def _left_out(ratios: Sequence[Ratio[S]]) -> list[str]:
    """A sentence for each run of which comparisons were left out: the greatest share, and which comparisons."""
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
        text = f"Not put together: run {run}{which}, its collector waited for its processor in {share} of its time."
        said.append(text)
    return said


def _has(one: Ratio[S], run: str) -> bool:
    """Whether a run has a comparison, on a processor of the collector's own."""
    match kind_of(one.over):
        case Window(_, at, _) if at.placement == OWN:
            return any(member.run == run for member in (*(one.members or (one,)), *one.left_out))
        case _:
            return False
