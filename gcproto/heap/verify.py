"""Verification: was every object carried over, whole, once, with its references pointing where their targets went?

It shares only the marks and the borders of the plan with the collector. Before the flip it records every live object.
It counts words to compute the new place of each object and its contents there: a second heap, the shadow. After the
collection it compares. Words that mutators stored since the flip are exempt: mutators record them during verification,
and the workloads check them. Finally it follows every reference from the roots: each must lead to the start of an
object.
"""

from typing import TYPE_CHECKING

from gcproto._native import ffi, lib
from gcproto.counted import counted
from gcproto.errors import GcprotoError
from gcproto.heap.compiled import entry, kernel
from gcproto.heap.memory import ctz, drop_lowest, load64, lshr, store64
from gcproto.heap.objects import refs_of, words_of
from gcproto.heap.pages import PAGE_BYTES, PAGE_WORDS
from gcproto.heap.plan import (
    KEPT,
    black_begin,
    black_shift,
    compact_end,
    dense_end,
    fill_of,
    first_of,
    live_bits,
    skip_of,
    start_bits,
    to_space,
)
from gcproto.heap.space import Heap
from gcproto.structs import address_of

if TYPE_CHECKING:
    from gcproto._native import Pointer, gcp_plan_ptr

BAD_HEADER, BAD_REFERENCE, WRONG_WORD = 1, 2, 3
WRONGS = {BAD_HEADER: "an invalid header", BAD_REFERENCE: "a reference to no object", WRONG_WORD: "a wrong word"}


@kernel
def _bit(bitmap: int, word: int) -> int:
    return lshr(load64(bitmap + ((word >> 6) << 3)), word & 63) & 1


@kernel
def _set(bitmap: int, word: int) -> None:
    at = bitmap + ((word >> 6) << 3)
    store64(at, load64(at) | (1 << (word & 63)))


@kernel
def _find(old: int, count: int, word: int) -> int:
    """Index of an object that starts at a word, -1 if none does."""
    low = 0
    high = count
    while low < high:
        middle = (low + high) >> 1
        if load64(old + 8 * middle) < word:
            low = middle + 1
        else:
            high = middle
    return low if low < count and load64(old + 8 * low) == word else -1


@kernel
def _next_border(plan: int, page: int) -> int:
    """The first compacted page from ``page`` on that does not continue the previous one, or -1."""
    while page < compact_end(plan):
        kept = fill_of(plan, page) == KEPT
        follows = page > dense_end(plan) and fill_of(plan, page - 1) == PAGE_WORDS
        skips = skip_of(plan, page) > 0
        if kept or skips or (not follows and fill_of(plan, page) > 0):
            return page
        page += 1
    return -1


@entry("int64(int64, int64, int64, int64)")
def list_objects(plan: int, top: int, old: int, new: int) -> int:
    """Record the place of each live object, and its new place.

    Args:
        plan: address of the plan.
        top: words in use.
        old: table of words to fill, where objects are.
        new: their new places.

    Returns:
        number of objects, or -1 if a header is invalid.

    """
    to = to_space(plan)
    starts = start_bits(plan)
    live = live_bits(plan)
    dense = dense_end(plan) * PAGE_WORDS
    black = black_begin(plan)
    shift = black_shift(plan) * PAGE_WORDS
    count = 0
    # Where the next word of the compacted part goes: an object that reaches into it takes its words along.
    place = dense
    border = _next_border(plan, dense_end(plan))
    kept = -1  # the page of a dense region that the last object was on
    for chunk in range((top + 63) >> 6):
        bits = load64(starts + 8 * chunk)
        while bits != 0:
            word = 64 * chunk + ctz(bits)
            bits = drop_lowest(bits)
            size = words_of(load64(to + 8 * word))
            if size < 2 or word + size > top or _bit(live, word) == 0:
                return -1
            store64(old + 8 * count, word)
            if word < dense:
                store64(new + 8 * count, word)
                if word + size > dense:
                    place += word + size - dense
            elif word >= black:
                store64(new + 8 * count, word - shift)
            else:
                while border >= 0 and first_of(plan, border) <= word:
                    place = max(place, border * PAGE_WORDS + skip_of(plan, border))
                    kept = border if fill_of(plan, border) == KEPT else -1
                    border = _next_border(plan, border + 1)
                if kept >= 0:  # between its objects there is garbage
                    place = kept * PAGE_WORDS + word - first_of(plan, kept)
                store64(new + 8 * count, place)
                place += size
            count += 1
    return count


@entry("int64(int64, int64, int64, int64, int64)")
def paint_shadow(plan: int, old: int, new: int, count: int, shadow: int) -> int:
    """Write every object in its final form to its place in the shadow.  Returns bad references."""
    to = to_space(plan)
    bad = 0
    for index in range(count):
        source = to + 8 * load64(old + 8 * index)
        target = shadow + 8 * load64(new + 8 * index)
        head = load64(source)
        store64(target, head)
        for word in range(1, words_of(head)):
            value = load64(source + 8 * word)
            if word <= refs_of(head) and value != 0:
                found = _find(old, count, (value - to) >> 3) if value & 7 == 0 and value >= to else -1
                if found < 0:
                    bad += 1
                else:
                    value = to + 8 * load64(new + 8 * found)
            store64(target + 8 * word, value)
    return bad


