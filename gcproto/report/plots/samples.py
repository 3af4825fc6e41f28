"""The figures behind a picture: a table for people, every sample for a file."""

from collections.abc import Sequence

from gcproto.report import labels
from gcproto.report.claims import Claim
from gcproto.report.plots.plot import Data
from gcproto.results.exports.rows import HEADS as SAMPLES
from gcproto.results.exports.rows import sample_rows
from gcproto.results.schema import Measurement

HEADS = ("scenario", "unit", "median", "95 % interval", "to copy", "95 % interval", "rounds", "invalid", "path proven")


def measurements_data(found: Sequence[Measurement], page_size: int, kernel: str = "") -> Data:
    """Of measurements: medians, intervals, proof; samples with those of warm-up and invalid rounds."""
    return Data(HEADS, [row(one, page_size) for one in found], SAMPLES, list(sample_rows(found, kernel)))


def claims_data(claims: Sequence[Claim]) -> Data:
    """Of ratios: both sides."""
    heads = ("what", "way", "median", "against", "median", "ratio", "95 % interval", "sure", "rounds", "unit")
    rows = [
        (
            one.subject,
            one.arm,
            labels.number(one.over.median or 0.0),
            one.other,
            labels.number(one.under.median or 0.0),
            labels.number(one.ratio.value),
            labels.bounds(one.ratio),
            "yes" if one.sure else f"no: {one.why_not}",
            f"{len(one.over.samples)}, {len(one.under.samples)}",
            one.over.unit,
        )
        for one in claims
    ]
    both = {id(one): one for claim in claims for one in (claim.over, claim.under)}
    return Data(heads, rows, SAMPLES, list(sample_rows(both.values())))


def row(one: Measurement, page_size: int) -> tuple[str, ...]:
    """A line of a table."""
    ratio = one.ratio_to_copy
    return (
        labels.scenario_text(one.scenario, page_size),
        one.unit,
        labels.number(one.median) if one.valid and one.median is not None else "INVALID",
        labels.bounds(one.ci) if one.ci else "",
        f"{labels.number(ratio.value)}x" if ratio else "",
        labels.bounds(ratio) if ratio else "",
        str(len(one.samples)),
        str(len(one.invalid_rounds)),
        one.proof.path,
    )
