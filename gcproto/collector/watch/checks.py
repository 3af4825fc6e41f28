"""The listener that verifies every collection: contents, references, remembered set, and the account of pages."""

from typing import TYPE_CHECKING

from gcproto._native import ffi, lib
from gcproto.collector.watch.events import Listener, Watched
from gcproto.collector.work import Faults
from gcproto.heap.space import Heap
from gcproto.heap.verify import Verifier

if TYPE_CHECKING:
    from gcproto._native import gcp_plan, gcp_plan_ptr, gcp_swept


def account_error(plan: "gcp_plan", swept: "gcp_swept", faults: Faults) -> str:
    """Whether every to-space page was produced once and mapped once; "" if so.

    A page may be missing from the account of pages mapped: every ioctl returned EEXIST for it, although one of them had
    mapped it (gcproto.known.bugs, retry-eexist).  There are at most as many of these as results with EEXIST.
    """
    used = plan.used_end
    if swept.recovered:
        return ""  # stores did the rest, and are not counted
    produced = swept.updated + swept.built + swept.slid + swept.empty
    produced += sum(faults.counts[name] for name in ("updated", "built", "slid"))
    if produced != used:
        return f"pages produced: {produced}, in use: {used}"
    account = swept.account
    mapped = account.moved + account.remapped + account.copied + account.copied_after_ebusy + account.zeroed
    mapped += sum(faults.counts[name] for name in ("moved", "remapped", "copied", "copied_after_ebusy", "zeroed"))
    lost = account.already + faults.counts["lost"]
    expected = used - swept.empty + faults.counts["fresh"]
    if mapped > expected or mapped < expected - lost:
        return f"pages mapped: {mapped}, expected: {expected} (found mapped by another thread: {lost})"
    return ""


class Checks(Listener):
    """Verifies; what is wrong is written down, and the run goes on.

    Args:
        heap: that is collected.

    Attributes:
        wrong: in words, with the number of the collection.
        passed: collections that were right.

    """

    def __init__(self, heap: Heap) -> None:
        self.heap = heap
        self.wrong: list[str] = []
        self.passed = 0
        self._verifier = Verifier(heap)
        self._plan: gcp_plan_ptr = ffi.NULL
        self._errors: list[str] = []

    def attached(self, collector: Watched) -> None:
        """Whose mode, pauses and number of collections count."""
        self._collector = collector

    def close(self) -> None:
        """Give the verifier's memory back."""
        self._verifier.close()

    def planned(self, plan: "gcp_plan_ptr") -> None:
        """Remember what there is."""
        self._plan = plan
        self._errors = [self._verifier.before(plan)]

    def swept(self, swept: "gcp_swept", faults: Faults) -> None:
        """Look at the account, where pages were evacuated by anybody's ioctls."""
        if self._collector.mode.concurrent:
            self._errors.append(account_error(self._plan, swept, faults))

    def released(self) -> None:
        """Look at the heap."""
        with self._collector.pause("verification"):
            self._errors.append(self._verifier.after(self._plan))
            self._errors.append(self._left())
            missing = self._collector.unremembered()
            self._errors.append(f"old objects that refer to younger ones on clean cards: {missing}" if missing else "")
        found = [error for error in self._errors if error]
        self.wrong += [f"collection {self._collector.cycles}: {error}" for error in found]
        self.passed += not found

    def _left(self) -> str:
        """Whether from-space has memory still."""
        prover = ffi.new("struct gcp_prover *")
        view = ffi.new("struct gcp_view *")
        if lib.gcp_prover_init(prover) < 0 or lib.gcp_view_init(self.heap.pages, view) < 0:
            return "from-space can't be looked at"
        try:
            lib.gcp_view_read(prover, self.heap.from_, self.heap.pages, view)
            left = view.present + view.swapped
        finally:
            lib.gcp_view_deinit(view)
            lib.gcp_prover_deinit(prover)
        return f"pages of from-space that are still there: {left}" if left else ""
