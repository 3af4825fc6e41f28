"""A matrix of kernels as a table: one line per kernel with the figures that differ, and how well boots agree."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from statistics import median

from rich.console import Console

from gcproto.counted import counted
from gcproto.report.terminal.contpte import print_blocks
from gcproto.report.terminal.kit.draw import print_table
from gcproto.report.terminal.kit.figures import INVALID, REFUSED
from gcproto.report.terminal.kit.table import Cell, Column, Table
from gcproto.report.terminal.kit.text import Part, say
from gcproto.report.terminal.tables import print_measurements
from gcproto.results import names
from gcproto.results.baseline import refused
from gcproto.results.facts import ENTRY_BYTES
from gcproto.results.schema import TIMES, Measurement, PathScenario, Result, Scenario
from gcproto.results.series import AGREE, PMD, is_path, page_size_of, release_of, short, spreads, version_key
from gcproto.results.statistics import midmean
from gcproto.sizes import KIB, log2_pages, size

Which = Callable[[Scenario], bool]


def _mthp(one: Scenario, page_size: int) -> bool:
    return is_path(one, "mthp", log2_pages(64 * KIB, page_size), "move", PMD)


def _columns(page: int) -> tuple[tuple[Column, Which], ...]:
    """The figures that differ between kernels.

    Args:
        page: bytes of a base page.

    """
    thp = log2_pages(page // ENTRY_BYTES * page, page)
    return (
        (Column("canary", rank=4), lambda one: isinstance(one, PathScenario) and one.arm == "canary"),
        (Column("copy 2M", rank=2), lambda one: is_path(one, "small", 0, "copy", PMD)),
        (Column(f"move {size(page)}", rank=3), lambda one: is_path(one, "small", 0, "move", page)),
        (Column("move 2M"), lambda one: is_path(one, "small", 0, "move", PMD)),
        (Column("mTHP 64K"), lambda one: _mthp(one, page)),
        # With pages of 16 KiB, arm64 maps 2 MiB by one TLB entry.
        (Column("mTHP 2M"), lambda one: is_path(one, "mthp", log2_pages(PMD, page), "move", PMD)),
        (Column("THP", rank=1), lambda one: is_path(one, "thp", thp, "move", page << thp)),
        (Column("swapped", rank=5), lambda one: is_path(one, "swapped", 0, "move", PMD)),
        (
            Column("swapped 64K", rank=6),
            lambda one: is_path(one, "swapped", log2_pages(64 * KIB, page), "move", PMD),
        ),
    )


def print_matrix(results: Sequence[Result], console: Console) -> None:
    """Print the results of guests: a table for each page size, kernels in the order of their versions."""
    sizes = sorted({page_size_of(result) for result in results})
    for page in sizes:
        _print_page_size([one for one in results if page_size_of(one) == page], page, console)


def _print_page_size(results: Sequence[Result], page: int, console: Console) -> None:
    by_kernel = _by_kernel(results)
    units = {one.unit for result in results for one in result.measurements}
    every = {one.scenario for result in results for one in result.measurements}
    # A scenario that no kernel was asked for has no column. "-" marks a kernel that lacks what others have.
    columns = [(column, which) for column, which in _columns(page) if any(map(which, every))]
    table = Table(
        [
            Column("kernel", words=True),
            *(column for column, _ in columns),
            Column("splits 64K", rank=1),
            Column("guest", folds=True),
        ]
    )
    for release in sorted(by_kernel, key=version_key):
        boots = by_kernel[release]
        cells = [
            _cell([one for boot in boots for one in boot.measurements if which(one.scenario)]) for _, which in columns
        ]
        bad = [text for text in map(_outcome, boots) if text != "done"]
        table.add(short(release), *cells, _splits(boots), "; ".join(bad) or _well(boots))
    console.print()
    what = " and ".join(sorted(units)) or "nothing was measured"
    say(console, f"Small, mTHP and THP pages moved; {what}", style="bold")
    print_table(table, console)
    if units & TIMES:
        say(console, "ns of an emulated machine's wall clock: valid for factors, not for percentages", style="yellow")
    print_blocks(results, page, console)
    _print_spread(results, page, console)
    _print_skips(by_kernel, console)


def _by_kernel(results: Sequence[Result]) -> dict[str, list[Result]]:
    found: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        found[release_of(result)].append(result)
    return found


def print_guest_heaps(results: Sequence[Result], console: Console) -> None:
    """Print the window and the workloads that ran in guests, kernel by kernel, and their cost."""
    for result in sorted(results, key=lambda one: (version_key(release_of(one)), one.guest.boot if one.guest else 0)):
        assert result.guest
        units = ", ".join(sorted({one.unit for one in result.measurements})) or "nothing was measured"
        head = f"{release_of(result)}, boot {result.guest.boot}: {_outcome(result)}"
        console.print()
        say(console, (head, "bold"), f", {result.guest.seconds:.0f} s on this machine; {units}")
        print_measurements(result, console)
    _print_skips(_by_kernel(results), console)


def _cell(found: list[Measurement]) -> Cell:
    usable = [one for one in found if one.valid and one.samples]
    done = [one for one in usable if not refused(one)]
    if not done:
        return REFUSED if usable else INVALID if found else "-"
    value = median(midmean(one.samples) for one in done)
    shown: list[Part] = [f"{value:.0f}" if value >= 1000 else f"{value:.4g}"]
    return shown + [("two modes", "yellow")] * any(one.modes for one in done)


def _splits(boots: list[Result]) -> str:
    """Folios of 64 KiB that were moved, and how many of them the kernel split."""
    found = [one for boot in boots for one in boot.measurements if _mthp(one.scenario, page_size_of(boot))]
    if not found:
        return "-"
    return f"{sum(one.proof.folios_split for one in found)} of {sum(one.proof.folios for one in found)}"


def _outcome(result: Result) -> str:
    if result.guest is None:
        return "no guest"
    return result.guest.outcome if result.guest.outcome == "done" else f"{result.guest.outcome}: {result.guest.why}"


def _well(boots: list[Result]) -> str:
    seconds = sum(boot.guest.seconds for boot in boots if boot.guest)
    return f"{counted(len(boots), 'boot')}, {seconds:.0f} s" if len(boots) > 1 else f"done, {seconds:.0f} s"


def _print_spread(results: Sequence[Result], page: int, console: Console) -> None:
    """The differences between boots of one kernel: the worst of each scenario, and all flagged ones."""
    found = spreads(results)
    if not found:
        return
    within = sum(one.share <= AGREE for one in found)
    console.print()
    say(
        console,
        f"Boots of the same kernel: {within} of {counted(len(found), 'cell')} agree to {100 * AGREE:.1f} % "
        f"({100 * within / len(found):.1f} %); the worst differs by {100 * found[0].share:.2f} %",
    )
    table = Table(
        [
            Column("scenario", words=True),
            Column("spread"),
            Column("", words=True, name="flag"),
            Column("boots", rank=1),
            Column("kernel", words=True),
        ]
    )
    shown: set[Scenario] = set()
    for one in found:
        if one.scenario in shown and not one.flagged:
            continue
        shown.add(one.scenario)
        table.add(
            names.scenario(one.scenario, page),
            f"{100 * one.share:.2f} %",
            "FLAG" if one.flagged else "",
            str(one.boots),
            short(one.kernel),
            style="yellow" if one.flagged else "",
        )
    print_table(table, console)


def _print_skips(by_kernel: dict[str, list[Result]], console: Console) -> None:
    """Scenarios that were not measured, once for each reason."""
    reasons: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for release, boots in by_kernel.items():
        for skip in (skip for boot in boots for skip in boot.skips):
            what, releases = reasons.setdefault(skip.reason, ({}, {}))
            what[skip.what] = None
            releases[short(release)] = None
    for reason, (what, releases) in reasons.items():
        say(console, f"skipped ({', '.join(releases)}): {', '.join(what)}: {reason}", style="dim")
