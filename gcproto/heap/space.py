"""The heap's memory: the moving space, from-space, and the collector's tables."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gcproto._native import ffi, lib
from gcproto.errors import GcprotoError
from gcproto.heap.calls import CARD_BYTES, CHUNK_WORDS
from gcproto.heap.folios import SMALL, Memory
from gcproto.heap.pages import PAGE_BYTES
from gcproto.heap.sizes import see_that_it_can_be_made
from gcproto.host.machine import machine
from gcproto.structs import address_of

if TYPE_CHECKING:
    from gcproto._native import Pointer, gcp_mutator_ptr, gcp_plan_ptr, gcp_world_ptr

STEP = 2 << 20
"""What a heap's size is a multiple of: the same on every page size, so that equal sizes mean equal heaps."""
TLAB_BYTES = 64 << 10
EVENTS = 1 << 20
ROOT_SLOTS = 256


@dataclass(frozen=True)
class Tables:
    """Addresses of the tables beside the spaces (native/heap/plan.h). They cost memory only where they are used."""

    live: int
    starts: int
    offsets: int
    first: int
    lead_words: int
    lead_refs: int
    skip: int
    fill: int
    held: int
    reach: int
    cards: int
    promoted: int
    stack: int


class Heap:
    """A moving space of fixed size and its from-space, both aligned to a page table's reach.

    Args:
        capacity: bytes that can be allocated, rounded up to ``STEP``.  The space is whole page tables, which are 32 MiB
            with pages of 16 KiB.
        tlab_bytes: size of an allocation buffer.
        memory: policy for its folios (gcproto.heap.folios).

    Raises:
        GcprotoError: the address space is unavailable, or the size is impossible.

    """

    def __init__(self, capacity: int, tlab_bytes: int = TLAB_BYTES, memory: Memory = SMALL) -> None:
        see_that_it_can_be_made(capacity)
        pmd = machine().pmd_size
        self.limit = -(-capacity // STEP) * STEP
        self.capacity = -(-self.limit // pmd) * pmd
        self.pages = self.capacity // PAGE_BYTES
        self.memory = memory
        self._regions: list[tuple[Pointer[None], int]] = []
        self._world: gcp_world_ptr = ffi.NULL
        self._buffers = ffi.new("int64_t[]", 2 * (lib.GCP_WORLD_MUTATORS + 1))
        self.mutators: list[gcp_mutator_ptr] = []
        try:
            self.to = self._region(self.capacity, memory)
            self.from_ = self._region(self.capacity, memory)
            chunks = self.capacity // 8 // CHUNK_WORDS
            self.tables = Tables(
                # One chunk more than exist, because a copy to the end of the space reads one further.
                live=self._region(8 * (chunks + 1)),
                starts=self._region(8 * (chunks + 1)),
                offsets=self._region(4 * chunks),
                first=self._region(8 * (self.pages + 1)),
                lead_words=self._region(2 * self.pages),
                lead_refs=self._region(2 * self.pages),
                skip=self._region(2 * self.pages),
                fill=self._region(2 * self.pages),
                held=self._region(self.pages),
                reach=self._region(4 * self.pages),
                cards=self._region(self.capacity // CARD_BYTES),
                promoted=self._region(8 * (chunks + 1)),
                # A slot for every word of the heap and the prefetch queue: it can't overflow.
                stack=self._region(self.capacity + PAGE_BYTES),
            )
            self._world = lib.gcp_world_create(self.to, self.to + self.limit, tlab_bytes, self.tables.cards)
            if self._world == ffi.NULL:
                raise GcprotoError("no memory for the world of mutators")
        except BaseException:
            self.close()
            raise

    @property
    def world(self) -> "gcp_world_ptr":
        """The world that its mutators share."""
        return self._world

    @property
    def used(self) -> int:
        """Bytes from the start of the space to the next allocation buffer."""
        return self._world.top - self.to

    def _region(self, size: int, memory: Memory | None = None) -> int:
        size = (size + PAGE_BYTES - 1) // PAGE_BYTES * PAGE_BYTES
        area = lib.gcp_region_alloc(size, 0)
        if area == ffi.NULL:
            raise GcprotoError(
                f"{size >> 20} MiB of address space are unavailable",
                why=f"errno {ffi.errno} of mmap or mprotect",
                remedy="choose a smaller heap, or allow more memory (ulimit -v, vm.overcommit_memory)",
            )
        self._regions.append((area, size))
        address = address_of(area)
        if memory:
            memory.advise(address, size)
        return address

    def add_mutator(self, roots: int = ROOT_SLOTS, events: int = EVENTS) -> "gcp_mutator_ptr":
        """Another mutator.

        Raises:
            GcprotoError: there are too many, or no memory.

        """
        mutator = lib.gcp_mutator_create(self._world, roots, events)
        if mutator == ffi.NULL:
            raise GcprotoError(
                f"a mutator beside {len(self.mutators)} others is unavailable", why="memory or their limit"
            )
        self.mutators.append(mutator)
        return mutator

    def fill_plan(self, plan: "gcp_plan_ptr") -> None:
        """Fill in the addresses of a plan."""
        plan.to = self.to
        setattr(plan, "from", self.from_)  # a word of Python's
        tables = self.tables
        plan.live = ffi.cast("uint64_t *", tables.live)
        plan.starts = ffi.cast("uint64_t *", tables.starts)
        plan.offsets = ffi.cast("uint32_t *", tables.offsets)
        plan.first = ffi.cast("uint64_t *", tables.first)
        plan.lead_words = ffi.cast("uint16_t *", tables.lead_words)
        plan.lead_refs = ffi.cast("uint16_t *", tables.lead_refs)
        plan.skip = ffi.cast("uint16_t *", tables.skip)
        plan.fill = ffi.cast("uint16_t *", tables.fill)
        plan.held = ffi.cast("uint8_t *", tables.held)
        plan.reach = ffi.cast("uint32_t *", tables.reach)
        plan.cards = ffi.cast("uint8_t *", tables.cards)

    def clear_tables(self, used: int, keep: int = 0) -> None:
        """Clear marks: bitmaps and cards of the first ``used`` bytes of the space read as zeroes.

        No page of from-space is held any more.

        Args:
            used: bytes.
            keep: bytes of the space whose bitmaps and cards stay as they are: whole pages of it.

        """
        chunks = (used + 8 * CHUNK_WORDS - 1) // (8 * CHUNK_WORDS) + 1
        for start, size, kept in (
            (self.tables.live, 8 * chunks, keep // CHUNK_WORDS),
            (self.tables.starts, 8 * chunks, keep // CHUNK_WORDS),
            (self.tables.cards, (used + CARD_BYTES - 1) // CARD_BYTES, keep // CARD_BYTES),
            (self.tables.held, self.pages, 0),
            (self.tables.reach, 4 * self.pages, 0),
        ):
            rounded = (size + PAGE_BYTES - 1) // PAGE_BYTES * PAGE_BYTES
            whole = min((kept + PAGE_BYTES - 1) // PAGE_BYTES * PAGE_BYTES, rounded)
            ffi.memmove(ffi.cast("uint8_t *", start + kept), bytes(max(0, whole - kept)), max(0, whole - kept))
            lib.gcp_region_discard(start + whole, rounded - whole)

    def note_free_buffers(self) -> int:
        """With the world stopped: the free part of each mutator's allocation buffer, in ascending order.

        Returns:
            address of pairs of words from the start of the space; a pair of -1 ends them.

        """
        free = sorted(
            ((one.tlab - self.to) // 8, (one.tlab_end - self.to) // 8)
            for one in self.mutators
            if one.tlab_end > one.tlab
        )
        for index, value in enumerate([word for pair in free for word in pair] + [-1, -1]):
            self._buffers[index] = value
        return address_of(self._buffers)

    def close(self) -> None:
        """Free everything; no thread may be in the heap any more."""
        lib.gcp_world_destroy(self._world)
        self._world = ffi.NULL
        for area, size in self._regions:
            lib.gcp_region_free(area, size)
        self._regions.clear()
        self.mutators.clear()
