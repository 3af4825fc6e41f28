"""Findings of evacuation policies: ``auto`` against the best fixed policy, and which heaps to move."""

from collections.abc import Sequence
from typing import NamedTuple

from gcproto.counted import counted
from gcproto.report import labels
from gcproto.report.words.cases import pick_of
from gcproto.report.words.finding import Finding, Small, not_compared
from gcproto.report.words.kinds import policies
from gcproto.report.words.ratios import SURE_FROM, Ratio, Refusal, Row, Standing, bounds, few_text
from gcproto.report.words.runs import Group
from gcproto.results import names
from gcproto.results.baseline import MOVE
from gcproto.results.policy_cells import AUTO, FLIP, MUTATORS, SAME, TOTAL, Cell, cells, noise_of, objective_of
from gcproto.results.schema import Interval, PolicyChoice, PolicyFigures, PolicyScenario
from gcproto.results.series import page_size_of

LIMIT = 0.05
"""The limit for ``auto``: its time relative to the best fixed policy."""

BY = {
    FLIP: "the time after the flip",
    TOTAL: "the time after the flip with the splitting before it",
    MUTATORS: "the time that mutators lose",
}
"""Objectives as a reader knows them."""


def by(objective: str) -> str:
    """What auto is judged by. A file may name an objective that this program does not know."""
    return BY.get(objective) or f'objective "{objective}"'


def chosen(figures: PolicyFigures) -> str:
    """``moves pages; reason: the folios are small``: what a policy chose, and why; several choices if rounds differ."""
    does = ", or ".join(_does(one) for one in figures.choices)
    reason = f"reason: {figures.choice}" * bool(figures.choice)
    return "; ".join(text for text in (does, reason) if text)


def _does(one: PolicyChoice) -> str:
    ahead, copied = bool(one.split_ahead), one.large_by == "copied"
    if one.whole:
        others = ", has other large folios split ahead" * ahead + ", copies other large folios" * copied
        return f"moves aligned folios of dense memory whole{others}"
    if ahead:
        return "has large folios split before the flip, then moves pages"
    return "copies pages of large folios" if copied else "moves pages"


PolicyRow = Row[PolicyScenario]


class Heap(NamedTuple):
    """A heap with its policies, and the label of its run; "" if there is only one."""

    cell: Cell
    run: str
    page_size: int

    @property
    def name(self) -> str:
        """``sparse 64K, 2 threads, run a``."""
        return names.heap(self.cell.heap, self.page_size) + (f", run {self.run}" if self.run else "")


def policy_findings(group: Group[PolicyScenario], place: str) -> list[Finding]:
    """A card for ``auto`` and one for move against copy, heap by heap."""
    found = heaps_of(group)
    made = [one for one in (_auto(found, group, place), _moves(group, place)) if one]
    if made or not found:
        return made
    why = "a ratio takes auto and a fixed policy, or move and copy, on one heap, with 3 valid rounds each"
    return [not_compared("Which evacuation policy?", why, place)]


def heaps_of(group: Group[PolicyScenario]) -> list[Heap]:
    """Heaps of all runs with their policies; those with a live second thread first."""
    found = [
        Heap(cell, run.label if group.many else "", page_size_of(run.result))
        for run in group.runs
        for cell in cells((one.measured for one in policies(run.result.measurements)), objective_of(run.result))
    ]
    return sorted(found, key=lambda one: -one.cell.threads)


def _auto(found: Sequence[Heap], group: Group[PolicyScenario], place: str) -> Finding | None:
    judged = [one for one in found if one.cell.arm(AUTO) and one.cell.best]
    tested = [one for one in judged if not one.cell.alike]
    known = [(ratio, one) for one in tested if (ratio := one.cell.to_best)]
    if not known and tested == judged:
        return None
    heads = ("heap", "best fixed policy", "auto to best", "move to best", "A/A")
    rows = [
        (
            one.name,
            best_name(one.cell),
            auto_text(one.cell),
            ratio_text(move_to_best(one.cell)),
            noise_text(one.cell),
        )
        for one in judged
    ]
    objections = [f"{one.name}: {one.cell.objection(LIMIT)}." for one in judged if one.cell.objection(LIMIT)]
    said = [*objections, *_untested(judged), *_missing(found, group)]
    question = f"Does policy auto choose well by {by(objective_of(group.lead.result))}?"
    table = Small(heads, rows)
    if not known:
        why = "all policies did the same work on every heap where auto can be compared" + _floor(judged)
        return Finding(question, "Not tested", "no choice to make", Standing.MISSING, why, said, place, table)
    good = [one for one in tested if not one.cell.objection(LIMIT)]
    worst, heap = max(known, key=lambda one: one[0].value)
    rounds = min(len(measured.samples) for one in tested for arm in one.cell.arms for measured in arm.members)
    figure = f"at most {labels.number(worst.value)}x the best fixed policy ({bounds(worst)}; {heap.name})"
    if all(ratio == SAME for ratio, _ in known):
        figure = "it chose what the best fixed policy does"
    basis = f"auto may take {LIMIT:.0%} more than the best; beyond that, the interval must lie above 1"
    return Finding(
        question,
        f"On {len(good)} of {counted(len(tested), 'heap')}",
        figure,
        Standing.UNSURE if rounds < SURE_FROM else Standing.RUN,
        few_text(rounds) if rounds < SURE_FROM else basis + _floor(judged),
        said,
        place,
        table,
    )


