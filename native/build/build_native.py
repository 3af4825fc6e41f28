"""Build description of ``gcproto._native`` (cffi, API mode).

The declarations come from the headers themselves, between ``cdef:begin`` and ``cdef:end``, so Python and C cannot
disagree; in API mode the C compiler checks them again.
"""

import os
import sys
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # setuptools runs this file by its path, outside any package

from code_hash import declarations, defines  # noqa: E402

NATIVE = HERE.parent
ROOT = NATIVE.parent

HEADERS = [
    "base/build_info.h",
    "base/clock.h",
    "base/platform.h",
    "base/pin.h",
    "base/content.h",
    "base/toucher.h",
    "base/histogram.h",
    "base/proof.h",
    "uffd/verb.h",
    "uffd/uffd.h",
    "uffd/answer.h",
    "uffd/inject.h",
    "uffd/ability.h",
    "paths/evacuate.h",
    "paths/frames.h",
    "paths/source/source.h",
    "paths/sources.h",
    "paths/working_set.h",
    "paths/round.h",
    "paths/work.h",
    "paths/arms.h",
    "paths/paths.h",
    "heap/pages.h",
    "heap/fault_thread.h",
    "heap/timeline.h",
    "heap/work.h",
    "heap/world.h",
    "heap/plan.h",
    "heap/costs.h",
    "heap/window/window.h",
    "heap/compaction/adapt.h",
    "heap/compaction/compaction.h",
    "trial/row.h",
    "contract/contract.h",
]
"""In dependency order."""

ROOMS = ("base", "uffd", "paths", "heap", "trial", "contract")
"""Folders of the library; hazards, the probe and the guest's init are separate programs."""

SOURCES = sorted(str(path.relative_to(ROOT)) for room in ROOMS for path in (NATIVE / room).glob("**/*.c"))
FLAGS = ["-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", *os.environ.get("GCPROTO_CFLAGS", "").split()]

ffibuilder = FFI()
ffibuilder.cdef("\n".join(declarations(NATIVE / name) for name in HEADERS))
ffibuilder.set_source(
    "gcproto._native",
    "\n".join(f'#include "{name}"' for name in HEADERS),
    sources=SOURCES,
    include_dirs=["native"],
    depends=[str(path.relative_to(ROOT)) for path in NATIVE.glob("**/*.h")],
    define_macros=defines(" ".join(FLAGS)),
    extra_compile_args=FLAGS,
    libraries=["pthread"],
)
