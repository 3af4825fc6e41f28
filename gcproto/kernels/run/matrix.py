"""Runs cells in parallel through ``concurrent.futures``: local processes, or a Dask cluster.

Instruction counts do not depend on other work on the host, so guests may run in parallel. The cells of a worker that
dies are run again, each at most ``ATTEMPTS`` times. Each cell's result is handed over once, as soon as it exists.
"""

import contextlib
import multiprocessing
import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from concurrent.futures.process import ProcessPoolExecutor
from typing import Protocol

from gcproto.errors import ExitCode, GcprotoError
from gcproto.host.worker import begin
from gcproto.kernels.run.cell import Cell, run_cell, use_temporary
from gcproto.process import interrupts
from gcproto.results.schema import Result

ATTEMPTS = 3


class Pool(ABC):
    """The place where cells run."""

    @abstractmethod
    def executor(self) -> Executor:
        """An executor that accepts work; a new one if the last is broken."""

    @abstractmethod
    def lost(self, error: BaseException) -> bool:
        """Whether this failure of a future means that its worker died, not that the cell failed."""

    @abstractmethod
    def close(self, *, now: bool) -> None:
        """End the workers; `now`: also their work."""


class LocalPool(Pool):
    """Processes on this machine.

    Args:
        workers: how many guests run side by side.

    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._folder = tempfile.TemporaryDirectory(prefix="gcproto-matrix-")
        self._executor: ProcessPoolExecutor | None = None

    def executor(self) -> Executor:
        """Spawned processes: they do not inherit this one's threads."""
        if self._executor is None or getattr(self._executor, "_broken", False):
            self._executor = ProcessPoolExecutor(
                self._workers, multiprocessing.get_context("spawn"), _begin_worker, (self._folder.name, os.getpid())
            )
        return self._executor

    def lost(self, error: BaseException) -> bool:
        """A process died."""
        return isinstance(error, BrokenExecutor)

    def close(self, *, now: bool) -> None:
        """Guests die with their process."""
        if self._executor:
            if now:
                self._executor.shutdown(wait=False, cancel_futures=True)
                for process in multiprocessing.active_children():
                    process.kill()
                    process.join()
            self._executor.shutdown(wait=True, cancel_futures=True)
        with contextlib.suppress(OSError):
            self._folder.cleanup()


def _begin_worker(folder: str, parent: int) -> None:
    """The parent handles signals. A worker ends with its parent."""
    begin(parent)
    use_temporary(folder)


class Cluster(Protocol):
    """What is used of ``distributed.Client``, whose functions have no types."""

    def get_executor(self, *, pure: bool, retries: int) -> Executor:
        """An executor of the cluster."""

    def close(self, *, timeout: float) -> None:
        """End the connection."""


class DaskPool(Pool):
    """A Dask cluster; its workers need gcproto, QEMU, a C compiler and a way to the archive (or a filled cache).

    Args:
        address: of the scheduler, ``tcp://host:8786``.

    Raises:
        GcprotoError: distributed is not installed, or there is no scheduler at that address.

    """

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client as DaskClient
        except ImportError as error:
            raise GcprotoError("--dask needs the package distributed", remedy="pip install 'gcproto[dask]'") from error
        _see_that_it_is_an_address(address)
        try:
            connect: Callable[..., Cluster] = DaskClient
            self._client = connect(address, timeout="5s", set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise GcprotoError(
                f"there is no Dask scheduler at {address}",
                why=str(error) or type(error).__name__,
                remedy="start one (dask scheduler; dask worker ADDRESS) and give its address",
            ) from error

    def executor(self) -> Executor:
        """The executor of the cluster. It runs a cell again if its worker died."""
        return self._client.get_executor(pure=False, retries=ATTEMPTS)

    def lost(self, error: BaseException) -> bool:
        """Whether workers died under the cell more often than the scheduler allows, or the scheduler dropped it."""
        return isinstance(error, CancelledError) or type(error).__name__ in {"KilledWorker", "CommClosedError"}

    def close(self, *, now: bool) -> None:
        """Do nothing: the cluster stays up."""
        self._client.close(timeout=10)


def _see_that_it_is_an_address(text: str) -> None:
    """See that an address has a host and a port; a client of anything else prints a traceback when it is closed.

    Raises:
        GcprotoError: it is none.

    """
    from distributed.comm.addressing import get_address_host_port

    try:
        _, port = get_address_host_port(text if "://" in text else f"tcp://{text}", strict=True)
        if not 0 < port < 1 << 16:
            raise ValueError(f"{port} is not a port from 1 to 65535")
    except ValueError as error:
        raise GcprotoError(
            f"{text!r} is not the address of a Dask scheduler",
            why=str(error),
            remedy="give its address as dask scheduler prints it: tcp://host:8786",
            code=ExitCode.USAGE,
        ) from error


def run(cells: Sequence[Cell], pool: Pool, done: Callable[[Cell, Result], None]) -> list[Cell]:
    """Run all cells.

    Args:
        cells: distinct cells.
        pool: closed by the caller.
        done: called once for each cell that has a result.

    Returns:
        Cells without a result: the workers of cells died each time.

    """
    running: dict[Future[Result], Cell] = {}
    try:
        return _run(cells, pool, done, running)
    except KeyboardInterrupt:
        for future, cell in running.items():  # ended meanwhile
            if future.done() and not future.cancelled() and future.exception() is None:
                done(cell, future.result())
        raise


def _run(
    cells: Sequence[Cell], pool: Pool, done: Callable[[Cell, Result], None], running: dict[Future[Result], Cell]
) -> list[Cell]:
    """See `run`; `running` holds what has not been handed over."""
    tries = dict.fromkeys((cell.key for cell in cells), 0)
    waiting, given_up = list(cells), []
    while waiting or running:
        for cell in waiting:
            tries[cell.key] += 1
            # Workers start on demand with signals blocked, because the parent handles them.
            with interrupts.held(), interrupts.blocked():
                running[pool.executor().submit(run_cell, cell)] = cell
        waiting = []
        ended, _ = wait(running, return_when=FIRST_COMPLETED)
        with interrupts.held():  # what is taken out of `running` is handed over
            for future in ended:
                cell = running.pop(future)
                error = future.exception() if not future.cancelled() else CancelledError()
                if error is None:
                    done(cell, future.result())
                elif not pool.lost(error):
                    raise error
                elif tries[cell.key] < ATTEMPTS:
                    waiting.append(cell)
                else:
                    given_up.append(cell)
    return given_up
