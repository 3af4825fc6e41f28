"""Sections of the page, each made of the results that have something to say there."""

from collections import defaultdict
from collections.abc import Sequence

from gcproto.errors import GcprotoError
from gcproto.report import labels
from gcproto.report.page.heap_map import heap_map
from gcproto.report.page.kinds import kinds_grid
from gcproto.report.page.model import Grid, Part, Section
from gcproto.report.page.tables import (
    heap_grid,
    measurement_grid,
    noise_lines,
    policy_grid,
    runs_grid,
    series_grids,
    window_grid,
)
from gcproto.report.plots import cost, folios, forest, heap, kernels, latency, phases, policies, thread, window
from gcproto.report.words import placed, queued
from gcproto.report.words.finding import Finding
from gcproto.report.words.heaps import heap_finding
from gcproto.report.words.kernels import series_findings
from gcproto.report.words.kinds import windows, workloads
from gcproto.report.words.policies import policy_findings
from gcproto.report.words.ratios import Row, S
from gcproto.report.words.rows import shown_paths, stars
from gcproto.report.words.runs import Group, Run, unlike
from gcproto.report.words.thread import thread_finding
from gcproto.report.words.windows import size_of, window_finding
from gcproto.results import names
from gcproto.results.schema import (
    KernelCell,
    PathScenario,
    PolicyScenario,
    Result,
    WindowScenario,
    WorkloadScenario,
)
from gcproto.results.series import build, page_size_of
from gcproto.results.steps import steps

SECTIONS = {
    "cost": ("Cost per page", "No run of the evacuation paths is among these results: `gcproto bench` makes one."),
    "kernels": (
        "Over kernel versions",
        "No measurement in other kernels is among these results: `gcproto kernels run --default` makes some.",
    ),
    "heap": ("On a compacting heap", "No run of a workload on a heap is among these results: `gcproto gc` makes one."),
    "policies": (
        "Evacuation policies",
        "No run of evacuation policies is among these results: `gcproto gc policies` makes one.",
    ),
    "window": (
        "The window after the flip",
        "No run of the window is among these results: `gcproto gc window` makes one.",
    ),
    "claims": (
        "The thread's claims",
        "No judgement of the thread's claims is among these results: `gcproto claims` makes one.",
    ),
}


def empty(name: str) -> Section:
    """A section without parts yet."""
    return Section(name, *SECTIONS[name])


