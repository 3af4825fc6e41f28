"""What evacuation policies come to: how ``auto`` fares against the best fixed one, and which heaps to move."""

from collections.abc import Sequence

from gcproto.report import labels
from gcproto.report.words.cases import PICKS
from gcproto.report.words.claims import Claim, Refusal, Row, Standing
from gcproto.report.words.finding import Finding, Small
from gcproto.report.words.kinds import policies
from gcproto.report.words.runs import Group
from gcproto.results import names
from gcproto.results.policy_cells import AUTO, SAME, Cell, cells
from gcproto.results.schema import Interval, Measurement, PolicyScenario
from gcproto.results.series import page_size_of

LIMIT = 0.05
"""How much longer than the best fixed policy ``auto`` may take."""
MOVE = "move"

PolicyRow = Row[PolicyScenario]


def policy_findings(group: Group[PolicyScenario], place: str) -> list[Finding]:
    """A card for ``auto`` and one for moving, heap by heap."""
    page_size = page_size_of(group.lead.result)
    found = heaps_of(group.lead.result.measurements)
    made = [_auto(found, group, page_size, place), _moves(group, place)]
    return [one for one in made if one]


def heaps_of(measurements: Sequence[Measurement]) -> list[Cell]:
    """Heaps with all of their policies; those with a live second thread first."""
    return sorted(cells(one.measured for one in policies(measurements)), key=lambda one: -one.threads)


def heap_of(cell: Cell, page_size: int) -> str:
    """``sparse 64K, 2 threads``."""
    return names.heap(cell.heap, page_size)


def _auto(found: Sequence[Cell], group: Group[PolicyScenario], page_size: int, place: str) -> Finding | None:
    judged = [one for one in found if one.arm(AUTO) and one.best]
    if not judged:
        return None
    good = [one for one in judged if not one.objection(LIMIT)]
    ratios = [(one.to_best, one) for one in judged]
    known = [(ratio, one) for ratio, one in ratios if ratio]
    if not known:
        return None
    worst, cell = max(known, key=lambda one: one[0].value)
    heads = ("heap", "best fixed policy", "auto to best", "A/A")
    rows = [(heap_of(one, page_size), best_name(one), ratio_text(ratio), noise_text(one)) for ratio, one in ratios]
    objections = [f"{heap_of(one, page_size)}: {one.objection(LIMIT)}." for one in judged if one.objection(LIMIT)]
    run = f" (run {group.lead.label})" if group.many else ""
    return Finding(
        f"Does policy auto choose well?{run}",
        f"On {len(good)} of {len(judged)} heaps",
        f"at most {labels.number(worst.value)}x the best fixed policy ({heap_of(cell, page_size)})",
        Standing.RUN,
        f"auto may take {LIMIT:.0%} more than the best; beyond that, the interval must lie above 1",
        [*objections, *_missing(found)],
        place,
        Small(heads, rows),
    )


def _moves(group: Group[PolicyScenario], place: str) -> Finding | None:
    """Moving against copying all pages, heap by heap."""
    found = sorted((one for one in group.rows if one.at.policy == MOVE), key=lambda one: -one.at.threads)
    if not found:
        return None
    picks = [_pick(one) for one in found]
    counts = {pick: picks.count(pick) for pick in dict.fromkeys(picks)}
    answer = names.several([f"{pick} on {count}" for pick, count in counts.items()])
    claims = [one for one in found if isinstance(one, Claim)]
    worst, best = (choose(claims, key=lambda one: one.value.value, default=None) for choose in (max, min))
    figure = "refused"
    if worst and best:
        figure = f"{best.factor} to {worst.factor} copy, by heap"
    rows = [(_subject(one), pick, _ratio(one)) for one, pick in zip(found, picks, strict=True)]
    said = [_extreme("least", best), _extreme("most", worst) if worst is not best else ""]
    standings = {one.standing for one in claims if one.differs}
    standing = Standing.SURE if standings == {Standing.SURE} else Standing.RUN if standings else Standing.UNSURE
    differ = sum(one.differs for one in claims)
    return Finding(
        "Which heaps should move all pages?",
        f"{answer} of {len(found)} heaps",
        figure,
        standing,
        f"{differ} of {len(claims)} ratios differ from 1 beyond interval and noise",
        [one for one in (*said, *_threads(found)) if one],
        place,
        Small(("heap", "pick", "move to copy"), rows),
    )


def _subject(one: PolicyRow) -> str:
    return one.subject


def _pick(one: PolicyRow) -> str:
    if isinstance(one, Refusal):
        return "Refused"
    cheaper, dearer = PICKS
    if one.few:
        return (cheaper if one.ratio.value < 1 else dearer) + "?"
    return "Either" if not one.differs else cheaper if one.cheaper else dearer


def _ratio(one: PolicyRow) -> str:
    if isinstance(one, Refusal):
        return "refused"
    part = f", {labels.share(one.part)} evacuated" if one.part is not None else ""
    return f"{one.factor}{'' if one.differs else '?'} ({labels.bounds(one.value)}){part}"


def _extreme(word: str, one: Claim[PolicyScenario] | None) -> str:
    if not one:
        return ""
    return f"Move costs {word} on {one.subject}: {one.factor} copy ({labels.bounds(one.value)}, {one.rounds} rounds)."


def _missing(found: Sequence[Cell]) -> list[str]:
    live = any(one.threads > 1 for one in found)
    return [] if live else ["Not measured: a second live thread."]


def _threads(found: Sequence[PolicyRow]) -> list[str]:
    live = any(one.at.threads > 1 for one in found)
    return [] if live else ["Not measured: a second live thread."]


def best_name(cell: Cell) -> str:
    """Of the fixed policy with the least time."""
    return cell.best.names[0] if cell.best else "none"


def ratio_text(ratio: Interval | None) -> str:
    """``1.03x (0.99-1.08)``, ``1x, the same choice``."""
    if ratio is None:
        return "not comparable"
    return "1x, the same choice" if ratio == SAME else f"{labels.number(ratio.value)}x ({labels.bounds(ratio)})"


def noise_text(cell: Cell) -> str:
    """``3%`` between policies that chose the same."""
    return "none" if cell.noise is None else f"{cell.noise:.1%}"
