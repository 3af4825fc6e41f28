"""What series over kernels and verdicts on kernels come to, as findings of a page."""

from collections.abc import Sequence

from gcproto.report import labels
from gcproto.report.findings import Finding
from gcproto.report.plots.kernels import LINES, names_of, shown
from gcproto.report.verdicts import GOOD
from gcproto.results.schema import Result
from gcproto.results.series import PMD, Series, release_of, version_key
from gcproto.results.steps import Step


def series_findings(series: Series, found: Sequence[Step], results: Sequence[Result], place: str) -> list[Finding]:
    """The largest step that kernels brought, and whether any of them moves mTHPs whole."""
    made = [_step(series, found, place), _whole(results, place)]
    return [one for one in made if one]


def _step(series: Series, found: Sequence[Step], place: str) -> Finding | None:
    if len(series.kernels) < 2:
        return None
    names = names_of(series.kernels)
    question = "Does the kernel's version matter?"
    marked = sorted((one for one in found if shown(one)), key=lambda one: -abs(one.change - (one.canary or 0.0)))
    span = f"{len(series.kernels)} kernels, {names[series.kernels[0]]} to {names[series.kernels[-1]]}, {series.unit}"
    if not marked:
        return Finding(
            question, "No", "no step", None, "steps beyond the canary and beyond what boots scatter", f"{span}.", place
        )
    one = marked[0]
    name = next(title for title, *_, which in LINES if which(one.scenario))
    cause = f" Known change: {one.cause}." if one.cause else " No known change explains it."
    others = f" {len(marked) - 1} more steps are marked." if len(marked) > 1 else ""
    return Finding(
        question,
        "Yes",
        f"{one.change:+.0%} in {names[one.after]}",
        True,
        f"canary {one.canary:+.1%} between these kernels" if one.canary is not None else "no canary",
        f"{name}: {labels.number(one.old)} \N{RIGHTWARDS ARROW} {labels.number(one.new)} "
        f"{series.unit}.{cause}{others} {span}.",
        place,
    )


def _whole(results: Sequence[Result], place: str) -> Finding | None:
    """Kernels by what became of mTHPs that were asked whole."""
    names = names_of(map(release_of, results))
    split: dict[str, None] = {}
    whole: dict[str, None] = {}
    for result in sorted(results, key=lambda one: version_key(release_of(one))):
        for one in result.measurements:
            scenario = one.scenario
            asked = scenario.source == "mthp" and scenario.arm == "move" and scenario.granule_bytes >= PMD
            if asked and one.valid and one.proof.folios:
                (split if one.proof.folios_split else whole)[names[release_of(result)]] = None
    if not split and not whole:
        return None
    moved = ", ".join(whole)
    detail = (
        f"Kernels that split mTHPs to move them: {', '.join(split) or 'none'}. Kernels that moved all of them "
        f"whole: {moved or 'none'}."
    )
    answer = moved if whole else "None of them"
    return Finding(
        "Which kernels move mTHPs whole?",
        answer,
        f"{len(whole)} of {len(split | whole)}",
        None,
        "split counters, per folio",
        detail,
        place,
    )


def check_finding(results: Sequence[Result], place: str) -> Finding | None:
    """Kernels that did what they should not."""
    if not results:
        return None
    names = names_of(map(release_of, results))
    bad: dict[str, list[str]] = {}
    for result in sorted(results, key=lambda one: version_key(release_of(one))):
        for one in result.verdicts:
            if one.verdict not in GOOD and one.verdict != "unavailable":
                bad.setdefault(names[release_of(result)], []).append(f"{one.name.split('/')[-1]}: {one.verdict}")
    detail = (
        " ".join(f"{kernel}: {', '.join(found)}." for kernel, found in bad.items())
        or "Every row and hazard that could be had was fine."
    )
    return Finding(
        "Do these kernels misbehave?",
        f"{len(bad)} of {len(names)} do" if bad else "None was seen to",
        f"{sum(map(len, bad.values()))} verdicts",
        None,
        "seen, not inferred from versions",
        detail,
        place,
    )
