"""The plugin of QEMU that counts instructions by function (native/profile/gcprof.c): compiled here, kept in the cache.

It is GPL-2.0-or-later, as QEMU is, and a program of its own: nothing of gcproto is linked with it.
"""

import hashlib
import re
import shutil
from pathlib import Path

from gcproto.errors import GcprotoError
from gcproto.kernels import cache
from gcproto.kernels.architecture import AMD64, Architecture
from gcproto.kernels.guest import machine, programs
from gcproto.kernels.profile import caches as model
from gcproto.process import tools
from gcproto.results.schema import Cache

FLAGS = ("-std=gnu11", "-O2", "-shared", "-fPIC", "-fvisibility=hidden")
OLDEST = (6, 0)
"""QEMU before 6.0 has no option for plugins in this form."""
PROBE = ("-machine", "none", "-nodefaults", "-display", "none", "-monitor", "stdio")
"""A QEMU without a machine, which says whether it takes the plugin, and quits."""


def api_of(version: str) -> int:
    """The form of the plugin API that a version of QEMU has (native/profile/qemu_api.h).

    Args:
        version: as QEMU's ``--version`` says it: ``7.2.22``.

    Raises:
        GcprotoError: it is too old.

    """
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers < OLDEST:
        raise GcprotoError(
            f"QEMU {version} can't be profiled", why="its plugins are of an older form", remedy="use QEMU 7.2 or newer"
        )
    return 1 if numbers < (9, 0) else 2 if numbers < (9, 1) else 3


def build(architecture: Architecture = AMD64) -> Path:
    """The plugin, built now unless it is in the cache, and tried with this machine's QEMU.

    Args:
        architecture: of the guests.

    Raises:
        GcprotoError: there is no compiler, or QEMU does not take plugins, or not of this form.

    """
    native = programs.sources()
    version = machine.need(architecture)
    compiler = shutil.which("cc")
    if not compiler:
        raise GcprotoError("the profiler can't be built: no C compiler", remedy="apt-get install gcc")
    flags = [*FLAGS, f"-DQEMU_API={api_of(version)}"]
    digest = hashlib.sha256(
        "\0".join((*flags, architecture.qemu, version, tools.run([compiler, "--version"]).out)).encode()
    )
    for path in (*sorted((native / "profile").glob("*.[ch]")), native / "base" / "mark.h"):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    target = cache.folder("plugin") / digest.hexdigest()[:16]
    if not target.exists():
        with cache.whole(target) as folder:
            _compile([compiler, *flags], native, folder / "gcprof.so")
            _probe(folder / "gcprof.so", architecture)
    return target / "gcprof.so"


def option(plugin: Path, functions: Path, out: Path, caches: tuple[Cache, ...] = ()) -> list[str]:
    """QEMU's words for it.

    Args:
        plugin: the library.
        functions: a list of functions for it to read.
        out: file that it writes.
        caches: of the model whose misses are counted; empty: none.

    """
    words = (str(plugin), f"functions={functions}", f"out={out}", *model.words(caches))
    return ["-plugin", ",".join(word.replace(",", ",,") for word in words)]


def _compile(compiler: list[str], native: Path, target: Path) -> None:
    done = tools.run([*compiler, f"-I{native}", "-o", str(target), str(native / "profile" / "gcprof.c")])
    if done.code:
        cache.see_that_space_was_left("the profiler can't be built", done.err, target.parent)
        raise GcprotoError(
            "the profiler can't be built",
            why=next((line for line in done.err.splitlines() if "error" in line), "the compiler gave no reason"),
            remedy="a C compiler is needed (Debian: apt-get install gcc libc6-dev)",
        )


def _probe(plugin: Path, architecture: Architecture) -> None:
    """See that QEMU takes the plugin.

    Raises:
        GcprotoError: it does not; in its own words.

    """
    nothing = Path("/dev/null")
    done = tools.run([architecture.qemu, *PROBE, *option(plugin, nothing, nothing)], stdin=b"quit\n")
    if done.code:
        said = [line for line in done.err.splitlines() if line.strip()]
        raise GcprotoError(
            "this QEMU does not take the profiler",
            why=said[-1][:200] if said else f"it ended with exit code {done.code}",
            remedy="use a QEMU that was built with plugins, such as Debian's 7.2 and newer",
        )
