"""Steps in series over kernels: where the cost of a scenario differs from the kernel before.

A step is a change beyond 2 % and beyond four times the scatter of boots of the two kernels. Every scenario is compared
with the canary: a system call and a first touch of a page, without userfaultfd. Kernels get slower and faster as a
whole. A scenario that changes no more than the canary shows no change of userfaultfd.
"""

from itertools import pairwise

import msgspec

from gcproto.results.comparison.known_changes import known
from gcproto.results.facts import branch_of
from gcproto.results.schema import Scenario
from gcproto.results.series import Series, is_canary

THRESHOLD = 0.02
SCATTER = 4.0

CANARY_SAME_KERNEL = 0.005
"""Limit of the canary's change between runs of one kernel. It repeats to the instruction."""

CANARY_OTHER_KERNEL = 0.15
"""Limit between kernels.

Between stock kernels of neighbouring branches the canary changed by 13 % at most (6.1 to 6.12, stock Debian).  Beyond
this limit the guests differ in configuration, compiler or mitigations.
"""


class Step(msgspec.Struct, frozen=True):
    """A scenario that changed between two kernels that follow each other in its series.

    Attributes:
        scenario: which.
        before, after: kernels.
        old, new: values.
        change: relative, +0.08 for 8 % more.
        canary: the canary's own change between them; None without one.
        cause: the known change that explains it, "" if none is known.

    """

    scenario: Scenario
    before: str
    after: str
    old: float
    new: float
    change: float
    canary: float | None
    cause: str


def changes(series: Series, before: str, after: str, threshold: float = THRESHOLD) -> list[Step]:
    """All scenarios that both kernels have and that changed.

    Args:
        series: of both.
        before: the kernel that is compared with.
        after: the other.
        threshold: relative; smaller changes are ignored.

    """
    found = [_change(series, scenario, before, after, threshold) for scenario in series.cells]
    return [one for one in found if one]


def _change(series: Series, scenario: Scenario, before: str, after: str, threshold: float) -> Step | None:
    old, new = (series.cells[scenario].get(kernel) for kernel in (before, after))
    if not old or not new or not old.value or new.value is None:
        return None
    change = new.value / old.value - 1
    if abs(change) <= max(threshold, SCATTER * max(old.spread, new.spread)):
        return None
    moved = canary_change(series, before, after)
    # A change within the canary's is one of the whole kernel. No change of userfaultfd explains it.
    beyond = abs(change - (moved or 0.0)) > threshold
    branches = branch_of(before), branch_of(after)
    cause = ""
    if beyond and branches[0] and branches[1]:
        cause = known(scenario, branches[0], branches[1], change, series.page_size)
    return Step(scenario, before, after, old.value, new.value, change, moved, cause)


def steps(series: Series, threshold: float = THRESHOLD) -> list[Step]:
    """All steps of all scenarios, by kernels; a kernel without the scenario is skipped."""
    found: list[Step] = []
    for scenario, cells in series.cells.items():
        having = [kernel for kernel in series.kernels if kernel in cells and cells[kernel].value is not None]
        for before, after in pairwise(having):
            step = _change(series, scenario, before, after, threshold)
            found += [step] if step else []
    order = {kernel: number for number, kernel in enumerate(series.kernels)}
    return sorted(found, key=lambda one: (order[one.after], -abs(one.change)))


def canary_change(series: Series, before: str, after: str) -> float | None:
    """Change of the canary between two kernels; None unless both have it."""
    for scenario, cells in series.cells.items():
        old, new = cells.get(before), cells.get(after)
        if is_canary(scenario) and old and new and old.value and new.value:
            return new.value / old.value - 1
    return None


def void(series: Series, before: str, after: str, *, same_kernel: bool = False) -> str:
    """The reason why the two can't be compared; "" if they can.

    Args:
        series: of both.
        before: the kernel that is compared with.
        after: the other.
        same_kernel: they are runs of one kernel.

    """
    moved = canary_change(series, before, after)
    if moved is None:
        return "there is no canary in both"
    limit = CANARY_SAME_KERNEL if same_kernel else CANARY_OTHER_KERNEL
    if abs(moved) <= limit:
        return ""
    return f"the canary (getppid, first touch of a page) moved by {moved:+.1%}, allowed are {limit:.1%}"
