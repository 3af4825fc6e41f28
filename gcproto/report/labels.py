"""Figures as tables and sentences show them; names are made in gcproto.results.names."""

from math import floor, log10

from gcproto.results.schema import TIMES, Interval, Measurement, PathScenario
from gcproto.sizes import KIB, MIB
from gcproto.sizes import size as size

STANDARD_GRANULES = (4 * KIB, 16 * KIB, 64 * KIB, MIB, 2 * MIB)

Granule = tuple[int, int]
"""Sort key of columns: (0, bytes), then (1, 0) for the folio's own size, then (2, 0) for the whole range."""

FOLIO: Granule = (1, 0)
WHOLE: Granule = (2, 0)


def granule(scenario: PathScenario, page_size: int) -> Granule:
    """The column of a granule: its size; if that is unusual, the folio or the whole range if it equals one of these."""
    count = scenario.granule_bytes
    if count not in STANDARD_GRANULES:
        if scenario.order and count == page_size << scenario.order:
            return FOLIO
        if count == scenario.pages * page_size:
            return WHOLE
    return 0, count


def granule_text(column: Granule) -> str:
    """``64K``, ``folio`` or ``whole``."""
    return {FOLIO: "folio", WHOLE: "whole"}.get(column) or size(column[1])


def number(value: float) -> str:
    """Three significant figures without an exponent: 1240, 82.0, 4.03, 0.119; smaller ones have one: 0.0004."""
    if value >= 1e15:
        return f"{value:.3g}"
    if value >= 99.95:
        return f"{value:.0f}"
    if value >= 9.995:
        return f"{value:.1f}"
    if value >= 0.9995:
        return f"{value:.2f}"
    if value >= 0.001 or value <= 0:
        return f"{value:.3f}" if value else "0"
    return f"{value:.{min(12, -floor(log10(value)))}f}"


def bounds(interval: Interval) -> str:
    """``0.118-0.121``."""
    return f"{number(interval.low)}-{number(interval.high)}"


def share(part: float) -> str:
    """``63 %``; ``100 %`` and ``0 %`` only for all and for nothing: ``99.96 %``, ``0.03 %``.

    Args:
        part: from 0 to 1.

    """
    if part in {0, 1} or 0.005 <= part < 0.995:
        return f"{part:.0%}".replace("%", " %")
    for digits in (1, 2):
        text = f"{100 * part:.{digits}f}"
        if 0 < float(text) < 100:
            return f"{text} %"
    return "<0.01 %" if part < 0.5 else ">99.99 %"


def per_round(count: int, measurement: Measurement) -> str:
    """A count over all valid rounds, per round; with a decimal if rounds differ."""
    rounds = max(1, measurement.proof.rounds)
    if 0 < count < rounds:
        return f"{count} in {rounds} rounds"
    return str(count // rounds) if count % rounds == 0 else f"{count / rounds:.1f}"


def thousand(unit: str) -> str:
    """The unit of a thousand ns or a thousand instructions."""
    return "us" if unit in TIMES else "k instr."


def million(unit: str) -> str:
    """The unit of a million ns or a million instructions."""
    return "ms" if unit in TIMES else "M instr."


MILLION = 1e6


def readable(one: Measurement) -> tuple[float, str]:
    """The factor and the unit in which a median is below a million: ``ms/operation`` for 112,976,555 ns/operation."""
    if (one.median or 0.0) < MILLION:
        return 1.0, one.unit
    _, slash, of = one.unit.partition("/")
    return 1 / MILLION, f"{million(one.unit)}{slash}{of}"
