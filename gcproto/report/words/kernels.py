"""Findings of series over kernels and of verdicts on kernels."""

from collections.abc import Mapping, Sequence

from gcproto.counted import counted
from gcproto.report import labels
from gcproto.report.plots.kernels import Line, between, large, lines_of, names_of, page_size_in, shown
from gcproto.report.terminal.verdicts import GOOD
from gcproto.report.words.finding import Finding
from gcproto.report.words.kinds import paths
from gcproto.report.words.ratios import Standing
from gcproto.results import names
from gcproto.results.baseline import MOVE
from gcproto.results.schema import CONGRUENT, Console, ContractRow, Hazard, Result, Scenario, Verdict
from gcproto.results.series import Series, page_size_of, release_of, version_key
from gcproto.results.steps import Step


def series_findings(series: Series, found: Sequence[Step], results: Sequence[Result], place: str) -> list[Finding]:
    """The largest step between kernels, and whether any of them moves mTHPs whole."""
    made = [_step(series, found, results, place), _whole(results, place)]
    return [one for one in made if one]


def _step(series: Series, found: Sequence[Step], results: Sequence[Result], place: str) -> Finding | None:
    if len(series.kernels) < 2:
        return None
    known = names_of(series.kernels)
    question = "Does the kernel's version matter?"
    lines = {one.at: one for one in lines_of(series.cells, results)}
    # The lines of the picture first; a step of another scenario also counts.
    seen = sorted(filter(large, found), key=lambda one: (not shown(one, lines), -abs(one.change - (one.canary or 0.0))))
    ends = f"{known[series.kernels[0]]} to {known[series.kernels[-1]]}"
    span = f"{counted(len(series.kernels), 'kernel')}, {ends}, {series.unit}."
    if not seen:
        basis = "no step exceeds the canary and the differences between boots"
        return Finding(question, "No", "no step", Standing.SEEN, basis, [span], place)
    one = seen[0]
    cause = f"Known change: {one.cause}." if one.cause else "No known change explains it."
    line = lines.get(one.scenario)
    title = line.title if line else names.scenario(one.scenario, page_size_in(series.cells, results))
    sizes = f"{labels.number(one.old)} \N{RIGHTWARDS ARROW} {labels.number(one.new)} {series.unit}"
    return Finding(
        question,
        "Yes",
        f"{one.change:+.0%} {between(one, known)}",
        Standing.SEEN,
        f"canary {one.canary:+.1%} between these kernels" if one.canary is not None else "no canary",
        [text for text in (f"{title}: {sizes}.", cause, _others(seen, lines), span) if text],
        place,
    )


def _others(seen: Sequence[Step], lines: Mapping[Scenario, Line]) -> str:
    """The number of further steps. The picture marks only the steps of its own lines."""
    drawn = sum(shown(one, lines) for one in seen[1:])
    rest = len(seen) - 1 - drawn
    told = [f"{counted(drawn, 'more step is', 'more steps are')} marked in the picture"] * (drawn > 0)
    verb = "is" if rest == 1 else "are"
    told += [f"{counted(rest, 'step')} of scenarios that it does not draw {verb} in the table"] * (rest > 0)
    return f"{'; '.join(told)}." if told else ""


def _whole(results: Sequence[Result], place: str) -> Finding | None:
    """Kernels by how they treated mTHPs that were asked whole."""
    known = names_of(map(release_of, results))
    split: dict[str, None] = {}
    whole: dict[str, None] = {}
    for result in sorted(results, key=lambda one: version_key(release_of(one))):
        for one in paths(result.measurements):
            asked = one.at.source == "mthp" and one.at.arm == MOVE and one.at.alignment == CONGRUENT
            covered = one.at.granule_bytes >= page_size_of(result) << one.at.order
            if asked and covered and one.measured.valid and one.measured.proof.folios:
                (split if one.measured.proof.folios_split else whole)[known[release_of(result)]] = None
    if not split and not whole:
        return None
    # A kernel that split some of them counts as one that splits.
    kept = [name for name in whole if name not in split]
    return Finding(
        "Which kernels move mTHPs whole?",
        ", ".join(kept) if kept else "None of them",
        f"{len(kept)} of {len(split | whole)}",
        Standing.SEEN,
        "split counters, per folio",
        [
            f"Kernels that split mTHPs to move them: {', '.join(split) or 'none'}.",
            f"Kernels that moved all of them whole: {', '.join(kept) or 'none'}.",
        ],
        place,
    )


def judged(found: Sequence[Verdict]) -> list[Verdict]:
    """Rows of the contract and hazards. The kernel's own messages belong to one of them or to the console."""
    return [one for one in found if isinstance(one.subject, ContractRow | Hazard)]


def printed(found: Sequence[Verdict]) -> list[Verdict]:
    """The kernel's own messages."""
    return [one for one in found if isinstance(one.subject, Console)]


def misbehaved(one: Verdict) -> bool:
    """Whether it is not fine. A row that could not run is neither fine nor not fine."""
    return one.verdict not in GOOD and one.verdict != "unavailable"


def check_finding(results: Sequence[Result], place: str) -> Finding | None:
    """Kernels with a row of the contract or a hazard that was not fine; None without such verdicts."""
    every = [(result, one) for result in results for one in judged(result.verdicts)]
    if not every:
        return None
    known = names_of(release_of(result) for result, _ in every)
    bad: dict[str, list[str]] = {}
    for result, one in sorted(every, key=lambda pair: version_key(release_of(pair[0]))):
        if misbehaved(one):
            bad.setdefault(known[release_of(result)], []).append(f"{names.short_subject(one)}: {one.verdict}")
    run = sum(one.verdict != "unavailable" for _, one in every)
    lacking = len(every) - run
    said = [f"{kernel}: {', '.join(found)}." for kernel, found in bad.items()]
    said += [f"{counted(run, 'row or hazard ran and was fine', 'rows and hazards ran, and all were fine')}."] * (
        not bad
    )
    said += [f"{counted(lacking, 'was', 'were')} unavailable; the section says why."] * (lacking > 0)
    consoles = [(release_of(result), one) for result in results for one in printed(result.verdicts)]
    said += [f"The console of {known.get(release, release)}: {one.text}." for release, one in consoles]
    return Finding(
        "Do these kernels misbehave?",
        f"{len(bad)} of {len(known)} do" if bad else "None was seen to",
        f"{sum(map(len, bad.values()))} of {counted(run, 'verdict')}",
        Standing.SEEN,
        "seen, not inferred from versions",
        said,
        place,
    )
