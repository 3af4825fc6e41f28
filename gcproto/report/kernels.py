"""A matrix of kernels as a table: one line for each, the figures that tell kernels apart, and how well boots agree."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gcproto.report import labels
from gcproto.report.heaps import print_heaps
from gcproto.report.policies import print_policies
from gcproto.report.windows import print_windows
from gcproto.results.schema import Measurement, Result, Scenario
from gcproto.results.series import AGREE, PMD, is_path, page_size_of, release_of, short, spreads, version_key
from gcproto.results.statistics import midmean

COLUMNS: tuple[tuple[str, Callable[[Scenario], bool]], ...] = (
    ("canary", lambda one: one.arm == "canary"),
    ("copy 2M", lambda one: is_path(one, "small", 0, "copy", PMD)),
    ("move 4K", lambda one: is_path(one, "small", 0, "move", 4096)),
    ("move 2M", lambda one: is_path(one, "small", 0, "move", PMD)),
    ("mTHP 64K", lambda one: is_path(one, "mthp", 4, "move", PMD)),
    ("THP", lambda one: is_path(one, "thp", 9, "move", PMD)),
    ("swapped", lambda one: is_path(one, "swapped", 0, "move", PMD)),
)


def print_matrix(results: Sequence[Result], console: Console) -> None:
    """Print the results of guests, kernels in the order of their versions."""
    by_kernel = _by_kernel(results)
    if not by_kernel:
        return
    units = {one.unit for result in results for one in result.measurements}
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("kernel", no_wrap=True)
    for name, _ in COLUMNS:
        table.add_column(name, justify="right")
    table.add_column("splits 64K", justify="right")
    table.add_column("guest")
    for release in sorted(by_kernel, key=version_key):
        boots = by_kernel[release]
        cells = [
            _cell([one for boot in boots for one in boot.measurements if which(one.scenario)]) for _, which in COLUMNS
        ]
        outcomes = [_outcome(boot) for boot in boots]
        bad = [text for text in outcomes if text != "done"]
        table.add_row(
            release.removesuffix("-cloud-amd64"), *cells, _splits(boots), escape("; ".join(bad) or _well(boots))
        )
    console.print(
        f"\nSmall, mTHP and THP pages moved; {' and '.join(sorted(units)) or 'nothing was measured'}", style="bold"
    )
    console.print(table)
    if "ns/page" in units:
        console.print("ns of an emulated machine's wall clock: good for factors, not for percents", style="yellow")
    _print_spread(results, console)
    _print_skips(by_kernel, console)


def _by_kernel(results: Sequence[Result]) -> dict[str, list[Result]]:
    found: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        found[release_of(result)].append(result)
    return found


def print_guest_heaps(results: Sequence[Result], console: Console) -> None:
    """Print the window and the workloads that ran in guests, kernel by kernel, and what that took."""
    for result in sorted(results, key=lambda one: (version_key(release_of(one)), one.guest.boot if one.guest else 0)):
        assert result.guest
        units = ", ".join(sorted({one.unit for one in result.measurements})) or "nothing was measured"
        head = f"{release_of(result)}, boot {result.guest.boot}: {_outcome(result)}"
        console.print(f"\n[bold]{escape(head)}[/], {result.guest.seconds:.0f} s on this machine; {units}")
        if result.guest.icount:
            console.print("where the tables say ms or microseconds: millions or thousands of instructions")
        page = page_size_of(result)
        parts = (
            ("window", print_windows),
            ("evacuate-", partial(print_policies, page=page)),
            ("heap-", partial(print_heaps, result=result)),
        )
        for prefix, show in parts:
            found = [one for one in result.measurements if one.scenario.source.startswith(prefix)]
            if found:
                show(found, console=console)
    _print_skips(_by_kernel(results), console)


def _cell(found: list[Measurement]) -> str:
    values = [midmean(one.samples) for one in found if one.valid and one.samples]
    if not values:
        return "INVALID" if found else "-"
    value = median(values)
    return f"{value:.0f}" if value >= 1000 else f"{value:.4g}"


def _splits(boots: list[Result]) -> str:
    """Folios of 64 KiB that were moved, and how many of them the kernel split."""
    which = dict(COLUMNS)["mTHP 64K"]
    found = [one for boot in boots for one in boot.measurements if which(one.scenario)]
    if not found:
        return "-"
    return f"{sum(one.proof.folios_split for one in found)} of {sum(one.proof.folios for one in found)}"


def _outcome(result: Result) -> str:
    if result.guest is None:
        return "no guest"
    return result.guest.outcome if result.guest.outcome == "done" else f"{result.guest.outcome}: {result.guest.why}"


def _well(boots: list[Result]) -> str:
    seconds = sum(boot.guest.seconds for boot in boots if boot.guest)
    return f"{len(boots)} boots, {seconds:.0f} s" if len(boots) > 1 else f"done, {seconds:.0f} s"


def _print_spread(results: Sequence[Result], console: Console) -> None:
    """How far boots of one kernel are apart: each scenario where that is most, and every other one that is flagged."""
    found = spreads(results)
    if not found:
        return
    within = sum(one.share <= AGREE for one in found)
    console.print(
        f"\nBoots of the same kernel: {within} of {len(found)} cells agree to {100 * AGREE:.1f} % "
        f"({100 * within / len(found):.1f} %); the worst differs by {100 * found[0].share:.2f} %"
    )
    page = page_size_of(results[0])
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("spread", "boots"):
        table.add_column(name, justify="right")
    for name in ("", "scenario", "kernel"):
        table.add_column(name, no_wrap=True)
    shown: set[Scenario] = set()
    for one in found:
        if one.scenario in shown and not one.flagged:
            continue
        shown.add(one.scenario)
        table.add_row(
            f"{100 * one.share:.2f} %",
            str(one.boots),
            "FLAG" if one.flagged else "",
            escape(labels.scenario_text(one.scenario, page)),
            escape(short(one.kernel)),
            style="yellow" if one.flagged else "",
        )
    console.print(table)


def _print_skips(by_kernel: dict[str, list[Result]], console: Console) -> None:
    """What was not measured, once for each reason."""
    reasons: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for release, boots in by_kernel.items():
        for skip in (skip for boot in boots for skip in boot.skips):
            what, releases = reasons.setdefault(skip.reason, ({}, {}))
            what[skip.what] = None
            releases[release.removesuffix("-cloud-amd64")] = None
    for reason, (what, releases) in reasons.items():
        console.print(f"skipped ({', '.join(releases)}): {escape(', '.join(what))}: {escape(reason)}", style="dim")
