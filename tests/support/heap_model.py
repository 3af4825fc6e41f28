"""Heaps for tests: one that is used from the test's own thread, with a collection whenever the test wants one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from gcproto._native import ffi, lib
from gcproto.collector.modes import MODES, Mode
from gcproto.collector.watch.checks import Checks
from gcproto.collector.watch.events import Listener
from gcproto.collector.young.collector import collector_for
from gcproto.heap import mutator
from gcproto.heap.objects import get_ref, get_word
from gcproto.heap.space import Heap

MIB = 1 << 20


class Failures(Listener):
    """Collections that had to be finished with the world stopped."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def failed(self, reason: str) -> None:
        self.reasons.append(reason)


class Bench:
    """A heap with one mutator, the calling thread, outside of the heap but for single operations."""

    def __init__(self, capacity: int, mode: Mode, **heap: Any) -> None:
        self.heap = Heap(capacity, **heap)
        self.native = self.heap.add_mutator()
        self.address = int(ffi.cast("uintptr_t", self.native))
        self.checks = Checks(self.heap)
        self.failures = Failures()
        self.collector = collector_for(self.heap, mode, [self.checks, self.failures])

    def close(self) -> None:
        self.collector.close()
        self.checks.close()
        self.heap.close()

    @contextmanager
    def inside(self) -> Iterator[int]:
        """The calling thread is the mutator."""
        lib.gcp_mutator_enter(self.native)
        try:
            yield self.address
        finally:
            lib.gcp_mutator_leave(self.native)

    def allocate(self, words: int, refs: int, slot: int) -> None:
        """A new object in a root slot; words after the references count up from its slot."""
        with self.inside() as m:
            made = mutator.allocate(m, words, refs)
            assert made, "out of memory"
            for word in range(1 + refs, words):
                mutator.set_word(m, made, word, slot * 1000 + word)
            mutator.set_root(m, slot, made)

    def link(self, slot: int, field: int, target: int) -> None:
        with self.inside() as m:
            value = mutator.root(m, target) if target >= 0 else 0
            mutator.set_ref(m, mutator.root(m, slot), field, value)

    def drop(self, slot: int) -> None:
        with self.inside() as m:
            mutator.set_root(m, slot, 0)

    def follow(self, slot: int, *fields: int) -> int:
        with self.inside() as m:
            ref = int(mutator.root(m, slot))
            for field in fields:
                ref = int(get_ref(ref, field))
            return ref

    def word(self, ref: int, word: int) -> int:
        return int(get_word(ref, word))

    def collect(self) -> None:
        """A collection; the mutator is outside."""
        self.collector.collect()
        assert not self.checks.wrong, self.checks.wrong


def mode_with(name: str, **fields: Any) -> Mode:
    """A mode with fields of its own, also such as no option of the command sets, as far as it has a choice in them."""
    mode = MODES[name]
    fixed = mode.fixed() | ({"register_whole", "fresh_by_recycled"} if "fresh" in mode.fixed() else set())
    return replace(mode, **{field: value for field, value in fields.items() if field not in fixed})


@contextmanager
def bench(capacity: int = 8 * MIB, mode: str = "move", **options: Any) -> Iterator[Bench]:
    """A bench in a mode, with options of the mode's changed."""
    made = Bench(capacity, mode_with(mode, **options))
    try:
        yield made
    finally:
        made.close()
