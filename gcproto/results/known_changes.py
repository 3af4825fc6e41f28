"""Changes of the kernel that are known to move a series.  Steps are found without this table; it only names them.

Sources: Linux sources of 6.12, 7.2 and 7.3, mails of the patches, and counts in stock kernels before and after.
"""

from collections.abc import Callable
from typing import NamedTuple

from gcproto.results.schema import Scenario

Branch = tuple[int, int]


class Change(NamedTuple):
    """A change and where it shows.

    Attributes:
        branch: first release that has it.
        title: of the commit, or what is known of it.
        shows: whether a scenario goes through the changed code.
        slower: direction.

    """

    branch: Branch
    title: str
    shows: Callable[[Scenario], bool]
    slower: bool


def _moves(one: Scenario) -> bool:
    return one.arm in {"move", "split_move", "move_fallback", "move_holes"} and one.source not in {
        "swapped",
        "thp-whole",
    }


def _batched(one: Scenario) -> bool:
    return one.arm == "move" and one.source in {"small", "mthp", "thp"} and one.granule_bytes > 4096


CHANGES = (
    Change(
        (6, 18),
        "userfaultfd: opportunistic TLB-flush batching for present pages in MOVE",
        lambda one: _moves(one) and one.source in {"small", "mthp", "thp", "zero"},
        slower=False,
    ),
    Change(
        (6, 19),
        "mm/userfaultfd: don't lock anon_vma when performing UFFDIO_MOVE",
        lambda one: _moves(one),
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
        scenario: that stepped.
        before: branch of the kernel in front of the step.
        after: of the one behind it.
        change: relative.

    """
    titles = [
        one.title
        for one in CHANGES
        if before < one.branch <= after and one.shows(scenario) and one.slower == (change > 0)
    ]
    return "; ".join(titles)
