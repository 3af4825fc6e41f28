"""Collections, one at a time, of heaps that the test has made: what is live stays, whole and once; what is not goes."""

import errno

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from gcproto._native import lib
from gcproto.collector.compiled.prepare import NEVER
from gcproto.collector.modes import MODES
from gcproto.heap.pages import PAGE_BYTES, PAGE_WORDS
from gcproto.heap.space import TLAB_BYTES
from tests.support.graph_machine import GraphMachine
from tests.support.heap_model import MIB, Bench, bench, mode_with

pytestmark = [pytest.mark.needs("move"), pytest.mark.timeout(120)]

COLLECTING = [name for name, mode in MODES.items() if mode.collects]
SLOTS = 24


@pytest.mark.parametrize("mode", COLLECTING)
def test_garbage_goes_and_live_objects_stay(mode: str) -> None:
    with bench(mode=mode) as heap:
        for number in range(20_000):
            heap.allocate(8, 1, number % 7)
        used = heap.heap.used
        heap.collect()
        assert heap.heap.used < used / 10
        assert [heap.word(heap.follow(slot), 7) for slot in range(7)] == [slot * 1000 + 7 for slot in range(7)]


@pytest.mark.parametrize("mode", COLLECTING)
def test_an_empty_heap_is_collected(mode: str) -> None:
    with bench(mode=mode) as heap:
        heap.collect()
        heap.collect()
        heap.allocate(4, 1, 0)
        heap.collect()
        assert heap.follow(0) == heap.heap.to


