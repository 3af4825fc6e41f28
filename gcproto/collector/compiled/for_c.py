"""Compiled code whose address C has."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from numba import cfunc

if TYPE_CHECKING:
    from numba.core.dispatcher import Dispatcher

    Producer = Dispatcher[Callable[[int, int, int], None]]

_kept: list[object] = []
"""Code that C has the address of must not be collected."""


@cache
def producer_of(function: "Producer") -> int:
    """Address of a producer for C: a ``gcp_producer``.

    Args:
        function: a kernel of plan, index and destination; it neither allocates nor raises.

    """
    compiled = cfunc("void(int64, int64, int64)", cache=True)(function.py_func)
    _kept.append(compiled)
    assert compiled.address is not None
    return compiled.address
