"""Jobs on workers that die, stall, answer late, refuse, or never come: a pool whose workers do as they are told."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import TypeVar

import pytest

from gcproto.errors import GcprotoError
from gcproto.jobs.pool import Job, Place, Pool
from gcproto.jobs.run import ATTEMPTS, Failed, run

T = TypeVar("T")


class Told(Pool):
    """Workers on hosts ``a``, ``b``, ...; each runs its jobs in threads, until it is killed."""

    poll = 0.01

    def __init__(self, *places: Place) -> None:
        self.alive = list(places)
        self.began: list[tuple[str, float]] = []
        self.most: dict[str, int] = {}
        self._now: dict[str, int] = {}
        self._lock = threading.Lock()

    def places(self) -> Sequence[Place]:
        return list(self.alive)

    def submit(self, work: Callable[[], T], place: Place) -> "Future[T]":
        future: Future[T] = Future()
        self.began.append((place.address, time.monotonic()))

        def do() -> None:
            with self._lock:
                self._now[place.host] = self._now.get(place.host, 0) + 1
                self.most[place.host] = max(self.most.get(place.host, 0), self._now[place.host])
            here.place = place
            try:
                found = work()
            except BaseException as error:
                if not future.cancelled():
                    future.set_exception(error)
            else:
                if not future.cancelled():
                    future.set_result(found)
            with self._lock:
                self._now[place.host] -= 1

        threading.Thread(target=do, daemon=True).start()
        return future

    def lost(self, error: BaseException) -> bool:
        return isinstance(error, CancelledError)

    def refused(self, error: BaseException) -> str:
        return error.what if isinstance(error, GcprotoError) else ""

    def close(self, *, now: bool) -> None:
        del now


here = threading.local()


def workers(count: int, slots: int = 1) -> list[Place]:
    return [Place(f"{name}:1", name, slots) for name in "abcdefgh"[:count]]


def host() -> str:
    return str(here.place.host)


class Asked:
    """What a run came to."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, str]] = []
        self.told: list[str] = []

    def run(self, jobs: Sequence[Job[str]], pool: Pool, **options: float) -> list[Failed[str]]:
        def done(job: Job[str], answer: str, _place: Place) -> None:
            self.answers.append((job.key, answer))

        options.setdefault("patience", 0.3)
        return run(jobs, pool, done, tell=self.told.append, **options)


@pytest.fixture
def asked() -> Asked:
    return Asked()


def job(key: str, work: Callable[[], str], on: str = "") -> Job[str]:
    return Job(key, work, on)


def test_each_job_has_one_answer(asked: Asked) -> None:
    pool = Told(*workers(2, slots=2))
    assert asked.run([job(str(n), host) for n in range(20)], pool) == []
    assert sorted(key for key, _ in asked.answers) == sorted(str(n) for n in range(20))
    assert max(pool.most.values()) <= 2


def test_a_job_whose_worker_dies_is_run_by_another(asked: Asked) -> None:
    pool = Told(*workers(2))

    def die_on_a() -> str:
        if host() == "a":
            pool.alive = [one for one in pool.alive if one.host != "a"]
            time.sleep(60)
        return host()

    assert asked.run([job("x", die_on_a)], pool) == []
    assert asked.answers == [("x", "b")]
    assert asked.told == ["x: its worker died (a:1)"]


def test_a_job_whose_worker_dies_each_time_is_given_up(asked: Asked) -> None:
    def die() -> str:
        raise CancelledError

    pool = Told(*workers(2))
    (failed,) = asked.run([job("x", die), job("y", host)], pool)
    assert failed.job.key == "x"
    assert failed.reason.count("its worker died") == ATTEMPTS == sum(1 for line in asked.told if line.startswith("x"))
    assert [key for key, _ in asked.answers] == ["y"]


def test_a_job_of_a_worker_that_stalls_is_done_by_another(asked: Asked) -> None:
    stop = threading.Event()

    def stall_on_a() -> str:
        if host() == "a":
            stop.wait(60)
        return host()

    assert asked.run([job("x", stall_on_a), job("y", host), job("z", host)], Told(*workers(2)), deadline=0.1) == []
    stop.set()
    assert ("x", "b") in asked.answers
    assert sorted(key for key, _ in asked.answers) == ["x", "y", "z"]
    assert "x: no answer within 0.1 s (a:1)" in asked.told


def test_a_late_answer_is_dropped_if_another_worker_was_faster(asked: Asked) -> None:
    def late_on_a() -> str:
        time.sleep(0.3 if host() == "a" else 0.0)
        return host()

    def short() -> str:
        time.sleep(0.05)
        return host()

    jobs = [job("x", late_on_a), *(job(f"y{n}", short) for n in range(30))]
    assert asked.run(jobs, Told(*workers(3)), deadline=0.15) == []
    assert sorted(asked.answers)[0] in {("x", "b"), ("x", "c")}
    assert [key for key, _ in asked.answers].count("x") == 1
    assert "x: a second answer, from a:1, is dropped" in asked.told


