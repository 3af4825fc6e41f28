"""Mark, prepare and compact by themselves, each on a heap that stands still; durations are of compiled code.

mark:     a binary tree of a million objects, in the order in which it was made;
prepare:  the plan for it;
map:      the ioctls of a sweep over a dense prefix, and the path lab's round for as many pages in the same batches;
compact:  the collector's sweep alone, without mutators, in each mode: over a dense prefix, and over pages of which half
          is live.
"""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.kernel_clock import CLOCK
from gcproto._native import ffi, lib
from gcproto.collector.cycle import Collector
from gcproto.collector.modes import MODES, Mode
from gcproto.collector.watch.events import Listener
from gcproto.collector.work import Faults
from gcproto.errors import GcprotoError
from gcproto.heap.folios import SMALL, Memory
from gcproto.heap.pages import PAGE_BYTES
from gcproto.heap.space import Heap
from gcproto.heap.workloads import workload
from gcproto.heap.workloads.knobs import Knobs
from gcproto.host import probes
from gcproto.host.machine import machine
from gcproto.rows import ARMS

ROUNDS = 7
WARMUP = 1
LIVE = 64 << 20
TREE = 32 * ((1 << 20) - 1)
"""Bytes of a full tree with 2^20 - 1 nodes."""


class Stopwatch(Listener):
    """Times phases by name, in ns, and keeps what was marked and swept."""

    def __init__(self) -> None:
        self.took: dict[str, int] = {}
        self.objects = self.words = self.pages = self.copied = self.map_ns = self.calls = 0
        self._begun = 0

    def phase_begins(self, name: str) -> None:
        """Start."""
        self._begun = time.monotonic_ns()

    def phase_ends(self, name: str) -> None:
        """Stop."""
        self.took[name] = time.monotonic_ns() - self._begun

    def marked(self, objects: int, words: int, dirty_cards: int) -> None:
        """What lives."""
        self.objects, self.words = objects, words

    def swept(self, swept: Any, faults: Faults) -> None:
        """What was done."""
        self.pages = int(swept.updated) + int(swept.built) + int(swept.slid)
        self.copied = int(swept.account.copied) + int(swept.account.copied_after_ebusy)
        self.map_ns = int(swept.map_ns)
        self.calls = int(swept.account.move_calls)


@contextmanager
def standing(
    name: str,
    mode: Mode,
    live: int,
    fragmentation: int,
    memory: Memory = SMALL,
    collecting: type[Collector] = Collector,
) -> Iterator[tuple[Any, Stopwatch]]:
    """A heap with a workload's live set, its mutator gone, and a collector."""
    try:
        probes.require_sigbus()
        probes.require_move("")
    except GcprotoError as error:
        pytest.skip(str(error))
    work = workload(name)
    heap = Heap(live * 4, memory=memory)
    mutator = heap.add_mutator()
    watch = Stopwatch()
    collector = collecting(heap, mode, [watch])
    parameters = Knobs(live_bytes=live, operations=1, fragmentation=fragmentation).array()
    lib.gcp_mutator_enter(mutator)
    done = work.setup(int(ffi.cast("uintptr_t", mutator)), parameters)
    lib.gcp_mutator_leave(mutator)
    assert done == 0
    try:
        yield collector, watch
    finally:
        collector.close()
        heap.close()


def _one(collector: Any, watch: Stopwatch, phase: str) -> None:
    collector.collect()
    CLOCK.add_ns(watch.took[phase])


@pytest.mark.parametrize("phase", ["mark", "prepare"])
@pytest.mark.benchmark(timer=CLOCK, warmup=False, group="mark and prepare")
def test_phase(benchmark: Any, phase: str) -> None:
    """A tree of a million objects."""
    with standing("trees", MODES["art"], TREE, 0) as (collector, watch):
        benchmark.pedantic(_one, args=(collector, watch, phase), rounds=ROUNDS, warmup_rounds=WARMUP)
    benchmark.extra_info["objects"] = watch.objects
    if phase == "mark":
        benchmark.extra_info["objects/s"] = round(watch.objects / benchmark.stats.stats.median)


