"""The time from flip to drain of whole collections by each way of building pages, on equal heaps, in one run.

No mutator runs.  Every sample has a heap of its own, made in the same way; the ways take turns in an order left to
chance.  ``plain`` is what the collector had up to commit 9c16901.

sparse:  small objects of which half are live on each page: pages are built;
prefix:  records that are all live, in a dense prefix: pages are updated in place, and no reference leads out of it;
holes:   the same after one record in nine has died: pages are built, and references lead nowhere or to where they led;
trees:   a binary tree that is all live.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmarks.beside import beside, tell
from benchmarks.builders.variants import VARIANTS
from benchmarks.kernel_clock import CLOCK
from benchmarks.test_collector import standing
from gcproto._native import ffi
from gcproto.collector.compiled.for_c import producer_of
from gcproto.collector.cycle import Collector
from gcproto.collector.modes import MODES
from gcproto.heap.arrays import array_at
from gcproto.heap.plan import WRITTEN

LIVE = 64 << 20
ROUNDS = 9
HEAPS = {"sparse": ("sparse", 500), "prefix": ("prefix", 0), "holes": ("prefix", 111), "trees": ("trees", 0)}
WAYS = ("plain", "at once", "next", "destination", "past caches")
NOT_NOTED = "next, nothing noted at marking"


class Built(Collector):
    """Builds pages in another way."""

    def use(self, way: str, *, forget: bool) -> None:
        """From the next collection on.

        Args:
            way: one of ``benchmarks.builders.variants``, for faults and for the sweep.
            forget: whether what marking has noted of references is thrown away.

        """
        self._ahead = self._produce = ffi.cast("gcp_producer", producer_of(VARIANTS[way]))
        self._forgets = forget

    def _plan_black(self) -> None:
        super()._plan_black()
        if self._forgets:
            array_at(ffi.cast("uint32_t *", self.heap.tables.reach), self.heap.pages, np.uint32)[:] = WRITTEN


@pytest.mark.parametrize("heap", HEAPS)
@pytest.mark.parametrize("mode", ["move", "copy"])
@pytest.mark.benchmark(timer=CLOCK, warmup=False, group="from flip to drain")
def test_sweep(benchmark: Any, heap: str, mode: str) -> None:
    """extra_info: ns per page of each way, and how many times less that is than the plain one's."""
    name, fragmentation = HEAPS[heap]

    def collected(way: str, forget: bool) -> Callable[[], float]:
        def one() -> float:
            with standing(name, MODES[mode], LIVE, fragmentation, collecting=Built) as (collector, watch):
                collector.use(way, forget=forget)
                collector.collect()
                if heap not in ("sparse", "holes"):  # these have no second collection that is like the first
                    collector.collect()
                return float(watch.took["compact"] + watch.took["drain"]) / float(watch.pages)

        return one

    work = {way: collected(way, False) for way in WAYS}
    work[NOT_NOTED] = collected("next", True)
    samples = beside(work, ROUNDS)
    benchmark.pedantic(lambda: CLOCK.add_ns(round(samples["next"][0])), rounds=1)
    tell(benchmark, samples, "plain", "ns/page")
