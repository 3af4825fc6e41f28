"""Tables of the page without a picture: measurements with proof, runs together, series, heaps, windows."""

from collections.abc import Sequence

from gcproto.report import labels
from gcproto.report.page.model import Grid
from gcproto.report.plots.kernels import names_of
from gcproto.report.plots.samples import median_text, ratio_texts
from gcproto.report.words import queued
from gcproto.report.words.kinds import Policy, Window, Workload, policies, windows, workloads
from gcproto.report.words.queued import queued_ns, queued_share
from gcproto.report.words.ratios import FEW_RUNS, TWO, Ratio, S, bounds
from gcproto.report.words.rows import mode_subject
from gcproto.report.words.runs import Group, Run, leading_text, steadiness
from gcproto.results import names
from gcproto.results.baseline import done_share
from gcproto.results.facts import cpu_of
from gcproto.results.schema import Interval, Latency, Measurement, Result
from gcproto.results.series import Series, page_size_of, short
from gcproto.results.statistics import P90_FROM, percentiles
from gcproto.results.steps import Step

PROOF = (
    "moved",
    "copied",
    "copied after EBUSY",
    "zeroed",
    "left",
    "EBUSY",
    "EAGAIN",
    "EEXIST",
    "ENOENT",
    "short",
    "ioctls",
)


def runs_grid(group: Group[S], ratios: Sequence[Ratio[S]]) -> Grid:
    """Comparisons that several runs have: the figures of each run, and of all together.

    Args:
        group: of runs.
        ratios: rows of the group.

    """
    heads = (
        *("what", "way", "run", "machine"),
        *("ratio to copy", "95 % interval", "noise floor", "rounds", "a further run", "holds between runs"),
    )
    by_label = {run.label: run for run in group.runs}
    rows = [line for ratio in ratios for line in _ratio_lines(ratio, by_label)]
    note = (
        f"Runs of one machine, kernel and program. {leading_text(group.runs)} Together: a random-effects mean with its "
        "Hartung-Knapp interval. A further run is expected in the prediction interval. A difference holds if that "
        "interval excludes 1."
    )
    return Grid("The same comparisons in all runs", heads, rows, 4, note, folded=False)


def _ratio_lines(ratio: Ratio[S], runs: dict[str, Run]) -> list[tuple[str, ...]]:
    lines: list[tuple[str, ...]] = []
    for one in ratio.members:
        run = runs[one.run].result
        figures = (f"{labels.number(one.ratio.value)}x", bounds(one.ratio), f"{one.floor.value:.1%}")
        lines.append((ratio.subject, ratio.arm, one.run, cpu_of(run), *figures, str(one.rounds), "", ""))
    for one in ratio.left_out:
        figures = (f"{labels.number(one.ratio.value)}x", bounds(one.ratio), f"{one.floor.value:.1%}")
        machine = cpu_of(runs[one.run].result)
        apart = f"not put together: {queued.why(one)}"
        lines.append((ratio.subject, ratio.arm, one.run, machine, *figures, str(one.rounds), "", apart))
    across = ratio.across
    assert across
    further = ""
    if across.predicted_low is not None and across.predicted_high is not None:
        further = bounds(Interval(across.value, across.predicted_low, across.predicted_high))
    few = f" ({FEW_RUNS})" * (across.runs == TWO)
    tau = "" if across.tau is None else f"tau {across.tau:.1%}{few}"
    holds = "yes" if ratio.differs else "no" if not across.holds else f"no: {ratio.why_not}"
    figures = (f"{labels.number(across.value)}x", bounds(across.interval), tau)
    lines.append((ratio.subject, ratio.arm, f"all {across.runs} runs", "", *figures, "", further, holds))
    return lines


def measurement_grid(title: str, result: Result) -> Grid:
    """One line for each scenario with every figure, as `gcproto show --wide` has it."""
    heads = (
        "scenario",
        "path proven",
        "proof by",
        "unit",
        "median",
        "95 % interval",
        "p90",
        "p99",
        "to copy",
        "95 % interval",
        "evacuated",
        "rounds",
        "invalid",
        "frames kept",
        "frames changed",
        "neighbours adjacent",
        "contents right",
        "folios",
        "split",
        *PROOF,
    )
    rows = [_row(one, page_size_of(result)) for one in result.measurements]
    return Grid(
        title,
        heads,
        rows,
        4,
        "Counts are sums over all valid rounds. Frames are page frame numbers. Neighbours adjacent: share of "
        "neighbouring folios of the source on neighbouring page frames. Valid rounds have all contents right.",
    )


