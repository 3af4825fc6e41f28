"""Jobs in processes on this machine."""

import contextlib
import multiprocessing
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Future
from concurrent.futures.process import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

from gcproto.host.worker import begin
from gcproto.jobs.pool import Place, Pool

T = TypeVar("T")


class LocalPool(Pool):
    """Processes on this machine.

    Args:
        workers: how many jobs run side by side.

    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._folder = tempfile.TemporaryDirectory(prefix="gcproto-matrix-")
        self._executor: ProcessPoolExecutor | None = None

    def places(self) -> Sequence[Place]:
        """One: the machine of this process."""
        return [Place("", "", self._workers)]

    def submit(self, work: Callable[[], T], place: Place) -> "Future[T]":
        """Run it in a spawned process, which does not inherit this one's threads. A broken executor is replaced."""
        if self._executor is None or getattr(self._executor, "_broken", False):
            self._executor = ProcessPoolExecutor(
                place.slots, multiprocessing.get_context("spawn"), _begin_worker, (self._folder.name, os.getpid())
            )
        return self._executor.submit(work)

    def lost(self, error: BaseException) -> bool:
        """A process died."""
        return isinstance(error, BrokenExecutor)

    def refused(self, error: BaseException) -> str:
        """There is no other host."""
        del error
        return ""

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
    """The parent handles signals. A worker ends with its parent, which removes the temporary files of both."""
    begin(parent)
    tempfile.tempdir = str(Path(folder))
