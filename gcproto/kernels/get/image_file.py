"""Kernel images: which architecture one is for, and what it says of itself."""

from pathlib import Path

import msgspec

from gcproto.kernels.architecture import ROWS, Architecture
from gcproto.kernels.get.image_header import Image, refusal
from gcproto.process.files import see_that_it_is_regular

HEAD_BYTES = 64 * 1024


class Found(msgspec.Struct, frozen=True):
    """An image, and the architecture that its format belongs to."""

    architecture: Architecture
    image: Image


def read_image(path: Path) -> Found:
    """The image of a file.

    Args:
        path: of the file.

    Raises:
        GcprotoError: it can't be read, has no known format, or is truncated.

    """
    try:
        see_that_it_is_regular(path)
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise refusal(path, error.strerror or str(error), "give the path of a vmlinuz") from error
    for row in ROWS:
        if row.is_image(head):
            return Found(row, row.read_image(path, head))
    raise refusal(
        path,
        "it is neither an x86 bzImage nor an uncompressed arm64 Image",
        f"give a vmlinuz or {' or '.join(row.image for row in ROWS)}, not an ELF vmlinux",
    )
