"""Runs the grid: rounds outermost, everything inside a round in seeded random order, state rebuilt for every sample.

Settings are changed here (through gcproto.host.settings), never in the worker.  The one mTHP size that a source needs
is enabled for its group only.  The swap device that a source needs is on while its block runs.
"""

import errno
from collections import defaultdict
from collections.abc import Generator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol

from gcproto.experiments.frame import Frame, Progress, Schedule
from gcproto.experiments.paths.grid import source_text
from gcproto.experiments.paths.lab import Lab
from gcproto.experiments.paths.names import SWAP_KINDS
from gcproto.experiments.paths.round import FAILED, UNABLE, request_for
from gcproto.experiments.paths.tally import Tally
from gcproto.host.machine import Machine
from gcproto.results.schema import MEMORY, PathScenario, Skip


class Machinery(Protocol):
    """What the runner needs of the host room (gcproto.host.settings.Settings)."""

    def mthp_only(self, order: int | None) -> None:
        """Enable exactly one size of anonymous folios."""

    def swap_zram(self, size_bytes: int) -> AbstractContextManager[object]:
        """A swap device that empties the swap cache at once."""

    def swap_loop(self, size_bytes: int) -> AbstractContextManager[object]:
        """A swap device that leaves folios in the swap cache."""


@dataclass
class Setup:
    """How a run is to be done.

    Args:
        schedule: rounds.
        cpu, touch_cpu: processors of the working and of the touching thread, -1 for none.
        slowdown: test aid: arm name to per mille by which its timed work is drawn out.
        swap_bytes: of a swap device.
        sparse: scenarios beyond the cache, each of which takes as long as twenty others, are run in every such round.

    """

    schedule: Schedule
    cpu: int
    touch_cpu: int
    slowdown: dict[str, int] = field(default_factory=dict)
    swap_bytes: int = 256 << 20
    sparse: int = 1


def swap_device(scenario: PathScenario) -> str | None:
    """Which swap device a scenario needs: only one that is not synchronous leaves large folios in the swap cache."""
    if scenario.source not in SWAP_KINDS:
        return None
    return "loop" if scenario.source == "swapcache" and scenario.order else "zram"


class Runner:
    """One run of a grid.

    Attributes:
        frame: of the run, with its entries.

    """

    def __init__(
        self,
        scenarios: list[PathScenario],
        setup: Setup,
        machine: Machine,
        settings: Machinery | None,
        lab: Lab,
        progress: Progress = lambda _done, _total: None,
    ) -> None:
        self.setup = setup
        self.machine = machine
        self.settings = settings
        self.lab = lab
        self.frame: Frame[Tally] = Frame([Tally(one) for one in scenarios], setup.schedule, progress, self._expected)
        self._skips: dict[tuple[str, str, str], set[str]] = defaultdict(set)

    def skip(self, tally: Tally, reason: str, remedy: str = "") -> None:
        """Take a scenario out of the run and say why."""
        self.frame.give_up(tally)
        source = source_text(tally.scenario.source, tally.scenario.order, self.machine)
        self._skips[source, reason, remedy].add(tally.scenario.arm)

    def skips(self) -> list[Skip]:
        """What was taken out, source by source."""
        return [
            Skip(f"{source}: {', '.join(sorted(arms))}", reason, remedy)
            for (source, reason, remedy), arms in self._skips.items()
        ]

    def run(self) -> None:
        """Do the rounds; a signal ends the run and keeps what it has."""
        for tally in list(self.frame.active):
            if tally.scenario.threads > 1 and self.setup.touch_cpu < 0:
                why = "only one processor is allowed to this process"
                self.skip(tally, why, "run it with two (taskset, cpuset)")
        self.frame.run(self._one, self._order)

    def _due(self, number: int, tally: Tally) -> bool:
        """Whether a scenario is run in a round; of the warm-up the last one counts."""
        first = self.setup.schedule.warmup - 1
        return tally.scenario.working_set != MEMORY or (number - max(0, first)) % self.setup.sparse == 0

    def _expected(self, tally: Tally) -> int:
        return sum(self._due(number, tally) for number in range(self.setup.schedule.total))

    def _order(self, number: int, active: list[Tally]) -> Generator[Tally, None, None]:
        """Swap device by swap device, group by group, scenario by scenario."""
        due = [one for one in active if self._due(number, one)]
        for device in self.frame.shuffled([None, "zram", "loop"]):
            tallies = [one for one in due if swap_device(one.scenario) == device]
            if not tallies:
                continue
            with self._swap(device):
                groups: dict[tuple[object, ...], list[Tally]] = defaultdict(list)
                for one in tallies:
                    asked = one.scenario
                    layout = (asked.order, asked.source, asked.alignment, asked.threads)
                    groups[*layout, asked.working_set, asked.frames].append(one)
                for group in self.frame.shuffled(list(groups.values())):
                    if self.settings:
                        self.settings.mthp_only(group[0].scenario.order or None)
                    yield from self.frame.shuffled(group)

    def _swap(self, device: str | None) -> AbstractContextManager[object]:
        if not device or not self.settings:
            return nullcontext()
        make = self.settings.swap_zram if device == "zram" else self.settings.swap_loop
        return make(self.setup.swap_bytes)

    def _one(self, number: int, tally: Tally) -> None:
        request = request_for(
            tally.scenario,
            self.setup.cpu,
            self.setup.touch_cpu,
            self.frame.random.getrandbits(63),
            self.setup.slowdown.get(tally.scenario.arm, 0),
        )
        done, disturbed = self.lab.repeat(request)
        tally.disturbed += disturbed
        if done.status not in {UNABLE, FAILED}:
            tally.add(number, done, warmup=self.frame.warming(number))
        elif tally.samples or tally.warmup or done.err == errno.EAGAIN:
            tally.lost(number, done.reason)
        else:
            self.skip(tally, done.reason)
