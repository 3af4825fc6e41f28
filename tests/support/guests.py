"""Guests that these tests started: other sessions and users may run some beside them."""

import os
import uuid
from pathlib import Path

from gcproto.known.bugs import BUGS, State
from gcproto.known.version import parse
from gcproto.results.facts import release_of
from gcproto.results.store import load

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


RACE = next(bug for bug in BUGS if bug.key == "retry-eexist")


def met_the_race(folder: Path) -> bool:
    """Whether the only fault of results is a known race of their kernels, ``retry-eexist``.

    It makes a round invalid now and then: MOVE says that pages which it moved itself were there already.  The kernel
    lab is right to show that, and its tests have to run again.
    """
    found = [load(file) for file in folder.glob("*.json")]
    reasons = [bad.reason for one in found for measured in one.measurements for bad in measured.invalid_rounds]
    return (
        bool(reasons)
        and all(RACE.state_by_version(parse(release_of(one))) is State.BY_VERSION for one in found)
        and all(reason.endswith("destination pages were there already") for reason in reasons)
    )
