"""The possible sizes of a heap."""

from gcproto.errors import ExitCode, GcprotoError
from gcproto.heap.pages import PAGE_BYTES
from gcproto.host.machine import machine

MIN_BYTES = 4 << 20
MAX_PAGES = 1 << 24


def see_that_it_can_be_made(capacity: int) -> None:
    """Check that a heap can have a size, before anything is measured.

    Args:
        capacity: bytes.

    Raises:
        GcprotoError: it can't.

    """
    pmd = machine().pmd_size
    if capacity < MIN_BYTES or -(-capacity // pmd) * pmd // PAGE_BYTES >= MAX_PAGES:
        raise GcprotoError(
            f"a heap of {capacity} bytes can't be made",
            why=f"it must be from {MIN_BYTES >> 20} MiB to {(MAX_PAGES * PAGE_BYTES >> 30) - 1} GiB",
            remedy="ask for another size: --heap is a multiple of the live set, or of what a dump's heap uses",
            code=ExitCode.USAGE,
        )
