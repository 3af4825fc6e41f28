"""Build description of ``gcproto._native`` (cffi, API mode).

The declarations are taken from the headers themselves, between ``cdef:begin`` and ``cdef:end``, so that Python and C
cannot disagree; in API mode the C compiler checks them once more.
"""

import os
import re
import sys
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # setuptools runs this file by its path, outside of any package

from code_hash import PROGRAMS, defines  # noqa: E402

ROOT = HERE.parent

HEADERS = [
    "build_info.h",
    "clock.h",
    "platform.h",
    "uffd.h",
    "evacuate.h",
    "proof.h",
    "pin.h",
    "ability.h",
    "content.h",
    "frames.h",
    "sources.h",
    "toucher.h",
    "working_set.h",
    "paths.h",
    "histogram.h",
    "pages.h",
    "fault_thread.h",
    "window.h",
    "timeline.h",
    "inject.h",
    "world.h",
    "plan.h",
    "compaction.h",
    "contract.h",
]
SOURCES = sorted(
    str(path.relative_to(ROOT)) for path in [*HERE.glob("*.c"), *HERE.glob("contract/*.c")] if path.name not in PROGRAMS
)
FLAGS = ["-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", *os.environ.get("GCPROTO_CFLAGS", "").split()]


def declarations(header: Path) -> str:
    """The part of a header that cffi is to know."""
    text = header.read_text(encoding="utf-8")
    return "\n".join(re.findall(r"/\* cdef:begin \*/(.*?)/\* cdef:end \*/", text, re.S))


ffibuilder = FFI()
ffibuilder.cdef("\n".join(declarations(HERE / name) for name in HEADERS))
ffibuilder.set_source(
    "gcproto._native",
    "\n".join(f'#include "{name}"' for name in HEADERS),
    sources=SOURCES,
    include_dirs=["native", "native/contract"],
    depends=[str(path.relative_to(ROOT)) for path in HERE.glob("**/*.h")],
    define_macros=defines(" ".join(FLAGS)),
    extra_compile_args=FLAGS,
    libraries=["pthread"],
)
