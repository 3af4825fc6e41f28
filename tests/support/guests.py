"""Guests that these tests started: other sessions and users may run some beside them."""

import os
import uuid
from pathlib import Path

NAME, VALUE = "STARTED_BY_TESTS", uuid.uuid4().hex
os.environ[NAME] = VALUE
"""Every process that the tests start inherits it."""


def guests() -> list[int]:
    """Processes of QEMU that the tests of this process started, and that have not ended; not ``qemu --version``."""
    mine = f"{NAME}={VALUE}".encode()
    return [
        int(one.name)
        for one in Path("/proc").iterdir()
        if one.name.isdecimal() and _is_guest(_read(one / "cmdline")) and mine in _read(one / "environ").split(b"\0")
    ]


def _is_guest(command: bytes) -> bool:
    return b"qemu-system" in command.split(b"\0")[0] and b"gcproto-guest-" in command


def _read(file: Path) -> bytes:
    """What is in a file of a process; nothing if it has ended, or is another user's."""
    try:
        return file.read_bytes()
    except OSError:
        return b""
