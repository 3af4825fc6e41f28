"""Sections of the page, each made of the results that it is about."""

from collections.abc import Callable, Sequence

from gcproto.report.page.grids import grid_part
from gcproto.report.page.heap_map import heap_map
from gcproto.report.page.kinds import kinds_grid
from gcproto.report.page.model import Grid, Part, Section
from gcproto.report.page.tables import (
    heap_grid,
    measurement_grid,
    noise_lines,
    policy_grid,
    runs_grid,
    window_grid,
)
from gcproto.report.plots import cost, density, folios, forest, heap, latency, phases, policies, scaling, thread, window
from gcproto.report.words import dumps, placed, queued
from gcproto.report.words.finding import Finding, few_rounds, sentences, told_apart
from gcproto.report.words.grids import grid_finding
from gcproto.report.words.heaps import heap_finding
from gcproto.report.words.kinds import windows, workloads
from gcproto.report.words.policies import policy_findings
from gcproto.report.words.ratios import Row, S
from gcproto.report.words.rows import shown_paths, stars
from gcproto.report.words.runs import Group, Run, unlike
from gcproto.report.words.thread import thread_finding
from gcproto.report.words.windows import size_of, window_finding
from gcproto.results import names
from gcproto.results.schema import (
    PathScenario,
    PolicyScenario,
    Result,
    WindowScenario,
    WorkloadScenario,
)
from gcproto.results.series import page_size_of
from gcproto.sizes import mib_text

SECTIONS = {
    "cost": ("Cost per page", "These results hold no run of the evacuation paths. Run `gcproto bench`."),
    "kernels": (
        "Over kernel versions",
        "These results hold no measurement in other kernels. Run `gcproto kernels run --default`.",
    ),
    "heap": ("On a compacting heap", "These results hold no run of a workload on a heap. Run `gcproto gc`."),
    "policies": (
        "Evacuation policies",
        "These results hold no run of evacuation policies. Run `gcproto gc policies`.",
    ),
    "window": (
        "The window after the flip",
        "These results hold no run of the window. Run `gcproto gc window`.",
    ),
    "dumps": (
        "Heap dumps",
        "These results hold no heap dump. Run `gcproto heap inspect FILE`.",
    ),
    "claims": (
        "The thread's claims",
        "These results hold no judgement of the thread's claims. Run `gcproto claims`.",
    ),
}


def empty(name: str) -> Section:
    """A section without parts yet."""
    return Section(name, *SECTIONS[name])


def together(group: Group[S], name: str, what: str) -> list[Part]:
    """What holds between the runs of a group, as a picture and a table; empty for one run.

    Args:
        group: of runs.
        name: of the picture.
        what: costs less or more.

    """
    if not group.many:
        return []
    part = Part(f"{len(group.runs)} runs together: {names.several([run.label for run in group.runs])}")
    left_out = queued.remarks(group.rows)
    if not group.common:
        part.lines += ["No comparison of these runs was put together.", *left_out]
        return [part]
    shown = isinstance(group.common[0].at, PathScenario | PolicyScenario)
    picture = f"{name}-{group.lead.slug}-together"
    part.wide.append(forest.plot(picture, "What holds between runs", group.common, what=what, arms=shown))
    part.grids.append(runs_grid(group, group.common))
    part.lines += [f"{one.subject}: {one.apart}." for one in group.common if one.apart][:MOST_LINES]
    part.lines += left_out
    # For paths, the verdict has these lines.
    part.lines += [] if isinstance(group.common[0].at, PathScenario) else noise_lines(group.runs)
    return [part]


MOST_LINES = 12


def differing(groups: Sequence[Group[S]]) -> list[Part]:
    """A part with the reason why runs were not put together, if they were not."""
    text = unlike(groups)
    return [Part(lines=[text])] if text else []


NOT_LEADING = "Pictures show the leading run and all runs together. The tables of this run are complete."


def _following(run: Run, grid: Grid) -> Part:
    """A run that does not lead its group: its figures without pictures, folded."""
    measured = run.result.measurements
    return Part(run.name, [NOT_LEADING, *placed.notes_of(measured, len(measured))], grids=[grid], folded=True)


