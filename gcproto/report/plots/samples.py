"""The figures of a picture: a table for readers, every sample for a file."""

from collections.abc import Sequence

from gcproto.report import labels
from gcproto.report.plots.plot import Data
from gcproto.report.words.ratios import Ratio, Refusal, Row, S, bounds
from gcproto.report.words.typical import typical
from gcproto.results import names
from gcproto.results.baseline import refused
from gcproto.results.exports.rows import HEADS as SAMPLES
from gcproto.results.exports.rows import sample_rows
from gcproto.results.schema import Measurement

HEADS = ("scenario", "unit", "median", "95 % interval", "to copy", "95 % interval", "rounds", "invalid", "path proven")


def measurements_data(found: Sequence[Measurement], page_size: int, kernel: str = "") -> Data:
    """Data of measurements: medians, intervals, proof; samples, also of warm-up and invalid rounds."""
    return Data(HEADS, [row(one, page_size) for one in found], SAMPLES, list(sample_rows(found, kernel)))


def rows_data(rows: Sequence[Row[S]]) -> Data:
    """Data of ratios: both sides; refusals have no ratio."""
    heads = (
        *("what", "way", "median", "against", "median", "ratio", "95 % interval", "standing", "why"),
        *("runs", "rounds", "unit"),
    )
    both: dict[int, Measurement] = {}
    for one in rows:
        both |= {id(one.over): one.over}
        if isinstance(one, Ratio):
            both |= {id(each): each for member in (one, *one.members) for each in (member.over, member.under)}
    return Data(heads, [_line(one) for one in rows], SAMPLES, list(sample_rows(both.values())))


def _line(one: Row[S]) -> tuple[str, ...]:
    if isinstance(one, Refusal):
        rounds = str(len(one.over.samples))
        return (
            *(one.subject, one.arm, typical(one.over), "", "", "refused", "", "Refused", one.figures),
            *("1", rounds, one.over.unit),
        )
    return (
        one.subject,
        one.arm,
        typical(one.over),
        one.other,
        typical(one.under),
        one.modes_text if one.two_valued else labels.number(one.value.value),
        "two modes" if one.two_valued else bounds(one.value),
        one.standing.value,
        one.basis,
        str(max(1, len(one.members))),
        f"{len(one.over.samples)}, {len(one.under.samples)}",
        one.over.unit,
    )


def row(one: Measurement, page_size: int) -> tuple[str, ...]:
    """A line of a table."""
    return (
        names.scenario(one.scenario, page_size),
        one.unit,
        median_text(one),
        labels.bounds(one.ci) if one.ci else "",
        *ratio_texts(one),
        str(len(one.samples)),
        str(len(one.invalid_rounds)),
        one.proof.path,
    )


def median_text(one: Measurement, factor: float = 1.0) -> str:
    """The median or both modes; INVALID if it must not be quoted.

    Args:
        one: the measurement.
        factor: from its unit to the one that is shown.

    """
    return typical(one, factor) if one.valid and one.median is not None else "INVALID"


def ratio_texts(one: Measurement) -> tuple[str, str]:
    """The ratio to copy and its interval; ``refused`` if it did no work; "" without a baseline.

    Samples of two modes have no one ratio, as on the terminal.
    """
    if refused(one):
        return "refused", ""
    if one.modes and one.ratio_to_copy and one.valid:
        return "two modes", ""
    ratio = one.ratio_to_copy
    return (f"{labels.number(ratio.value)}x", labels.bounds(ratio)) if ratio and one.valid else ("", "")