def together(group: Group[S], name: str, what: str) -> list[Part]:
    """What holds between the runs of a group, as a picture and a table; nothing of one run.

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
    # Of paths the verdict says so.
    part.lines += [] if isinstance(group.common[0].at, PathScenario) else noise_lines(group.runs)
    return [part]


MOST_LINES = 12


def differing(groups: Sequence[Group[S]]) -> list[Part]:
    """A part that says why runs were not put together, if so."""
    text = unlike(groups)
    return [Part(lines=[text])] if text else []


NOT_LEADING = "Pictures are of the leading run and of all runs together; the tables of this one are whole."


def _following(run: Run, grid: Grid) -> Part:
    """A run that does not lead its group: its figures without pictures, closed."""
    measured = run.result.measurements
    return Part(run.name, [NOT_LEADING, *placed.notes_of(measured, len(measured))], grids=[grid], folded=True)


def cost_section(groups: Sequence[Group[PathScenario]]) -> Section:
    """Costs by granule and by folio size, and every path against copying."""
    section = empty("cost")
    section.intro = (
        "A line is a way of doing the work, a bar through a marker its 95 % interval. Everything in one run was "
        "measured in the same rounds, in random order; memory beyond the caches in some of them only. Ratios hold; "
        "nanoseconds of two machines do not compare."
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
        title = "Every kind of page: moving against copying"
        shown = shown_paths(rows, page_size_of(result))
        part.wide += [forest.plot(f"paths-{slug}", title, shown, what="move")] if shown else []
    part.lines += placed.notes_of(result.measurements, len(result.measurements))
    part.grids.append(measurement_grid("Every measurement with its proof", result))
    return part


def _own(group: Group[S], run: Run) -> Sequence[Row[S]]:
    """What one run says by itself."""
    return group.own[run.label]


def kernels_section(results: Sequence[Result]) -> tuple[Section, list[Finding]]:
    """Series of guests that may be compared; those that may not are series of their own."""
    section = empty("kernels")
    findings: list[Finding] = []
    groups: dict[tuple[str, ...], list[Result]] = defaultdict(list)
    failed = [result for result in results if not result.measurements]
    for result in results:
        if result.measurements:
            groups[_alike(result)].append(result)
    # Boots that brought nothing are of no series; they are shown with the largest.
    largest = max(groups, key=lambda key: len(groups[key]), default=())
    if failed:
        groups[largest] += failed
    for number, (key, group) in enumerate(sorted(groups.items())):
        part = Part()
        if len(groups) > 1:
            part.title = f"Series {number + 1}: {', '.join(text for text in key if text)}"
            part.lines.append("These results are no series with the others: they differ in what counts depend on.")
        try:
            series = build(group, heap=_of_heap(group))
        except GcprotoError as error:
            part.lines.append(str(error))
            section.parts.append(part)
            continue
        found = steps(series)
        if series.cells:
            part.wide.append(kernels.plot(f"kernels-{number}", series, found, group))
        part.grids += series_grids(series, found, page_size_of(group[0]))
        part.lines += [line for one in group for line in placed.notes_of(one.measurements, len(one.measurements))][:20]
        findings += series_findings(series, found, group, "kernels")
        section.parts.append(part)
    section.intro = (
        "Under QEMU's instruction counting the unit is executed instructions per page. That is not a time. It "
        "does not depend on the host, and the table of boots says how far boots differ where a kernel had several."
    )
    return section, findings


HEAP_SET = "heap"


def _of_heap(results: Sequence[Result]) -> bool:
    """Whether they are of the scenario set of heaps, which has guests and units of its own."""
    return any(isinstance(one.experiment, KernelCell) and one.experiment.set == HEAP_SET for one in results)


def _alike(result: Result) -> tuple[str, ...]:
    """What results of one series have in common."""
    units = ", ".join(sorted({one.unit for one in result.measurements}))
    host = "" if units == "instructions/page" or not result.guest else str(result.guest.host.get("cpu"))
    guest: list[str] = []
    if isinstance(result.experiment, KernelCell):
        cell = result.experiment
        guest = [f"pages {cell.pages}", f"cpus {cell.cpus}", f"cpu {cell.cpu}", f"memory {cell.memory_mib} MiB"]
        guest += ["heap"] * (cell.set == HEAP_SET)
    size = f"pages of {labels.size(page_size_of(result))}"
    return (units, *guest, size, f"program {result.producer.benchmark}", host)


def heap_section(groups: Sequence[Group[WorkloadScenario]]) -> tuple[Section, list[Finding]]:
    """Workloads on heaps: modes against copying, pauses, utilisation, latency, phases, memory, the map."""
    section = empty("heap")
    section.parts += differing(groups)
    findings = []
    for group in groups:
        section.parts.append(_heap_part(group.lead, group))
        section.parts += together(group, "heap", "the mode")
        section.parts += [_following(run, heap_grid(run.result)) for run in group.runs[1:]]
        finding = heap_finding(group, "heap")
        findings += [finding] if finding else []
    return section, findings


def _heap_part(run: Run, group: Group[WorkloadScenario]) -> Part:
    result, name = run.result, f"heap-{run.slug}"
    found = workloads(result.measurements)
    first = found[0].at if found else None
    live = f", {first.live_bytes >> 20} MiB live" if first and first.live_bytes else ""
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
    part.lines += placed.notes_of(result.measurements, len(result.measurements))
    part.heap_map = heap_map(result)
    if part.heap_map is None:
        part.lines.append("No heap map was recorded: `gcproto gc --map` records it.")
    else:
        part.lines += part.heap_map.notes
    kinds = kinds_grid(result)
    part.grids += [heap_grid(result), *([kinds] if kinds else [])]
    return part


def policies_section(groups: Sequence[Group[PolicyScenario]]) -> tuple[Section, list[Finding]]:
    """Evacuation policies, heap by heap."""
    section = empty("policies")
    section.parts += differing(groups)
    findings = []
    for group in groups:
        section.parts.append(_policies_part(group.lead, group))
        section.parts += together(group, "policies", "the policy")
        section.parts += [_following(run, policy_grid(run.result)) for run in group.runs[1:]]
        findings += policy_findings(group, "policies")
    return section, findings


def _policies_part(run: Run, group: Group[PolicyScenario]) -> Part:
    part = Part(run.name)
    picture = policies.by_heap(run.result, f"policies-{run.slug}")
    part.wide += [picture] if picture else []
    rows = _own(group, run)
    if rows:
        title, caption = "Policies against copying all pages", "Of the same heap, from flip to drain."
        part.wide.append(forest.plot(f"policies-{run.slug}-copy", title, rows, what="the policy", caption=caption))
    part.lines += placed.notes_of(run.result.measurements, len(run.result.measurements))
    part.grids.append(policy_grid(run.result))
    return part


def window_section(groups: Sequence[Group[WindowScenario]]) -> tuple[Section, list[Finding]]:
    """Ways of mapping to-space after the flip."""
    section = empty("window")
    section.parts += differing(groups)
    findings = []
    for group in groups:
        section.parts.append(_window_part(group.lead, group))
        section.parts += together(group, "window", "the way")
        section.parts += [_following(run, window_grid(run.result)) for run in group.runs[1:]]
        finding = window_finding(group, "window")
        findings += [finding] if finding else []
    return section, findings


def _window_part(run: Run, group: Group[WindowScenario]) -> Part:
    result, name = run.result, f"window-{run.slug}"
    found = windows(result.measurements)
    first = found[0].at if found else None
    part = Part(f"{size_of(first)}: {run.name}" if first else run.name)
    rows = [row for rows in placed.by_placement(_own(group, run)).values() for row in rows]
    if rows:
        caption = "Until every page of to-space was touched once, against way copy in the same placement."
        part.wide.append(
            forest.plot(f"{name}-ways", "Ways against copying", rows, what="the way", caption=caption, arms=False)
        )
    for placement in window.placements(result):
        made = (window.access(result, name, placement), window.fault(result, name, placement))
        part.small += [one for one in made if one]
    part.lines += [text for text in (placed.crowded(result),) if text]
    part.lines += placed.notes_of(result.measurements, len(result.measurements))
    part.grids.append(window_grid(result))
    return part


def claims_section(runs: Sequence[Run]) -> tuple[Section, list[Finding]]:
    """The thread's claims: what measuring says of each, and what was measured for that."""
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
