"""Memory of C as arrays of numpy."""

from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from gcproto._native import ffi

if TYPE_CHECKING:
    from gcproto._native import Pointer

D = TypeVar("D", bound=np.generic)


def array_at(memory: "Pointer[int] | Pointer[None]", count: int, kind: "type[D] | np.dtype[D]") -> NDArray[D]:
    """The memory itself, not a copy.

    Args:
        memory: its start.
        count: values.
        kind: of each value.

    """
    size = count * np.dtype(kind).itemsize
    return np.frombuffer(memoryview(ffi.buffer(memory, size)), dtype=kind)
