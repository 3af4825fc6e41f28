"""Compilation: one decorator, one cache that can't go stale, and a list of functions to compile.

Numba's cache detects changes in the file of a function. It does not detect changes in files of called functions, nor in
C structures whose offsets are compiled in. So the cache is in a folder named for the hash of all of these.
"""

import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TypeVar

import numba
from numba.core.dispatcher import Dispatcher

from gcproto._native import lib
from gcproto.chars import text_of
from gcproto.heap.calls import BARRIER
from gcproto.process.cache_folder import settle

F = TypeVar("F", bound=Callable[..., object])

KEEP_DAYS = 14
"""Folders of other versions are removed if they were unused for this long."""

_registry: "list[tuple[str, Dispatcher[Callable[..., object]], str]]" = []


@cache
def cache_folder() -> Path:
    """Folder of this version's compiled code: below ``NUMBA_CACHE_DIR`` or the user's cache folder."""
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256(text_of(lib.gcp_build_layout()).encode())
    digest.update(f"{numba.__version__} {os.sysconf('SC_PAGESIZE')} {BARRIER}".encode())
    sources = ("heap/**/*.py", "collector/compiled/*.py", "dumps/**/*.py")
    for path in sorted(path for pattern in sources for path in root.glob(pattern)):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return settle() / digest.hexdigest()[:16]


def _prepare_cache() -> None:
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
        for other in folder.parent.iterdir():
            if other != folder and len(other.name) == 16 and other.stat().st_mtime < time.time() - KEEP_DAYS * 86400:
                shutil.rmtree(other, ignore_errors=True)
    except OSError:
        pass  # no cache is possible: numba reports it where it matters, and compiles each time
    numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]


_prepare_cache()


def kernel(function: F) -> "Dispatcher[F]":
    """Compile a function without the GIL and without Python objects; it is compiled when first called."""
    return numba.njit(nogil=True, cache=True, boundscheck=False, error_model="numpy")(function)


def inlined(function: F) -> "Dispatcher[F]":
    """A kernel that becomes part of each one that calls it: for what is called once for every object.

    LLVM leaves many calls in place that cost more than they do: each has to store its result and to say whether it
    raised.
    """
    return numba.njit(nogil=True, cache=True, boundscheck=False, error_model="numpy", forceinline=True)(function)


def entry(signature: str) -> "Callable[[F], Dispatcher[F]]":
    """A kernel that Python calls: it is part of what ``compile_all`` compiles ahead.

    Args:
        signature: numba's, such as ``"int64(int64, int64)"``.

    """

    def decorate(function: F) -> "Dispatcher[F]":
        compiled = kernel(function)
        _registry.append((f"{function.__module__}.{function.__name__}", compiled, signature))
        return compiled

    return decorate


def compile_all(progress: Callable[[str, int, int], None]) -> int:
    """Compile, or load from the cache, every entry of the modules imported so far.

    Args:
        progress: is called before an entry is built, with its name, its number, and their count. If one entry is not in
            the cache, others are probably not either.

    Returns:
        the number of compiled entries.

    """
    _load_array_functions()
    built = 0
    for number, (name, compiled, signature) in enumerate(_registry):
        if compiled.signatures:
            continue
        if built or not any(cache_folder().glob(f"**/{name.rsplit('.', 1)[0].rsplit('.', 1)[-1]}.*.nbi")):
            progress(name, number, len(_registry))
        compiled.compile(signature)
        built += bool(compiled.stats.cache_misses)
    return built


def _load_array_functions() -> None:
    """Load numba's array functions without ``scipy.linalg``, which takes 0.1 s of each worker.

    They look for its BLAS when they are imported (``numba.np.arraymath``), which a first compilation does. No function
    here uses linear algebra.
    """
    name = "scipy.linalg"
    if name in sys.modules:
        return
    sys.modules[name] = None  # type: ignore[assignment]  # an import of it fails
    try:
        import_module("numba.np.arraymath")
    finally:
        del sys.modules[name]
