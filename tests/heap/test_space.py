"""A heap has the size that was asked for, whatever a page table maps."""

from types import SimpleNamespace

import pytest

from gcproto.errors import GcprotoError
from gcproto.heap import space
from gcproto.heap.sizes import MIN_BYTES, see_that_it_can_be_made
from gcproto.host.machine import machine

MIB = 1 << 20


@pytest.mark.parametrize(
    ("asked", "pmd", "limit", "capacity"),
    [(6, 2, 6, 6), (5, 2, 6, 6), (6, 32, 6, 32), (33, 32, 34, 64)],
)
def test_page_tables_do_not_make_a_heap_larger(
    asked: int, pmd: int, limit: int, capacity: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With pages of 16 KiB a page table maps 32 MiB: heaps of 6 MiB had five times the room there."""
    monkeypatch.setattr(space, "machine", lambda: SimpleNamespace(pmd_size=pmd * MIB, page_size=machine().page_size))
    heap = space.Heap(asked * MIB)
    try:
        assert (heap.limit, heap.capacity) == (limit * MIB, capacity * MIB)
        assert heap.world.limit - heap.world.begin == limit * MIB
    finally:
        heap.close()


def test_a_heap_that_is_too_small_says_what_to_ask_for() -> None:
    """A dump of a JVM with a heap of 3 MiB, at ``--heap 1.5x``: nothing said what to do."""
    see_that_it_can_be_made(MIN_BYTES)
    with pytest.raises(GcprotoError, match="can't be made") as refused:
        see_that_it_can_be_made(MIN_BYTES - 1)
    assert refused.value.why == "it must be from 4 MiB to 63 GiB"
    assert "--heap" in refused.value.remedy
