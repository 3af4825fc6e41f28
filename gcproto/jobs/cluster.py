"""Jobs on a Dask cluster, whose hosts may be unlike.

Dask could choose the worker, and run a job again by itself.  Then a worker that stalls would keep its job, and
times would be measured on a host while other jobs run there.  So each job is given to one worker, which
`gcproto.jobs.run` chooses.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Executor, Future
from typing import Protocol, TypedDict, TypeVar

from gcproto.errors import ExitCode, GcprotoError
from gcproto.jobs.pool import Place, Pool

T = TypeVar("T")

PACKAGE = "distributed"
CONNECT = "5s"
"""Time for the scheduler to accept a connection."""
GREET_SECONDS = 8.0
"""Time for it to accept one and to greet: Dask itself waits forever for a program that accepts and is silent."""
ANOTHER = "another program answers there"
"""A client takes the first bytes of such an answer for a size, which no machine has; or none come."""
UNLIKE = (ImportError, AttributeError)
"""Errors of a worker that can't import the work: gcproto is missing there, or another version."""


class _Worker(TypedDict):
    host: str
    nthreads: int


class _Security(Protocol):
    def get_connection_args(self, role: str) -> Mapping[str, object]:
        """For `distributed.comm.core.connect`: certificates of the user's configuration."""


class _Greeted(Protocol):
    async def close(self) -> None:
        """End the connection."""


class Cluster(Protocol):
    """What is used of ``distributed.Client``, most of whose functions have no types."""

    def scheduler_info(self, n_workers: int) -> Mapping[str, Mapping[str, _Worker]]:
        """What the scheduler knows of its workers, under ``workers``."""

    def get_executor(self, *, pure: bool, workers: list[str], allow_other_workers: bool, retries: int) -> Executor:
        """An executor of some workers."""

    def close(self, *, timeout: float) -> None:
        """End the connection."""


class DaskPool(Pool):
    """A Dask cluster. Its workers need gcproto, and what the job needs.

    Args:
        address: of the scheduler, ``tcp://host:8786``.

    Raises:
        GcprotoError: distributed is not installed, there is no scheduler at that address, or it has no workers.

    """

    poll = 1.0

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client as DaskClient
        except ImportError as error:
            raise GcprotoError(f"--dask needs the package {PACKAGE}", remedy="pip install 'gcproto[dask]'") from error
        _see_that_it_is_an_address(address)
        self._address = address
        try:
            asyncio.run(_see_that_it_answers(address))
            connect: Callable[..., Cluster] = DaskClient
            self._client = connect(address, timeout=CONNECT, set_as_default=False)
        except (OSError, ValueError, TimeoutError, MemoryError) as error:
            raise GcprotoError(
                f"there is no Dask scheduler at {address}",
                why=str(error) if str(error) and not isinstance(error, MemoryError) else ANOTHER,
                remedy="start one (dask scheduler; dask worker ADDRESS) and give its address",
            ) from error
        if not self.places():
            self.close(now=True)
            raise GcprotoError(
                f"the Dask scheduler at {address} has no workers",
                remedy=f"start one on each host: dask worker {address}",
            )

    def places(self) -> Sequence[Place]:
        """The scheduler's workers now, by host."""
        try:
            known = self._client.scheduler_info(n_workers=-1)["workers"]
        except (OSError, RuntimeError, TimeoutError, KeyError) as error:  # KeyError: the connection is closed
            raise GcprotoError(
                f"the Dask scheduler at {self._address} no longer answers",
                why="the connection is closed" if isinstance(error, KeyError) else str(error) or type(error).__name__,
                remedy="results that it delivered are kept: start it again and run what is missing",
            ) from error
        found = [Place(address, one["host"], one["nthreads"]) for address, one in known.items()]
        return sorted(found, key=lambda one: (one.host, one.address))

    def submit(self, work: Callable[[], T], place: Place) -> "Future[T]":
        """Give it to this worker and no other."""
        executor = self._client.get_executor(pure=False, workers=[place.address], allow_other_workers=False, retries=0)
        return executor.submit(work)

    def lost(self, error: BaseException) -> bool:
        """Whether the worker died, or the scheduler dropped the job.

        Raises:
            GcprotoError: the scheduler itself is gone.

        """
        if isinstance(error, CancelledError):
            self.places()
        return isinstance(error, CancelledError) or type(error).__name__ in {"KilledWorker", "CommClosedError"}

    def refused(self, error: BaseException) -> str:
        """What the host lacks."""
        if isinstance(error, GcprotoError) and error.code in {ExitCode.UNABLE, ExitCode.WRITE}:
            return f"{error.what} ({error.why})" if error.why else error.what
        if isinstance(error, UNLIKE):
            return f"it has no gcproto of this version ({error})"
        return ""

    def close(self, *, now: bool) -> None:
        """End the connection: the cluster stays up, and drops the jobs of this client."""
        del now
        self._client.close(timeout=10)


def _see_that_it_is_an_address(text: str) -> None:
    """See that an address has a host and a port; a client of anything else prints a traceback when it is closed.

    Raises:
        GcprotoError: the text has no host or no valid port.

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


async def _see_that_it_answers(address: str) -> None:
    """See that a scheduler answers as Dask does; a client that could not greet one prints a traceback when it is freed.

    Raises:
        OSError: nothing accepts a connection in time, or what it says is not of Dask.
        TimeoutError: what accepted it says nothing.
        MemoryError: another program's answer was read as a size.

    """
    from distributed.comm.core import connect
    from distributed.security import Security

    greet: Callable[..., Awaitable[_Greeted]] = connect
    secure: Callable[[], _Security] = Security
    arguments = secure().get_connection_args("client")
    greeted = await asyncio.wait_for(greet(address, timeout=CONNECT, **arguments), GREET_SECONDS)
    await greeted.close()
