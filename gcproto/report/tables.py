"""A result as tables for a terminal.

The compact form is one table for each theme (the main sources, other folio sizes, skewed, ...): rows are sources and
arms, columns granules, cells the median with the ratio to copy and its interval, split and EBUSY counts below.  The
wide form has one line for each scenario with every figure.
"""

from collections import defaultdict
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gcproto.report import labels
from gcproto.report.folios import print_folios
from gcproto.report.heaps import print_heaps
from gcproto.report.policies import print_policies
from gcproto.report.thread_claims import print_claims
from gcproto.report.verdict import verdict
from gcproto.report.windows import print_windows
from gcproto.results.schema import Measurement, Result, Scenario, Skip, swapin_figure
from gcproto.results.series import page_size_of
from gcproto.results.statistics import percentiles

MAIN, SIZES, SKEWED, THREADS, SPECIAL, SWAP = range(6)
TITLES = {
    MAIN: "Evacuating by each path",
    SIZES: "Other folio sizes",
    SKEWED: "Destination skewed by one page",
    THREADS: "A second live thread on the other CPU",
    SPECIAL: "Zero pages, holes, shared and pinned pages",
    SWAP: "Swapped out",
}
MAIN_GRANULES = 3
"""A source with at least this many granules is one of the main table."""


def print_result(result: Result, console: Console, *, wide: bool = False) -> None:
    """Print a result.

    Args:
        result: of any producer.
        console: where to.
        wide: one line for each scenario with every figure.

    """
    _print_head(result, console)
    if any(one.name.startswith("claim/") for one in result.verdicts) and not wide:
        print_claims(result, console)
        return
    policies = [one for one in result.measurements if one.scenario.source.startswith("evacuate-")]
    if policies and not wide:
        print_policies(policies, console, page_size_of(result))
        _print_invalid(result, console)
        _print_skips(result.skips, console)
        return
    heaps = [one for one in result.measurements if one.scenario.source.startswith("heap-")]
    if heaps and not wide:
        print_heaps(heaps, result, console)
        print_folios(heaps, result, console)
        _print_invalid(result, console)
        _print_skips(result.skips, console)
        _print_noise(result, console)
        return
    windows = [one for one in result.measurements if one.scenario.source == "window"]
    if windows and not wide:
        print_windows(windows, console)
        _print_invalid(result, console)
        _print_noise(result, console)
        return
    if wide:
        console.print(_wide(result))
    else:
        for theme, measurements in sorted(_themes(result).items()):
            console.print(f"\n[bold]{TITLES[theme]}[/]")
            console.print(_pivot(measurements, page_size_of(result)))
    _print_invalid(result, console)
    _print_skips(result.skips, console)
    _print_noise(result, console)
    console.print()
    for line in verdict(result):
        console.print(escape(line), highlight=False)


def _get(environment: dict[str, Any], *path: str) -> str:
    found: Any = environment
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return "unknown" if found is None else str(found)


def _print_head(result: Result, console: Console) -> None:
    env = result.environment
    levels = sorted({measurement.proof.level for measurement in result.measurements if measurement.proof.rounds})
    units = sorted({measurement.unit for measurement in result.measurements})
    page = labels.size(page_size_of(result))
    rounds = max((len(measurement.samples) for measurement in result.measurements), default=0)
    console.print(
        f"[bold]kernel {escape(_get(env, 'kernel', 'release'))}[/] on {escape(_get(env, 'cpu', 'model'))} "
        f"({_get(env, 'cpu', 'allowed')} CPUs); userfaultfd by {_get(env, 'uffd', 'via')}; "
        f"THP {_get(env, 'thp', 'enabled')}; proof by {', '.join(levels) or 'nothing'}",
        highlight=False,
    )
    if result.producer.name != "paths":
        return
    console.print(
        f"{', '.join(units)} of {page}: median of {rounds} rounds, below it the ratio to copy with its 95 % interval; "
        "splits and EBUSY are per round",
        highlight=False,
    )


