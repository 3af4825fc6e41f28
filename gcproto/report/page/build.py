"""A page made of results, whichever there are."""

import datetime
import gzip
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from gcproto import __version__
from gcproto.report import labels
from gcproto.report.claims import Claim, mode_claims, path_claims
from gcproto.report.findings_kernels import check_finding
from gcproto.report.page.checks import checks_section
from gcproto.report.page.model import Download, Page, Run
from gcproto.report.page.provenance import files_grid, provenance_section
from gcproto.report.page.sections import (
    answers,
    cost_section,
    heap_section,
    kernels_section,
    window_section,
)
from gcproto.report.verdict import lookup_of
from gcproto.results.gather import Refused
from gcproto.results.schema import Result
from gcproto.results.series import page_size_of, release_of, version_key


def build(found: Sequence[tuple[Path, Result]], refused: Sequence[Refused], title: str = "") -> Page:
    """A page.

    Args:
        found: results with their files, one at least.
        refused: files that are not used.
        title: of the page; made from the results if "".

    """
    ordered = sorted(found, key=lambda one: (one[1].producer.started, one[1].run_id), reverse=True)
    results = [result for _, result in ordered]
    guests = sorted(
        (one for one in results if one.guest and not one.verdicts), key=lambda one: version_key(release_of(one))
    )
    checked = [one for one in results if one.verdicts]
    own = [one for one in results if not one.guest and one.measurements]
    heaps = _runs([one for one in own if _measures(one, "heap-")], mode_claims)
    windows = _runs([one for one in own if _measures(one, "window")], mode_claims)
    special = {run.result.run_id for run in (*heaps, *windows)}
    # The run that measured most comes first: its verdict is what the page opens with.
    paths = _runs(sorted((one for one in own if one.run_id not in special), key=_most), path_claims)
    kernels, on_kernels = kernels_section(guests)
    heap, on_heaps = heap_section(heaps)
    window, on_windows = window_section(windows)
    check = check_finding(checked, "checks")
    rest = [*on_heaps, *on_windows, *on_kernels, *([check] if check else [])]
    return Page(
        title or _title(paths, results),
        _subtitle([run.result for run in paths] or results),
        answers(paths, rest),
        [cost_section(paths), kernels, heap, window, checks_section(checked), provenance_section(ordered, refused)],
        files_grid(ordered),
        [Download(f"{path.name}.gz", gzip.compress(msgspec.json.encode(result), mtime=0)) for path, result in ordered],
        f"gcproto {__version__}, {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
    )


def _measures(result: Result, source: str) -> bool:
    return any(one.scenario.source.startswith(source) for one in result.measurements)


def _most(result: Result) -> int:
    return -len(result.measurements)


def _runs(results: Sequence[Result], claims: Callable[[Result], list[Claim]]) -> list[Run]:
    """Results with a short name each, for anchors and files."""
    found: dict[str, Run] = {}
    for number, one in enumerate(results):
        slug = "".join(c for c in one.run_id if c.isascii() and c.isalnum())[:12]
        slug = f"{slug}{number}" if not slug or slug in found else slug
        found[slug] = Run(slug, one, claims(one))
    return list(found.values())


def _title(paths: Sequence[Run], results: Sequence[Result]) -> str:
    releases = list(dict.fromkeys(release_of(run.result) for run in paths)) or list(
        dict.fromkeys(map(release_of, results))
    )
    if len(releases) == 1:
        return f"UFFDIO_MOVE on Linux {releases[0]}"
    return f"UFFDIO_MOVE on {len(releases)} kernels"


def _subtitle(results: Sequence[Result]) -> list[str]:
    first = results[0]
    cpu = first.environment.get("cpu", {})
    levels = sorted({one.proof.level for one in first.measurements if one.proof.rounds})
    texts = [
        f"{cpu.get('model', 'an unknown processor')}, {cpu.get('allowed', '?')} CPUs",
        f"{len(first.measurements)} measurements of up to "
        f"{max((len(one.samples) for one in first.measurements), default=0)} rounds",
        f"proof by {', '.join(levels) or 'nothing'}",
        f"noise floor {lookup_of(first).floor:.1%}" + ("" if first.noise else " assumed, no A/A pair"),
        f"userfaultfd by {first.environment.get('uffd', {}).get('via', 'unknown')}",
    ]
    sizes = labels.size(page_size_of(first))
    return [*texts, f"pages of {sizes}"]
