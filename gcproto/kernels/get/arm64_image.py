"""The header of arm64's Image (Documentation/arch/arm64/booting.rst).

The header has no version. It is in the text that the kernel prints first. ``image_size`` includes memory without
contents in the file, so a truncated file is found by the missing text only.
"""

import mmap
import re
import struct
from pathlib import Path

from gcproto.kernels.get.image_header import Image, refusal

MAGIC = b"ARM\x64"
IMAGE_SIZE, FLAGS, MAGIC_AT, HEADER_BYTES = 0x10, 0x18, 0x38, 64
PAGE_SIZES = {1: 4096, 2: 16384, 3: 65536}
"""By bits 1 and 2 of the flags; 0 is unspecified, of kernels before 4.6."""

BANNER = re.compile(rb"Linux version (\S{1,64}) ")


def is_one(head: bytes) -> bool:
    """Whether a file that begins so is an uncompressed arm64 Image."""
    return len(head) >= HEADER_BYTES and head[MAGIC_AT : MAGIC_AT + 4] == MAGIC


def read(path: Path, head: bytes) -> Image:
    """The image of a file for which `is_one` is true.

    Args:
        path: of the file.
        head: its first bytes, 64 or more.

    Raises:
        GcprotoError: it is big-endian, names no page size, or has no version.

    """
    (flags,) = struct.unpack_from("<Q", head, FLAGS)
    page_size = PAGE_SIZES.get((flags >> 1) & 3)
    if flags & 1:
        raise refusal(path, "its header says that it is big-endian", "give a little-endian kernel")
    if page_size is None:
        raise refusal(path, "its header names no page size", "give an Image of Linux 4.6 or newer")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as contents:
        found = BANNER.search(contents)
        release = found[1].decode(errors="replace") if found else ""
    if not release:
        why = "it is truncated or no Linux: the text `Linux version` is not in it"
        raise refusal(path, why, "fetch or build it again")
    return Image(release, page_size)
