"""Strings of C."""

from typing import TYPE_CHECKING

from gcproto._native import ffi

if TYPE_CHECKING:
    from gcproto._native import Pointer


def text_of(chars: "Pointer[bytes]") -> str:
    """A C string (char array or pointer) as text."""
    return ffi.string(chars).decode(errors="replace")
