"""Table of the page for young collections: what they evacuate and copy for what they free, beside full ones."""

from gcproto.report import labels
from gcproto.report.page.model import Grid
from gcproto.report.words.kinds import Workload
from gcproto.report.words.rows import mode_subject
from gcproto.report.words.young import compared, kind_lines, with_generations
from gcproto.results.schema import KindFigures, Result

KIND_HEADS = (
    *("mode", "heap", "collections", "a round", "MiB freed", "evacuated a byte freed", "copied a byte freed"),
    *("in place", "MiB promoted", "dirty cards", "cards us", "mark ms", "compact ms", "longest pause ms"),
)


def kinds_grid(result: Result) -> Grid | None:
    """Young collections and full ones apart; None where no heap has generations."""
    found = with_generations(result)
    if not found:
        return None
    rows = [_kind_row(one, kind, result) for one, kind in kind_lines(found)]
    note = " ".join(
        (
            "Medians of a collection. Evacuated: bytes mapped in to-space. Copied: by UFFDIO_COPY and to build pages.",
            *(f"{text}." for text in compared(found)),
        )
    )
    return Grid("Young and full collections", KIND_HEADS, rows, 3, note, folded=False)


def _kind_row(one: Workload, kind: KindFigures, result: Result) -> tuple[str, ...]:
    return (
        mode_subject(one.at, result),
        labels.size(one.at.heap_bytes),
        "young" if kind.young else "full",
        labels.number(kind.collections),
        labels.number(kind.freed_mib),
        _ratio(kind.evacuated),
        _ratio(kind.copied),
        labels.share(kind.old_share),
        labels.number(kind.promoted_mib),
        f"{kind.cards:.0f}" if kind.young else "",
        labels.number(kind.cards_us) if kind.young else "",
        labels.number(kind.mark_ms),
        labels.number(kind.compact_ms),
        labels.number(kind.pause_ms),
    )


def _ratio(value: float | None) -> str:
    return "" if value is None else labels.number(value)
