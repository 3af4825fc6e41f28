"""Sections of the page, each made of the results that have something to say there."""

from collections import defaultdict
from collections.abc import Sequence

from gcproto.errors import GcprotoError
from gcproto.report import labels
from gcproto.report.findings import Finding, headline_claims, path_findings
from gcproto.report.findings_heap import heap_finding, window_finding
from gcproto.report.findings_kernels import series_findings
from gcproto.report.page.heap_map import heap_map
from gcproto.report.page.model import Answers, Part, Run, Section
from gcproto.report.page.tables import heap_grid, measurement_grid, series_grids, window_grid
from gcproto.report.plots import cost, folios, forest, heap, kernels, latency, phases, window
from gcproto.results.schema import Result
from gcproto.results.series import build, release_of
from gcproto.results.steps import steps

SECTIONS = {
    "cost": ("Cost per page", "No run of the evacuation paths is among these results: `gcproto bench` makes one."),
    "kernels": (
        "Over kernel versions",
        "No measurement in other kernels is among these results: `gcproto kernels run --default` makes some.",
    ),
    "heap": ("On a compacting heap", "No run of a workload on a heap is among these results: `gcproto gc` makes one."),
    "window": (
        "The window after the flip",
        "No run of the window is among these results: `gcproto gc window` makes one.",
    ),
}


def empty(name: str) -> Section:
    """A section without parts yet."""
    return Section(name, *SECTIONS[name])


def name_of(result: Result) -> str:
    """A result in a line: kernel, when, and the run."""
    started = result.producer.started.replace("T", " ").split("+")[0]
    return f"Linux {release_of(result)}, {started} UTC, run {result.run_id}"


def cost_section(runs: Sequence[Run]) -> Section:
    """Costs by granule and by folio size, and every path against its alternative."""
    section = empty("cost")
    section.intro = (
        "A line is a way of doing the work, a bar through a marker its 95 % interval. Everything in one run was "
        "measured in the same rounds, in random order: ratios hold, nanoseconds of two machines do not compare."
    )
    seen: set[str] = set()
    for slug, result, claims in runs:
        part = Part(name_of(result) if len(runs) > 1 else "", small_first=True, folded=release_of(result) in seen)
        seen.add(release_of(result))
        orders = cost.by_order(result, f"cost-{slug}")
        part.small = ([orders] if orders else []) + cost.by_granule(result, f"cost-{slug}")
        if claims:
            title = "Every kind of page: moving against copying"
            caption = "Filled: sure. Hollow: no sure difference. The grey band is the noise floor of the run."
            part.wide.append(forest.plot(f"paths-{slug}", title, claims, what="move", caption=caption))
        if cost.usable(result):
            part.grids.append(measurement_grid("Every measurement with its proof", result))
        section.parts.append(part)
    return section


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
            series = build(group)
        except GcprotoError as error:
            part.lines.append(str(error))
            section.parts.append(part)
            continue
        found = steps(series)
        if series.cells:
            part.wide.append(kernels.plot(f"kernels-{number}", series, found, group))
        part.grids += series_grids(series, found)
        findings += series_findings(series, found, group, "kernels")
        section.parts.append(part)
    section.intro = (
        "Under QEMU's instruction counting the unit is executed instructions per page: not a time, but the same on "
        "every machine and in every boot to a fraction of a percent."
    )
    return section, findings


def _alike(result: Result) -> tuple[str, ...]:
    """What results of one series have in common."""
    options = result.producer.options
    units = ", ".join(sorted({one.unit for one in result.measurements}))
    host = "" if units == "instructions/page" or not result.guest else str(result.guest.host.get("cpu"))
    parts = [f"{name} {options[name]}" for name in ("pages", "cpus", "cpu", "memory_mib") if name in options]
    return (units, *parts, f"program {result.producer.benchmark}", host)


def heap_section(runs: Sequence[Run]) -> tuple[Section, list[Finding]]:
    """Workloads on heaps: modes against copying, pauses, utilisation, latency, phases, memory, the map."""
    section = empty("heap")
    findings = []
    for slug, result, claims in runs:
        name = f"heap-{slug}"
        workload = next(one.scenario.source for one in result.measurements).removeprefix("heap-")
        options = result.producer.options
        live = options.get("live")
        size = f", {int(live) >> 20} MiB live" if isinstance(live, int) else ""
        part = Part(f"{workload}{size}: {name_of(result)}")
        if claims:
            caption = "Time of the mutators for the same work, against mode copy (ART before UFFDIO_MOVE)."
            part.wide.append(
                forest.plot(f"{name}-modes", "Modes against copying", claims, what="the mode is", caption=caption)
            )
        timeline = phases.timeline(result, name)
        part.wide += [timeline] if timeline else []
        faults, problems = latency.latency(result, name, "fault", "Serving a fault")
        waits, more = latency.latency(result, name, "wait", "Waiting for a page that another thread builds")
        part.lines += problems + more
        made = [
            *(heap.pauses(result, name), heap.mmu(result, name), faults, waits),
            *(heap.memory(result, name), folios.survival(result, name)),
        ]
        part.small = [one for one in made if one]
        part.heap_map = heap_map(result)
        if part.heap_map is None:
            part.lines.append(
                "The collections of this result carry no heap map: the version of gcproto that made it did "
                "not record one."
            )
        else:
            part.lines += part.heap_map.notes
        part.grids.append(heap_grid(result))
        section.parts.append(part)
        finding = heap_finding(claims, "heap")
        findings += [finding] if finding else []
    return section, findings


def window_section(runs: Sequence[Run]) -> tuple[Section, list[Finding]]:
    """Ways of mapping to-space after the flip."""
    section = empty("window")
    findings = []
    for slug, result, claims in runs:
        first = result.measurements[0].scenario
        title = f"{labels.size(first.granule_bytes)}, {first.threads - 1} mutators: {name_of(result)}"
        part = Part(title)
        if claims:
            caption = "Until every page of to-space was touched once, against mode copy."
            part.wide.append(
                forest.plot(f"window-{slug}-ways", "Ways against copying", claims, what="the way is", caption=caption)
            )
        made = [
            window.latency(result, f"window-{slug}", "access", "A mutator's first touch of a page"),
            window.latency(result, f"window-{slug}", "fault", "Serving a fault"),
        ]
        part.small = [one for one in made if one]
        part.grids.append(window_grid(result))
        section.parts.append(part)
        finding = window_finding(claims, "window")
        findings += [finding] if finding else []
    return section, findings


def answers(runs: Sequence[Run], rest: Sequence[Finding]) -> list[Answers]:
    """The verdict: the first run of paths with its picture, then heaps and kernels, then the other runs."""
    made = []
    seen: set[str] = set()
    for slug, result, claims in runs:
        picked = headline_claims(result, claims)
        caption = (
            "Left of the line moving is cheaper, right of it copying. Filled: sure. Hollow: not sure. "
            "Grey band: the noise floor of the run. Log scale."
        )
        title = "Moving a page against copying it"
        plot = forest.plot(f"verdict-{slug}", title, picked, what="move", caption=caption) if picked else None
        findings = path_findings(
            result, claims, "cost", f"fig-cost-{slug}-order" if cost.has_orders(result) else "cost"
        )
        if findings or plot:
            made.append(Answers(name_of(result), findings, plot, folded=release_of(result) in seen))
            seen.add(release_of(result))
    if rest:
        made.insert(1, Answers("Heaps and kernels" if made else "", rest))
    return made
