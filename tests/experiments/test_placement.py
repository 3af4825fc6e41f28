"""Where threads run: what a placement asks for, and that windows and heaps do so."""

import os
from collections.abc import Iterator

import msgspec
import pytest

from gcproto._native import lib
from gcproto.collector.modes import MODES
from gcproto.errors import GcprotoError
from gcproto.experiments.placement import Cpus, Placement, Ran, allowed, cpus_for, oversubscribed
from gcproto.experiments.session.request import SessionRequest
from gcproto.experiments.session.run import run as run_heap
from gcproto.experiments.window.round import WindowLab, request_for
from gcproto.experiments.window.round import run as run_window
from gcproto.experiments.window.run import invalid_reason
from gcproto.experiments.window.ways import ways
from gcproto.results.schema import ModeOptions

PAGES = 2048
MIB = 1 << 20


@pytest.fixture
def processors(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: request.param)


@pytest.fixture
def one_processor() -> Iterator[int]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield min(before)
    os.sched_setaffinity(0, before)


class TestChoice:
    """Processors need not be numbered from 0, nor without gaps: the affinity mask says which there are."""

    @pytest.mark.parametrize("processors", [{3, 5, 9, 12}], indirect=True)
    @pytest.mark.usefixtures("processors")
    def test_four(self) -> None:
        assert cpus_for(Placement.OWN, 1) == Cpus(12, (3,), 5)
        assert cpus_for(Placement.OWN, 2) == Cpus(12, (3, 5), 9)
        assert cpus_for(Placement.OWN, 3) == Cpus(12, (3, 5, 9), 3)
        assert cpus_for(Placement.OWN, 5) == Cpus(12, (3, 5, 9, 3, 5), 3)
        assert cpus_for(Placement.SHARED, 1) == Cpus(3, (3,), 3)
        assert cpus_for(Placement.SHARED, 2) == Cpus(5, (3, 5), 3)
        assert cpus_for(Placement.SHARED, 6) == Cpus(5, (3, 5, 9, 12, 3, 5), 3)
        assert cpus_for(Placement.UNPLACED, 2) == Cpus(-1, (-1, -1), -1)

    @pytest.mark.parametrize("processors", [{3, 5, 9, 12}], indirect=True)
    @pytest.mark.usefixtures("processors")
    def test_compacting_threads_have_what_is_left_over(self) -> None:
        assert cpus_for(Placement.OWN, 1, 3) == Cpus(12, (3,), 5, (5, 9))
        assert cpus_for(Placement.OWN, 2, 3) == Cpus(12, (3, 5), 9, (9, 9))
        assert cpus_for(Placement.OWN, 3, 4) == Cpus(12, (3, 5, 9), 3, (3, 5, 9))
        assert cpus_for(Placement.SHARED, 2, 4) == Cpus(5, (3, 5), 3, (3, 5, 3))
        assert cpus_for(Placement.UNPLACED, 1, 3) == Cpus(-1, (-1,), -1, (-1, -1))

    @pytest.mark.parametrize("processors", [{3, 5, 9, 12}], indirect=True)
    @pytest.mark.usefixtures("processors")
    @pytest.mark.parametrize(("threads", "more"), [(0, 0), (3, 0), (4, 0), (5, 1), (9, 5)])
    def test_threads_without_a_processor(self, threads: int, more: int) -> None:
        assert oversubscribed(threads) == more

    @pytest.mark.parametrize("processors", [{7}], indirect=True)
    @pytest.mark.usefixtures("processors")
    def test_one(self) -> None:
        with pytest.raises(GcprotoError, match="processor of its own") as refused:
            cpus_for(Placement.OWN, 1)
        assert "processor (7)" in refused.value.why
        assert cpus_for(Placement.SHARED, 3) == Cpus(7, (7, 7, 7), 7)
        assert cpus_for(Placement.UNPLACED, 1) == Cpus(-1, (-1,), -1)

    @pytest.mark.parametrize("processors", [{0, 1}], indirect=True)
    @pytest.mark.usefixtures("processors")
    @pytest.mark.parametrize("mutators", [1, 2, 3, 7])
    def test_own_is_alone_and_shared_is_not(self, mutators: int) -> None:
        own, shared = cpus_for(Placement.OWN, mutators), cpus_for(Placement.SHARED, mutators)
        assert own.collector not in {*own.mutators, own.handler}
        assert shared.collector in shared.mutators
        assert len({*shared.mutators, shared.collector, shared.handler}) <= mutators


def is_where_it_was_asked(ran: Ran, cpu: int) -> bool:
    """Every look found it there; of a thread that is not bound: anywhere that it may be."""
    if cpu < 0:
        return ran.asked == -1 and {ran.first, ran.last} <= {*allowed()}
    return ran == Ran(cpu, cpu, cpu, 0)


