"""The verdict of the page: cards of each group of runs, with the picture that shows them."""

from collections.abc import Sequence

from gcproto.report.page.model import Answers, Grid
from gcproto.report.page.tables import noise_lines, runs_grid
from gcproto.report.plots import cost, forest
from gcproto.report.words.finding import Finding
from gcproto.report.words.paths import Evidence, headline_rows, path_findings
from gcproto.report.words.ratios import ratios_of
from gcproto.report.words.rows import projections, shown_paths
from gcproto.report.words.runs import Group, groups_of, unlike
from gcproto.results.schema import PathScenario
from gcproto.results.series import page_size_of

LEADS = "Left of the middle, move costs less; right of it, more."


def answers(groups: Sequence[Group[PathScenario]], rest: Sequence[Finding]) -> list[Answers]:
    """The verdict: the group whose leading run is first by ``runs.noise_key``, then other kinds, then other groups.

    Args:
        groups: of runs of paths.
        rest: findings of all other kinds.

    """
    made = [one for number, group in enumerate(groups) if (one := _of_group(group, folded=number > 0))]
    text = unlike(groups)
    if made and text:
        made[0] = Answers(made[0].title, made[0].findings, made[0].plot, made[0].grids, [text, *made[0].lines])
    if rest:
        made.insert(1, Answers("Other kinds of runs" if made else "", rest))
    return made


def evidence_of(group: Group[PathScenario]) -> Evidence:
    """The evidence of the cards."""
    projected = ratios_of(groups_of(group.runs, projections)[0].rows)
    return Evidence(group.rows, projected, page_size_of(group.lead.result))


def _of_group(group: Group[PathScenario], *, folded: bool) -> Answers | None:
    lead = group.lead
    evidence = evidence_of(group)
    picked = headline_rows(evidence)
    plot = None
    if picked:
        title = "Move against copy"
        plot = forest.plot(f"verdict-{lead.slug}", title, picked, what="move", caption=LEADS)
    orders = f"fig-cost-{lead.slug}-order" if cost.has_orders(lead.result) else "cost"
    findings = path_findings(evidence, "cost", orders)
    if not findings and not plot:
        return None
    decisive = ratios_of(shown_paths(group.common, evidence.page_size)) if group.many else []
    grids: list[Grid] = [runs_grid(group, decisive)] if decisive else []
    lines: list[str] = []
    if group.many:
        lines += [*noise_lines(group.runs), "Only what holds between runs is sure."]
    return Answers(_title(group), findings, plot, grids, lines, folded)


def _title(group: Group[PathScenario]) -> str:
    return f"{len(group.runs)} runs together" if group.many else group.lead.name
