"""What the plugin counted, round by round, made profiles of measurements."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from gcproto.kernels.profile.functions import Function
from gcproto.results.profiles.events import ipis
from gcproto.results.schema import UNIT_IPIS, Cache, FunctionProfile, Measurement, PathFigures, PathScenario, Profile
from gcproto.results.statistics import middle

UNKNOWN = "[unknown]"
"""Code that no symbol is known of."""
COUNTERS = FunctionProfile.__struct_fields__[1:]
"""In the order in which the plugin writes them."""
DIGITS = 6
"""Decimals of figures for each page."""


class Round(msgspec.Struct, frozen=True):
    """One round.

    Attributes:
        number: as the program that measures marked it.
        clock: the guest's clock set the bounds of its regions.
        spans: timed regions in it.
        functions: of each that was executed, its number in the list, -1 for none, and the counters.

    """

    number: int
    clock: bool
    spans: int
    functions: list[list[int]]


def read(out: Path) -> dict[int, Round]:
    """Rounds by number; a line that was cut off by the guest's end is omitted.

    Args:
        out: the file that the plugin wrote.

    """
    found = {}
    for line in out.read_bytes().splitlines():
        try:
            one = msgspec.json.decode(line, type=Round)
        except msgspec.DecodeError:
            continue
        found[one.number] = one
    return found


def profile_of(
    measured: Measurement,
    marked: Sequence[int],
    rounds: Mapping[int, Round],
    functions: Sequence[Function],
    caches: tuple[Cache, ...] = (),
) -> Profile | None:
    """The profile of a measurement: of those rounds that its midmean is made of.

    Args:
        measured: with a sample for each number.
        marked: numbers of its rounds.
        rounds: that were counted.
        functions: that the counts are of.
        caches: of the model, if there was one.

    Returns:
        The profile; None if a round was not counted.

    """
    chosen = [rounds.get(marked[at]) for at in middle(measured.samples)]
    used = [one for one in chosen if one is not None]
    if not used or len(used) < len(chosen) or not isinstance(measured.scenario, PathScenario):
        return None
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * len(COUNTERS))
    for one in used:
        for number, *counts in one.functions:
            name = functions[number].name if number >= 0 else UNKNOWN
            sums[name] = [old + new for old, new in zip(sums[name], counts, strict=True)]
    pages = len(used) * measured.scenario.pages
    found = [
        FunctionProfile(name, *(round(count / pages, DIGITS) for count in counts)) for name, counts in sums.items()
    ]
    found.sort(key=lambda one: (-one.instructions, one.name))
    return Profile(len(used), found, all(one.clock for one in used), list(caches))


def add(
    measured: Measurement,
    marked: Sequence[int],
    rounds: Mapping[int, Round],
    functions: Sequence[Function],
    caches: tuple[Cache, ...] = (),
) -> bool:
    """Give a measurement its profile; beside a second thread, IPIs become its samples.

    Returns:
        Whether there was one.

    """
    if not isinstance(measured.figures, PathFigures) or not isinstance(measured.scenario, PathScenario):
        return False
    if len(marked) != len(measured.samples) or any(number not in rounds for number in marked):
        return False
    if measured.scenario.threads > 1:
        _count_ipis(measured, marked, rounds, functions)
    measured.figures.profile = profile_of(measured, marked, rounds, functions, caches)
    return measured.figures.profile is not None


def _count_ipis(
    measured: Measurement, marked: Sequence[int], rounds: Mapping[int, Round], functions: Sequence[Function]
) -> None:
    """The second thread spins on a processor of its own, and its instructions would be the samples."""
    assert isinstance(measured.scenario, PathScenario)
    senders = {at for at, one in enumerate(functions) if ipis([FunctionProfile(one.name, calls=1.0)])}
    calls = 1 + COUNTERS.index("calls")
    measured.unit = UNIT_IPIS
    measured.warmup = []
    measured.samples = [
        sum(one[calls] for one in rounds[number].functions if one[0] in senders) / measured.scenario.pages
        for number in marked
    ]
