"""What is proven of page frames, and what it takes."""

from pathlib import Path

import pytest

from gcproto._native import ffi, lib
from gcproto.host.machine import machine


def _reads() -> int:
    """Read calls of this process so far."""
    lines = Path("/proc/self/io").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("syscr"))


@pytest.mark.needs("pfn")
@pytest.mark.parametrize("first", [0, 1, 100])
def test_a_folio_is_looked_up_once_wherever_a_view_begins_in_it(first: int) -> None:
    """Each tail was looked up again if the view began after its head, with several reads for each."""
    here = machine()
    pages = here.pmd_size // here.page_size
    region = lib.gcp_region_alloc(here.pmd_size, 0)
    start = int(ffi.cast("uintptr_t", region))
    prover, view = ffi.new("struct gcp_prover *"), ffi.new("struct gcp_view *")
    try:
        lib.gcp_region_populate(start, here.pmd_size)
        if lib.gcp_region_collapse(start, here.pmd_size) < 0:
            pytest.skip("this kernel makes no THP now")
        assert lib.gcp_prover_init(prover) == 0
        assert lib.gcp_view_init(pages - first, view) == 0
        before = _reads()
        assert lib.gcp_view_read(prover, start + first * here.page_size, pages - first, view) == 0
        reads = _reads() - before
        assert view.order_histogram[here.pmd_order] == pages - first
        assert {view.orders[i] for i in range(pages - first)} == {here.pmd_order}
        assert reads < pages / 8, "a few reads for the folio, not some for each page"
    finally:
        lib.gcp_view_deinit(view)
        lib.gcp_prover_deinit(prover)
        lib.gcp_region_free(region, here.pmd_size)
