"""The listener that counts how often running threads are interrupted by TLB shoot-downs while a heap is collected."""

from collections.abc import Sequence

from gcproto.collector.watch.events import Listener
from gcproto.host.shoot_downs import shoot_downs
from gcproto.results.schema import Collection

PHASES = ("split", "compact", "drain")
"""Before the flip, and after it."""


class ShootDownListener(Listener):
    """Counts on the processors of threads that run beside the collector.

    Args:
        cpus: their numbers.

    Attributes:
        counts: of each collection, by phase; nothing where the kernel does not count.

    """

    def __init__(self, cpus: Sequence[int]) -> None:
        self.cpus = tuple(cpus)
        self.counts: list[dict[str, int]] = []
        self._before: int | None = None

    def cycle_begins(self, number: int, used: int) -> None:
        """Nothing was counted yet."""
        self.counts.append({})

    def phase_begins(self, name: str) -> None:
        """Look, outside of what is timed."""
        self._before = shoot_downs(self.cpus) if name in PHASES else None

    def phase_ends(self, name: str) -> None:
        """Look again."""
        now = shoot_downs(self.cpus) if name in PHASES else None
        if now is not None and self._before is not None:
            self.counts[-1][name] = now - self._before

    def write_into(self, collections: list[Collection]) -> None:
        """Write the counts into the records of the same collections."""
        for one, counts in zip(collections, self.counts, strict=False):
            one.shoot_downs = counts
