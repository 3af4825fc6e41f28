"""What the header of a kernel image says, and the refusal of one that can't be booted."""

from pathlib import Path

import msgspec

from gcproto.errors import ExitCode, GcprotoError


class Image(msgspec.Struct, frozen=True):
    """A kernel image.

    Attributes:
        release: output of ``uname -r`` in it.
        page_size: bytes of a base page.

    """

    release: str
    page_size: int


def refusal(path: Path, why: str, remedy: str) -> GcprotoError:
    """The error for an image that can't be booted.

    Args:
        path: of the image.
        why: what is wrong with it.
        remedy: what to give instead.

    """
    return GcprotoError(f"{path} can't be booted", why=why, remedy=remedy, code=ExitCode.USAGE)
