"""Clocks: what is measured begins before the first thread can run, and ends when the last one is through.

Threads are made late on purpose: a clock that is read by a thread after it was woken shows that.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from gcproto._native import ffi, lib
from gcproto.collector.cycle import Collector
from gcproto.collector.watch.recorder import Recorder
from gcproto.collector.watch.timeline import EVENT
from gcproto.experiments.session import run as session
from gcproto.experiments.session.collector_thread import CollectorThread
from gcproto.experiments.session.mutator import Mutator
from gcproto.experiments.session.second_thread import SecondThread
from gcproto.experiments.session.stalls import LONGEST, joined
from tests.experiments.test_placement import heap as request

LATE = 0.4


class TestSpan:
    def test_an_end_before_the_begin_is_an_error(self) -> None:
        span = ffi.new("uint64_t *")
        assert lib.gcp_span(10, 35, span) == 0
        assert span[0] == 25
        assert lib.gcp_span(35, 10, span) < 0
        assert span[0] == 0

    def test_an_event_of_more_than_four_seconds_is_whole(self) -> None:
        """It is in parts; others, equal to them but for a gap, are not taken for one."""
        rows = [(1000, 7, 1, 0), (2000, LONGEST, 0, 0), (2000 + LONGEST, LONGEST, 0, 0), (2000 + 2 * LONGEST, 5, 0, 0)]
        rows += [(10**11, LONGEST, 0, 0), (10**11 + LONGEST + 1, 3, 0, 0), (10**12, LONGEST, 0, 0)]
        rows += [(10**12 + LONGEST, 9, 1, 0)]
        starts, lengths, kinds = joined(np.array(rows, dtype=EVENT))
        assert starts.tolist() == [1000, 2000, 10**11, 10**11 + LONGEST + 1, 10**12, 10**12 + LONGEST]
        assert lengths.tolist() == [7, 2 * LONGEST + 5, LONGEST, 3, LONGEST, 9]
        assert kinds.tolist() == [1, 0, 0, 0, 0, 1]
        assert [len(one) for one in joined(np.zeros(0, dtype=EVENT))] == [0, 0, 0]


@contextmanager
def world() -> Iterator[tuple[Any, Any]]:
    made = lib.gcp_world_create(1 << 20, 2 << 20, 65536, 0)
    mutator = lib.gcp_mutator_create(made, 16, 1024)
    try:
        yield made, mutator
    finally:
        lib.gcp_world_destroy(made)


class TestWorld:
    def test_who_comes_while_the_world_is_stopped_is_paused(self) -> None:
        """The wait of a mutator that enters is a pause like that of one which parks."""
        with world() as (made, mutator):
            came: list[int] = []

            def enter() -> None:
                lib.gcp_mutator_enter(mutator)
                came.append(int(lib.gcp_now()))
                lib.gcp_mutator_leave(mutator)

            lib.gcp_world_stop(made)
            thread = threading.Thread(target=enter)
            thread.start()
            time.sleep(0.05)
            lib.gcp_world_start(made)
            thread.join()
            assert mutator.pause.n == mutator.timeline.n == 1
            assert mutator.timeline.events[0].kind == lib.GCP_EVENT_PAUSE
            assert made.requested_ns <= made.stopped_ns <= made.restarted_ns <= came[0]
            assert mutator.pause.max >= made.restarted_ns - mutator.timeline.events[0].start
            lib.gcp_mutator_enter(mutator)
            lib.gcp_mutator_leave(mutator)
            assert mutator.pause.n == 1, "who need not wait was not paused"

    def test_histograms_begin_anew(self) -> None:
        with world() as (_, mutator):
            for name in ("fault", "pause", "wait"):
                lib.gcp_histogram_record(ffi.addressof(mutator, name), 5)
            mutator.faults = 1
            lib.gcp_mutator_measure(mutator)
            assert [getattr(mutator, name).n for name in ("fault", "pause", "wait")] == [0, 0, 0]
            assert mutator.faults == 1


class LateBarrier(threading.Barrier):
    """Some of those who wait come back late, as threads that are scheduled late."""

    late: Any = staticmethod(lambda _thread: False)
    seconds = LATE

    def wait(self, timeout: float | None = None) -> int:
        number = super().wait(timeout)
        if self.late(threading.current_thread()):
            time.sleep(self.seconds)
        return number


@pytest.mark.needs("move")
class TestHeap:
    def test_collections_are_measured_from_the_first_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The main thread sleeps while mutators run: theirs is the time that is measured."""
        late = staticmethod(lambda one: one is threading.main_thread())
        barrier = type("_", (LateBarrier,), {"late": late, "seconds": 5 * LATE})
        monkeypatch.setattr(threading, "Barrier", barrier)
        done = session.run(request(operations=4000, trigger_share=0.3))
        assert not done.failure
        assert any(one.measured for one in done.collections)

    def test_a_window_begins_before_its_first_mutator(self, monkeypatch: pytest.MonkeyPatch) -> None:
        barrier = type("_", (LateBarrier,), {"late": staticmethod(lambda one: one is not threading.main_thread())})
        monkeypatch.setattr(threading, "Barrier", barrier)
        done = session.run(request())
        assert not done.failure
        assert done.mutator_ns > LATE * 1e9

    def test_it_ends_when_compiled_code_does(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Back in Python a thread may have to wait for the GIL."""
        enter = Mutator.enter

        def late(self: Any, function: Any, address: int) -> int:
            found = enter(self, function, address)
            if function is self.work.run:
                time.sleep(5 * LATE)
            return found

        monkeypatch.setattr(Mutator, "enter", late)
        done = session.run(request())
        assert not done.failure
        assert 0 < done.mutator_ns < 5 * LATE * 1e9

    def test_cpu_time_before_the_start_is_not_the_collectors(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The collector has worked for the set-up; that time is not part of what is measured."""
        warm = threading.Event()
        serve = Collector.serve

        def burn(self: Collector) -> None:
            begin = lib.gcp_thread_cpu()
            while lib.gcp_thread_cpu() - begin < LATE * 1e9:
                pass
            warm.set()
            serve(self)

        class Patient(threading.Barrier):
            def wait(self, timeout: float | None = None) -> int:
                warm.wait()
                return super().wait(timeout)

        monkeypatch.setattr(Collector, "serve", burn)
        monkeypatch.setattr(threading, "Barrier", Patient)
        done = session.run(request())
        assert not done.failure
        assert 0 < done.collector_cpu_ns < LATE * 1e9

    def test_a_thread_that_answers_faults_costs_cpu_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        used: list[int] = []
        handler = CollectorThread._handler

        def noted(self: CollectorThread) -> int:
            used.append(handler(self))
            return used[-1]

        monkeypatch.setattr(CollectorThread, "_handler", noted)
        done = session.run(request(mode="thread", workload="sparse", operations=6, mutators=4))
        assert not done.failure
        assert done.fault.n > 0, "the thread had nothing to answer"
        answered = used[-1] - used[0]
        assert answered > 0
        assert done.collector_cpu_ns > answered

    def test_pauses_faults_and_waits_of_the_set_up_are_not_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A mutator that was stopped for a quarter of an hour while it set up."""
        enter = Mutator.enter
        long = 15 * 60 * 10**9

        def stopped(self: Any, function: Any, address: int) -> int:
            found = enter(self, function, address)
            if function is self.work.setup:
                for name in ("fault", "pause", "wait"):
                    lib.gcp_histogram_record(ffi.addressof(self.native, name), long)
            return found

        monkeypatch.setattr(Mutator, "enter", stopped)
        done = session.run(request())
        assert not done.failure
        assert done.pause.n > 0
        assert max(done.fault.max, done.pause.max, done.wait.max) < long

    def test_times_that_contradict_each_other_are_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        begin = session.Running.begin

        def skewed(self: session.Running) -> None:
            begin(self)
            self.course.began += 3600 * 10**9

        monkeypatch.setattr(session.Running, "begin", skewed)
        done = session.run(request())
        assert "before it began" in done.failure
        assert done.mutator_ns == 0

    def test_a_workload_that_takes_no_time_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        enter = Mutator.enter

        def untimed(self: Any, function: Any, address: int) -> int:
            found = enter(self, function, address)
            self.native.ended_ns = 0
            return found

        monkeypatch.setattr(Mutator, "enter", untimed)
        assert "does not say when it ended" in session.run(request()).failure

    def test_pauses_are_in_order_and_end_before_mutators_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of each pause: asked, stopped, and the last moment before they run, though the listener hears of it late."""
        recorders: list[Recorder] = []
        restarted = Recorder.mutators_restarted

        def late(self: Recorder, *arguments: Any) -> None:
            recorders[:] = [self]
            time.sleep(0.02)
            restarted(self, *arguments)

        monkeypatch.setattr(Recorder, "mutators_restarted", late)
        done = session.run(request())
        assert not done.failure
        stops = recorders[0].stops
        assert stops
        assert all(asked <= stopped <= restarted for asked, stopped, restarted, _ in stops)
        assert [one.ns for cycle in done.collections for one in cycle.pauses] == [
            restarted - stopped for _, stopped, restarted, _ in stops
        ]
        # The sleep is not in them: most pauses here take less than a tenth of it.
        assert min(one.ns for cycle in done.collections for one in cycle.pauses) < 20_000_000


@pytest.mark.needs("move")
class TestStanding:
    def test_the_second_thread_is_counted_while_the_heap_is_collected(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """One that runs while the heap is set up, and not when it is collected, did not run."""
        events: list[str] = []
        collect, enter = Collector.collect, Mutator.enter

        def counted(self: Collector) -> None:
            events.append("collect")
            collect(self)

        def set_up(self: Any, function: Any, address: int) -> int:
            events.append("set up")
            return enter(self, function, address)

        class Beside(SecondThread):
            def __bool__(self) -> bool:
                return True

            def await_it(self) -> None:
                events.append("await")

            def sweeps(self) -> int:
                events.append("look")
                return len([one for one in events if one == "set up"])

        @contextmanager
        def only_in_the_set_up(_threads: int) -> Iterator[SecondThread]:
            yield Beside()

        monkeypatch.setattr(Collector, "collect", counted)
        monkeypatch.setattr(Mutator, "enter", set_up)
        monkeypatch.setattr(session, "second_thread", only_in_the_set_up)
        done = session.run(request(standing=2, mutators=1, threads=2))
        assert not done.failure
        assert done.sweeps == 0
        assert events == ["set up", *["await", "look", "collect", "look"] * 2]
