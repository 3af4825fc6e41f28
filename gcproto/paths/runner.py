"""Runs the grid: rounds outermost, everything inside a round in seeded random order, state rebuilt for every sample.

Settings are changed here (through gcproto.host.settings), never in the worker: the one mTHP size that a source needs is
enabled for its group only, and the swap device that a source needs for the length of its block.
"""

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from gcproto.host.machine import Machine
from gcproto.paths.grid import source_text
from gcproto.paths.lab import Lab, WorkerDied
from gcproto.paths.names import SWAP_KINDS
from gcproto.paths.round import FAILED, UNABLE, request_for
from gcproto.paths.tally import Tally
from gcproto.process import interrupts
from gcproto.results.schema import Measurement, Scenario, Skip

T = TypeVar("T")

SOURCE_TRIES = 3
"""How often a source that came out otherwise (fragmented memory, a race) is made again in the same round."""

MAX_DEATHS = 2
"""A scenario whose worker hung or died this often is not run again."""


class Machinery(Protocol):
    """What the runner needs of the host room (gcproto.host.settings.Settings)."""

    def mthp_only(self, order: int | None) -> None:
        """Enable exactly one size of anonymous folios."""

    def swap_zram(self, size_bytes: int) -> AbstractContextManager[object]:
        """A swap device that empties the swap cache at once."""

    def swap_loop(self, size_bytes: int) -> AbstractContextManager[object]:
        """A swap device that leaves folios in the swap cache."""


@dataclass
class Plan:
    """How a run is to be done.

    Args:
        rounds: measured rounds; warmup: rounds before them that are kept but not used.
        seconds: stop after the round in which this much time has passed (None: never).
        min_rounds: but not before that many measured rounds.
        cpu, touch_cpu: processors of the working and of the touching thread, -1 for none.
        slowdown: test aid: arm name to per mille by which its timed work is drawn out.

    """

    rounds: int
    warmup: int
    seconds: float | None
    min_rounds: int
    seed: int
    cpu: int
    touch_cpu: int
    slowdown: dict[str, int] = field(default_factory=dict)
    swap_bytes: int = 256 << 20


@dataclass
class Outcome:
    """What a run brought: measurements, skips, rounds done, and whether it came to its end."""

    measurements: list[Measurement]
    skips: list[Skip]
    rounds: int
    complete: bool


def swap_device(scenario: Scenario) -> str | None:
    """Which swap device a scenario needs: only one that is not synchronous leaves large folios in the swap cache."""
    if scenario.source not in SWAP_KINDS:
        return None
    return "loop" if scenario.source == "swapcache" and scenario.order else "zram"


class Runner:
    """One run of a grid."""

    def __init__(
        self,
        scenarios: list[Scenario],
        plan: Plan,
        machine: Machine,
        settings: Machinery | None,
        lab: Lab,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> None:
        self.plan = plan
        self.machine = machine
        self.settings = settings
        self.lab = lab
        self.progress = progress
        self.tallies = {scenario: Tally(scenario) for scenario in scenarios}
        self.skips: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.remedies: dict[str, str] = {}
        self.deaths: dict[Scenario, int] = defaultdict(int)
        self.random = random.Random(plan.seed)

    def skip(self, scenario: Scenario, reason: str, remedy: str = "") -> None:
        """Take a scenario out of the run and say why."""
        self.tallies.pop(scenario, None)
        self.skips[source_text(scenario.source, scenario.order, self.machine), reason].add(scenario.arm)
        if remedy:
            self.remedies[reason] = remedy

    def run(self) -> Outcome:
        """Do the rounds; a signal ends the run, which keeps what it has."""
        complete, done = True, 0
        try:
            for number in self._rounds():
                done = number
            interrupts.defer()
        except KeyboardInterrupt:
            complete = False
        measurements = [tally.measurement() for tally in self.tallies.values() if tally.samples or tally.invalid]
        skips = [
            Skip(f"{source}: {', '.join(sorted(arms))}", reason, self.remedies.get(reason, ""))
            for (source, reason), arms in self.skips.items()
        ]
        return Outcome(measurements, skips, done, complete)

    def _rounds(self) -> Iterator[int]:
        total = self.plan.warmup + self.plan.rounds
        started = time.monotonic()
        for number in range(total):
            for device in self._shuffled([None, "zram", "loop"]):
                self._device_block(number, device)
            yield number + 1
            self.progress(number + 1, total)
            late = self.plan.seconds is not None and time.monotonic() - started > self.plan.seconds
            if late and number + 1 >= self.plan.warmup + self.plan.min_rounds:
                return

    def _shuffled(self, items: list[T]) -> list[T]:
        return self.random.sample(items, len(items))

    def _device_block(self, number: int, device: str | None) -> None:
        scenarios = [scenario for scenario in self.tallies if swap_device(scenario) == device]
        if not scenarios:
            return
        context: AbstractContextManager[object] = nullcontext()
        if device and self.settings:
            make = self.settings.swap_zram if device == "zram" else self.settings.swap_loop
            context = make(self.plan.swap_bytes)
        with context:
            groups: dict[tuple[object, ...], list[Scenario]] = defaultdict(list)
            for one in scenarios:
                groups[one.order, one.source, one.alignment, one.threads].append(one)
            for group in self._shuffled(list(groups.values())):
                if self.settings:
                    self.settings.mthp_only(group[0].order or None)
                for scenario in self._shuffled(group):
                    self._one(number, scenario)

    def _one(self, number: int, scenario: Scenario) -> None:
        tally = self.tallies[scenario]
        if scenario.threads > 1 and self.plan.touch_cpu < 0:
            self.skip(scenario, "only one processor is allowed to this process", "run it with two (taskset, cpuset)")
            return
        request = request_for(
            scenario,
            self.plan.cpu,
            self.plan.touch_cpu,
            self.random.getrandbits(63),
            self.plan.slowdown.get(scenario.arm, 0),
        )
        try:
            for _ in range(SOURCE_TRIES):
                done = self.lab.run(request)
                if done.status != UNABLE or done.err != 11:  # EAGAIN
                    break
        except WorkerDied as died:
            tally.lost(number, str(died))
            self.deaths[scenario] += 1
            if self.deaths[scenario] >= MAX_DEATHS:
                self.skip(scenario, f"given up after {MAX_DEATHS} rounds: {died}")
            return
        first = not tally.samples and not tally.warmup
        if done.status == UNABLE and first:
            self.skip(scenario, done.reason)
        elif done.status == UNABLE:
            tally.lost(number, done.reason)
        elif done.status == FAILED and first:
            self.skip(scenario, done.reason)
        else:
            tally.add(number, done, warmup=number < self.plan.warmup)
