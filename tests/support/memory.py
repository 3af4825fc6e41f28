"""Memory for tests of the engine: ranges that Python never touches itself while they are registered."""

import ctypes
from types import TracebackType
from typing import Any, Self

from gcproto._native import ffi, lib
from gcproto.host.machine import machine

PAGE = machine().page_size
PRESENT = 1 << 63
SWAPPED = 1 << 62


class Region:
    """Anonymous memory of some pages, small folios only."""

    def __init__(self, pages: int) -> None:
        self.pages = pages
        self._area = lib.gcp_region_alloc(pages * PAGE, 0)
        assert self._area != ffi.NULL
        self.start = int(ffi.cast("uintptr_t", self._area))
        self.madvise(0, pages, 15)  # MADV_NOHUGEPAGE

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        lib.gcp_region_free(self._area, self.pages * PAGE)

    def at(self, page: int) -> int:
        return self.start + page * PAGE

    def fill(self, page: int, seed: int) -> None:
        """Page ``page`` becomes page 0 of ``seed``'s contents."""
        lib.gcp_content_fill(self.at(page), 0, 1, seed)

    def has(self, page: int, seed: int) -> bool:
        return bool(lib.gcp_content_check(self.at(page), 0, 1, seed) == -1)

    def is_zero(self, page: int) -> bool:
        return bool(lib.gcp_content_check_zero(self.at(page), 1) == -1)

    def read(self, page: int) -> None:
        lib.gcp_content_check_zero(self.at(page), 1)

    def madvise(self, page: int, pages: int, advice: int) -> int:
        return libc.madvise(self.at(page), pages * PAGE, advice)


class _Libc:
    """madvise(2), which needs no wrapper of the project's own."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]

    def madvise(self, address: int, length: int, advice: int) -> int:
        return int(self._libc.madvise(address, length, advice))


libc = _Libc()


class Uffd:
    """A userfaultfd."""

    def __init__(self, features: int = 0) -> None:
        self.raw = ffi.new("struct gcp_uffd *")
        assert lib.gcp_uffd_init(features, self.raw) == 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        lib.gcp_uffd_deinit(self.raw)

    def register(self, region: Region) -> None:
        done = lib.gcp_uffd_register(self.raw, region.start, region.pages * PAGE, ffi.NULL)
        assert done.err == 0


def evacuate(uffd: Uffd, runs: list[tuple[int, int, int]], **policy: int) -> tuple[int, Any]:
    """Run the engine on (dst, src, pages) runs; returns its return value and its account."""
    c_runs = ffi.new("struct gcp_run[]", [{"dst": dst, "src": src, "pages": pages} for dst, src, pages in runs])
    account = ffi.new("struct gcp_account *")
    code = lib.gcp_evacuate(uffd.raw, c_runs, len(runs), ffi.new("struct gcp_policy *", policy), account, ffi.NULL)
    return code, account


def sum_of(account: Any) -> int:
    """Pages in all columns of an account; must be those asked."""
    columns = ("moved", "copied_after_ebusy", "copied", "zeroed", "already", "left")
    return sum(int(getattr(account, column)) for column in columns)


def view_of(region: Region) -> list[int]:
    """Pagemap words of a region."""
    prover = ffi.new("struct gcp_prover *")
    view = ffi.new("struct gcp_view *")
    lib.gcp_prover_init(prover)
    assert lib.gcp_view_init(region.pages, view) == 0
    assert lib.gcp_view_read(prover, region.start, region.pages, view) == 0
    entries = [int(view.entries[i]) for i in range(region.pages)]
    lib.gcp_view_deinit(view)
    lib.gcp_prover_deinit(prover)
    return entries
