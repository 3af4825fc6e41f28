"""The version of the running kernel, only for the table of known bugs. Presence is probed."""

import platform
import re
from typing import NamedTuple


class KernelVersion(NamedTuple):
    """6.18.44 of ``6.18.44-1-vendor``; a release candidate counts as its release."""

    major: int
    minor: int
    patch: int

    @property
    def branch(self) -> tuple[int, int]:
        """6.18 of 6.18.44."""
        return self.major, self.minor

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


def parse(release: str) -> KernelVersion:
    """The version in a release name.

    Raises:
        ValueError: it has none.

    """
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", release)
    if not found:
        raise ValueError(f"no version in the kernel release {release!r}")
    return KernelVersion(int(found[1]), int(found[2]), int(found[3] or 0))


def running() -> KernelVersion:
    """The version of this kernel."""
    return parse(platform.release())
