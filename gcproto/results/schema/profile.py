"""Where the instructions of a scenario went: a profile by function, counted by a plugin of QEMU (native/profile)."""

import msgspec


class Cache(msgspec.Struct, frozen=True):
    """A level of the model of data caches: lines of 64 bytes, the least recently used one of a set is evicted.

    Attributes:
        name: ``L1D``, ``L2``, ``LLC``;  size: in bytes;  ways: lines of a set.

    """

    name: str
    size: int
    ways: int


class FunctionProfile(msgspec.Struct, frozen=True, omit_defaults=True):
    """One function in the timed region of a scenario; all figures are for each base page.

    What the compiler inlined counts for the function that it was inlined into.

    Attributes:
        name: as the kernel's symbols have it; with ``user:`` before it: of the measuring program.
        instructions: executed; each iteration of a string instruction is one.
        calls: how often its first instruction was executed.
        locked: instructions with a locked memory access; on arm64 LSE atomics and stores exclusive.
        invlpg, invpcid, cr3: TLB flushes by INVLPG and INVPCID, and writes to CR3; on arm64 TLBI by address is
            ``invlpg``, and other TLBI is ``invpcid``.
        syscalls: SYSCALL instructions; on arm64 SVC.
        rep: of the instructions, iterations of string instructions with a REP prefix.
        l1d, l2, llc: lines that its loads and stores missed in the model of caches, if there was one.

    """

    name: str
    instructions: float = 0.0
    calls: float = 0.0
    locked: float = 0.0
    invlpg: float = 0.0
    invpcid: float = 0.0
    cr3: float = 0.0
    syscalls: float = 0.0
    rep: float = 0.0
    l1d: float = 0.0
    l2: float = 0.0
    llc: float = 0.0


class Profile(msgspec.Struct, frozen=True, omit_defaults=True):
    """The functions of a scenario.

    Attributes:
        rounds: that are averaged: those of the midmean, so that the functions add up to it.
        functions: by instructions, the most first.
        by_clock: the regions counted begin and end with the reading of the guest's clock; otherwise they are longer by
            the instructions that read it.
        caches: levels of the model whose misses were counted, the first one first; empty without a model.

    """

    rounds: int
    functions: list[FunctionProfile]
    by_clock: bool = True
    caches: list[Cache] = []

    @property
    def instructions(self) -> float:
        """All of them, for each base page."""
        return sum(one.instructions for one in self.functions)