def test_a_late_answer_counts_if_it_is_the_first(asked: Asked) -> None:
    def slower_on_others() -> str:
        time.sleep(0.3 if host() == "a" else 5.0)
        return host()

    began = time.monotonic()
    assert asked.run([job("x", slower_on_others)], Told(*workers(2)), deadline=0.1) == []
    assert asked.answers == [("x", "a")]
    assert time.monotonic() - began < 3.0


def test_nothing_is_awaited_that_no_worker_will_answer(asked: Asked) -> None:
    stop = threading.Event()
    pool = Told(*workers(1))
    first, second = asked.run([job("x", lambda: str(stop.wait(60))), job("y", host)], pool, deadline=0.1)
    stop.set()
    assert first.reason == "no answer within 0.1 s (a:1)"
    assert second.reason == "no worker was free"


def test_a_host_that_refuses_is_not_asked_again(asked: Asked) -> None:
    def not_on_a() -> str:
        if host() == "a":
            raise GcprotoError("no QEMU")
        return host()

    pool = Told(*workers(2))
    assert asked.run([job(str(n), not_on_a) for n in range(4)], pool) == []
    assert {answer for _, answer in asked.answers} == {"b"}
    assert "0: this host cannot do it: no QEMU (a:1)" in asked.told


def test_what_all_hosts_refuse_is_given_up_at_once(asked: Asked) -> None:
    def refuse() -> str:
        raise GcprotoError(f"no QEMU on {host()}")

    began = time.monotonic()
    (failed,) = asked.run([job("x", refuse)], Told(*workers(3)), patience=30.0)
    assert failed.reason.count("this host cannot do it: no QEMU on ") == 3
    assert time.monotonic() - began < 5.0


def test_jobs_of_a_host_run_there_one_by_one_and_alone(asked: Asked) -> None:
    def slow() -> str:
        time.sleep(0.05)
        return host()

    jobs = [job(f"{name}{n}", slow, name) for n in range(3) for name in "ab"]
    pool = Told(*(Place(f"{name}:{port}", name, 4) for name in "ab" for port in (1, 2)))
    assert asked.run([*jobs, *(job(f"any{n}", slow) for n in range(4))], pool) == []
    assert len(asked.answers) == 10
    assert all(key[0] == answer for key, answer in asked.answers if not key.startswith("any"))
    bound = Asked()
    pool = Told(*(Place(f"{name}:{port}", name, 4) for name in "ab" for port in (1, 2)))
    assert bound.run(jobs, pool) == []
    assert pool.most == {"a": 1, "b": 1}


def test_a_job_of_a_host_that_stalls_is_not_begun_twice(asked: Asked) -> None:
    """The first may still measure: a second one beside it would disturb it, and be disturbed."""
    stop = threading.Event()
    pool = Told(Place("a:1", "a", 1), Place("a:2", "a", 1), Place("b:1", "b", 1))
    (failed,) = asked.run([job("x", lambda: str(stop.wait(60)), "a"), job("y", host, "b")], pool, deadline=0.1)
    stop.set()
    assert failed.job.key == "x"
    assert [address for address, _ in pool.began] == ["a:1", "b:1"]


def test_a_job_of_a_host_goes_to_its_other_worker_if_one_dies(asked: Asked) -> None:
    pool = Told(Place("a:1", "a", 1), Place("a:2", "a", 1), Place("b:1", "b", 1))

    def die_on_the_first() -> str:
        if here.place.address == "a:1":
            pool.alive = [one for one in pool.alive if one.address != "a:1"]
            time.sleep(60)
        return str(here.place.address)

    assert asked.run([job("x", die_on_the_first, "a")], pool) == []
    assert asked.answers == [("x", "a:2")]


def test_a_fault_of_a_job_is_not_hidden(asked: Asked) -> None:
    with pytest.raises(ZeroDivisionError):
        asked.run([job("x", lambda: str(1 // 0))], Told(*workers(2)))


def test_without_workers_jobs_are_given_up_after_a_while(asked: Asked) -> None:
    (failed,) = asked.run([job("x", partial(str, 1))], Told())
    assert failed.reason == "no worker was free"


def test_a_worker_that_joins_is_used(asked: Asked) -> None:
    pool = Told()
    threading.Timer(0.1, lambda: pool.alive.append(Place("a:1", "a", 1))).start()
    assert asked.run([job("x", host)], pool, patience=5.0) == []
    assert asked.answers == [("x", "a")]
