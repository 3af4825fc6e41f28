"""Every comparison that a run of one kind allows: paths, workloads, policies and windows against copy."""

from collections.abc import Iterable, Sequence

from gcproto._native import lib
from gcproto.report.words.kinds import paths, policies, windows, workloads
from gcproto.report.words.ratios import Compared, Ratio, Row, S, without_twins
from gcproto.results import names
from gcproto.results.baseline import COPY, MOVE
from gcproto.results.comparison.alike import key
from gcproto.results.schema import (
    PathScenario,
    PolicyScenario,
    Result,
    Scenario,
    WindowScenario,
    WorkloadScenario,
    with_fields,
)
from gcproto.results.series import page_size_of
from gcproto.rows import arm_is

MORE = lib.GCP_ARM_SPLITS | lib.GCP_ARM_STAGES | lib.GCP_ARM_SWAPS_IN
"""Work beside the move, by which an arm is another path than moving."""


def path_rows(result: Result, book: Compared) -> list[Row[PathScenario]]:
    """Each path against copy."""
    page_size = page_size_of(result)
    found = (
        book.row(one.at, names.path(one.at, page_size), names.arm_in_words(one.at), COPY)
        for one in paths(without_twins(result.measurements))
    )
    return [one for one in found if one]


def projections(result: Result, book: Compared) -> list[Ratio[PathScenario]]:
    """Moves of small folios against moves of mTHPs in the same layout: the possible cost of mTHPs without a split."""
    page_size = page_size_of(result)
    found = []
    for one in paths(without_twins(result.measurements)):
        if one.at.source == "mthp" and one.at.arm == MOVE:
            small = with_fields(one.at, source="small", order=0)
            known = (other.at for other in paths(book.known.values()))
            same = next((at for at in known if key(at) == key(small)), small)
            row = book.row(same, names.path(one.at, page_size), "moving small folios", "moving mTHPs", one.at)
            found += [row] if isinstance(row, Ratio) else []
    return found


def shown_paths(rows: Sequence[Row[PathScenario]], page_size: int) -> list[Row[PathScenario]]:
    """Rows of a picture, for each kind of page and layout: one page per call, and the granule that is cheapest to move.

    Copy-then-discard is shown beside the cheapest move.
    """
    groups: dict[Scenario, list[Row[PathScenario]]] = {}
    for one in rows:
        if arm_is(one.at.arm, lib.GCP_ARM_MOVES) and not arm_is(one.at.arm, MORE):
            groups.setdefault(with_fields(key(one.at), granule_bytes=0), []).append(one)
    picked = []
    for group in groups.values():
        best = cheapest(group)
        single = [one for one in group if one.at.granule_bytes == page_size and one is not best]
        picked += [*single[:1], best]
        if best.at.arm == MOVE:
            picked += [one for one in rows if discards_beside(one.at, best.at)]
    return picked


def discards_beside(one: PathScenario, other: PathScenario) -> bool:
    """Whether one is copy-then-discard in the layout of the other."""
    return arm_is(one.arm, lib.GCP_ARM_DISCARDS) and with_fields(one, arm=other.arm) == other


def cheapest(rows: Sequence[Row[PathScenario]]) -> Row[PathScenario]:
    """The ratio whose arm takes the least time; a refusal if there are only refusals.

    Of several runs, what most of them have comes first: times of two runs do not compare.
    """
    return min(rows, key=lambda one: (-_members(one), one.over.median or 0.0))


def _members(one: Row[S]) -> int:
    """Number of runs that have it; 0 for a refusal."""
    return max(1, len(one.members)) if isinstance(one, Ratio) else 0


def workload_rows(result: Result, book: Compared) -> list[Row[WorkloadScenario]]:
    """Each mode against mode copy."""
    found = (
        book.row(one.at, mode_subject(one.at, result), names.mode(one.at), COPY)
        for one in workloads(without_twins(result.measurements))
    )
    return [one for one in found if one]


def condition(one: WorkloadScenario, result: Result) -> list[str]:
    """The conditions in which the run's workloads differ, for those of one, without its placement."""
    return _unlike(one, result, where=False)


def mode_subject(one: WorkloadScenario, result: Result, *, where: bool = True) -> str:
    """The mode with its options, and the conditions in which the run's workloads differ (``names.unlike``).

    Args:
        one: the mode.
        result: that it is of.
        where: with its placement.

    """
    return ", ".join((names.mode(one), *_unlike(one, result, where=where))) + " (A/A)" * bool(one.replica)


def _unlike(one: WorkloadScenario, result: Result, *, where: bool) -> list[str]:
    every = [other.at for other in workloads(result.measurements)]
    several = len({other.placement for other in every}) > 1
    return names.unlike(one, every, page_size_of(result)) + [names.place(one)] * (where and several)


def short_modes(result: Result) -> dict[WorkloadScenario, str]:
    """Modes by a short name for pictures of one placement: a star means options (``starred``)."""
    return {
        one: ", ".join((name, *_unlike(one, result, where=False))) + " (A/A)" * bool(one.replica)
        for one, name in starred([each.at for each in workloads(result.measurements)]).items()
    }


def starred(every: Sequence[WorkloadScenario]) -> dict[WorkloadScenario, str]:
    """Modes with a star for their options, numbered where one mode has several: ``move``, ``move*``, ``move*2``.

    If these differ in the number of one option alone, the number is that one: ``move*4`` with four compacting threads.

    Args:
        every: of a table or a picture.

    """
    known: dict[str, dict[str, dict[str, int | str | bool]]] = {}
    for one in every:
        known.setdefault(names.mode_short(one), {})[names.mode(one)] = one.options.given()
    found = {}
    for one in every:
        short, full = names.mode_short(one), names.mode(one)
        variants = known[short]
        number = list(variants).index(full) + 1
        if len(variants) > 1 and _one_number(variants.values()):
            (number,) = (value for value in variants[full].values() if isinstance(value, int))
        found[one] = short if number == 1 else f"{short}{number}"
    return found


def _one_number(variants: Iterable[dict[str, int | str | bool]]) -> bool:
    """Whether all have one option, the same, and its values are numbers."""
    given = [option for one in variants for option in one.items()]
    return len({name for name, _ in given}) == 1 and all(type(value) is int for _, value in given)


def stars(result: Result) -> list[str]:
    """A sentence for each star of a run."""
    short = short_modes(result)
    said = (f"{name} in the pictures is {names.mode(at)}." for at, name in short.items() if names.options(at))
    return list(dict.fromkeys(said))


def policy_rows(result: Result, book: Compared) -> list[Row[PolicyScenario]]:
    """Each policy against copying all pages of the same heap."""
    page_size = page_size_of(result)
    found = (
        book.row(one.at, names.heap(one.at, page_size), names.policy(one.at), COPY)
        for one in policies(result.measurements)
    )
    return [one for one in found if one]


def window_rows(result: Result, book: Compared) -> list[Row[WindowScenario]]:
    """Each way against way copy in the same placement."""
    found = (
        book.row(one.at, f"{one.at.way}, {names.place(one.at)}", one.at.way, COPY)
        for one in windows(without_twins(result.measurements))
    )
    return [one for one in found if one]
