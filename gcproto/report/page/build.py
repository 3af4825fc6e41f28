"""A page made of results, whichever there are."""

import datetime
import gzip
from collections.abc import Sequence
from pathlib import Path

import msgspec

from gcproto import __version__
from gcproto.report import labels
from gcproto.report.findings_kernels import check_finding
from gcproto.report.page.checks import checks_section
from gcproto.report.page.model import Download, Page
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
from gcproto.results.series import release_of, version_key


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
    heaps = _slugs([one for one in own if any(each.scenario.source.startswith("heap-") for each in one.measurements)])
    windows = _slugs([one for one in own if any(each.scenario.source == "window" for each in one.measurements)])
    special = {one.run_id for _, one in (*heaps, *windows)}
    # The run that measured most comes first: its verdict is what the page opens with.
    paths = _slugs(sorted((one for one in own if one.run_id not in special), key=lambda one: -len(one.measurements)))
    kernels, on_kernels = kernels_section(guests)
    heap, on_heaps = heap_section(heaps)
    window, on_windows = window_section(windows)
    check = check_finding(checked, "checks")
    rest = [*on_heaps, *on_windows, *on_kernels, *([check] if check else [])]
    return Page(
        title or _title(paths, results),
        _subtitle([one for _, one in paths] or results),
        answers(paths, rest),
        [cost_section(paths), kernels, heap, window, checks_section(checked), provenance_section(ordered, refused)],
        files_grid(ordered),
        [Download(f"{path.name}.gz", gzip.compress(msgspec.json.encode(result), mtime=0)) for path, result in ordered],
        f"gcproto {__version__}, {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
    )


def _slugs(results: Sequence[Result]) -> list[tuple[str, Result]]:
    """Results with a short name each, for anchors and files."""
    return [
        ("".join(c for c in one.run_id if c.isalnum())[:8] or str(number), one) for number, one in enumerate(results)
    ]


def _title(paths: Sequence[tuple[str, Result]], results: Sequence[Result]) -> str:
    releases = list(dict.fromkeys(release_of(one) for _, one in paths)) or list(dict.fromkeys(map(release_of, results)))
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
    sizes = labels.size(int(first.environment.get("page_size") or 4096))
    return [*texts, f"pages of {sizes}"]
