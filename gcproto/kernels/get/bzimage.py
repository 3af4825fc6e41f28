"""The header of x86's vmlinuz (Documentation/arch/x86/boot.rst): a bad file is refused before it is booted."""

import struct
from pathlib import Path

from gcproto.kernels.get.image_header import Image, refusal

MAGIC = b"HdrS"
SETUP_SECTS, SYSSIZE, BOOT_FLAG, HEADER, KERNEL_VERSION = 0x1F1, 0x1F4, 0x1FE, 0x202, 0x20E
SECTOR = 512
PAGE_SIZE = 4096


def is_one(head: bytes) -> bool:
    """Whether a file that begins so is a bzImage."""
    return len(head) >= 2 * SECTOR and head[HEADER : HEADER + 4] == MAGIC


def read(path: Path, head: bytes) -> Image:
    """The image of a file for which `is_one` is true.

    Args:
        path: of the file.
        head: its first 64 KiB, or all of it.

    Raises:
        GcprotoError: it is shorter than its header says, or names no version.

    """
    size = path.stat().st_size
    (paragraphs,) = struct.unpack_from("<I", head, SYSSIZE)
    wanted = ((head[SETUP_SECTS] or 4) + 1) * SECTOR + paragraphs * 16
    if size < wanted:
        why = f"it is truncated: {size} bytes, its header says at least {wanted}"
        raise refusal(path, why, "fetch or build it again")
    (at,) = struct.unpack_from("<H", head, KERNEL_VERSION)
    text = head[at + SECTOR :].split(b"\0", 1)[0].decode(errors="replace")
    if not at or not text:
        raise refusal(path, "its header names no version", "give a vmlinuz of a Linux kernel")
    return Image(text.split()[0], PAGE_SIZE)