@entry("int64(int64, int64, int64, int64, int64, int64)")
def compare_shadow(to: int, new: int, count: int, shadow: int, written: int, first_bad: int) -> int:
    """Words of objects that are not as in the shadow and that no mutator has written.

    Args:
        to: address of the moving space.
        new: table of words, where objects have gone.
        count: of objects.
        shadow: address of the shadow.
        written: bitmap of stored words.
        first_bad: address of three words to fill: place, value, expected.

    """
    wrong = 0
    for index in range(count):
        start = load64(new + 8 * index)
        for word in range(start, start + words_of(load64(shadow + 8 * start))):
            value = load64(to + 8 * word)
            if value != load64(shadow + 8 * word) and _bit(written, word) == 0:
                if wrong == 0:
                    store64(first_bad, word)
                    store64(first_bad + 8, value)
                    store64(first_bad + 16, load64(shadow + 8 * word))
                wrong += 1
    return wrong


@entry("int64(int64, int64, int64, int64, int64, int64)")
def note_starts(plan: int, new: int, count: int, top: int, buffers: int, starts: int) -> int:
    """Set the bit of every object start after a collection. Returns the number of objects.

    Args:
        plan: address of the executed plan.
        new: table of words, where the objects of before are now.
        count: of them.
        top: words in use now.
        buffers: free parts of allocation buffers, see ``plan_black``.
        starts: bitmap to fill.

    """
    to = to_space(plan)
    objects = 0
    slid = compact_end(plan) * PAGE_WORDS
    for index in range(count):
        word = load64(new + 8 * index)
        if word < slid:
            _set(starts, word)
            objects += 1
    word = slid
    while word < top:
        while load64(buffers) >= 0 and load64(buffers) < word:
            buffers += 16
        if load64(buffers) == word:
            word = load64(buffers + 8)
            continue
        head = load64(to + 8 * word)
        if head == 0:
            word += 1
            continue
        _set(starts, word)
        objects += 1
        word += words_of(head)
    return objects


@entry("int64(int64, int64, int64, int64, int64, int64, int64)")
def walk(to: int, top: int, starts: int, visited: int, stack: int, roots: int, count: int) -> int:
    """Follow all references from root slots on.  Returns those that don't lead to an object.

    Args:
        to: address of the moving space.
        top: words in use.
        starts: bitmap of object starts.
        visited: bitmap, shared by the calls for all mutators.
        stack: memory for a reference for every word of the heap.
        roots: slots of one mutator.
        count: of them.

    """
    bad = 0
    depth = 0
    source = roots
    fields = count
    while True:
        for field in range(fields):
            ref = load64(source + 8 * field)
            if ref == 0:
                continue
            word = (ref - to) >> 3
            if ref & 7 != 0 or word < 0 or word >= top or _bit(starts, word) == 0:
                bad += 1
            elif _bit(visited, word) == 0:
                _set(visited, word)
                store64(stack + 8 * depth, ref)
                depth += 1
        if depth == 0:
            return bad
        depth -= 1
        source = load64(stack + 8 * depth) + 8
        fields = refs_of(load64(source - 8))


class Verifier:
    """Checks collections of one heap.

    Args:
        heap: to be verified; as much memory again is taken for the shadow.

    Raises:
        GcprotoError: there is not enough memory.

    """

    def __init__(self, heap: Heap) -> None:
        self.heap = heap
        self._regions: list[tuple[Pointer[None], int]] = []
        words = heap.capacity // 8
        self.shadow = self._region(heap.capacity)
        self.old = self._region(words // 2 * 8)
        self.new = self._region(words // 2 * 8)
        self.written = self._region(words // 8)
        self.starts = self._region(words // 8)
        self.visited = self._region(words // 8)
        self.stack = self._region(heap.capacity + PAGE_BYTES)
        self._first = ffi.new("int64_t[]", 3)
        self.count = 0
        self.objects = 0

    def _region(self, size: int) -> int:
        size = (size + PAGE_BYTES - 1) // PAGE_BYTES * PAGE_BYTES
        area = lib.gcp_region_alloc(size, 0)
        if area == ffi.NULL:
            raise GcprotoError(f"no {size >> 20} MiB of address space for verification", remedy="omit --verify")
        self._regions.append((area, size))
        return address_of(area)

    def close(self) -> None:
        """Free the memory."""
        self.heap.world.written = 0
        for area, size in self._regions:
            lib.gcp_region_free(area, size)
        self._regions.clear()

    def before(self, plan: "gcp_plan_ptr") -> str:
        """Begin, with the world stopped and the plan complete. Returns the first error, "" if there is none."""
        address = address_of(plan)
        for area, size in self._regions:
            lib.gcp_region_discard(address_of(area), size)
        self.count = list_objects(address, self.heap.used // 8, self.old, self.new)
        if self.count < 0:
            return WRONGS[BAD_HEADER]
        bad = paint_shadow(address, self.old, self.new, self.count, self.shadow)
        self.heap.world.written = self.written
        return f"{counted(bad, 'time')} {WRONGS[BAD_REFERENCE]} before the flip" if bad else ""

    def after(self, plan: "gcp_plan_ptr") -> str:
        """Compare, with the world stopped and every page in place. Returns the first error, "" if there is none."""
        heap, address = self.heap, address_of(plan)
        heap.world.written = 0
        first = address_of(self._first)
        wrong = compare_shadow(heap.to, self.new, self.count, self.shadow, self.written, first)
        if wrong:
            place, value, expected = self._first
            return (
                f"{counted(wrong, 'time')} {WRONGS[WRONG_WORD]}; the first is word {place % PAGE_WORDS} of page "
                f"{place // PAGE_WORDS}: {value:#x}, expected {expected:#x}"
            )
        buffers, top = heap.note_free_buffers(), heap.used // 8
        self.objects = note_starts(address, self.new, self.count, top, buffers, self.starts)
        bad = sum(
            walk(heap.to, top, self.starts, self.visited, self.stack, address_of(one.roots), one.root_count)
            for one in heap.mutators
        )
        return f"{counted(bad, 'time')} {WRONGS[BAD_REFERENCE]}" if bad else ""