def cost_section(groups: Sequence[Group[PathScenario]]) -> Section:
    """Costs by granule and by folio size, and every path against copy."""
    section = empty("cost")
    section.intro = (
        "A line is an arm. A bar through a marker is its 95 % interval. All arms of one run were measured in the same "
        "rounds, in random order; memory beyond the caches only in some of them. Compare ratios: nanoseconds of two "
        "machines do not compare."
    )
    section.parts += differing(groups)
    total = sum(len(group.runs) for group in groups)
    title = "Every measurement with its proof"
    for group in groups:
        section.parts.append(_cost_part(group, titled=total > 1))
        section.parts += [_following(run, measurement_grid(title, run.result)) for run in group.runs[1:]]
    return section


def _cost_part(group: Group[PathScenario], *, titled: bool) -> Part:
    run = group.lead
    slug, result = run.slug, run.result
    part = Part(run.name if titled else "", small_first=True)
    orders = cost.by_order(result, f"cost-{slug}")
    part.small = ([orders] if orders else []) + cost.by_granule(result, f"cost-{slug}")
    rows = _own(group, run)
    if rows:
        title = "Every kind of page: move against copy"
        shown = shown_paths(rows, page_size_of(result))
        part.wide += [forest.plot(f"paths-{slug}", title, shown, what="move")] if shown else []
    part.lines += sentences(few_rounds(result.measurements))
    part.lines += placed.notes_of(result.measurements, len(result.measurements))
    part.grids.append(measurement_grid("Every measurement with its proof", result))
    return part


def _own(group: Group[S], run: Run) -> Sequence[Row[S]]:
    """The comparisons of one run alone."""
    return group.own[run.label]


def _of_groups(
    groups: Sequence[Group[S]],
    name: str,
    what: str,
    part: Callable[[Run, Group[S]], Part],
    grid: Callable[[Result], Grid],
) -> Section:
    """A section of groups of runs: each with its leading run, what holds between its runs, and the other runs.

    Args:
        groups: of runs.
        name: of the section.
        what: costs less or more.
        part: of the leading run.
        grid: the table of a run that does not lead.

    """
    section = empty(name)
    section.parts += differing(groups)
    for group in groups:
        section.parts.append(part(group.lead, group))
        section.parts += together(group, name, what)
        section.parts += [_following(run, grid(run.result)) for run in group.runs[1:]]
    return section


def heap_section(groups: Sequence[Group[WorkloadScenario]], grids: Sequence[Run]) -> tuple[Section, list[Finding]]:
    """Workloads on heaps: modes against copy, pauses, utilisation, latency, phases, memory, the map; then grids.

    Args:
        groups: of ``gcproto gc``.
        grids: runs of ``gcproto gc grid``.

    """
    section = _of_groups(groups, "heap", "the mode", _heap_part, heap_grid)
    every = [run.result for group in groups for run in group.runs]
    section.parts += _threads(every)
    pictures = density.sweep(every, "heap")
    section.parts += [Part("The threshold of density", small=pictures)] if pictures else []
    section.parts += [grid_part(run) for run in grids]
    findings = [(one, group.labels) for group in groups if (one := heap_finding(group, "heap"))]
    findings += [(one, [run.label]) for run in grids if (one := grid_finding(run, "heap"))]
    return section, told_apart(findings)


def _threads(results: Sequence[Result]) -> list[Part]:
    """How heaps scale with threads, where runs have several numbers of them."""
    found = [scaling.mutators(results, "heap")]
    for number, result in enumerate(results):
        found += [scaling.compactors(result, f"heap-{number}", one) for one in heap.placements(result)]
    small = [one for one in found if one]
    return [Part("Threads", [scaling.remark(results)], small=small)] if small else []


def _heap_part(run: Run, group: Group[WorkloadScenario]) -> Part:
    result, name = run.result, f"heap-{run.slug}"
    found = workloads(result.measurements)
    first = found[0].at if found else None
    live = f", {mib_text(first.live_bytes)} live" if first and first.live_bytes else ""
    part = Part(f"{first.workload if first else 'no workload'}{live}: {run.name}")
    rows = [row for rows in placed.by_placement(_own(group, run)).values() for row in rows]
    if rows:
        caption = "Time of the mutators for the same work, against mode copy (ART before UFFDIO_MOVE)."
        title = "Modes against copying"
        part.wide.append(forest.plot(f"{name}-modes", title, rows, what="the mode", caption=caption, arms=False))
    for placement in heap.placements(result):
        timeline = phases.timeline(result, name, placement)
        part.wide += [timeline] if timeline else []
        faults, problems = latency.faults(result, name, placement)
        waits, more = latency.waits(result, name, placement)
        part.lines += problems + more
        made = (
            heap.pauses(result, name, placement),
            heap.mmu(result, name, placement),
            faults,
            waits,
            heap.memory(result, name, placement),
            folios.survival(result, name, placement),
        )
        part.small += [one for one in made if one]
    part.lines += [text for text in (placed.crowded(result),) if text] + stars(result)
    part.lines += sentences(few_rounds(result.measurements))
    part.lines += placed.notes_of(result.measurements, len(result.measurements))
    part.heap_map = heap_map(result)
    if part.heap_map is None:
        part.lines.append("No heap map was recorded. Run `gcproto gc --map` to record it.")
    else:
        part.lines += part.heap_map.notes
    kinds = kinds_grid(result)
    part.grids += [heap_grid(result), *([kinds] if kinds else [])]
    return part


