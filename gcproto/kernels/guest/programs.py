"""The static programs that run in guests: ``gcprobe`` and the guest's init, compiled here from the same C sources.

They are built once for each state of the sources and kept in the cache.  Instruction counts depend on the compiler;
results name it.
"""

import hashlib
import os
import shlex
import sys
from pathlib import Path

import gcproto
from gcproto.errors import GcprotoError
from gcproto.kernels import cache
from gcproto.kernels.architecture import AMD64, Architecture
from gcproto.process import tools

FLAGS = ("-std=gnu11", "-O2", "-g", "-static")
ROOMS = ("base", "uffd", "paths", "heap", "trial", "contract", "hazards", "probe")
"""Folders of the sources of ``gcprobe``."""


def sources() -> Path:
    """The folder ``native``: a part of the package, or beside it in a checkout.

    Raises:
        GcprotoError: gcproto was installed without its sources.

    """
    package = Path(gcproto.__file__).resolve().parent
    for native in (package / "native", package.parent / "native"):
        if (native / "probe" / "gcprobe.c").exists():
            return native
    raise GcprotoError(
        "the programs for guests can't be built",
        why=f"neither {package} nor the folder above it has native/probe/gcprobe.c",
        remedy="install gcproto again from a release or a checkout, which include the C sources",
    )


def build(architecture: Architecture = AMD64) -> Path:
    """The folder that holds ``gcprobe`` and ``init``, built now unless it is in the cache.

    Args:
        architecture: of the guests.

    Raises:
        GcprotoError: there is no compiler, no static C library, or the disk is full.

    """
    native = sources()
    files = sorted(native.glob("**/*.[ch]"))
    digest = hashlib.sha256("\0".join(FLAGS).encode())
    for path in files:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    compiler = architecture.compiler("gcc" if architecture.cross else "cc")
    version = tools.run([compiler, "--version"]).out
    digest.update(version.encode())
    target = cache.folder("programs") / digest.hexdigest()[:16]
    if not target.exists():
        with cache.whole(target) as folder:
            _compile(compiler, native, folder, architecture)
    return target


def _compile(compiler: str, native: Path, folder: Path, architecture: Architecture) -> None:
    hashed = tools.run([sys.executable, str(native / "build" / "code_hash.py")]).out
    probe = [path for room in ROOMS for path in native.glob(f"{room}/**/*.c")]
    for name, parts in (("gcprobe", sorted(probe)), ("init", sorted(native.glob("guest/*.c")))):
        command = [compiler, *shlex.split(hashed), *FLAGS, f"-I{native}"]
        command += ["-o", str(folder / name), *(str(part) for part in parts), "-pthread"]
        # Files of the compiler are removed with the folder.
        done = tools.run(command, environment=os.environ | {"TMPDIR": str(folder)})
        if done.code:
            cache.see_that_space_was_left(f"{name} can't be built", done.err, folder.parent)
            raise GcprotoError(
                f"{name} can't be built",
                why=next((line for line in done.err.splitlines() if "error" in line), "the compiler gave no reason"),
                remedy="a C compiler with a static C library is needed "
                f"(Debian: apt-get install {architecture.compiler_package})",
            )
