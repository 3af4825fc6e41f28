"""Compiled code for a copy of the sources: what the copy leaves as it was is not compiled again."""

import shutil
from pathlib import Path

from numba.core.caching import _CacheLocator

from gcproto.heap.compiled import cache_folder
from tests.support.processes import ROOT


def bring_compiled(copy: Path) -> None:
    """Give a copy of ``gcproto/`` the compiled code of the original, which numba keeps by the path of its sources.

    Numba compares the sources, and the folder has the name of their hash: compiled code of what changed is not used.

    Args:
        copy: the folder that has ``gcproto/``, copied with the times of its files.

    """
    cache = cache_folder()
    for package in {path.parent for path in (ROOT / "gcproto").rglob("*.py")}:
        kept = cache / _subpath(package)
        if kept.is_dir():
            shutil.copytree(kept, cache / _subpath(copy / package.relative_to(ROOT)), dirs_exist_ok=True)


def _subpath(package: Path) -> str:
    return str(_CacheLocator.get_suitable_cache_subpath(str(package / "module.py")))  # type: ignore[no-untyped-call]
