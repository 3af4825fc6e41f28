"""Build description of ``gcproto._native`` (cffi, API mode).

The declarations are taken from the headers themselves, between ``cdef:begin`` and ``cdef:end``, so that Python and C
cannot disagree; in API mode the C compiler checks them once more.

Called as a program it prints the defines that the Makefile gives to the compiler for ``gcprobe``, so that both doors of
the engine carry the same hash.
"""

import hashlib
import os
import re
import sys
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

HEADERS = [
    "build_info.h",
    "platform.h",
    "uffd.h",
    "evacuate.h",
    "proof.h",
    "pin.h",
    "sources.h",
    "paths.h",
]
PROGRAMS = {"gcprobe.c", "gcprobe_json.c"}
SOURCES = sorted(
    str(path.relative_to(ROOT)) for path in [*HERE.glob("*.c"), *HERE.glob("contract/*.c")] if path.name not in PROGRAMS
)
FLAGS = ["-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", *os.environ.get("GCPROTO_CFLAGS", "").split()]


def declarations(header: Path) -> str:
    """The part of a header that cffi is to know."""
    text = header.read_text(encoding="utf-8")
    return "\n".join(re.findall(r"/\* cdef:begin \*/(.*?)/\* cdef:end \*/", text, re.S))


def code_hash() -> str:
    """Hash of what measures: all C but the contract rows, which measure nothing."""
    digest = hashlib.sha256()
    for path in sorted([*HERE.glob("*.c"), *HERE.glob("*.h")]):
        if path.name not in PROGRAMS:
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def defines() -> list[tuple[str, str]]:
    """Macros of ``build_info.c``."""
    return [("GCP_BUILD_HASH", f'"{code_hash()}"'), ("GCP_BUILD_FLAGS", f'"{" ".join(FLAGS)}"')]


ffibuilder = FFI()
ffibuilder.cdef("\n".join(declarations(HERE / name) for name in HEADERS))
ffibuilder.set_source(
    "gcproto._native",
    "\n".join(f'#include "{name}"' for name in HEADERS),
    sources=SOURCES,
    include_dirs=["native", "native/contract"],
    depends=[str(path.relative_to(ROOT)) for path in HERE.glob("**/*.h")],
    define_macros=defines(),
    extra_compile_args=FLAGS,
    libraries=["pthread"],
)

if __name__ == "__main__":
    sys.stdout.write(" ".join(f"-D{name}='{value}'" for name, value in defines()) + "\n")
