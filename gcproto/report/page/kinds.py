"""Table of the page for young collections: what they evacuate and copy for what they free, beside full ones."""

from gcproto.report import labels
from gcproto.report.page.model import Grid
from gcproto.report.words.rows import mode_subject
from gcproto.report.words.young import compared, kind_cells, kind_lines, with_generations
from gcproto.results.schema import Result
from gcproto.results.series import page_size_of

KIND_HEADS = (
    *("mode", "heap", "collections", "a round", "MiB freed", "evacuated a byte freed", "copied a byte freed"),
    *("in place", "MiB promoted", "dirty cards", "cards us", "mark ms", "compact ms", "longest pause ms"),
)


def kinds_grid(result: Result) -> Grid | None:
    """Young collections and full ones apart; None where no heap has generations."""
    found = with_generations(result)
    if not found:
        return None
    rows = [
        (mode_subject(one.at, result), labels.size(one.at.heap_bytes), *kind_cells(kind))
        for one, kind in kind_lines(found)
    ]
    note = " ".join(
        (
            "Medians of a collection. Evacuated: bytes mapped in to-space. Copied: by UFFDIO_COPY and to build pages.",
            *(f"{text}." for text in compared(found, page_size_of(result))),
        )
    )
    return Grid("Young and full collections", KIND_HEADS, rows, 3, note, folded=False)
