"""Structures of C as values of Python."""

from functools import cache
from typing import TYPE_CHECKING

from gcproto._native import ffi

if TYPE_CHECKING:
    from gcproto._native import CData, CType, Struct


def address_of(pointer: "CData") -> int:
    """A C pointer as compiled code takes it."""
    return int(ffi.cast("uintptr_t", pointer))


@cache
def _numbers(kind: "CType") -> tuple[str, ...]:
    if kind.kind == "pointer":
        return _numbers(kind.item)
    return tuple(name for name, field in kind.fields or () if field.type.kind == "primitive")


def number_names(struct: str) -> tuple[str, ...]:
    """Fields of a structure, given by its name in C, that are one number each, in order."""
    return _numbers(ffi.typeof(f"struct {struct}"))


def numbers_of(struct: "Struct") -> dict[str, int]:
    """The fields of a structure that are one number each, by name."""
    return {name: getattr(struct, name) for name in _numbers(ffi.typeof(struct))}
