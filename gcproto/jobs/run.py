"""Runs jobs until each has one answer, or no worker is left to give it.

- A job whose worker dies is run again, at most ``ATTEMPTS`` times.
- A job without an answer after the deadline is given to another worker as well. The first answer is kept, even if it is
  that of the late worker. Later answers to the same job are dropped.
- A host that cannot do a job is not asked for it again. Others are.
- A job that is bound to a host runs there alone. It is not begun twice: the first may still be running.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from gcproto.jobs.pool import Job, Place, Pool
from gcproto.process import interrupts

T = TypeVar("T")

ATTEMPTS = 3
PATIENCE = 60.0
"""Seconds in which no job runs or can begin, before the waiting ones are given up."""


@dataclass(frozen=True)
class Failed(Generic[T]):
    """A job without an answer.

    Attributes:
        job: the job;  reason: what happened to it.

    """

    job: Job[T]
    reason: str


@dataclass
class _Open(Generic[T]):
    """A job without an answer yet: how often it was begun, on which hosts it cannot run, and what went wrong."""

    job: Job[T]
    tries: int = 0
    refusals: dict[str, str] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)


@dataclass
class _Attempt(Generic[T]):
    """A job that a worker has; ``late``: it has had it for longer than the deadline."""

    job: Job[T]
    place: Place
    began: float
    late: bool = False


def run(
    jobs: Sequence[Job[T]],
    pool: Pool,
    done: Callable[[Job[T], T, Place], None],
    *,
    deadline: float | None = None,
    tell: Callable[[str], None] = lambda _text: None,
    patience: float = PATIENCE,
) -> list[Failed[T]]:
    """Run all jobs.

    Args:
        jobs: with distinct keys, in the order in which they are begun.
        pool: closed by the caller.
        done: called once for each job that has an answer, with the worker that gave it.
        deadline: seconds for a job on one worker; None: no limit.
        tell: is told of workers that died or are late, of hosts that refuse, and of answers that were dropped.
        patience: seconds in which no job runs or can begin, before the waiting ones are given up.

    Returns:
        Jobs without an answer.

    Raises:
        Exception: of a job, unless its worker died or its host cannot do it.

    """
    one = _Run(jobs, pool, done, deadline, tell, patience)
    try:
        return one.to_the_end()
    except KeyboardInterrupt:
        one.hand_over()
        raise
    finally:
        one.let_go()


class _Run(Generic[T]):
    """See `run`; ``running`` holds attempts whose future was not handed over."""

    def __init__(
        self,
        jobs: Sequence[Job[T]],
        pool: Pool,
        done: Callable[[Job[T], T, Place], None],
        deadline: float | None,
        tell: Callable[[str], None],
        patience: float,
    ) -> None:
        self.pool, self.done, self.deadline, self.tell, self.patience = pool, done, deadline, tell, patience
        self.open = {job.key: _Open(job) for job in jobs}
        self.waiting = list(jobs)
        self.running: dict[Future[T], _Attempt[T]] = {}
        self.idle_since: float | None = None

    def to_the_end(self) -> list[Failed[T]]:
        while self.open and (self.waiting or any(not one.late for one in self.running.values())):
            places = self.pool.places()
            self._drop_dead({one.address for one in places})
            self._begin(places)
            self._see_who_is_late()
            if self._stuck(places):
                break
            if not self.running:
                time.sleep(self.pool.poll or 0.0)
                continue
            ended, _ = wait(self.running, self.pool.poll, FIRST_COMPLETED)
            with interrupts.held():  # what is taken out of `running` is handed over
                for future in ended:
                    self._end(future)
        return [Failed(one.job, "; ".join(one.trouble) or "no worker was free") for one in self.open.values()]

    def hand_over(self) -> None:
        """Hand over answers that came before a signal."""
        for future, attempt in list(self.running.items()):
            if future.done() and not future.cancelled() and future.exception() is None:
                self._answer(attempt, future)

    def let_go(self) -> None:
        """Drop what is still running: a late worker's answer is not awaited."""
        for future in self.running:
            future.cancel()

    def _drop_dead(self, alive: set[str]) -> None:
        for future, attempt in list(self.running.items()):
            if attempt.place.address not in alive and not future.done():
                del self.running[future]
                future.cancel()
                self._died(attempt)

    def _begin(self, places: Sequence[Place]) -> None:
        """Begin what can begin: unbound jobs on workers with a free slot, bound ones on hosts without other work."""
        busy = Counter(one.place.address for one in self.running.values())
        hosts = Counter(one.place.host for one in self.running.values())
        alone = {one.place.host for one in self.running.values() if one.job.host}
        left = []
        for job in self.waiting:
            place = next((one for one in self._fitting(job, places) if self._free(job, one, busy, hosts, alone)), None)
            if place is None:
                left.append(job)
                continue
            busy[place.address] += 1
            hosts[place.host] += 1
            alone |= {place.host} if job.host else set()
            self.open[job.key].tries += 1
            # Workers start on demand with signals blocked, because the parent handles them.
            with interrupts.held(), interrupts.blocked():
                self.running[self.pool.submit(job.work, place)] = _Attempt(job, place, time.monotonic())
        self.waiting = left

    def _fitting(self, job: Job[T], places: Sequence[Place]) -> Iterator[Place]:
        """Workers that may have a job, those that have none of it yet."""
        had = {one.place.address for one in self.running.values() if one.job.key == job.key}
        refusals = self.open[job.key].refusals
        for place in places:
            if place.host not in refusals and place.address not in had and job.host in {"", place.host}:
                yield place

    @staticmethod
    def _free(job: Job[T], place: Place, busy: Counter[str], hosts: Counter[str], alone: set[str]) -> bool:
        if job.host:
            return not hosts[place.host]
        return busy[place.address] < place.slots and place.host not in alone

    def _see_who_is_late(self) -> None:
        now = time.monotonic()
        for attempt in self.running.values():
            if self.deadline is None or attempt.late or now - attempt.began < self.deadline:
                continue
            attempt.late = True
            state = self.open.get(attempt.job.key)
            if state is None:
                continue
            self._note(state, f"no answer within {self.deadline:g} s", attempt.place)
            if state.tries < ATTEMPTS and not attempt.job.host:
                self.waiting.insert(0, attempt.job)

    def _stuck(self, places: Sequence[Place]) -> bool:
        """Whether nothing has run in time, and nothing could begin, for as long as there is patience."""
        hosts = {one.host for one in places}
        self.waiting = [one for one in self.waiting if not hosts or hosts - self.open[one.key].refusals.keys()]
        if any(not one.late for one in self.running.values()) or not self.waiting:
            self.idle_since = None
            return False
        now = time.monotonic()
        if self.idle_since is None:
            self.idle_since = now
        return now - self.idle_since >= self.patience

    def _end(self, future: "Future[T]") -> None:
        attempt = self.running.pop(future)
        error = CancelledError() if future.cancelled() else future.exception()
        if error is None:
            self._answer(attempt, future)
            return
        if self.pool.lost(error):
            self._died(attempt)
            return
        reason = self.pool.refused(error)
        if not reason:
            raise error
        state = self.open.get(attempt.job.key)
        if state is None:
            return
        state.refusals[attempt.place.host] = reason
        state.tries -= 1
        self._note(state, f"this host cannot do it: {reason}", attempt.place)
        if not attempt.job.host and not attempt.late:
            self.waiting.insert(0, attempt.job)

    def _answer(self, attempt: _Attempt[T], future: "Future[T]") -> None:
        state = self.open.pop(attempt.job.key, None)
        if state is None:
            self.tell(f"{attempt.job.key}: a second answer, from {attempt.place.address}, is dropped")
            return
        self.waiting = [one for one in self.waiting if one.key != attempt.job.key]
        self.done(attempt.job, future.result(), attempt.place)

    def _died(self, attempt: _Attempt[T]) -> None:
        state = self.open.get(attempt.job.key)
        if state is None:
            return
        self._note(state, "its worker died", attempt.place)
        again = attempt.job.host or not attempt.late  # a late job waits already
        if again and state.tries < ATTEMPTS:
            self.waiting.insert(0, attempt.job)

    def _note(self, state: _Open[T], what: str, place: Place) -> None:
        text = f"{what} ({place.address})" if place.address else what
        state.trouble.append(text)
        self.tell(f"{state.job.key}: {text}")
