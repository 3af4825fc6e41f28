"""Random graphs on a heap against a model of what must survive; tests add rules that make and link objects."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.support.heap_model import Bench


class GraphMachine(RuleBasedStateMachine):
    """A heap, its roots, and the objects that were made: words, targets of references, and the slot they began in."""

    bench: Bench

    def open(self, bench: Bench) -> None:
        """Begin with an empty heap; the machine closes it."""
        self.bench = bench
        self.roots: dict[int, int] = {}
        self.objects: dict[int, tuple[int, list[int], int]] = {}
        self.next = 0

    def teardown(self) -> None:
        if hasattr(self, "bench"):
            self.bench.close()

    def make(self, slot: int, words: int, refs: int) -> None:
        """An object with empty references, in a root slot."""
        self.bench.allocate(words, refs, slot)
        self.objects[self.next] = (words, [-1] * refs, slot)
        self.roots[slot] = self.next
        self.next += 1

    def store(self, slot: int, field: int, target: int) -> None:
        """Store what a slot holds, or nothing (-1), in a reference of what another one holds."""
        self.bench.link(slot, field, target)
        self.objects[self.roots[slot]][1][field] = self.roots[target] if target >= 0 else -1

    @precondition(lambda self: self.roots)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        slot = data.draw(st.sampled_from(sorted(self.roots)))
        self.bench.drop(slot)
        del self.roots[slot]

    @invariant()
    def same_graph(self) -> None:
        if not hasattr(self, "bench"):
            return
        seen: dict[int, int] = {}
        work = [(number, self.bench.follow(slot)) for slot, number in self.roots.items()]
        while work:
            number, ref = work.pop()
            if number in seen:
                assert seen[number] == ref
                continue
            seen[number] = ref
            words, refs, slot = self.objects[number]
            assert self.bench.word(ref, 0) == words | len(refs) << 32
            for field, target in enumerate(refs):
                value = self.bench.word(ref, 1 + field)
                assert (value == 0) == (target < 0)
                if target >= 0:
                    work.append((target, value))
            for word in {1 + len(refs), words - 1}:
                if 1 + len(refs) <= word < words:
                    assert self.bench.word(ref, word) == slot * 1000 + word
        assert len(set(seen.values())) == len(seen), "two objects in one place"
