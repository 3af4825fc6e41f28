"""The static programs that run in guests: ``gcprobe`` and the guest's init, compiled here from the same C sources.

They are built once for each state of the sources and kept in the cache.  Instruction counts depend on the compiler;
results name it.
"""

import hashlib
import os
import shlex
import shutil
import sys
from pathlib import Path

import gcproto
from gcproto.errors import GcprotoError
from gcproto.kernels import cache
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


def build() -> Path:
    """The folder that holds ``gcprobe`` and ``init``, built now unless it is in the cache.

    Raises:
        GcprotoError: there is no compiler, no static C library, or the disk is full.

    """
    native = sources()
    files = sorted(native.glob("**/*.[ch]"))
    digest = hashlib.sha256("\0".join(FLAGS).encode())
    for path in files:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    compiler = shutil.which("cc")
    if not compiler:
        raise GcprotoError("the programs for guests can't be built: no C compiler", remedy="apt-get install gcc")
    version = tools.run([compiler, "--version"]).out
    digest.update(version.encode())
    target = cache.folder("programs") / digest.hexdigest()[:16]
    if not target.exists():
        with cache.whole(target) as folder:
            _compile(native, folder)
    return target


def _compile(native: Path, folder: Path) -> None:
    hashed = tools.run([sys.executable, str(native / "build" / "code_hash.py")]).out
    probe = [path for room in ROOMS for path in native.glob(f"{room}/**/*.c")]
    for name, parts in (("gcprobe", sorted(probe)), ("init", sorted(native.glob("guest/*.c")))):
        command = ["cc", *shlex.split(hashed), *FLAGS, f"-I{native}"]
        command += ["-o", str(folder / name), *(str(part) for part in parts), "-pthread"]
        # Files of the compiler are removed with the folder.
        done = tools.run(command, environment=os.environ | {"TMPDIR": str(folder)})
        if done.code:
            raise GcprotoError(
                f"{name} can't be built",
                why=next((line for line in done.err.splitlines() if "error" in line), "the compiler gave no reason"),
                remedy="a C compiler with a static C library is needed (Debian: apt-get install gcc libc6-dev)",
            )