def _row(one: Measurement, page_size: int) -> tuple[str, ...]:
    tail = percentiles(one.samples) if one.samples else {}
    proof, out = one.proof, one.outcome
    share = done_share(one)
    counts = (
        out.moved,
        out.copied,
        out.copied_after_ebusy,
        out.zeroed,
        out.left,
        out.ebusy,
        out.eagain,
        out.eexist,
        out.enoent,
        out.short,
        out.calls,
    )
    return (
        names.scenario(one.scenario, page_size),
        proof.path,
        proof.level,
        one.unit,
        median_text(one),
        labels.bounds(one.ci) if one.ci else "",
        labels.number(tail["p90"]) if "p90" in tail else f"n<{P90_FROM}",
        labels.number(tail["p99"]) if "p99" in tail else "n<100",
        *ratio_texts(one),
        "" if share is None else labels.share(share),
        str(len(one.samples)),
        str(len(one.invalid_rounds)),
        str(proof.pfn_kept),
        str(proof.pfn_changed),
        labels.share(proof.frames_adjacent / proof.frames_pairs) if proof.frames_pairs else "",
        str(proof.contents),
        str(proof.folios),
        str(proof.folios_split),
        *(str(count) for count in counts),
    )


def series_grids(series: Series, found: Sequence[Step], page_size: int) -> list[Grid]:
    """The steps with their causes, and boots that failed."""
    known = names_of(series.kernels)
    rows = [
        (
            f"{known[one.before]} \N{RIGHTWARDS ARROW} {known[one.after]}",
            names.scenario(one.scenario, page_size),
            one.cause or "no known change",
            f"{one.change:+.1%}",
            labels.number(one.old),
            labels.number(one.new),
            "none" if one.canary is None else f"{one.canary:+.1%}",
        )
        for one in found
    ]
    grids = [
        Grid(
            f"All {len(rows)} steps", ("kernels", "scenario", "known change", "change", "from", "to", "canary"), rows, 3
        )
    ]
    bad = [(short(one.kernel), str(one.boot), one.outcome, one.why) for one in series.failures]
    if bad:
        grids.append(
            Grid("Boots that did not reach their end", ("kernel", "boot", "outcome", "why"), bad, 4, folded=False)
        )
    return grids


HEAP_HEADS = (
    "mode",
    "collector",
    "heap",
    "unit",
    "median",
    "wall ms",
    "to copy",
    "95 % interval",
    "LBO wall",
    "LBO cpu",
    "collections",
    "mark ms",
    "compact ms",
    "longest pause ms",
    "MMU 10 ms, %",
    "faults",
    "fault p50 us",
    "fault p99 us",
    "copied MiB",
    "fallback share",
    "EBUSY",
    "resident MiB",
    "rounds",
    "invalid",
)


def heap_grid(result: Result) -> Grid:
    """Modes, as in `gcproto show`."""
    rows = [_heap_row(one, result) for one in workloads(result.measurements)]
    return Grid("Modes in figures", HEAP_HEADS, rows, 4, folded=False)


def _number(value: float | None, factor: float = 1.0) -> str:
    return "" if value is None else labels.number(value * factor)


def _us(value: float | None) -> str:
    return _number(value, 1e-3)


def _heap_row(one: Workload, result: Result) -> tuple[str, ...]:
    measured, figures = one.measured, one.figures
    fault = figures.fault or Latency(0, None, None, None, None, 0.0)
    mmu = figures.mmu_of(10)
    valid = measured.valid and measured.median is not None
    return (
        mode_subject(one.at, result),
        names.place(one.at),
        labels.size(one.at.heap_bytes),
        measured.unit,
        median_text(measured),
        _number(figures.wall_ms) if valid else "INVALID",
        *ratio_texts(measured),
        _number(figures.lbo_wall),
        _number(figures.lbo_cpu),
        f"{figures.collections_a_round:.0f}",
        _number(figures.phases.mark),
        _number(figures.phases.compact),
        _number(figures.longest_pause_ms),
        "" if mmu is None else labels.number(100 * mmu.median),
        f"{figures.faults:.0f}",
        _us(fault.p50),
        _us(fault.p99),
        _number(figures.copied_mib),
        "" if figures.fallback_share is None else f"{figures.fallback_share:.2%}",
        str(measured.outcome.ebusy),
        f"{figures.resident_max_mib:.0f}",
        str(len(measured.samples)),
        str(len(measured.invalid_rounds)),
    )


