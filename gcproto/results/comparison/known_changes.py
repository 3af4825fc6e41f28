"""Changes of the kernel that are known to move a series.  Steps are found without this table; it only names them.

Sources: Linux sources of 6.12, 7.2 and 7.3, mails of the patches, and counts in stock kernels before and after.
"""

from collections.abc import Callable
from typing import NamedTuple

from gcproto.results.schema import PathScenario, Scenario

Branch = tuple[int, int]


class Change(NamedTuple):
    """A change and the series where it shows.

    Attributes:
        branch: first release that has it.
        title: of the commit, or a description.
        shows: whether a scenario runs the changed code.
        slower: direction.

    """

    branch: Branch
    title: str
    shows: Callable[[PathScenario], bool]
    slower: bool


MOVES = frozenset({"move", "split_move", "move_fallback", "move_holes"})
PRESENT = frozenset({"small", "mthp", "thp"})
"""Sources whose pages are present and private to the process."""
SINGLE = 4096
"""Bytes of a call for one page; the matrix runs on x86-64."""


def _moves(one: PathScenario) -> bool:
    return one.arm in MOVES and one.source != "swapped"


def _batched(one: PathScenario) -> bool:
    return one.arm == "move" and one.source in PRESENT and one.granule_bytes > SINGLE


CHANGES = (
    Change(
        (6, 18),
        "userfaultfd: opportunistic TLB-flush batching for present pages in MOVE",
        lambda one: _moves(one) and one.source in PRESENT | {"zero"},
        slower=False,
    ),
    Change(
        (6, 19),
        "mm/userfaultfd: don't lock anon_vma when performing UFFDIO_MOVE",
        _moves,
        slower=False,
    ),
    Change(
        (7, 3),
        "read-write-protect (RWP) checks in move_present_ptes (inferred from the sources, not bisected)",
        _batched,
        slower=True,
    ),
)


def known(scenario: Scenario, before: Branch, after: Branch, change: float) -> str:
    """Title of the change that explains a step; "" if none is known.

    Args:
        scenario: that stepped; all known changes show in paths.
        before: branch of the kernel before the step.
        after: of the one after it.
        change: relative.

    """
    if not isinstance(scenario, PathScenario):
        return ""
    titles = [
        one.title
        for one in CHANGES
        if before < one.branch <= after and one.shows(scenario) and one.slower == (change > 0)
    ]
    return "; ".join(titles)
