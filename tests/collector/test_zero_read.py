"""The hazard that a move leaves behind: what is read in from-space after its page was moved away is zero.

Objects that span pages are faulted in the order that is worst for a producer that reads headers where they were.  That
is the page with the header first, then the pages that the object reaches into.  The producer must not need what is gone
by then.
"""

from typing import Any

import pytest

from gcproto._native import lib
from gcproto.collector.compiled.prepare import NEVER
from gcproto.collector.cycle import Collector
from gcproto.collector.modes import MODES
from gcproto.heap.compiled import kernel
from gcproto.heap.memory import load64
from gcproto.heap.pages import PAGE_BYTES, PAGE_WORDS
from gcproto.results.schema import ModeOptions
from tests.support.heap_model import Bench

pytestmark = [pytest.mark.needs("move"), pytest.mark.timeout(60)]

WORDS = 3 * PAGE_WORDS + 77
OBJECTS = 40


@kernel
def touch(address: int) -> int:
    """A load that may fault; the handler needs no GIL, but no thread should hold it here."""
    return load64(address)


class WorstOrder(Collector):
    """Before the collector sweeps, its bench's mutator touches every page, from low to high addresses."""

    bench: Bench
    first_words: list[int]
    hazards = 0

    def _sweep(self, swept: Any) -> int:
        used = int(self.plan.used_end)
        with self.bench.inside():
            for index in range(used):
                touch(self.heap.to + index * PAGE_BYTES)
                if index < int(self.plan.dense_end):
                    # It has been moved: who looked for a header there now would find none.
                    assert touch(self.heap.from_ + index * PAGE_BYTES + 8 * (PAGE_WORDS - 1)) == 0
                    self.hazards += 1
        assert not any(lib.gcp_compaction_timeline(self._native).n for _ in range(1)), "the collector came first"
        return super()._sweep(swept)


@pytest.mark.parametrize("dense", [950, NEVER])
@pytest.mark.parametrize("group", [1, 16])
def test_pages_behind_a_header_that_has_moved_away(dense: int, group: int) -> None:
    mode = MODES["art"].with_options(ModeOptions(dense_permille=dense, fault_pages=group))
    bench = Bench(32 << 20, MODES["stw"])
    bench.collector.close()
    bench.collector = WorstOrder(bench.heap, mode, [bench.checks, bench.failures])
    bench.collector.bench = bench
    try:
        for number in range(OBJECTS):
            bench.allocate(WORDS, WORDS - 1 - number, number)
        for number in range(OBJECTS):
            for field in range(0, WORDS - 1 - number, 5):
                bench.link(number, field, (number + field) % OBJECTS)
        bench.collect()
        if dense == 950:
            assert bench.collector.hazards > OBJECTS * 2
        for number in range(OBJECTS):
            for field in range(0, WORDS - 1 - number, 5):
                assert bench.follow(number, field) == bench.follow((number + field) % OBJECTS)
    finally:
        bench.close()
