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
        shows: whether a scenario runs the changed code, on pages of so many bytes.
        slower: direction.

    """

    branch: Branch
    title: str
    shows: Callable[[PathScenario, int], bool]
    slower: bool


MOVES = frozenset({"move", "split_move", "move_fallback", "move_holes"})
PRESENT = frozenset({"small", "mthp", "thp"})
"""Sources whose pages are present and private to the process."""


def _moves(one: PathScenario, _page: int) -> bool:
    return one.arm in MOVES and one.source != "swapped"


def _present(one: PathScenario, page: int) -> bool:
    return _moves(one, page) and one.source in PRESENT | {"zero"}


def _batched(one: PathScenario, page: int) -> bool:
    return one.arm == "move" and one.source in PRESENT and one.granule_bytes > page


CHANGES = (
    Change(
        (6, 18),
        "userfaultfd: opportunistic TLB-flush batching for present pages in MOVE",
        _present,
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


def known(scenario: Scenario, before: Branch, after: Branch, change: float, page_size: int) -> str:
    """Title of the change that explains a step; "" if none is known.

    Args:
        scenario: that stepped; all known changes show in paths.
        before: branch of the kernel before the step.
        after: of the one after it.
        change: relative.
        page_size: of the kernels, in bytes.

    """
    if not isinstance(scenario, PathScenario):
        return ""
    titles = [
        one.title
        for one in CHANGES
        if before < one.branch <= after and one.shows(scenario, page_size) and one.slower == (change > 0)
    ]
    return "; ".join(titles)
