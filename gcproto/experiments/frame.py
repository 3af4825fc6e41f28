"""The frame: every entry once in each round, in an order that the experiment gives, until the rounds are done.

All experiments share it.  Warm-up rounds come first.  A seeded generator makes all orders.  An entry whose worker hangs
or dies is measured again, and given up if that repeats.  A signal ends the rounds and keeps what was measured.  The
record becomes a result with its statistics.
"""

import random
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from gcproto.experiments.entry import Entry
from gcproto.host import environment
from gcproto.host.child import WorkerDied
from gcproto.process import interrupts
from gcproto.record import Record
from gcproto.results.schema import Experiment, Result, Skip
from gcproto.results.statistics import noise_of, summarise

E = TypeVar("E", bound=Entry)
T = TypeVar("T")

Progress = Callable[[int, int], None]

TRIES = 5
"""How often a round is run until it is the one asked for.  Its source may differ (fragmented memory, a race), or
another process may keep its second thread from running."""

MAX_DEATHS = 2
"""An entry whose worker hung or died this often is not run again."""


@dataclass(frozen=True)
class Schedule:
    """How many rounds.

    Args:
        rounds: measured;  warmup: before them, kept but not used.
        seed: of all orders.
        seconds: stop after the round in which this much time has passed (None: never);  min_rounds: but not before
            that many measured rounds.

    """

    rounds: int
    warmup: int
    seed: int
    seconds: float | None = None
    min_rounds: int = 1

    @property
    def total(self) -> int:
        """Rounds with those of the warm-up."""
        return self.warmup + self.rounds


class Block(NamedTuple, Generic[E]):
    """Entries whose rounds are done before those of the next block begin.

    Attributes:
        begin: changes what they need changed;  among: whether an entry is one of them.

    """

    begin: Callable[[], None]
    among: Callable[[E], bool]


class Frame(Generic[E]):
    """One run of an experiment.

    Args:
        entries: what is measured.
        schedule: how often.
        progress: is told rounds of entries done and to be done.
        expected: rounds of an entry, those of the warm-up counted, where an order leaves some out.

    Attributes:
        entries: all of them, also those that were given up;  active: those that are still run.
        skips: what was not measured, and why.
        complete: nothing was interrupted;  done: the last round that was finished, those of the warm-up counted.
        random: the generator of all orders.

    """

    def __init__(
        self,
        entries: Sequence[E],
        schedule: Schedule,
        progress: Progress,
        expected: Callable[[E], int] | None = None,
    ) -> None:
        self.entries = list(entries)
        self.active = list(entries)
        self.schedule = schedule
        self.progress = progress
        self.skips: list[Skip] = []
        self.complete = True
        self.done = 0
        self.random = random.Random(schedule.seed)
        self._deaths: dict[int, int] = defaultdict(int)
        self._steps = 0
        self._left = sum(map(expected, self.entries)) if expected else schedule.total * len(self.entries)

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """In another order each time."""
        return self.random.sample(items, len(items))

    def warming(self, number: int) -> bool:
        """Whether a round is one of the warm-up."""
        return number < self.schedule.warmup

    def give_up(self, entry: E, skip: Skip | None = None) -> None:
        """Run an entry no more; what it has is kept.

        Args:
            entry: one of the active ones.
            skip: why, for the result.

        """
        self.active.remove(entry)
        if skip:
            self.skips.append(skip)

    def run(
        self,
        measure: Callable[[int, E], None],
        order: Callable[[int, list[E]], Generator[E, None, None]] | None = None,
        blocks: Sequence[Block[E]] = (),
    ) -> None:
        """All rounds of all entries; once they are done, signals are deferred until the result is kept.

        Args:
            measure: runs one round of an entry; WorkerDied is an invalid round of it.
            order: gives the entries of a round one by one, and changes settings in between; else they are shuffled.
            blocks: parts of the entries, whose rounds are done one part after the other; none: all together.

        """
        try:
            for block in blocks or (Block[E](lambda: None, lambda _entry: True),):
                block.begin()
                self._rounds(measure, order or self._any, block.among)
            interrupts.defer()
        except KeyboardInterrupt as signal:
            self.complete = False
            self.skips.append(Skip("the rest", f"interrupted by {signal}" if str(signal) else "interrupted"))

    def _rounds(
        self,
        measure: Callable[[int, E], None],
        order: Callable[[int, list[E]], Generator[E, None, None]],
        among: Callable[[E], bool],
    ) -> None:
        started = time.monotonic()
        for number in range(self.schedule.total):
            with closing(order(number, [one for one in self.active if among(one)])) as entries:
                for entry in entries:
                    self._one(measure, number, entry)
            self.done = number + 1
            if self._late(number, time.monotonic() - started):
                return

    def _any(self, _number: int, active: list[E]) -> Generator[E, None, None]:
        yield from self.shuffled(active)

    def _late(self, number: int, passed: float) -> bool:
        limit = self.schedule.seconds
        enough = number + 1 >= self.schedule.warmup + self.schedule.min_rounds
        return limit is not None and enough and passed > limit

    def _one(self, measure: Callable[[int, E], None], number: int, entry: E) -> None:
        if not any(one is entry for one in self.active):
            return
        try:
            measure(number, entry)
        except WorkerDied as died:
            entry.lost(number, str(died))
            self._deaths[id(entry)] += 1
            if self._deaths[id(entry)] >= MAX_DEATHS:
                self.died(entry, f"given up after {MAX_DEATHS} rounds: {died}")
        self._steps += 1
        self.progress(self._steps, self._left)

    def died(self, entry: E, reason: str) -> None:
        """An entry whose worker dies again and again: no other round of it is worth the time."""
        from gcproto.results.names import scenario

        self.give_up(entry, Skip(scenario(entry.scenario, environment.page_size()), reason))

    def result(
        self,
        record: Record,
        experiment: Experiment,
        *,
        cpu: int = -1,
        touch_cpu: int = -1,
        skips: Sequence[Skip] = (),
    ) -> Result:
        """What it came to, with statistics.

        Args:
            record: of the run.
            experiment: what was asked.
            cpu: processor of the working thread, -1: it is not pinned.
            touch_cpu: of the second thread, -1: there is none.
            skips: further ones.

        """
        measurements = [one.measurement() for one in self.entries if one.samples or one.invalid]
        summarise(measurements)
        record.environment["run"] = {
            "cpu": cpu,
            "touch_cpu": touch_cpu,
            "rounds": max(0, self.done - self.schedule.warmup),
            "warmup": self.schedule.warmup,
            "steal_before_after": [record.environment.get("steal"), environment.steal()],
        }
        return record.result(
            experiment,
            measurements,
            [*self.skips, *skips],
            seed=self.schedule.seed,
            complete=self.complete,
            noise=noise_of(measurements),
        )
