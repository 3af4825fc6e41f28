"""Names in words: sources, sizes, granules and figures as tables and sentences show them."""

from gcproto.results.schema import Interval, Measurement, Scenario
from gcproto.sizes import GIB, KIB, MIB
from gcproto.sizes import size as size

STANDARD_GRANULES = (4 * KIB, 16 * KIB, 64 * KIB, MIB, 2 * MIB)
FOLIO = "folio"
WHOLE = "whole"


def source(scenario: Scenario, page_size: int) -> str:
    """``small``, ``64K mTHP``, ``2M THP``, ``pinned 2M``."""
    folio = size(page_size << scenario.order)
    if scenario.source == "mthp":
        return f"{folio} mTHP"
    if scenario.source == "thp":
        return f"{folio} THP"
    return f"{scenario.source} {folio}" if scenario.order else scenario.source


def granule(scenario: Scenario, page_size: int) -> str:
    """The column of a granule: its size, or ``folio`` or ``whole`` where the size is that and no usual one."""
    count = scenario.granule_bytes
    if count not in STANDARD_GRANULES:
        if scenario.order and count == page_size << scenario.order:
            return FOLIO
        if count == scenario.pages * page_size:
            return WHOLE
    return size(count)


def granule_rank(name: str) -> tuple[int, int]:
    """Sorts columns: sizes, then the folio's own, then the whole range."""
    if name in {FOLIO, WHOLE}:
        return (1 if name == FOLIO else 2), 0
    units = {"K": KIB, "M": MIB, "G": GIB}
    return 0, int(name[:-1]) * units[name[-1]] if name[-1] in units else int(name)


def number(value: float) -> str:
    """Three significant figures without an exponent: 1240, 82.0, 4.03, 0.119."""
    if value >= 1000:
        return f"{value:.0f}"
    if value >= 100:
        return f"{value:.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def bounds(interval: Interval) -> str:
    """``0.118-0.121``."""
    return f"{number(interval.low)}-{number(interval.high)}"


def per_round(count: int, measurement: Measurement) -> str:
    """A count of all valid rounds as one of a round; with a decimal where rounds differ."""
    rounds = max(1, measurement.proof.rounds)
    if 0 < count < rounds:
        return f"{count} in {rounds} rounds"
    return str(count // rounds) if count % rounds == 0 else f"{count / rounds:.1f}"


def scenario_text(scenario: Scenario, page_size: int) -> str:
    """A whole scenario in a few words."""
    parts = [source(scenario, page_size), scenario.arm, size(scenario.granule_bytes)]
    if scenario.alignment != "congruent":
        parts.append(scenario.alignment)
    if scenario.threads > 1:
        parts.append(f"{scenario.threads} threads")
    if scenario.replica:
        parts.append("(A/A)")
    return " ".join(parts)
