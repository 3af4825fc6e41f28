"""The settings that heaps are run with."""

from pathlib import Path

import pytest

from gcproto.experiments.heap_machine import LEAST_SWAP_BYTES, heap_machine
from gcproto.sizes import KIB, MIB


def swap_sizes() -> list[int]:
    """Bytes of this machine's swap devices."""
    return [int(line.split()[2]) * KIB for line in Path("/proc/swaps").read_text().splitlines()[1:]]


@pytest.mark.needs("zram")
@pytest.mark.parametrize(("heap_bytes", "least"), [(12 * MIB, LEAST_SWAP_BYTES), (1024 * MIB, 2048 * MIB)])
def test_swap_has_room_for_the_heap_and_is_no_larger_than_it_must(heap_bytes: int, least: int) -> None:
    """It was 1 GiB for each heap: too large for the files of a guest, and too small for large heaps."""
    before = swap_sizes()
    with heap_machine([], heap_bytes, swap="zram"):
        (added,) = set(swap_sizes()) - set(before)
    assert added == pytest.approx(least, rel=0.01)
    assert swap_sizes() == before
