"""What heaps and windows come to, as findings of a page."""

from collections.abc import Sequence

from gcproto.report import labels
from gcproto.report.claims import Claim
from gcproto.report.findings import Finding, pick_of
from gcproto.report.heaps import longest_pause
from gcproto.results.schema import Measurement


def heap_finding(every: Sequence[Claim], place: str) -> Finding | None:
    """Moving against copying in a whole heap."""
    claims = [one for one in every if one.over.scenario.arm.partition("[")[0] in {"move", "art"}]
    one = min(claims, key=lambda each: each.over.scenario.arm != "move", default=None)
    if not one:
        return None
    workload = one.over.scenario.source.removeprefix("heap-")
    pauses = " ".join(_longest_pause(each) for each in (one.over, one.under))
    return Finding(
        f"A whole heap ({workload}): move or copy?",
        pick_of(one),
        one.versus.replace(" than copy", " than copy mode"),
        one.sure,
        one.basis,
        f"Mutators took {labels.number((one.over.median or 0) / 1e3)} against "
        f"{labels.number((one.under.median or 0) / 1e3)} us an operation "
        f"({len(one.over.samples)} rounds). {pauses}".strip(),
        place,
    )


def _longest_pause(one: Measurement) -> str:
    pause = longest_pause(one)
    return "" if pause is None else f"Longest pause with {one.scenario.arm}: {labels.number(pause)} ms."


def window_finding(claims: Sequence[Claim], place: str) -> Finding | None:
    """The shortest mutator phase after the flip."""
    one = min(claims, key=lambda each: each.ratio.value, default=None)
    if not one:
        return None
    pick = pick_of(one)
    return Finding(
        "Mutators after the flip: move or copy?",
        pick,
        one.versus.replace(" than copy", " than copy mode"),
        one.sure,
        one.basis,
        "Until every page was touched once: "
        f"{labels.number((one.over.median or 0) * one.over.scenario.pages / 1e6)} against "
        f"{labels.number((one.under.median or 0) * one.under.scenario.pages / 1e6)} ms with way "
        f"{one.over.scenario.arm} ({len(one.over.samples)} rounds).",
        place,
    )
