"""What runs jobs: a pool has places, and a place accepts work."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """A worker.

    Attributes:
        address: unique in its pool.
        host: address of the machine that it is on.
        slots: jobs that it runs side by side.

    """

    address: str
    host: str
    slots: int


@dataclass(frozen=True)
class Job(Generic[T]):
    """Work that any worker can do, or any worker of one host.

    Attributes:
        key: unique in a run.
        work: a function that can be pickled.
        host: run it there alone: what it measures depends on the host, and on other work; "": anywhere.

    """

    key: str
    work: Callable[[], T]
    host: str = ""


class Pool(ABC):
    """Places."""

    poll: float | None = None
    """Seconds after which places are looked up again; None: they do not change."""

    @abstractmethod
    def places(self) -> Sequence[Place]:
        """Workers that are alive.

        Raises:
            GcprotoError: that can't be found out any more.

        """

    @abstractmethod
    def submit(self, work: Callable[[], T], place: Place) -> "Future[T]":
        """Begin work at a place."""

    @abstractmethod
    def lost(self, error: BaseException) -> bool:
        """Whether this failure of a future means that its worker died, not that the work failed."""

    @abstractmethod
    def refused(self, error: BaseException) -> str:
        """Why this failure means that the host cannot do the work and another one may; "": it does not."""

    @abstractmethod
    def close(self, *, now: bool) -> None:
        """End the workers; `now`: also their work."""
