"""Sizes in sentences."""

import pytest

from gcproto.sizes import KIB, MIB, mib_text


@pytest.mark.parametrize(
    ("count", "text"), [(820 * KIB, "0.8 MiB"), (3 * MIB, "3 MiB"), (64 * MIB, "64 MiB"), (1 << 40, "1048576 MiB")]
)
def test_little_is_not_nothing(count: int, text: str) -> None:
    """A dump with 0.8 MiB of live bytes had ``0 MiB live``."""
    assert mib_text(count) == text
