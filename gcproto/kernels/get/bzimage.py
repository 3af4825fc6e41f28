"""The header of a vmlinuz (Documentation/arch/x86/boot.rst): a bad file is refused before it is booted."""

import struct
from pathlib import Path

from gcproto.errors import ExitCode, GcprotoError
from gcproto.process.files import see_that_it_is_regular

MAGIC = b"HdrS"
SETUP_SECTS, SYSSIZE, BOOT_FLAG, HEADER, KERNEL_VERSION = 0x1F1, 0x1F4, 0x1FE, 0x202, 0x20E
SECTOR = 512


def release_of(path: Path) -> str:
    """The release of a bzImage.

    Raises:
        GcprotoError: it can't be read, is not an x86 bzImage, or is shorter than its header says.

    """

    def refuse(why: str, remedy: str) -> GcprotoError:
        return GcprotoError(f"{path} can't be booted", why=why, remedy=remedy, code=ExitCode.USAGE)

    try:
        see_that_it_is_regular(path)
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(64 * 1024)
    except OSError as error:
        raise refuse(error.strerror or str(error), "give the path of a vmlinuz") from error
    if len(head) < 2 * SECTOR or head[HEADER : HEADER + 4] != MAGIC:
        raise refuse("it is not an x86 bzImage", "give a vmlinuz or arch/x86/boot/bzImage, not an ELF vmlinux")
    (paragraphs,) = struct.unpack_from("<I", head, SYSSIZE)
    wanted = ((head[SETUP_SECTS] or 4) + 1) * SECTOR + paragraphs * 16
    if size < wanted:
        raise refuse(f"it is truncated: {size} bytes, its header says at least {wanted}", "fetch or build it again")
    (at,) = struct.unpack_from("<H", head, KERNEL_VERSION)
    text = head[at + SECTOR :].split(b"\0", 1)[0].decode(errors="replace")
    if not at or not text:
        raise refuse("its header names no version", "give a vmlinuz of a Linux kernel")
    return text.split()[0]
