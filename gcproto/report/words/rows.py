"""Every comparison that a run of one kind allows: paths, workloads, policies and windows against copying."""

from collections.abc import Iterator, Sequence

from gcproto.report import labels
from gcproto.report.words.claims import Claim, Compared, Row, without_twins
from gcproto.report.words.kinds import Path, paths, policies, windows, workloads
from gcproto.results import names
from gcproto.results.baseline import COPY
from gcproto.results.compare import key
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

MOVES = ("move", "move_fallback", "move_holes")
DISCARD = "copy_discard"


def path_rows(result: Result, book: Compared) -> list[Row[PathScenario]]:
    """Each path against copying."""
    page_size = page_size_of(result)
    found = (
        book.row(one.at, names.path(one.at, page_size), names.arm_in_words(one.at), COPY)
        for one in paths(without_twins(result.measurements))
    )
    return [one for one in found if one]


def projections(result: Result, book: Compared) -> list[Claim[PathScenario]]:
    """Moves of mTHPs against moves of small folios in the same layout: what they might cost without a split."""
    page_size = page_size_of(result)
    found = []
    for one in paths(without_twins(result.measurements)):
        if one.at.source == "mthp" and one.at.arm == "move":
            small = with_fields(one.at, source="small", order=0)
            same = next((known for known in book.known if key(known) == key(small)), small)
            row = book.row(one.at, names.path(one.at, page_size), "moving", "moving small folios", same)
            found += [row] if isinstance(row, Claim) else []
    return found


def shown_paths(rows: Sequence[Row[PathScenario]], page_size: int) -> list[Row[PathScenario]]:
    """For a picture: of each kind of page and layout a page a call, and the granule that is cheapest to move.

    Copy-then-discard stands beside the cheapest move.
    """
    groups: dict[Scenario, list[Row[PathScenario]]] = {}
    for one in rows:
        if one.at.arm in MOVES:
            groups.setdefault(with_fields(key(one.at), granule_bytes=0), []).append(one)
    picked = []
    for group in groups.values():
        best = cheapest(group)
        single = [one for one in group if one.at.granule_bytes == page_size and one is not best]
        picked += [*single[:1], best]
        wanted = with_fields(best.at, arm=DISCARD)
        picked += [one for one in rows if best.at.arm == "move" and one.at == wanted]
    return picked


def cheapest(rows: Sequence[Row[PathScenario]]) -> Row[PathScenario]:
    """The claim whose arm takes the least time; a refusal where there are only refusals."""
    return min(rows, key=lambda one: (not isinstance(one, Claim), one.over.median or 0.0))


def workload_rows(result: Result, book: Compared) -> list[Row[WorkloadScenario]]:
    """Each mode against mode copy."""
    found = (
        book.row(one.at, mode_subject(one.at, result), names.mode(one.at), COPY)
        for one in workloads(without_twins(result.measurements))
    )
    return [one for one in found if one]


def mode_subject(one: WorkloadScenario, result: Result) -> str:
    """The mode; with the size of its heap, its folios and its place where there are several."""
    every = [other.at for other in workloads(result.measurements)]
    page_size = page_size_of(result)
    more = [labels.size(one.heap_bytes)] * (len({other.heap_bytes for other in every}) > 1)
    more += [names.memory(one, page_size)] * (len({other.memory for other in every}) > 1)
    more += names.placed(one) if len({other.placement for other in every}) > 1 else []
    return ", ".join((names.mode(one), *more)) + " (A/A)" * bool(one.replica)


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
        book.row(one.at, names.arm(one.at), names.arm(one.at), COPY)
        for one in windows(without_twins(result.measurements))
    )
    return [one for one in found if one]


def of_arm(found: Sequence[Path], arm: str) -> Iterator[Path]:
    """Those of one arm."""
    return (one for one in found if one.at.arm == arm)