@pytest.mark.needs("move", "two_cpus")
class TestWindow:
    @pytest.mark.parametrize("placement", Placement)
    @pytest.mark.parametrize("mutators", [1, 2, 3])
    @pytest.mark.parametrize("name", ["copy", "move-thread"])
    def test_threads_run_where_they_are_to(self, placement: Placement, mutators: int, name: str) -> None:
        cpus = cpus_for(placement, mutators)
        before = os.sched_getaffinity(0)
        for seed in range(3):
            done = run_window(request_for(ways()[name], PAGES, mutators, seed, cpus))
            assert invalid_reason(done, PAGES) == ""
            assert is_where_it_was_asked(done.sweeper.ran, cpus.collector)
            assert len(done.threads) == mutators
            if done.fault.n and name == "move-thread":
                assert is_where_it_was_asked(done.handler, cpus.handler)
            else:
                assert done.handler.first == -1
            for thread, cpu in zip(done.threads, cpus.mutators, strict=True):
                assert is_where_it_was_asked(thread.ran, cpu)
        assert os.sched_getaffinity(0) == before, "the next window is not bound by this one"

    def test_the_same_worker_runs_them_one_after_the_other(self) -> None:
        with WindowLab() as lab:
            for placement in (Placement.OWN, Placement.UNPLACED, Placement.SHARED, Placement.OWN):
                cpus = cpus_for(placement, 2)
                done = lab.run(request_for(ways()["move"], PAGES, 2, 1, cpus))
                assert done.sweeper.ran.asked == cpus.collector
                assert [thread.ran.asked for thread in done.threads] == list(cpus.mutators)

    @pytest.mark.parametrize("which", ["collector", "mutators", "handler"])
    def test_a_processor_that_is_not_there_is_refused(self, which: str) -> None:
        nowhere = 1023
        cpus = {"collector": -1, "mutators": (-1, -1), "handler": -1, which: nowhere}
        cpus["mutators"] = (-1, nowhere) if which == "mutators" else (-1, -1)
        done = run_window(request_for(ways()["move-thread"], PAGES, 2, 1, Cpus(**cpus)))  # type: ignore[arg-type]
        assert "to its processor" in invalid_reason(done, PAGES)


def heap(**changes: object) -> SessionRequest:
    fields: dict[str, object] = {"mode": "move", "options": ModeOptions(), "workload": "trees", "capacity": 32 * MIB}
    fields |= {"mutators": 2, "live_bytes": 2 * MIB, "operations": 2000, "mutation": 100, "fragmentation": 500}
    return SessionRequest(**{**fields, "seed": 1, **changes})  # type: ignore[arg-type]


@pytest.mark.needs("move")
class TestHeap:
    @pytest.mark.needs("two_cpus")
    @pytest.mark.parametrize("placement", Placement)
    @pytest.mark.parametrize("mode", ["move", "thread", "stw"])
    @pytest.mark.parametrize("mutators", [1, 2])
    def test_threads_run_where_they_are_to(self, placement: Placement, mode: str, mutators: int) -> None:
        cpus = cpus_for(placement, mutators)
        before = os.sched_getaffinity(0)
        done = run_heap(heap(mode=mode, placement=placement, mutators=mutators))
        assert not done.failure
        assert not done.wrong
        assert is_where_it_was_asked(done.cpus.collector, cpus.collector)
        assert len(done.cpus.mutators) == mutators
        for ran, cpu in zip(done.cpus.mutators, cpus.mutators, strict=True):
            assert is_where_it_was_asked(ran, cpu)
        if MODES[mode].handler == lib.GCP_HANDLER_THREAD and done.cpus.handler.first >= 0:
            assert is_where_it_was_asked(done.cpus.handler, cpus.handler)
        else:
            assert done.cpus.handler.first == -1, "no thread answered a fault there"
        assert os.sched_getaffinity(0) == before

    @pytest.mark.parametrize("placement", Placement)
    def test_a_worker_is_told(self, placement: Placement) -> None:
        sent = msgspec.json.encode(heap(placement=placement))
        assert msgspec.json.decode(sent, type=SessionRequest).placement is placement
        assert heap().placement is Placement.UNPLACED

    def test_no_processor_of_its_own(self, one_processor: int) -> None:
        assert "processor of its own" in run_heap(heap(placement=Placement.OWN)).failure
        done = run_heap(heap(placement=Placement.SHARED))
        assert not done.failure
        assert done.cpus.collector.asked == one_processor

    def test_a_heap_that_stands_still_has_none(self) -> None:
        done = run_heap(heap(placement=Placement.SHARED, standing=1, mutators=1))
        assert "no placement" in done.failure
        assert not run_heap(heap(standing=1, mutators=1)).failure
