"""Young collections: what is promoted when, what the remembered set keeps alive, and what a full one frees."""

import errno
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from gcproto._native import ffi, lib
from gcproto.collector.compiled.cards import PAGE_CARDS
from gcproto.collector.modes import MODES
from gcproto.collector.young.collector import YoungCollector
from gcproto.collector.young.policy import NextKind
from gcproto.heap.calls import CARD_BYTES, CARD_DIRTY
from gcproto.heap.pages import PAGE_BYTES, PAGE_WORDS
from tests.support.graph_machine import GraphMachine
from tests.support.heap_model import MIB, Bench, bench, mode_with

pytestmark = [pytest.mark.needs("move"), pytest.mark.timeout(180)]

YOUNG = [name for name, mode in MODES.items() if mode.young]
MANY = 1 << 30
"""Young collections after the first one: no full one follows."""


def generations(heap: Bench) -> YoungCollector:
    assert isinstance(heap.collector, YoungCollector)
    return heap.collector


def fill(heap: Bench, slot: int, count: int, words: int = 16) -> None:
    """A list of objects that hangs on a slot: each refers to the one made before it."""
    for _ in range(count):
        heap.allocate(words, 1, slot + 100)
        heap.link(slot + 100, 0, slot)
        with heap.inside() as m:
            from gcproto.heap import mutator

            mutator.set_root(m, slot, mutator.root(m, slot + 100))
    heap.drop(slot + 100)


def length(heap: Bench, slot: int) -> int:
    found, ref = 0, heap.follow(slot)
    while ref:
        found, ref = found + 1, heap.word(ref, 1)
    return found


