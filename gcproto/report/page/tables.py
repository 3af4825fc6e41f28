"""Tables of the page that no picture has: every measurement with its proof, series, heaps, windows."""

from collections.abc import Sequence

from gcproto.report import labels
from gcproto.report.heaps import longest_pause
from gcproto.report.page.model import Grid
from gcproto.report.plots.kernels import names_of
from gcproto.results.schema import Measurement, Result
from gcproto.results.series import Series, page_size_of, short
from gcproto.results.statistics import percentiles
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
        "rounds",
        "invalid",
        "frames kept",
        "frames changed",
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
        "Counts are sums over all valid rounds; frames are page frame numbers, pages whose contents were "
        "right are all of a valid round.",
    )


def _row(one: Measurement, page_size: int) -> tuple[str, ...]:
    tail = percentiles(one.samples) if one.samples else {}
    ratio, proof, out = one.ratio_to_copy, one.proof, one.outcome
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
        labels.scenario_text(one.scenario, page_size),
        proof.path,
        proof.level,
        one.unit,
        labels.number(one.median) if one.valid and one.median is not None else "INVALID",
        labels.bounds(one.ci) if one.ci else "",
        labels.number(tail["p90"]) if tail else "",
        labels.number(tail["p99"]) if "p99" in tail else "n<100",
        f"{labels.number(ratio.value)}x" if ratio else "",
        labels.bounds(ratio) if ratio else "",
        str(len(one.samples)),
        str(len(one.invalid_rounds)),
        str(proof.pfn_kept),
        str(proof.pfn_changed),
        str(proof.contents),
        str(proof.folios),
        str(proof.folios_split),
        *(str(count) for count in counts),
    )


def series_grids(series: Series, found: Sequence[Step]) -> list[Grid]:
    """The steps with their causes, and boots that did not end well."""
    names = names_of(series.kernels)
    rows = [
        (
            f"{names[one.before]} \N{RIGHTWARDS ARROW} {names[one.after]}",
            labels.scenario_text(one.scenario, 4096),
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
            Grid("Boots that did not get to their end", ("kernel", "boot", "outcome", "why"), bad, 4, folded=False)
        )
    return grids


HEAP_HEADS = (
    "mode",
    "heap",
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
    """Modes as `gcproto show` has them."""
    rows = [_heap_row(one, page_size_of(result)) for one in result.measurements]
    notes = [f"{one.scenario.arm}: {note}" for one in result.measurements for note in one.notes]
    return Grid("Modes in figures", HEAP_HEADS, rows, 2, "; ".join(notes), folded=False)


def _heap_row(one: Measurement, page_size: int) -> tuple[str, ...]:
    figures, ratio, fault = one.figures, one.ratio_to_copy, one.latency.get("fault")
    pause = longest_pause(one)

    def figure(name: str, factor: float = 1.0) -> str:
        return labels.number(figures[name] * factor) if name in figures else ""

    valid = one.valid and one.median is not None
    return (
        one.scenario.arm,
        labels.size(one.scenario.pages * page_size),
        (figure("wall ms") or labels.number(one.median or 0.0)) if valid else "INVALID",
        f"{labels.number(ratio.value)}x" if ratio and valid else "",
        labels.bounds(ratio) if ratio and valid else "",
        figure("lbo wall"),
        figure("lbo cpu"),
        f"{figures.get('collections', 0):.0f}",
        figure("mark ms"),
        figure("compact ms"),
        "" if pause is None else labels.number(pause),
        figure("mmu 10 ms", 100.0),
        f"{figures.get('faults', 0):.0f}",
        labels.number(fault.p50 / 1e3) if fault and fault.p50 is not None else "",
        labels.number(fault.p99 / 1e3) if fault and fault.p99 is not None else "",
        figure("copied MiB"),
        f"{figures['fallback share']:.2%}" if "fallback share" in figures else "",
        str(one.outcome.ebusy),
        f"{figures.get('resident max MiB', 0):.0f}",
        str(len(one.samples)),
        str(len(one.invalid_rounds)),
    )


def window_grid(result: Result) -> Grid:
    """Ways as `gcproto show` has them."""
    heads = (
        "way",
        "mutators ms",
        "to copy",
        "95 % interval",
        "collector ms",
        "faults",
        "pages by faults",
        "EBUSY",
        "EEXIST",
        "uncounted",
        "rounds",
        "invalid",
    )
    rows = []
    for one in result.measurements:
        pages, ratio, figures = one.scenario.pages, one.ratio_to_copy, one.figures
        valid = one.valid and one.median is not None
        rows.append(
            (
                one.scenario.arm,
                labels.number((one.median or 0.0) * pages / 1e6) if valid else "INVALID",
                f"{labels.number(ratio.value)}x" if ratio and valid else "",
                labels.bounds(ratio) if ratio and valid else "",
                labels.number(figures.get("collector ns/page", 0.0) * pages / 1e6),
                f"{figures.get('faults', 0):.0f}",
                f"{figures.get('pages mapped by faults', 0):.0f}",
                str(one.outcome.ebusy),
                str(one.outcome.eexist),
                f"{figures.get('uncounted', 0):.0f}",
                str(len(one.samples)),
                str(len(one.invalid_rounds)),
            )
        )
    return Grid("Ways in figures", heads, rows, 1, folded=False)
