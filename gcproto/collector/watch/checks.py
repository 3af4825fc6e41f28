"""The listener that verifies every collection: contents, references, and the account of pages."""

from typing import Any

from gcproto._native import ffi, lib
from gcproto.accounts import ACCOUNT
from gcproto.collector.watch.events import Listener, Watched
from gcproto.heap.space import Heap
from gcproto.heap.verify import Verifier


def account_error(plan: Any, swept: Any, faults: dict[str, int]) -> str:
    """Whether every to-space page was produced once and mapped once; "" if so.

    A page that every ioctl called existing though one of them had put it there (gcproto.known.bugs, retry-eexist)
    is missing from the account of pages mapped; there are never more of these than results that said EEXIST.
    """
    used = int(plan.used_end)
    if int(swept.recovered):
        return ""  # stores did the rest, and nobody counts those
    produced = sum(int(getattr(swept, name)) for name in ("updated", "built", "slid", "empty"))
    produced += sum(faults[name] for name in ("updated", "built", "slid"))
    if produced != used:
        return f"pages produced: {produced}, in use: {used}"
    mapped = sum(int(getattr(swept.account, name)) + faults[name] for name in _MAPPED)
    lost = int(swept.account.already) + faults["lost"]
    expected = used - int(swept.empty) + faults["fresh"]
    if mapped > expected or mapped < expected - lost:
        return f"pages mapped: {mapped}, expected: {expected} (found mapped by another thread: {lost})"
    return ""


_MAPPED = ("moved", "remapped", "copied", "copied_after_ebusy", "zeroed")
assert set(_MAPPED) <= set(ACCOUNT)


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
        self._plan: Any = None
        self._errors: list[str] = []

    def attached(self, collector: Watched) -> None:
        """Whose mode, pauses and number of collections count."""
        self._collector = collector

    def close(self) -> None:
        """Give the verifier's memory back."""
        self._verifier.close()

    def planned(self, plan: Any) -> None:
        """Remember what there is."""
        self._plan = plan
        self._errors = [self._verifier.before(plan)]

    def swept(self, swept: Any, faults: dict[str, int]) -> None:
        """Look at the account, where pages were evacuated by anybody's ioctls."""
        if self._collector.mode.concurrent:
            self._errors.append(account_error(self._plan, swept, faults))

    def released(self) -> None:
        """Look at the heap."""
        with self._collector.pause("verification"):
            self._errors.append(self._verifier.after(self._plan))
            self._errors.append(self._left())
        found = [error for error in self._errors if error]
        self.wrong += [f"collection {self._collector.cycles}: {error}" for error in found]
        self.passed += not found

    def _left(self) -> str:
        """Whether from-space has memory still."""
        prover: Any = ffi.new("struct gcp_prover *")
        view: Any = ffi.new("struct gcp_view *")
        if lib.gcp_prover_init(prover) < 0 or lib.gcp_view_init(self.heap.pages, view) < 0:
            return "from-space can't be looked at"
        try:
            lib.gcp_view_read(prover, self.heap.from_, self.heap.pages, view)
            left = int(view.present) + int(view.swapped)
        finally:
            lib.gcp_view_deinit(view)
            lib.gcp_prover_deinit(prover)
        return f"pages of from-space that are still there: {left}" if left else ""