def _untested(judged: Sequence[Heap]) -> list[str]:
    """A sentence on heaps where all policies did the same work: these do not test the choice."""
    same = [one.name for one in judged if one.cell.alike and not one.cell.objection(LIMIT)]
    return [f"Not tested, as all policies chose the same: {names.several(same)}."] if same else []


def _floor(judged: Sequence[Heap]) -> str:
    noise = noise_of(one.cell for one in judged)
    return "" if noise is None else f"; policies that chose the same differ by up to {noise:.1%} (A/A)"


def _moves(group: Group[PolicyScenario], place: str) -> Finding | None:
    """Move against copying all pages, heap by heap."""
    found = sorted((one for one in group.rows if one.at.policy == MOVE), key=lambda one: -one.at.threads)
    if not found:
        return None
    picks = [_pick(one) for one in found]
    counts = {pick: picks.count(pick) for pick in dict.fromkeys(picks)}
    answer = names.several([f"{pick} on {count}" for pick, count in counts.items()])
    ratios = [one for one in found if isinstance(one, Ratio)]
    worst, best = (choose(ratios, key=lambda one: one.value.value, default=None) for choose in (max, min))
    figure = "refused"
    if worst and best:
        figure = f"{best.factor} to {worst.factor} copy, by heap"
    rows = [(_subject(one), pick, _ratio(one)) for one, pick in zip(found, picks, strict=True)]
    said = [_extreme("least", best), _extreme("most", worst) if worst is not best else ""]
    standings = {one.standing for one in ratios if one.differs}
    standing = Standing.SURE if standings == {Standing.SURE} else Standing.RUN if standings else Standing.UNSURE
    differ = sum(one.differs for one in ratios)
    floors = list(dict.fromkeys(one.floor.text for one in ratios))
    return Finding(
        "Which heaps should move all pages?",
        f"{answer} of {counted(len(found), 'heap')}",
        figure,
        standing,
        f"{differ} of {counted(len(ratios), 'ratio')} beyond interval and noise"
        + (f" ({names.several(floors)})" * bool(floors)),
        [one for one in (*said, *_threads(found)) if one],
        place,
        Small(("heap", "pick", "move to copy"), rows),
    )


def _subject(one: PolicyRow) -> str:
    return one.subject


def _pick(one: PolicyRow) -> str:
    return pick_of(one).text


def _ratio(one: PolicyRow) -> str:
    if isinstance(one, Refusal):
        return "refused"
    part = f"\n{labels.share(one.part)} evacuated" if one.part is not None else ""
    return f"{one.cell}{part}"


def _extreme(word: str, one: Ratio[PolicyScenario] | None) -> str:
    if not one:
        return ""
    return (
        f"Move costs {word} on {one.subject}: {one.factor} copy ({bounds(one.value)}, {counted(one.rounds, 'round')})."
    )


def _missing(found: Sequence[Heap], group: Group[PolicyScenario]) -> list[str]:
    lacking = ["a second live thread"] * (not any(one.cell.threads > 1 for one in found))
    lacking += ["policy copy, so whether to copy all pages stays open"] * (not group.rows)
    return [f"Not measured: {names.several(lacking)}."] if lacking else []


def move_to_best(cell: Cell) -> Interval | None:
    """The time of policy ``move`` relative to the best fixed policy."""
    move, best = cell.arm(MOVE), cell.best
    return move.over(best) if move and best else None


def _threads(found: Sequence[PolicyRow]) -> list[str]:
    live = any(one.at.threads > 1 for one in found)
    return [] if live else ["Not measured: a second live thread."]


def best_name(cell: Cell) -> str:
    """The fixed policy with the least time."""
    return cell.best.names[0] if cell.best else "none"


def ratio_text(ratio: Interval | None) -> str:
    """``1.03x (0.99-1.08)``, ``same choice``."""
    if ratio is None:
        return "not comparable"
    return "same choice" if ratio == SAME else f"{labels.number(ratio.value)}x\n{bounds(ratio)}"


def auto_text(cell: Cell) -> str:
    """Auto relative to the best policy; ``not tested`` if all policies did the same work."""
    return "not tested" if cell.alike else ratio_text(cell.to_best)


def noise_text(cell: Cell) -> str:
    """``3%`` between policies that chose the same."""
    return "none" if cell.noise is None else f"{cell.noise:.1%}"
