"""The initramfs of a guest: init, gcprobe, modules, the script.  It has no files of a distribution."""

import gzip
from pathlib import Path

from gcproto.kernels.get.fetch import LocalKernel
from gcproto.kernels.guest.cpio import DIRECTORY, FILE, PROGRAM, archive
from gcproto.kernels.guest.script import Script


def initramfs(kernel: LocalKernel, programs: Path, script: Script) -> bytes:
    """The archive to boot with; the same for the same arguments.

    Args:
        kernel: whose modules are loaded before anything else.
        programs: folder with ``init`` and ``gcprobe``.
        script: script of the guest.

    """
    names = [Path(path).name for path in kernel.modules]
    lines = "".join(f"module /modules/{name}\n" for name in names) + script.text()
    folders = ("dev", "proc", "sys", "tmp", "modules", "host")
    files = [(name, DIRECTORY, b"") for name in folders]
    files += [("init", PROGRAM, (programs / "init").read_bytes()), ("gcprobe", PROGRAM, _stripped(programs))]
    files += [(f"modules/{Path(path).name}", FILE, Path(path).read_bytes()) for path in kernel.modules]
    # Programs that may harm a machine run only if this file exists.
    files += [("gcproto.guest", FILE, b""), ("script", FILE, lines.encode())]
    return gzip.compress(archive(files), compresslevel=1, mtime=0)


def _stripped(programs: Path) -> bytes:
    return (programs / "gcprobe").read_bytes()
