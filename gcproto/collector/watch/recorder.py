"""The listener that measures: phases, pauses, what was evacuated how, memory."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from gcproto.accounts import map_counts_in
from gcproto.collector.counts import Counts, counts_of
from gcproto.collector.watch.events import Listener, Stop
from gcproto.collector.work import KINDS, Faults, stalls_in, tallies_at, work_of
from gcproto.heap.pages import PAGE_BYTES
from gcproto.results.schema import Collection, CollectorAccount, FaultAccount, Pause
from gcproto.structs import numbers_of

if TYPE_CHECKING:
    from gcproto._native import gcp_plan_ptr, gcp_swept


def resident_bytes() -> int:
    """Memory of this process that is present, in bytes."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE_BYTES


class Recorder(Listener):
    """Writes down every collection.

    Attributes:
        cycles: finished ones;  phase: that is under way, "" for none.
        runs: pages per ioctl of the collector in measured cycles.
        spans: (ns, ns, name) of phases;  stops: (requested, stopped, restarted, name) of pauses.  Monotonic time.

    """

    counts_objects = True

    def __init__(self) -> None:
        self.cycles: list[Collection] = []
        self.spans: list[tuple[int, int, str]] = []
        self.stops: list[tuple[int, int, int, str]] = []
        self.runs = Counts()
        self.measured = False
        self.phase = ""
        self._cycle = Collection(0)
        self._begun = 0

    def cycle_begins(self, number: int, used: int) -> None:
        """A new record."""
        self._cycle = Collection(number, measured=self.measured, used_before=used)

    def cycle_ends(self, number: int, used: int) -> None:
        """The record is complete."""
        self._cycle.used_after = used
        self._cycle.resident = resident_bytes()
        self.cycles.append(self._cycle)

    def phase_begins(self, name: str) -> None:
        """Phases don't nest."""
        self._begun = time.monotonic_ns()
        self.phase = name

    def phase_ends(self, name: str) -> None:
        """A span, and the sum of its name."""
        now = time.monotonic_ns()
        phases = self._cycle.phases
        setattr(phases, name, getattr(phases, name) + now - self._begun)
        self.spans.append((self._begun, now, name))
        self.phase = ""

    def stop_requested(self, name: str) -> None:
        """What it is doing."""
        self.phase = f"pause: {name}"

    def mutators_restarted(self, name: str, stop: Stop) -> None:
        """The pause is over."""
        self._cycle.pauses.append(Pause(name, stop.stopped - stop.requested, stop.restarted - stop.stopped))
        self.stops.append((stop.requested, stop.stopped, stop.restarted, name))
        self.phase = ""

    def marked(self, objects: int, words: int, dirty_cards: int) -> None:
        """What lives."""
        self._cycle.objects, self._cycle.live_bytes, self._cycle.dirty_cards = objects, words * 8, dirty_cards

    def remembered(self, cards: int) -> None:
        """What the remembered set holds."""
        self._cycle.old_cards = cards

    def planned(self, plan: "gcp_plan_ptr") -> None:
        """What is to become of the pages."""
        self._cycle.young = bool(plan.young)
        self._cycle.freed = plan.black_shift
        self._cycle.promoted = max(0, plan.old_end - plan.dense_end)
        self._cycle.dense = plan.dense_end
        self._cycle.kept = plan.kept
        self._cycle.compacted = plan.compact_end - plan.dense_end - plan.kept
        self._cycle.slid = plan.used_end - plan.compact_end

    def restored(self, pages: int, refused: int) -> None:
        """Counts of what was restored."""
        self._cycle.collector.restored, self._cycle.collector.restore_refused = pages, refused

    def swept(self, swept: "gcp_swept", faults: Faults) -> None:
        """What became of them."""
        self._cycle.collector = CollectorAccount(**numbers_of(swept), **map_counts_in(swept.account))
        self._cycle.faults = FaultAccount(**faults.counts)
        self._cycle.work = work_of(tallies_at(swept.work, len(KINDS)))
        self._cycle.fault_work, self._cycle.stalls = work_of(faults.work), stalls_in(faults.stalls)
        if self._cycle.measured:
            self.runs.add(counts_of(swept.runs))
