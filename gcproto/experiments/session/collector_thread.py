"""The collector's thread: it collects until the world is closed, and records the cost."""

import threading
import time

from gcproto._native import lib
from gcproto.collector.cycle import CollectionError, Collector
from gcproto.experiments.session.mutator import Place


class CollectorThread(threading.Thread):
    """Serves a collector.

    Args:
        collector: that it serves;  cpu: processor to bind it to, -1 for none.

    Attributes:
        place: where it ran;  error: why it gave up, "" if it did not.
        cpu_ns: CPU time since ``measure``, of this thread and, once it has ended, of the one that serves faults.

    """

    def __init__(self, collector: Collector, cpu: int) -> None:
        super().__init__(name="collector")
        self.collector = collector
        self.place = Place(cpu)
        self.error = ""
        self._clock: int | None = None
        self._before = self._handler_before = 0
        self._ended_with = 0

    def measure(self) -> None:
        """What is measured begins here."""
        self._before = self._so_far()
        self._handler_before = self._handler()

    @property
    def cpu_ns(self) -> int:
        """CPU time since ``measure``, once it has ended; 0 for a thread that never ran."""
        return self._ended_with - self._before + self._handler() - self._handler_before

    def _handler(self) -> int:
        return lib.gcp_compaction_helper_cpu(self.collector.native)

    def _so_far(self) -> int:
        """CPU time, ns; 0 if it has not begun, or has ended by an error."""
        try:
            return time.clock_gettime_ns(self._clock) if self._clock is not None else 0
        except OSError:
            return 0

    def run(self) -> None:
        """The whole life of the thread."""
        try:
            self._clock = time.pthread_getcpuclockid(threading.get_ident())
            self.place.begin()
            self.place.look()
            self.collector.serve()
        except CollectionError as error:
            self.error = str(error)
        except Exception as error:
            self.error = repr(error)
        self._ended_with = lib.gcp_thread_cpu()
        self.place.look()
        if self.error:
            lib.gcp_world_close(self.collector.heap.world)
