"""Jobs on a real Dask cluster: workers that are killed, stopped, and late; hosts that are unlike."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gcproto.cli.kit.cluster import measure_there
from gcproto.errors import ExitCode, GcprotoError
from gcproto.jobs import cluster as dask
from gcproto.jobs.cluster import DaskPool
from gcproto.jobs.pool import Job, Place
from gcproto.jobs.run import run
from gcproto.results.facts import host_of
from gcproto.results.schema import Result
from tests.support.result_maker import result

ADDRESSES = ("127.0.0.2", "127.0.0.3")
"""Two hosts, as a scheduler sees them."""


def first_here(folder: Path, name: str) -> bool:
    """Whether no other worker began this job before; leaves the process ID of the one that did."""
    try:
        with (folder / name).open("x") as file:
            file.write(str(os.getpid()))
    except FileExistsError:
        return False
    return True


def quick(name: str) -> str:
    return name


def hang_once(folder: Path, name: str) -> str:
    if first_here(folder, name):
        time.sleep(100)
    return name


def stop_once(folder: Path, name: str) -> str:
    """The whole worker stalls: it answers nothing, and does not die."""
    if first_here(folder, name):
        os.kill(os.getpid(), signal.SIGSTOP)
    return name


def late_once(folder: Path, name: str) -> str:
    """The first worker answers after the second one has begun."""
    if first_here(folder, name):
        while not (folder / f"{name}-second").exists():
            time.sleep(0.05)
        time.sleep(1)
        (folder / f"{name}-late").touch()
    else:
        (folder / f"{name}-second").touch()
    return name


def refuse_unless(folder: Path, name: str) -> str:
    if first_here(folder, name):
        raise GcprotoError("no QEMU here", why="it is not installed")
    return name


def misuse() -> str:
    raise GcprotoError("no such thing", code=ExitCode.USAGE)


def heap_result() -> list[Result]:
    time.sleep(0.2)
    return [result([])]


@pytest.fixture
def cluster() -> Iterator[Any]:
    from distributed import Nanny, Scheduler, SpecCluster

    workers = {
        name: {"cls": Nanny, "options": {"nthreads": 1, "host": address, "dashboard_address": None}}
        for name, address in enumerate(ADDRESSES)
    }
    scheduler = {"cls": Scheduler, "options": {"dashboard_address": None, "host": "127.0.0.1"}}
    make: Any = SpecCluster
    with make(workers=workers, scheduler=scheduler, silence_logs=50) as made:
        yield made
        for one in made.workers.values():  # a stopped process ends no other way
            if one.pid:
                os.kill(one.pid, signal.SIGKILL)


def answers(
    cluster: Any, jobs: list[Job[str]], deadline: float | None = None
) -> tuple[list[str], list[str], list[str]]:
    """Keys of the jobs with an answer, as they came; reasons of the others; what was told."""
    came: list[str] = []
    told: list[str] = []

    def done(job: Job[str], answer: str, _place: Place) -> None:
        assert answer == job.key
        came.append(job.key)

    pool = DaskPool(cluster.scheduler_address)
    try:
        lost = run(jobs, pool, done, deadline=deadline, tell=told.append, patience=5)
    finally:
        pool.close(now=False)
    return came, [one.reason for one in lost], told


def test_workers_that_die_stall_and_are_late(cluster: Any, tmp_path: Path) -> None:
    """Each job has one answer: of the killed worker's another, and of two answers the first."""
    began = time.monotonic()
    jobs = [
        Job("late", partial(late_once, tmp_path, "late")),
        *(Job(f"q{n}", partial(quick, f"q{n}")) for n in range(5)),
    ]
    came, lost, told = answers(cluster, jobs, deadline=2)
    assert sorted(came) == sorted(job.key for job in jobs)
    assert lost == []
    assert "late: no answer within 2 s" in [line.split(" (")[0] for line in told]
    while not (tmp_path / "late-late").exists():
        assert time.monotonic() - began < 60
        time.sleep(0.05)
    dead = Job("dead", partial(hang_once, tmp_path, "dead"))
    import threading

    def kill() -> None:
        while not (tmp_path / "dead").exists() or not (pid := (tmp_path / "dead").read_text()):
            time.sleep(0.05)
        os.kill(int(pid), signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()
    came, lost, told = answers(cluster, [dead, Job("other", partial(quick, "other"))])
    assert sorted(came) == ["dead", "other"]
    assert lost == []
    assert "dead: its worker died" in [line.split(" (")[0] for line in told]
    stalled = [Job("stop", partial(stop_once, tmp_path, "stop")), Job("after", partial(quick, "after"))]
    came, lost, told = answers(cluster, stalled, deadline=2)
    assert sorted(came) == ["after", "stop"]
    assert lost == []


def test_each_host_measures_alone_and_is_named(cluster: Any) -> None:
    pool = DaskPool(cluster.scheduler_address)
    try:
        assert [one.host for one in pool.places()] == list(ADDRESSES)
        work = partial(measure_there, heap_result, ("gc", "policies"))
        jobs = [Job(f"{host} {n}", work, host) for n in range(2) for host in ADDRESSES]
        found: list[tuple[str, str, list[str]]] = []

        def done(job: Job[list[Result]], results: list[Result], place: Place) -> None:
            found.extend((job.host, place.host, one.producer.command) for one in results)
            assert all(host_of(one) for one in results)

        assert run(jobs, pool, done) == []
    finally:
        pool.close(now=False)
    assert sorted(found) == sorted((host, host, ["gc", "policies"]) for host in ADDRESSES for _ in range(2))


def test_a_host_that_refuses_and_a_mistake_of_the_user(cluster: Any, tmp_path: Path) -> None:
    came, lost, told = answers(cluster, [Job("x", partial(refuse_unless, tmp_path, "x"))])
    assert (came, lost) == (["x"], [])
    assert told[0].startswith("x: this host cannot do it: no QEMU here (it is not installed)")
    with pytest.raises(GcprotoError) as raised:
        answers(cluster, [Job("y", misuse)])
    assert raised.value.code == ExitCode.USAGE


@pytest.mark.parametrize("says", [b"HTTP/1.1 400 Bad Request" + bytes(100), b""])
def test_another_program_at_the_address_is_no_scheduler(says: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask took the first bytes of an answer for a size of 3 EiB, and waited forever for a silent program."""
    monkeypatch.setattr(dask, "GREET_SECONDS", 1.0)
    accepted = []

    def serve() -> None:
        accepted.append(server.accept()[0])
        accepted[0].sendall(says)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(GcprotoError, match="there is no Dask scheduler at") as refused:
            DaskPool(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        assert refused.value.why == dask.ANOTHER
        for one in accepted:
            one.close()