def cards(heap: Bench) -> bytes:
    table = ffi.cast("uint8_t *", heap.heap.tables.cards)
    return bytes(ffi.buffer(table, heap.heap.used // CARD_BYTES))


def card_of(heap: Bench, ref: int) -> int:
    return (ref - heap.heap.to) // CARD_BYTES


@pytest.mark.parametrize("mode", YOUNG)
def test_what_survives_two_collections_is_old_and_keeps_its_place(mode: str) -> None:
    with bench(mode=mode, full_after=MANY) as heap:
        made = generations(heap)
        heap.collect()
        assert not made.young
        fill(heap, 0, 1000)
        heap.collect()
        assert (made.young, made.old, made.middle > 30) == (True, 0, True)
        heap.collect()
        assert made.old > 30
        place = heap.follow(0)
        heap.allocate(64, 0, 1)
        fill(heap, 2, 1000)
        heap.drop(1)
        heap.collect()
        assert heap.follow(0) == place
        assert length(heap, 0) == length(heap, 2) == 1000


@pytest.mark.parametrize("mode", YOUNG)
def test_old_garbage_stays_until_a_full_collection(mode: str) -> None:
    with bench(mode=mode, full_after=4) as heap:
        heap.collect()
        fill(heap, 0, 1000)
        heap.collect()
        heap.collect()
        old = heap.heap.used
        heap.drop(0)
        heap.collect()
        assert heap.heap.used == old
        heap.collect()
        heap.collect()
        assert not generations(heap).young
        assert heap.heap.used == 0


@pytest.mark.parametrize("mode", YOUNG)
@pytest.mark.parametrize("between", [0, 1, 2])
def test_an_old_object_keeps_a_young_one_alive(mode: str, between: int) -> None:
    """No root refers to it; and the card is clean again once both are old."""
    with bench(mode=mode, full_after=MANY) as heap:
        heap.collect()
        fill(heap, 0, 300)
        heap.collect()
        heap.collect()
        old = heap.follow(0)
        assert (old - heap.heap.to) // PAGE_BYTES < generations(heap).old
        for _ in range(between):
            heap.allocate(500, 0, 5)
        heap.allocate(40, 2, 1)
        heap.allocate(24, 0, 2)
        heap.link(1, 1, 2)
        heap.link(0, 0, 1)
        for slot in (1, 2, 5):
            heap.drop(slot)
        for number in range(4):
            heap.collect()
            assert heap.word(heap.follow(0, 0, 1), 20) == 2020
            dirty = cards(heap)[card_of(heap, old)] == CARD_DIRTY
            assert dirty == (number == 0), "remembered as long as it refers to the middle generation"


@pytest.mark.parametrize("mode", YOUNG)
def test_a_page_of_the_old_generation_without_dirty_cards_is_not_written(mode: str) -> None:
    """The remembered set is empty, so its objects are neither marked nor updated."""
    with bench(mode=mode, full_after=MANY) as heap:
        heap.collect()
        fill(heap, 0, 2000)
        for _ in range(3):
            heap.collect()
        assert generations(heap).old > 60
        updated: list[int] = []
        heap.failures.remembered = updated.append  # type: ignore[method-assign, assignment]
        heap.collect()
        assert updated == [0]


@pytest.mark.parametrize("mode", YOUNG)
@pytest.mark.parametrize("words", [PAGE_WORDS + 100, 3 * PAGE_WORDS + 7])
def test_an_object_that_reaches_out_of_the_old_generation(mode: str, words: int) -> None:
    """It begins on the last old page, its references are on later pages, and lead to young objects."""
    with bench(32 * MIB, mode=mode, full_after=MANY) as heap:
        heap.collect()
        fill(heap, 0, 100, words=5)
        heap.allocate(words, words - 1, 1)
        heap.collect()
        fill(heap, 2, 100, words=7)
        heap.collect()
        old = generations(heap).old
        place = heap.follow(1)
        assert (place - heap.heap.to) // PAGE_BYTES < old
        last = words - 2
        for _ in range(4):
            heap.allocate(30, 0, 3)
            heap.link(1, last, 3)
            heap.link(1, last // 2, 3)
            heap.drop(3)
            heap.collect()
            assert heap.follow(1) == place
            assert heap.word(heap.follow(1, last), 20) == 3020
            assert heap.follow(1, last // 2) == heap.follow(1, last)


@pytest.mark.parametrize("mode", YOUNG)
@pytest.mark.parametrize(("rooted", "wrong"), [(True, "clean cards"), (False, "a reference to no object")])
def test_a_card_that_is_missing_is_found(mode: str, rooted: bool, wrong: str) -> None:
    """A mutator without a write barrier: the verifier says what the next young collection would lose."""
    with bench(mode=mode, full_after=MANY) as heap:
        heap.collect()
        fill(heap, 0, 300)
        heap.collect()
        heap.collect()
        heap.allocate(8, 0, 1)
        heap.link(0, 0, 1)
        ffi.cast("uint8_t *", heap.heap.tables.cards)[card_of(heap, heap.follow(0))] = 0
        if not rooted:
            heap.drop(1)
        heap.collector.collect()
        assert any(wrong in text for text in heap.checks.wrong), heap.checks.wrong


def digest(heap: Bench, slots: int) -> str:
    """Of the graph that root slots lead to: headers, contents, and which fields lead to the same object."""
    found = hashlib.sha256()
    numbers: dict[int, int] = {}
    work = [heap.follow(slot) for slot in range(slots)]
    found.update(repr([numbers.setdefault(ref, len(numbers)) if ref else -1 for ref in work]).encode())
    work = list(numbers)
    while work:
        ref = work.pop()
        head = heap.word(ref, 0)
        words = [heap.word(ref, 1 + at) for at in range((head & 0xFFFFFFFF) - 1)]
        for at in range(head >> 32):
            target = words[at]
            if target and target not in numbers:
                work.append(target)
            words[at] = numbers.setdefault(target, len(numbers)) if target else -1
        found.update(repr((head, words)).encode())
    return found.hexdigest()


def graphs(mode: str, seed: int, **options: int) -> list[str]:
    """Random objects, stores and collections; the digest of the graph after each collection."""
    chance = Random(seed)
    found = []
    with bench(16 * MIB, mode=mode, **options) as heap:
        for _ in range(12):
            for _ in range(chance.randrange(50, 400)):
                words = chance.choice([3, 8, 20, 60, 700])
                slot = chance.randrange(20)
                heap.allocate(words, chance.randrange(words), slot)
                for _ in range(2):
                    source, target = chance.randrange(20), chance.randrange(20)
                    ref = heap.follow(source)
                    refs = heap.word(ref, 0) >> 32 if ref else 0
                    if refs:
                        heap.link(source, chance.randrange(refs), target)
            heap.collect()
            found.append(digest(heap, 20))
        assert mode not in YOUNG or heap.collector.plan.old_end > 0
    return found


@pytest.mark.parametrize("full_after", [2, MANY])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_graph_is_the_one_that_full_collections_leave(seed: int, full_after: int) -> None:
    full = graphs("memmove", seed)
    assert len(set(full)) == len(full)
    for mode in YOUNG:
        assert graphs(mode, seed, full_after=full_after) == full


@contextmanager
def injected(call: int, after: int, count: int, number: int) -> Iterator[None]:
    lib.gcp_inject(call, after, count, number)
    try:
        yield
    finally:
        lib.gcp_inject(call, 0, 0, 0)


@pytest.mark.parametrize("mode", YOUNG)
@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize(
    ("call", "number"),
    [
        (lib.GCP_VERB_REGISTER, errno.ENOMEM),
        (lib.GCP_VERB_UNREGISTER, errno.EINVAL),
        (lib.GCP_VERB_REMAP, errno.ENOMEM),
        (lib.GCP_VERB_MADVISE, errno.ENOMEM),
        *(
            (call, number)
            for call in (lib.GCP_VERB_MOVE, lib.GCP_VERB_COPY)
            for number in (errno.EINVAL, errno.ENOMEM, errno.ESRCH, errno.EFAULT, errno.EAGAIN, errno.EBUSY)
        ),
        (lib.GCP_VERB_COPY, errno.ENOENT),
        (lib.GCP_VERB_ZEROPAGE, errno.ENOMEM),
    ],
)
def test_every_error_in_every_phase_leaves_generations_whole(mode: str, call: int, number: int, after: int) -> None:
    """Old, middle and young objects, references from old to young ones; then collections go on as if nothing were."""
    with bench(16 * MIB, mode=mode, full_after=3) as heap:
        heap.collect()
        fill(heap, 0, 3000)
        heap.collect()
        heap.collect()
        for cycle in range(6):
            fill(heap, 1, 1500)
            heap.allocate(12, 0, 2)
            heap.link(0, 0, 2)
            heap.link(1, 0, 2)
            with injected(call, after, 1, number):
                heap.collect()
            assert heap.word(heap.follow(0, 0), 7) == 2007
            for text in heap.failures.reasons:
                assert f"{number:03}" in text
            heap.failures.reasons.clear()
            assert generations(heap).young == (cycle % 4 != 1)


@pytest.mark.parametrize("mode", YOUNG)
def test_a_program_that_asks_gets_a_full_collection(mode: str) -> None:
    with bench(mode=mode) as heap:
        for _ in range(3):
            heap.collect()
            assert not generations(heap).young


class TestNextKind:
    """When a full collection follows."""

    def test_the_first_is_full_and_a_young_one_follows(self) -> None:
        kind = NextKind(0)
        assert not kind.young(asked=False)
        kind.ended(young=False, freed=100, cpu_ns=10**6, below=True)
        assert kind.young(asked=False)
        assert not kind.young(asked=True)

    @pytest.mark.parametrize(
        ("freed", "below", "young"), [(200 << 20, True, True), (199 << 20, True, False), (400 << 20, False, False)]
    )
    def test_a_young_one_must_be_worth_two_full_ones(self, freed: int, below: bool, young: bool) -> None:
        kind = NextKind(0)
        kind.ended(young=False, freed=100 << 20, cpu_ns=100 * 10**6, below=True)
        kind.ended(young=True, freed=freed, cpu_ns=100 * 10**6, below=below)
        assert kind.young(asked=False) == young

    def test_so_many_young_ones_then_a_full_one(self) -> None:
        kind = NextKind(2)
        kinds = []
        for _ in range(7):
            young = kind.young(asked=True)
            kinds.append(young)
            kind.ended(young=young, freed=0, cpu_ns=1, below=True)
        assert kinds == [False, True, True, False, True, True, False]

    @pytest.mark.parametrize("full_after", [0, 5])
    def test_where_there_is_no_memory_a_full_one_follows(self, full_after: int) -> None:
        kind = NextKind(full_after)
        kind.ended(young=False, freed=1, cpu_ns=1, below=True)
        assert not kind.young(asked=False, vain=True)
        assert kind.young(asked=False)


class Generations(GraphMachine):
    """Random lists and arrays of several ages, and stores between them, against a model of what must survive."""

    SLOTS = 12

    @initialize(
        mode=st.sampled_from(YOUNG),
        full_after=st.sampled_from([1, 3, MANY]),
        dense=st.sampled_from([500, 950]),
        group=st.sampled_from([1, 16]),
        whole=st.booleans(),
    )
    def start(self, mode: str, full_after: int, dense: int, group: int, whole: bool) -> None:
        options = {
            "full_after": full_after,
            "dense_permille": dense,
            "fault_pages": group,
            "register_whole": whole,
            "flush_bytes": 4 * PAGE_BYTES,
        }
        self.open(Bench(16 * MIB, mode_with(mode, **options)))

    @rule(slot=st.integers(0, SLOTS - 1), words=st.integers(2, 1300), share=st.floats(0, 1))
    def allocate(self, slot: int, words: int, share: float) -> None:
        self.make(slot, words, int((words - 1) * share))

    @rule(slot=st.integers(0, SLOTS - 1), count=st.integers(1, 60), words=st.integers(3, 40))
    def chain(self, slot: int, count: int, words: int) -> None:
        """A list in front of what the slot holds: most of it is reachable only through objects of other ages."""
        for _ in range(count):
            self.make(self.SLOTS, words, 1)
            if slot in self.roots:
                self.store(self.SLOTS, 0, slot)
            with self.bench.inside() as m:
                from gcproto.heap import mutator

                mutator.set_root(m, slot, mutator.root(m, self.SLOTS))
            self.roots[slot] = self.roots[self.SLOTS]

    @rule(count=st.integers(1, 300))
    def litter(self, count: int) -> None:
        for _ in range(count):
            self.bench.allocate(12, 1, 30)

    @precondition(lambda self: self.roots)
    @rule(data=st.data())
    def link(self, data: st.DataObject) -> None:
        """From any age to any other."""
        slot = data.draw(st.sampled_from(sorted(self.roots)))
        target = data.draw(st.sampled_from([-1, *sorted(self.roots)]))
        refs = self.objects[self.roots[slot]][1]
        if refs:
            self.store(slot, data.draw(st.integers(0, len(refs) - 1)), target)

    @rule()
    def collect(self) -> None:
        """And see that nothing old has moved in a young one."""
        made = generations(self.bench)
        old = made.old
        before = {slot: self.bench.follow(slot) for slot in self.roots}
        self.bench.collect()
        assert not self.bench.failures.reasons
        assert made.old * PAGE_CARDS <= made.middle * PAGE_CARDS
        if made.young:
            assert made.old >= old
            for slot, ref in before.items():
                if (ref - self.bench.heap.to) // PAGE_BYTES < old:
                    assert self.bench.follow(slot) == ref


Generations.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestGenerations = Generations.TestCase
