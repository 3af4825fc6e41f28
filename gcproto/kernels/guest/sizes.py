"""Sizes of folios in a kernel, which follow from its page size."""

import msgspec

from gcproto.sizes import KIB, MIB, log2_pages, size_text

FOUR = 4 * KIB
"""Bytes of a page, where nothing else is said."""
PAGE = "page"
"""Granule of one page."""
PTE_BYTES = 8
"""Of an entry of a page table. A table is a page, so the page size gives what a PMD maps."""
FIRST_ORDER = 2
"""Of the smallest anonymous folios."""
NEAR_ORDERS = {4 * KIB: 4, 16 * KIB: 7, 64 * KIB: 5}
"""By page size, log2 of the pages of a contpte block: arm64 maps them by one TLB entry.

CONT_PTE_SHIFT in arch/arm64/include/asm/pgtable-hwdef.h. x86-64 has no such blocks, and 64 KiB is its usual mTHP, too.
"""
SHOWN_ORDERS = {4 * KIB: (2, 4, 8), 16 * KIB: (2, 7, 9), 64 * KIB: (2, 5, 7)}
"""By page size, mTHPs that are measured where not all are: the smallest, the block, a large one."""
CALL = 2 * MIB
"""Bytes of a large call, where the folios are no larger."""


class Sizes(msgspec.Struct, frozen=True):
    """The sizes of folios in a kernel; ``size`` is its page size in bytes."""

    size: int = FOUR

    @property
    def thp_order(self) -> int:
        """Log2 of the pages of a THP."""
        return (self.size // PTE_BYTES).bit_length() - 1

    @property
    def thp_kib(self) -> int:
        """Size of a THP."""
        return self.kib(self.thp_order)

    @property
    def mthp_orders(self) -> range:
        """Orders of anonymous folios below THP."""
        return range(FIRST_ORDER, self.thp_order)

    @property
    def near_order(self) -> int:
        """Order of a contpte block."""
        return NEAR_ORDERS[self.size]

    @property
    def shown_orders(self) -> tuple[int, ...]:
        """Orders of the mTHPs that are measured where not all are."""
        return SHOWN_ORDERS[self.size]

    @property
    def swapped_order(self) -> int:
        """Order of the folios that are swapped: of 64 KiB, or the smallest."""
        return max(self.order(64), FIRST_ORDER)

    @property
    def part(self) -> str:
        """Granule of a call that moves a THP in part: a contpte block of it."""
        return f"{self.kib(self.near_order)}k"

    def large(self, order: int) -> str:
        """Granule of a large call that takes whole folios."""
        return size_text(max(CALL, self.size << order))

    def kib(self, order: int) -> int:
        """Size of a folio."""
        return (self.size << order) // KIB

    def order(self, kib: int) -> int:
        """Log2 of the pages of a folio."""
        return log2_pages(kib * KIB, self.size)
