"""A page made of results of any kind."""

import datetime
import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from gcproto import __version__
from gcproto.counted import counted
from gcproto.report import labels
from gcproto.report.page.checks import checks_section
from gcproto.report.page.kernels_section import kernels_section
from gcproto.report.page.model import Download, Page
from gcproto.report.page.provenance import files_grid, provenance_section
from gcproto.report.page.sections import (
    claims_section,
    cost_section,
    dumps_section,
    heap_section,
    policies_section,
    window_section,
)
from gcproto.report.page.verdict import answers
from gcproto.report.words.kernels import check_finding
from gcproto.report.words.rows import path_rows, policy_rows, window_rows, workload_rows
from gcproto.report.words.runs import Run, groups_of, runs_of, steadiness
from gcproto.results.facts import cpu_of, cpus_of
from gcproto.results.gather import Refused
from gcproto.results.schema import (
    ClaimExperiment,
    DumpExperiment,
    Experiment,
    GridExperiment,
    PathExperiment,
    PolicyExperiment,
    Result,
    WindowExperiment,
    WorkloadExperiment,
)
from gcproto.results.series import page_size_of, release_of, version_key


def build(
    found: Sequence[tuple[Path, Result]],
    refused: Sequence[Refused],
    title: str = "",
    given: Mapping[str, str] | None = None,
) -> Page:
    """A page.

    Args:
        found: results with their files, one at least.
        refused: files that are not used.
        title: title of the page; made from the results if "".
        given: labels by run id.

    """
    ordered = sorted(found, key=lambda one: (one[1].producer.started, one[1].run_id), reverse=True)
    results = [result for _, result in ordered]
    runs = runs_of(results, given)
    guests = sorted((one for one in results if _in_guest(one)), key=lambda one: version_key(release_of(one)))
    checked = [one for one in results if one.verdicts]
    paths = groups_of(_of(runs, PathExperiment), path_rows)
    heap, on_heaps = heap_section(groups_of(_of(runs, WorkloadExperiment), workload_rows), _of(runs, GridExperiment))
    policies, on_policies = policies_section(groups_of(_of(runs, PolicyExperiment), policy_rows))
    window, on_windows = window_section(groups_of(_of(runs, WindowExperiment), window_rows))
    kernels, on_kernels = kernels_section(guests)
    claims, on_claims = claims_section(_of(runs, ClaimExperiment))
    described = dumps_section(_of(runs, DumpExperiment))
    check = check_finding(checked, "checks")
    rest = [*on_heaps, *on_policies, *on_windows, *on_kernels, *on_claims, *([check] if check else [])]
    sections = [cost_section(paths), kernels, heap, policies, window, described, claims, checks_section(checked)]
    return Page(
        title or _title([run.result for group in paths for run in group.runs] or results),
        _subtitle(paths[0].lead if paths else runs[0], len(runs)),
        answers(paths, rest),
        [*sections, provenance_section(ordered, refused)],
        files_grid(ordered, runs),
        [Download(f"{path.name}.gz", gzip.compress(msgspec.json.encode(result), mtime=0)) for path, result in ordered],
        f"gcproto {__version__}, {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
    )


def _in_guest(one: Result) -> bool:
    """Whether it belongs to the series over kernels: measurements in a guest, and boots without a result."""
    return one.guest is not None and (bool(one.measurements) or not one.verdicts)


def _of(runs: Sequence[Run], kind: type[Experiment]) -> list[Run]:
    """Runs of one kind of experiment, on this machine itself."""
    return [run for run in runs if isinstance(run.result.experiment, kind) and run.result.guest is None]


def _title(results: Sequence[Result]) -> str:
    releases = list(dict.fromkeys(map(release_of, results)))
    if len(releases) == 1:
        return f"UFFDIO_MOVE on Linux {releases[0]}"
    return f"UFFDIO_MOVE on {len(releases)} kernels"


def _subtitle(run: Run, total: int) -> list[str]:
    """Lines on the leading run; if there are several runs, it is named.

    Args:
        run: the leading run.
        total: number of runs on the page.

    """
    lead = run.result
    which = [f"this line is for run {run.label}, one of {total}; the table of files has the others"]
    uffd = lead.environment.get("uffd", {})
    levels = sorted({one.proof.level for one in lead.measurements if one.proof.rounds})
    rounds = max((len(one.samples) for one in lead.measurements), default=0)
    return [
        *(which if total > 1 else []),
        f"{cpu_of(lead)}, {cpus_of(lead)}",
        f"{counted(len(lead.measurements), 'measurement')} of up to {counted(rounds, 'round')}",
        f"proof by {', '.join(levels) or 'nothing'}",
        steadiness(lead),
        f"userfaultfd by {uffd.get('via', 'unknown')}",
        f"pages of {labels.size(page_size_of(lead))}",
    ]
