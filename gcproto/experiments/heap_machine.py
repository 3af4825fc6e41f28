"""The settings of the machine that heaps are run with: folios of one size, and swap where pages are pushed out."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from gcproto.errors import GcprotoError
from gcproto.experiments.frame import Block
from gcproto.heap.folios import Memory
from gcproto.host.settings import Settings, may_change, why_not
from gcproto.sizes import MIB

LEAST_SWAP_BYTES = 256 * MIB
"""Of a swap device; small enough for the files of a guest, which are in its memory."""
SWAP_FACTOR = 2
"""Of the largest heap: all of it may be swapped out, and slots are given away in blocks."""


def see_that_it_may(memories: Sequence[Memory], *, swap: str = "") -> None:
    """See that this user may make the settings that heaps need, before anything is measured.

    Args:
        memories: of the heaps.
        swap: device that is wanted, as of `heap_machine`.

    Raises:
        GcprotoError: this user may not.

    """
    sized = [memory for memory in memories if memory.order]
    if (sized or swap) and not may_change():
        what = (
            "pages that are pushed out need a swap device" if swap else f"--memory {sized[0].name} changes folio sizes"
        )
        raise GcprotoError(what, why=why_not(), remedy="run as root, on the host itself")


@contextmanager
def heap_machine(
    memories: Sequence[Memory], heap_bytes: int = 0, *, swap: str = ""
) -> Iterator[Callable[[Memory], None]]:
    """Settings for as long as heaps run.

    Args:
        memories: of the heaps.
        heap_bytes: of the largest heap, for which a swap device has room.
        swap: add a swap device, the preferred one: ``zram``, which empties the swap cache at once, or ``loop``, which
            does not; "": none.

    Yields:
        a function that makes the kernel give folios of a memory's size, and no others, to heaps that ask for them.
        For ``system`` it changes nothing, so that memory must come before those of a size.

    Raises:
        GcprotoError: this user may not change that.

    """
    see_that_it_may(memories, swap=swap)
    sized = [memory for memory in memories if memory.order]
    if not sized and not swap:
        yield lambda _memory: None
        return
    with Settings() as settings:

        def enable(memory: Memory) -> None:
            if memory.order is not None and sized:
                settings.quiet_khugepaged()
                settings.mthp_only(memory.order or None)

        if not swap:
            yield enable
            return
        size = max(LEAST_SWAP_BYTES, SWAP_FACTOR * heap_bytes)
        with settings.swap_zram(size) if swap == "zram" else settings.swap_loop(size):
            yield enable


class OnMemory(Protocol):
    """What is run on a heap of some memory."""

    memory: Memory


def memory_blocks(enable: Callable[[Memory], None], memories: Sequence[Memory]) -> list[Block[Any]]:
    """Blocks of an experiment, one for each memory, in order.

    Args:
        enable: as ``heap_machine`` gives it.
        memories: of the heaps.

    """

    def block(memory: Memory) -> Block[Any]:
        def among(entry: OnMemory) -> bool:
            return entry.memory == memory

        return Block(lambda: enable(memory), among)

    return [block(memory) for memory in memories]