WINDOW_HEADS = (
    "way",
    "collector",
    "mutators ms",
    "to copy",
    "95 % interval",
    "collector ms",
    "queued ms",
    "faults",
    "pages by faults",
    "EBUSY",
    "EEXIST",
    "uncounted",
    "processors",
    "rounds",
    "invalid",
)


def window_grid(result: Result) -> Grid:
    """Ways, as in `gcproto show`."""
    page_size = page_size_of(result)
    rows = [_window_row(one, page_size) for one in windows(result.measurements)]
    note = "Queued: the time that the collector waited for its processor, and its share of the collector's time."
    return Grid("Ways in figures", WINDOW_HEADS, rows, 2, note, folded=False)


def _queued(one: Measurement, to_ms: float) -> str:
    """The collector's wait for its processor, with its share of the collector's time."""
    time, share = queued_ns(one), queued_share(one)
    return "" if time is None or share is None else f"{labels.number(time * to_ms)} ({labels.share(share)})"


def _window_row(one: Window, page_size: int) -> tuple[str, ...]:
    measured, figures = one.measured, one.figures
    to_ms = one.at.size_bytes / page_size / 1e6
    return (
        f"{one.at.way} (A/A)" if one.at.replica else one.at.way,
        names.place(one.at),
        median_text(measured, to_ms),
        *ratio_texts(measured),
        labels.number(figures.collector_ns_page * to_ms),
        _queued(measured, to_ms),
        f"{figures.faults:.0f}",
        f"{figures.pages_by_faults:.0f}",
        str(measured.outcome.ebusy),
        str(measured.outcome.eexist),
        f"{figures.uncounted:.0f}",
        ", ".join(map(str, figures.processors)),
        str(len(measured.samples)),
        str(len(measured.invalid_rounds)),
    )


POLICY_HEADS = (
    "heap",
    "policy",
    "choice",
    "unit",
    "median",
    "95 % interval",
    "to copy",
    "95 % interval",
    "split ahead",
    "dense",
    "could go whole",
    "went whole",
    "folios split",
    "EBUSY",
    "copied after EBUSY",
    "restored pages",
    "renewed pages",
    "swapped before",
    "swapped after",
    "rounds",
    "invalid",
)


def policy_grid(result: Result) -> Grid:
    """Every policy on every heap."""
    page_size = page_size_of(result)
    rows = [_policy_row(one, page_size) for one in policies(result.measurements)]
    note = "Times are per page of the heap, from flip to drain. Splitting before the flip is not included."
    return Grid("Policies in figures", POLICY_HEADS, rows, 4, note, folded=False)


def _policy_row(one: Policy, page_size: int) -> tuple[str, ...]:
    measured, figures = one.measured, one.figures
    return (
        names.heap(one.at, page_size),
        names.policy(one.at),
        figures.choice,
        measured.unit,
        median_text(measured),
        labels.bounds(measured.ci) if measured.ci else "",
        *ratio_texts(measured),
        labels.number(figures.split_ns_page),
        labels.share(figures.dense_share),
        labels.share(figures.could_go_whole),
        labels.share(figures.went_whole),
        f"{figures.folios_split:.0f}",
        f"{figures.ebusy:.0f}",
        f"{figures.fallback:.0f}",
        f"{figures.restored.pages:.0f}" if figures.restored else "",
        f"{figures.renewed.pages:.0f}" if figures.renewed else "",
        f"{figures.swapped_before:.0f}",
        f"{figures.swapped_after:.0f}",
        str(len(measured.samples)),
        str(len(measured.invalid_rounds)),
    )


def noise_lines(runs: Sequence[Run]) -> list[str]:
    """A sentence on how runs are ordered, and one for each run."""
    return [leading_text(runs), *(f"{run.name}: {steadiness(run.result)}." for run in runs)]