@pytest.mark.parametrize("mode", ["move", "art", "copy"])
@pytest.mark.benchmark(timer=CLOCK, warmup=False, group="compact: dense prefix")
def test_compact_dense(benchmark: Any, mode: str) -> None:
    """Pages that are all live: updated in place."""
    with standing("prefix", MODES[mode], LIVE, 0) as (collector, watch):
        benchmark.pedantic(_one, args=(collector, watch, "compact"), rounds=ROUNDS, warmup_rounds=WARMUP)
    assert watch.copied == (0 if mode != "copy" else watch.pages)
    benchmark.extra_info["pages"] = watch.pages
    benchmark.extra_info["ns/page"] = round(benchmark.stats.stats.median * 1e9 / watch.pages)


def path_lab_round(pages: int, batch: int, seed: int, *, order: int) -> float:
    """Ns per page of UFFDIO_MOVE in the path lab: congruent, one thread, in memory that the heap's is like.

    That is small folios (order 0), or such as THPs were split into (the split is not counted).
    """
    prover = ffi.new("struct gcp_prover *")
    scenario = ffi.new("struct gcp_scenario *")
    done = ffi.new("struct gcp_round *")
    assert lib.gcp_prover_init(prover) == 0
    try:
        scenario.source, scenario.order = lib.GCP_SOURCE_PLAIN, order
        scenario.arm = ARMS["split_move" if order else "move"].number
        scenario.pages, scenario.granule = pages, batch * PAGE_BYTES
        scenario.cpu = scenario.touch_cpu = -1
        scenario.seed = seed
        lib.gcp_round_run(prover, scenario, done)
    finally:
        lib.gcp_prover_deinit(prover)
    reason = ffi.string(done.reason)
    assert done.status == lib.GCP_ROUND_VALID, reason.decode()
    return float(done.ns - done.split_ns) / pages


@pytest.mark.parametrize("frames", ["neighbours", "scattered"])
@pytest.mark.benchmark(timer=CLOCK, warmup=False, group="map: dense prefix")
def test_map_dense(benchmark: Any, frames: str) -> None:
    """What mapping costs in a collection, beside the path lab's cost in the same round; extra_info has the ratio.

    Page frames that lie one next to the other, as those of THPs that were split, cost half of scattered ones, which
    miss in the kernel's memory map.  Which ones small folios get is the system's doing, for the heap and for the lab:
    only the first kind is like and like.
    """
    order = machine().pmd_order
    if frames == "neighbours" and order not in machine().anon_orders:
        pytest.skip("no transparent huge pages")
    memory = Memory("2m", order) if frames == "neighbours" else SMALL
    lab: list[float] = []
    heap: list[float] = []
    batch = MODES["art"].flush_bytes // PAGE_BYTES

    with standing("prefix", replace(MODES["art"], split_ahead=bool(memory.order)), LIVE, 0, memory) as made:
        collector, watch = made

        def both() -> None:
            collector.collect()
            heap.append(watch.map_ns / watch.pages)
            lab.append(path_lab_round(watch.pages // 512 * 512, batch, len(lab), order=memory.order or 0))
            CLOCK.add_ns(watch.map_ns)

        benchmark.pedantic(both, rounds=ROUNDS * 6, warmup_rounds=WARMUP)
    here, there = statistics.median(heap[WARMUP:]), statistics.median(lab[WARMUP:])
    pairs = [one / other for one, other in zip(heap[WARMUP:], lab[WARMUP:], strict=True)]
    benchmark.extra_info["pages"] = watch.pages
    benchmark.extra_info["pages per ioctl"] = round(watch.pages / watch.calls)
    benchmark.extra_info["ns/page"] = round(here, 1)
    benchmark.extra_info["path lab ns/page"] = round(there, 1)
    benchmark.extra_info["to path lab"] = round(statistics.median(pairs), 3)


@pytest.mark.parametrize("mode", ["move", "art", "copy"])
@pytest.mark.benchmark(timer=CLOCK, warmup=False, group="compact: half live")
def test_compact_sparse(benchmark: Any, mode: str) -> None:
    """Every round has a new heap: after one collection nothing is sparse any more."""
    pages = 0

    def one() -> None:
        nonlocal pages
        with standing("sparse", MODES[mode], LIVE, 500) as (collector, watch):
            _one(collector, watch, "compact")
            pages = watch.pages

    benchmark.pedantic(one, rounds=ROUNDS, warmup_rounds=WARMUP)
    benchmark.extra_info["pages"] = pages
    benchmark.extra_info["ns/page"] = round(benchmark.stats.stats.median * 1e9 / pages)