def _theme(measurement: Measurement, granules: int) -> int:
    scenario = measurement.scenario
    if scenario.source in {"swapped", "swapcache"}:
        return SWAP
    if scenario.threads > 1:
        return THREADS
    if scenario.alignment != "congruent":
        return SKEWED
    if scenario.source not in {"small", "mthp", "thp"}:
        return SPECIAL
    return SIZES if scenario.source == "mthp" and granules < MAIN_GRANULES else MAIN


def _themes(result: Result) -> dict[int, list[Measurement]]:
    granules: dict[tuple[object, ...], set[int]] = defaultdict(set)
    for measurement in result.measurements:
        one = measurement.scenario
        granules[one.source, one.order, one.alignment, one.threads].add(one.granule_bytes)
    found: dict[int, list[Measurement]] = defaultdict(list)
    for measurement in result.measurements:
        one = measurement.scenario
        if one.replica or one.source == "none":
            continue
        count = len(granules[one.source, one.order, one.alignment, one.threads])
        found[_theme(measurement, count)].append(measurement)
    return found


def _pivot(measurements: list[Measurement], page_size: int) -> Table:
    columns = sorted({labels.granule(one.scenario, page_size) for one in measurements}, key=labels.granule_rank)
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.collapse_padding = True
    table.add_column("per ioctl", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    sources: dict[str, dict[str, dict[str, Measurement]]] = defaultdict(lambda: defaultdict(dict))
    for one in measurements:
        arm_cells = sources[_group(one.scenario, page_size)][one.scenario.arm]
        arm_cells[labels.granule(one.scenario, page_size)] = one
    for source, arms in sources.items():
        table.add_row(f"[bold]{escape(source)}[/]")
        for arm, cells in arms.items():
            table.add_row(f" {escape(arm)}", *(_cell(cells.get(column), page_size) for column in columns))
    return table


def _group(one: Scenario, page_size: int) -> str:
    """What arms are compared inside; the table of swapped pages alone has several layouts of one source."""
    parts = [labels.source(one, page_size)]
    if one.source in {"swapped", "swapcache"}:
        parts += ["skewed"] * (one.alignment != "congruent") + [f"{one.threads} threads"] * (one.threads > 1)
    return ", ".join(parts)


def _swapped_in(measurement: Measurement, page_size: int) -> list[str]:
    """What the swapping in took of the whole, and the folios that the pages are in now."""
    part = measurement.figures.get(swapin_figure(measurement.unit))
    if part is None:
        return []
    sizes = ", ".join(labels.size(page_size << order) for order in sorted(map(int, measurement.proof.order_after)))
    return [f"[dim]swap-in {labels.number(part)}{f' as {sizes}' if sizes else ''}[/]"]


def _cell(measurement: Measurement | None, page_size: int) -> str:
    if measurement is None:
        return ""
    bad = len(measurement.invalid_rounds)
    if not measurement.valid:
        return f"[bold red]INVALID[/]\n{bad}/{bad + len(measurement.samples)} rounds"
    assert measurement.median is not None
    first = labels.number(measurement.median)
    lines = [first]
    ratio = measurement.ratio_to_copy
    if ratio:
        lines = [f"{first} {labels.number(ratio.value):>5}x", f"[dim]{labels.bounds(ratio)}[/]"]
    proof, outcome = measurement.proof, measurement.outcome
    if proof.folios_split:
        part = 0 < proof.folios != proof.folios_split
        of = f"/{labels.per_round(proof.folios, measurement)}" if part else ""
        lines.append(f"[yellow]split {labels.per_round(proof.folios_split, measurement)}{of}[/]")
    lines += _swapped_in(measurement, page_size)
    if outcome.ebusy:
        lines.append(f"[yellow]EBUSY {labels.per_round(outcome.ebusy, measurement)}[/]")
    if bad:
        lines.append(f"[red]{bad} invalid[/]")
    return "\n".join(lines)


def _wide(result: Result) -> Table:
    page_size = page_size_of(result)
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    for name in ("source", "arm", "granule", "align", "thr"):
        table.add_column(name, no_wrap=True)
    figures = ("median", "95 %", "p90", "p99", "to copy", "95 %", "rounds", "bad")
    counts = (
        "moved",
        "copied",
        "ebusy→copy",
        "zeroed",
        "left",
        "splits",
        "ebusy",
        "eagain",
        "enoent",
        "eexist",
        "calls",
    )
    for name in (*figures, *counts):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("path", no_wrap=True)
    table.add_column("proof", no_wrap=True)
    for one in result.measurements:
        scenario, outcome, ratio = one.scenario, one.outcome, one.ratio_to_copy
        tail = percentiles(one.samples) if one.samples else {}
        p99 = labels.number(tail["p99"]) if "p99" in tail else "n<100"
        totals = (
            outcome.moved,
            outcome.copied,
            outcome.copied_after_ebusy,
            outcome.zeroed,
            outcome.left,
            outcome.splits,
            outcome.ebusy,
            outcome.eagain,
            outcome.enoent,
            outcome.eexist,
            outcome.calls,
        )
        table.add_row(
            labels.source(scenario, page_size),
            scenario.arm + (" (A/A)" if scenario.replica else ""),
            labels.size(scenario.granule_bytes),
            scenario.alignment,
            str(scenario.threads),
            labels.number(one.median) if one.valid and one.median is not None else "[bold red]INVALID[/]",
            labels.bounds(one.ci) if one.ci else "",
            labels.number(tail["p90"]) if tail else "",
            p99,
            labels.number(ratio.value) if ratio else "",
            labels.bounds(ratio) if ratio else "",
            str(len(one.samples)),
            str(len(one.invalid_rounds)),
            *(str(total) for total in totals),
            one.proof.path,
            one.proof.level,
        )
    return table


def _print_invalid(result: Result, console: Console) -> None:
    page_size = page_size_of(result)
    bad = [one for one in result.measurements if one.invalid_rounds]
    if not bad:
        return
    console.print("\n[bold red]rounds whose proof failed[/] (kept in the file, in no figure above)")
    for one in bad:
        mark = "" if one.valid else "[bold red]INVALID, do not quote: [/]"
        reasons: dict[str, int] = defaultdict(int)
        for invalid in one.invalid_rounds:
            reasons[invalid.reason] += 1
        for reason, count in reasons.items():
            name = labels.scenario_text(one.scenario, page_size)
            console.print(f"  {mark}{escape(name)}: {count} rounds: {escape(reason)}", highlight=False)


def _print_skips(skips: list[Skip], console: Console) -> None:
    if not skips:
        return
    console.print("\n[bold]not measured here[/]")
    for skip in skips:
        console.print(f"  {escape(skip.what)}: {escape(skip.reason)}", highlight=False)
        if skip.remedy:
            console.print(f"    what to do: {escape(skip.remedy)}", highlight=False)


def _print_noise(result: Result, console: Console) -> None:
    run = result.environment.get("run", {})
    texts = []
    if result.noise:
        texts.append(
            f"noise: {len(result.noise.pairs)} A/A pairs differ by up to {result.noise.floor:.1%} (95th percentile)"
        )
    if run:
        second = f", second thread on CPU {run['touch_cpu']}" if run.get("touch_cpu", -1) >= 0 else ""
        pinned = f"pinned to CPU {run['cpu']}{second}" if run.get("cpu", -1) >= 0 else "not pinned"
        texts.append(f"{run.get('rounds')} rounds and {run.get('warmup')} of warm-up, {pinned}")
        steal = run.get("steal_before_after") or [None, None]
        if None not in steal and steal[1] > steal[0]:
            texts.append(f"the hypervisor took {steal[1] - steal[0]} ticks away meanwhile")
    if not result.producer.complete:
        texts.append("INTERRUPTED: fewer rounds than asked")
    if result.producer.options.get("test_slowdown"):
        texts.append(f"an arm was slowed down on purpose: {result.producer.options['test_slowdown']}")
    if texts:
        console.print()
    for text in texts:
        console.print(escape(text), highlight=False)