@pytest.mark.parametrize("mode", COLLECTING)
@pytest.mark.parametrize("words", [2, PAGE_WORDS - 1, PAGE_WORDS, PAGE_WORDS + 1, 5 * PAGE_WORDS + 3, 2 * MIB // 8])
def test_objects_that_span_pages(mode: str, words: int) -> None:
    """References and payload on every page of an object, behind garbage that makes it slide by odd distances."""
    with bench(32 * MIB, mode=mode, dense_permille=NEVER) as heap:
        refs = min(words - 1, words // 2 + 1)
        heap.allocate(33, 0, 0)
        heap.allocate(words, refs, 1)
        heap.allocate(5, 0, 2)
        for field in range(0, refs, max(1, refs // 50)):
            heap.link(1, field, 2 if field % 2 else 1)
        heap.link(1, refs - 1, 2)
        heap.drop(0)
        heap.collect()
        # What does not fit into the allocation buffer any more is allocated by itself, after the buffer.
        assert heap.follow(1) == heap.heap.to + (40 if words * 8 > TLAB_BYTES - 33 * 8 else 0)
        assert heap.word(heap.follow(1, refs - 1), 4) == 2004


@pytest.mark.parametrize("mode", COLLECTING)
def test_a_cycle_of_references_and_a_shared_object(mode: str) -> None:
    with bench(mode=mode) as heap:
        for slot in range(3):
            heap.allocate(6, 2, slot)
        for slot in range(3):
            heap.link(slot, 0, (slot + 1) % 3)
            heap.link(slot, 1, 2)
        heap.drop(1)
        heap.drop(2)
        for _ in range(3):
            heap.collect()
        assert heap.follow(0, 0, 0, 0) == heap.follow(0)
        assert heap.follow(0, 1) == heap.follow(0, 0, 0)
        heap.drop(0)
        heap.collect()
        assert heap.heap.used == 0


def test_the_dense_prefix_is_moved_in_place() -> None:
    with bench(mode="art") as heap:
        for number in range(4000):
            heap.allocate(64, 1, number % 2)
            if number > 1:
                heap.link(number % 2, 0, (number + 1) % 2)
        swept: list[tuple[int, int]] = []
        listener = heap.failures
        listener.swept = lambda done, _faults: swept.append((int(done.updated), int(done.built)))  # type: ignore[method-assign, assignment]
        heap.collect()
        pages = heap.heap.used // PAGE_BYTES
        assert swept == [(pages, 0)] or (sum(swept[0]) == pages and swept[0][0] > 0.9 * pages)


def test_without_a_dense_prefix_all_is_built() -> None:
    with bench(mode="move", dense_permille=NEVER) as heap:
        for number in range(4000):
            heap.allocate(64, 1, number % 2)
            if number > 1:
                heap.link(number % 2, 0, (number + 1) % 2)
        swept: list[tuple[int, int]] = []
        heap.failures.swept = lambda done, _faults: swept.append((int(done.updated), int(done.built)))  # type: ignore[method-assign, assignment]
        heap.collect()
        assert swept[0][0] == 0
        assert swept[0][1] > 400


def _with_a_dense_region(heap: Bench) -> list[tuple[int, int, int]]:
    """A fifth of garbage, then a chain without any; returns what collections updated in place, built, left empty."""
    for _ in range(800):
        heap.allocate(64, 1, 2)
    for number in range(3200):
        heap.allocate(64, 1, number % 2)
        if number > 1:
            heap.link(number % 2, 0, (number + 1) % 2)
    heap.drop(2)
    swept: list[tuple[int, int, int]] = []
    heap.failures.swept = lambda done, _faults: swept.append((int(done.updated), int(done.built), int(done.empty)))  # type: ignore[method-assign, assignment]
    return swept


@pytest.mark.parametrize(("granule", "regions"), [(1, "always"), (4, "granules"), (16, "granules")])
def test_a_dense_region_is_moved_as_it_is(granule: int, regions: str) -> None:
    with bench(mode="art", granule=granule, regions=regions) as heap:
        swept = _with_a_dense_region(heap)
        heap.collect()
        updated, built, empty = swept[0]
        assert updated >= 320
        assert updated % granule == 0
        assert empty * 20 <= updated + built + empty
        heap.collect()


@pytest.mark.parametrize(("granule", "regions"), [(1, "granules"), (16, "never")])
def test_dense_regions_are_built_where_none_are_looked_for(granule: int, regions: str) -> None:
    with bench(mode="art", granule=granule, regions=regions) as heap:
        swept = _with_a_dense_region(heap)
        heap.collect()
        assert swept[0][0] == 0
        assert swept[0][1] >= 390


def test_a_dense_region_slides_where_the_flip_fails() -> None:
    with bench(mode="art", granule=4) as heap:
        _with_a_dense_region(heap)
        lib.gcp_inject(lib.GCP_VERB_REMAP, 0, 1, errno.ENOMEM)
        try:
            heap.collect()
        finally:
            lib.gcp_inject(lib.GCP_VERB_REMAP, 0, 0, 0)
        assert heap.failures.reasons
        assert int(heap.collector.plan.kept) >= 320
        heap.collect()


def test_memory_does_not_grow_over_collections() -> None:
    from gcproto.collector.watch.recorder import resident_bytes

    with bench(32 * MIB) as heap:
        sizes = []
        for number in range(30):
            for _ in range(300):
                heap.allocate(512, 3, number % 5)
            heap.collect()
            sizes.append(resident_bytes())
        assert sizes[-1] - sizes[5] < 4 * MIB


def test_objects_of_a_heap_that_is_full_are_refused() -> None:
    """Without a collector no thread can make room: closing the world ends the wait, and allocation fails."""
    from gcproto.heap import mutator

    with bench(4 * MIB) as heap:
        lib.gcp_world_close(heap.heap.world)
        with heap.inside() as m:
            while mutator.allocate(m, 4096, 0):
                pass
            assert mutator.allocate(m, 4096, 0) == 0
            assert heap.heap.used <= 4 * MIB


@pytest.mark.parametrize("mode", ["move", "art", "copy", "remap"])
@pytest.mark.parametrize(
    ("call", "number"),
    [
        (lib.GCP_VERB_REGISTER, errno.ENOMEM),
        (lib.GCP_VERB_UNREGISTER, errno.EINVAL),
        (lib.GCP_VERB_REMAP, errno.ENOMEM),
        (lib.GCP_VERB_MADVISE, errno.ENOMEM),
        (lib.GCP_VERB_MOVE, errno.EINVAL),
        (lib.GCP_VERB_COPY, errno.ENOMEM),
        (lib.GCP_VERB_COPY, errno.ENOENT),
    ],
)
def test_a_system_call_that_fails_ends_the_cycle_and_leaves_the_heap_whole(mode: str, call: int, number: int) -> None:
    with bench(mode=mode, dense_permille=NEVER) as heap:
        for index in range(5000):
            heap.allocate(16, 1, index % 9)
            heap.link(index % 9, 0, (index + 1) % 9 if index > 8 else -1)
        lib.gcp_inject(call, 0, 1, number)
        try:
            heap.collect()
            done = lib.gcp_inject_done(call)
        finally:
            lib.gcp_inject(call, 0, 0, 0)
        if done:
            assert heap.failures.reasons, "a failure must be told"
            assert f"{number:03}" in heap.failures.reasons[0]
        else:
            assert (mode in ("copy", "remap")) == (call == lib.GCP_VERB_MOVE)
        heap.failures.reasons.clear()
        heap.collect()
        assert not heap.failures.reasons


@pytest.mark.parametrize("refused", [False, True])
def test_long_runs_are_remapped_and_what_mremap_refuses_is_copied(refused: bool) -> None:
    swept = []
    with bench(64 * MIB, mode="remap", dense_permille=NEVER) as heap:
        heap.failures.swept = lambda done, _faults: swept.append(  # type: ignore[method-assign, assignment]
            (int(done.account.remap_calls), int(done.account.remapped), int(done.account.copied))
        )
        for _ in range(4):
            for index in range(9000):
                heap.allocate(64, 1, index % 2)
                heap.link(index % 2, 0, (index + 1) % 2 if index else -1)
            if refused:  # the flip's own calls are not counted among them: it asks once
                lib.gcp_inject(lib.GCP_VERB_REMAP, 1, 1 << 40, errno.ENOMEM)
            try:
                heap.collect()
            finally:
                lib.gcp_inject(lib.GCP_VERB_REMAP, 0, 0, 0)
        assert not heap.failures.reasons
        assert all(calls > 0 for calls, _, _ in swept)
        if refused:
            assert all(remapped == 0 and copied > 400 for _, remapped, copied in swept)
        else:
            assert all(remapped >= 64 * calls for calls, remapped, _ in swept)


@pytest.mark.parametrize(("call", "number"), [(lib.GCP_VERB_MOVE, errno.EAGAIN), (lib.GCP_VERB_COPY, errno.EAGAIN)])
def test_eagain_is_asked_again(call: int, number: int) -> None:
    with bench(mode="move" if call == lib.GCP_VERB_MOVE else "copy") as heap:
        for index in range(5000):
            heap.allocate(16, 1, index % 9)
        lib.gcp_inject(call, 0, 50, number)
        try:
            heap.collect()
        finally:
            lib.gcp_inject(call, 0, 0, 0)
        assert not heap.failures.reasons


def test_eagain_without_end_is_diagnosed() -> None:
    with bench(mode="art") as heap:
        for index in range(500):
            heap.allocate(16, 1, index % 9)
        lib.gcp_inject(lib.GCP_VERB_MOVE, 0, 1 << 40, errno.EAGAIN)
        try:
            heap.collect()
        finally:
            lib.gcp_inject(lib.GCP_VERB_MOVE, 0, 0, 0)
        assert "011" in heap.failures.reasons[0]
        heap.collect()


@pytest.mark.parametrize("ebusy", ["copy", "touch", "backoff", "mutators-copy"])
def test_ebusy_is_answered_by_each_policy(ebusy: str) -> None:
    swept = []
    with bench(mode="art", ebusy=ebusy, dense_permille=NEVER) as heap:
        heap.failures.swept = lambda done, _faults: swept.append(done.account)  # type: ignore[method-assign, assignment]
        for index in range(5000):
            heap.allocate(16, 1, index % 9)
        lib.gcp_inject(lib.GCP_VERB_MOVE, 0, 1, errno.EBUSY)
        try:
            heap.collect()
        finally:
            lib.gcp_inject(lib.GCP_VERB_MOVE, 0, 0, 0)
        assert not heap.failures.reasons
        assert swept[0].ebusy == 1
        assert (swept[0].copied_after_ebusy, swept[0].moved_after_ebusy) == ((1, 0) if ebusy == "copy" else (0, 1))


@pytest.mark.needs("io_uring")
@pytest.mark.parametrize("ebusy", ["copy", "touch", "backoff"])
def test_a_pinned_page_is_copied_in_the_end(ebusy: str) -> None:
    swept = []
    with bench(mode="art", ebusy=ebusy) as heap:
        heap.failures.swept = lambda done, _faults: swept.append(done.account)  # type: ignore[method-assign, assignment]
        for index in range(3000):
            heap.allocate(64, 1, index % 2)
            heap.link(index % 2, 0, (index + 1) % 2 if index else -1)
        ring = lib.gcp_pin(heap.heap.to + 20 * PAGE_BYTES, 4 * PAGE_BYTES)
        assert ring > 0
        try:
            heap.collect()
        finally:
            lib.gcp_unpin(ring)
        assert swept[0].copied_after_ebusy == 4


@pytest.mark.parametrize(("number", "lost"), [(errno.EEXIST, True), (errno.ENOENT, False)])
def test_the_verifier_finds_a_page_that_a_kernel_lost(number: int, lost: bool) -> None:
    """EEXIST is believed, and a kernel that lies is found out. ENOENT is not, for a page that is in memory."""
    with bench(mode="art", dense_permille=NEVER) as heap:
        for index in range(3000):
            heap.allocate(64, 1, index % 2)
            heap.link(index % 2, 0, (index + 1) % 2 if index else -1)
        lib.gcp_inject(lib.GCP_VERB_MOVE, 0, 1, number)
        try:
            heap.collector.collect()
            assert lib.gcp_inject_done(lib.GCP_VERB_MOVE) == 1
        finally:
            lib.gcp_inject(lib.GCP_VERB_MOVE, 0, 0, 0)
        assert any("wrong word" in text for text in heap.checks.wrong) == lost


class Graphs(GraphMachine):
    """Random graphs against a model of them in Python: sizes, references and payload of everything reachable."""

    @initialize(
        mode=st.sampled_from(COLLECTING),
        dense=st.sampled_from([500, 950, NEVER]),
        group=st.sampled_from([1, 16]),
        flush=st.sampled_from([4 * PAGE_BYTES, 8 * MIB]),
        reserve=st.sampled_from([0, 4, 128]),
        granule=st.sampled_from([1, 2, 16]),
        regions=st.sampled_from(["granules", "always", "never"]),
        full_after=st.sampled_from([0, 1, 4, 1 << 30]),
    )
    def start(
        self, mode: str, dense: int, group: int, flush: int, reserve: int, granule: int, regions: str, full_after: int
    ) -> None:
        options = {
            "full_after": full_after,
            "dense_permille": dense,
            "fault_pages": group,
            "flush_bytes": flush,
            "reserve_pages": reserve,
            "granule": granule,
            "regions": regions,
        }
        self.open(Bench(16 * MIB, mode_with(mode, **options)))

    @rule(slot=st.integers(0, SLOTS - 1), words=st.integers(2, 1500), share=st.floats(0, 1))
    def allocate(self, slot: int, words: int, share: float) -> None:
        self.make(slot, words, int((words - 1) * share))

    @rule(slot=st.integers(0, SLOTS - 1), count=st.integers(1, 400))
    def litter(self, slot: int, count: int) -> None:
        for _ in range(count):
            self.bench.allocate(12, 1, SLOTS + 1)

    @precondition(lambda self: self.roots)
    @rule(data=st.data())
    def link(self, data: st.DataObject) -> None:
        slot = data.draw(st.sampled_from(sorted(self.roots)))
        target = data.draw(st.sampled_from(sorted(self.roots)))
        refs = self.objects[self.roots[slot]][1]
        if refs:
            self.store(slot, data.draw(st.integers(0, len(refs) - 1)), target)

    @rule()
    def collect(self) -> None:
        self.bench.collect()
        assert not self.bench.failures.reasons


Graphs.TestCase.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestGraphs = Graphs.TestCase
