"""Sizes as people write them."""

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
DIGITS = 20
"""Most digits of a size."""


def parse_size(text: str) -> int:
    """``64k``, ``2m``, ``4096`` to bytes.

    Raises:
        ValueError: not a size.

    """
    units = {"k": KIB, "m": MIB, "g": GIB}
    lower = text.lower().removesuffix("ib").removesuffix("b")
    unit = units.get(lower[-1:], 1)
    digits = lower[:-1] if lower[-1:] in units else lower
    if not (digits.isascii() and digits.isdigit()) or len(digits) > DIGITS or int(digits) == 0:
        raise ValueError(f"{text!r} is not a size; examples: 4k, 64k, 2m")
    return int(digits) * unit


def log2_pages(folio: int, page_size: int) -> int:
    """Log2 of the pages of a folio; -1 for one below a page.

    Args:
        folio: its bytes.
        page_size: of its kernel, in bytes.

    """
    return (folio // page_size).bit_length() - 1


def size_text(count: int) -> str:
    """Bytes as commands take them: ``4k``, ``64k``, ``2m``."""
    if count % MIB == 0:
        return f"{count // MIB}m"
    return f"{count // KIB}k" if count % KIB == 0 else str(count)


def mib_text(count: int) -> str:
    """Bytes in sentences: ``64 MiB``, below 10 MiB with a decimal (``0.8 MiB``), so that little is not nothing."""
    mib = count / MIB
    return f"{mib:.0f} MiB" if mib >= 10 else f"{mib:.1f}".removesuffix(".0") + " MiB"


def size(count: int) -> str:
    """Bytes as tables show them: ``64K`` for 65536."""
    for unit, name in ((GIB, "G"), (MIB, "M"), (KIB, "K")):
        if count >= unit and count % unit == 0:
            return f"{count // unit}{name}"
    return str(count)