def policies_section(groups: Sequence[Group[PolicyScenario]]) -> tuple[Section, list[Finding]]:
    """Evacuation policies, heap by heap."""
    section = _of_groups(groups, "policies", "the policy", _policies_part, policy_grid)
    return section, told_apart([(one, group.labels) for group in groups for one in policy_findings(group, "policies")])


def _policies_part(run: Run, group: Group[PolicyScenario]) -> Part:
    part = Part(run.name)
    picture = policies.by_heap(run.result, f"policies-{run.slug}")
    part.wide += [picture] if picture else []
    rows = _own(group, run)
    if rows:
        title, caption = "Policies against copying all pages", "Of the same heap, from flip to drain."
        part.wide.append(forest.plot(f"policies-{run.slug}-copy", title, rows, what="the policy", caption=caption))
    part.lines += sentences(few_rounds(run.result.measurements))
    part.lines += placed.notes_of(run.result.measurements, len(run.result.measurements))
    part.grids.append(policy_grid(run.result))
    return part


def window_section(groups: Sequence[Group[WindowScenario]]) -> tuple[Section, list[Finding]]:
    """Ways of mapping to-space after the flip."""
    section = _of_groups(groups, "window", "the way", _window_part, window_grid)
    findings = [(one, group.labels) for group in groups if (one := window_finding(group, "window"))]
    return section, told_apart(findings)


def _window_part(run: Run, group: Group[WindowScenario]) -> Part:
    result, name = run.result, f"window-{run.slug}"
    found = windows(result.measurements)
    first = found[0].at if found else None
    part = Part(f"{size_of(first)}: {run.name}" if first else run.name)
    rows = [row for rows in placed.by_placement(_own(group, run)).values() for row in rows]
    if rows:
        caption = "The time to touch every page of to-space once, against way copy in the same placement."
        part.wide.append(
            forest.plot(f"{name}-ways", "Ways against copying", rows, what="the way", caption=caption, arms=False)
        )
    for placement in window.placements(result):
        made = (window.access(result, name, placement), window.fault(result, name, placement))
        part.small += [one for one in made if one]
    part.lines += [text for text in (placed.crowded(result),) if text]
    part.lines += sentences(few_rounds(result.measurements))
    part.lines += placed.notes_of(result.measurements, len(result.measurements))
    part.grids.append(window_grid(result))
    return part


def dumps_section(runs: Sequence[Run]) -> Section:
    """Heap dumps, page by page, and what their collection is predicted to take."""
    section = empty("dumps")
    for run in runs:
        found = run.result.inspection
        if found is None:
            continue
        part = Part(f"{found.file} ({run.label})", dumps.lines(found))
        for title, heads, rows in dumps.tables(found):
            part.grids.append(Grid(title, heads, rows, folded=False))
        section.parts.append(part)
    return section


def claims_section(runs: Sequence[Run]) -> tuple[Section, list[Finding]]:
    """The thread's claims: the verdict on each, and the measurements that it rests on."""
    section = empty("claims")
    findings = []
    for run in runs:
        claims = run.result.claims
        part = Part(run.name)
        if claims:
            part.wide.append(thread.strip(claims, f"claims-{run.slug}"))
            rows = [(one.key, one.claim, one.judgement, one.figures, one.why, one.command) for one in claims]
            heads = ("claim", "what is claimed", "judgement", "figures", "why", "shown alone by")
            part.grids.append(Grid(f"All {len(rows)} claims", heads, rows, len(heads), folded=False))
        else:
            part.lines.append("This run judged no claim.")
        part.lines += placed.notes_of(run.result.measurements, len(run.result.measurements))
        if run.result.measurements:
            part.grids.append(measurement_grid("What was measured to judge the claims", run.result))
        section.parts.append(part)
        finding = thread_finding(claims, run.label if len(runs) > 1 else "", "claims")
        findings += [finding] if finding else []
    return section, findings
