"""Strings of C."""

from typing import Any

from gcproto._native import ffi


def text_of(chars: Any) -> str:
    """A C string (char array or pointer) as text."""
    return bytes(ffi.string(chars)).decode(errors="replace")  # type: ignore[arg-type]
