"""The section of kernels, made of results from guests."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from gcproto.errors import GcprotoError
from gcproto.report import labels
from gcproto.report.page.model import Part, Section
from gcproto.report.page.platforms import platform_parts
from gcproto.report.page.profiles import profile_parts
from gcproto.report.page.sections import empty
from gcproto.report.page.tables import series_grids
from gcproto.report.plots import kernels
from gcproto.report.words import placed
from gcproto.report.words.finding import Finding
from gcproto.report.words.kernels import series_findings
from gcproto.results.configurations import builds, disclosed
from gcproto.results.facts import architecture_of
from gcproto.results.schema import KernelCell, Result
from gcproto.results.series import build, page_size_of
from gcproto.results.steps import steps


def kernels_section(results: Sequence[Result]) -> tuple[Section, list[Finding]]:
    """Series of guests that may be compared. Other guests form series of their own."""
    section = empty("kernels")
    findings: list[Finding] = []
    groups: dict[tuple[str, ...], list[Result]] = defaultdict(list)
    failed = [result for result in results if not result.measurements]
    for result in results:
        if result.measurements:
            groups[_alike(result)].append(result)
    # Boots without a result belong to no series. They are shown with the largest.
    largest = max(groups, key=lambda key: len(groups[key]), default=())
    if failed:
        groups[largest] += failed
    for number, (key, group) in enumerate(sorted(groups.items())):
        part = Part()
        if len(groups) > 1:
            part.title = f"Series {number + 1}: {', '.join(text for text in key if text)}"
            part.lines.append("These results form a series of their own: counts do not compare with the others.")
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
        part.lines += [f"{line}." for line in builds(group)]
        said = disclosed(group)
        part.lines += [line for one in group for line in placed.notes_of(one.measurements, len(one.measurements))][:20]
        findings += series_findings(series, found, group, "kernels")
        made = [part, *profile_parts(group, f"kernels-{number}")]
        for one in made:  # a picture in a file is away from the page's text
            one.wide = [replace(picture, notes=said) for picture in one.wide]
        section.parts += made
    section.parts = [*platform_parts(results), *section.parts]
    section.intro = (
        "Under QEMU's instruction counting the unit is executed instructions per page. That is not a time. It "
        "does not depend on the host, but on the kernel's configuration and compiler. If a kernel was booted several "
        "times, a table shows how far boots differ."
    )
    return section, findings


HEAP_SET = "heap"


def _of_heap(results: Sequence[Result]) -> bool:
    """Whether they belong to the scenario set of heaps, which has its own guests and units."""
    return any(isinstance(one.experiment, KernelCell) and one.experiment.set == HEAP_SET for one in results)


def _alike(result: Result) -> tuple[str, ...]:
    """The properties that results of one series share."""
    units = ", ".join(sorted({one.unit for one in result.measurements}))
    host = "" if units == "instructions/page" or not result.guest else str(result.guest.host.get("cpu"))
    guest: list[str] = []
    if isinstance(result.experiment, KernelCell):
        cell = result.experiment
        guest = [f"pages {cell.pages}", f"cpus {cell.cpus}", f"cpu {cell.cpu}", f"memory {cell.memory_mib} MiB"]
        guest += ["heap"] * (cell.set == HEAP_SET)
    size = f"pages of {labels.size(page_size_of(result))}"
    return (units, architecture_of(result), *guest, size, f"program {result.producer.benchmark}", host)
