"""Cells as jobs: here, and on hosts of a cluster that lack what they need.  No guest is booted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gcproto.jobs.cluster import DaskPool
from gcproto.jobs.here import LocalPool
from gcproto.jobs.pool import Job, Place, Pool
from gcproto.jobs.run import Failed, run
from gcproto.kernels.get.fetch import LocalKernel
from gcproto.kernels.guest.machine import Machine
from gcproto.kernels.run.cell import Cell
from gcproto.kernels.run.matrix import jobs_of
from gcproto.results.facts import host_of
from gcproto.results.schema import Result

pytestmark = pytest.mark.needs("qemu", "static")


@pytest.fixture
def cluster() -> Iterator[Any]:
    from distributed import LocalCluster

    make: Any = LocalCluster
    with make(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1", silence_logs=50) as made:
        yield made


def cells(image: Path, count: int = 3) -> list[Cell]:
    kernel = LocalKernel("6.18.1", str(image), (), "here")
    return [Cell(kernel, "quick", Machine(timeout=20), boot, 3) for boot in range(1, count + 1)]


def outcome(some: list[Cell], pool: Pool, *, on_cluster: bool) -> tuple[list[Result], list[Failed[Result]], list[str]]:
    found: list[Result] = []
    told: list[str] = []

    def done(_job: Job[Result], result: Result, _place: Place) -> None:
        found.append(result)

    try:
        lost = run(jobs_of(some, cluster=on_cluster), pool, done, tell=told.append, patience=5)
    finally:
        pool.close(now=False)
    return found, lost, told


def test_what_can_not_be_booted_is_a_result_here(tmp_path: Path) -> None:
    found, lost, _ = outcome(cells(tmp_path / "nothing"), LocalPool(2), on_cluster=False)
    assert lost == []
    assert sorted(one.guest.boot for one in found if one.guest) == [1, 2, 3]
    assert {one.guest.outcome for one in found if one.guest} <= {"unbootable", "died"}
    assert {host_of(one) for one in found} == {""}


def test_a_kernel_that_a_host_does_not_have_is_refused_by_it(cluster: Any, tmp_path: Path) -> None:
    """As a result it would be that kernel's; the reason names the file."""
    found, lost, told = outcome(cells(tmp_path / "nothing"), DaskPool(cluster.scheduler_address), on_cluster=True)
    assert found == []
    assert len(lost) == 3
    assert all(f"this host cannot do it: there is no {tmp_path / 'nothing'} here" in one.reason for one in lost)
    assert len(told) == 3, "a host is asked once for each cell"


def test_results_of_a_cluster_name_their_host(cluster: Any, tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(b"no kernel")
    found, lost, _ = outcome(cells(image), DaskPool(cluster.scheduler_address), on_cluster=True)
    assert lost == []
    assert sorted(one.guest.boot for one in found if one.guest) == [1, 2, 3]
    assert all(host_of(one) for one in found)
