"""Types of the cffi module, as far as cffi has any: structs and functions are described in native/*.h."""

from typing import Any

from cffi import FFI

ffi: FFI
lib: Any
