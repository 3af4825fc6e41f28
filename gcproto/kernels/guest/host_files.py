"""The host's files in a guest, read-only: its Python runs there without an image of a distribution.

A guest of another architecture gets a folder of them, with a root file system (gcproto.kernels.guest.root).

There are two ways, because a kernel may have only one of them. Virtiofs (built in to Debian's cloud kernels from 6.12
on) needs a daemon beside QEMU. 9p (built in to kernels of our own configuration) is served by QEMU. The guest's init
tries one after the other (``ROOTS``).
"""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gcproto.errors import GcprotoError
from gcproto.process import tools

TAG = "host"
TAG_9P = "host9p"
ROOTS = (f"root virtiofs {TAG} -", f"root 9p {TAG_9P} trans=virtio,version=9p2000.L,cache=loose,msize=262144")
"""Lines for the guest's init."""

DAEMONS = ("/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd")
"""QEMU's own, in C, up to its release 7; the one in Rust that followed it."""

START_SECONDS = 10.0


def daemon() -> Path | None:
    """The virtiofs daemon of this machine."""
    found = [Path(name) for name in DAEMONS if Path(name).exists()]
    elsewhere = shutil.which("virtiofsd")
    return found[0] if found else Path(elsewhere) if elsewhere else None


def _words(program: Path, socket: Path, root: str) -> list[str]:
    """Command line of the daemon."""
    if program.parent.name == "qemu":
        # Its other sandbox forks, and the fork would outlive this process.
        options = ["-o", f"source={root}", "-o", "cache=always", "-o", "sandbox=chroot", "-o", "log_level=err"]
        return [str(program), f"--socket-path={socket}", "-f", *options]
    return [str(program), f"--socket-path={socket}", f"--shared-dir={root}", "--cache=always", "--sandbox=chroot"]


@contextmanager
def shared(folder: Path, memory_mib: int, root: str = "/") -> Iterator[list[str]]:
    """Arguments of QEMU for a guest that can mount the host's files.

    Args:
        folder: for the daemon's socket.
        memory_mib: memory of the guest, which the daemon shares.
        root: the folder that the guest sees as the root of the files.

    Raises:
        GcprotoError: the daemon does not start.

    """
    words = ["-fsdev", f"local,id={TAG_9P},path={root},readonly=on,security_model=none,multidevs=remap"]
    words += ["-device", f"virtio-9p-pci,fsdev={TAG_9P},mount_tag={TAG_9P}"]
    program = daemon()
    if program is None:
        yield words
        return
    socket = folder / "files"
    process = subprocess.Popen(
        [*tools.BOUND, *_words(program, socket, root)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        _wait(process, program, socket)
        words += ["-object", f"memory-backend-memfd,id=memory,size={memory_mib}M,share=on"]
        words += ["-machine", "memory-backend=memory", "-chardev", f"socket,id=files,path={socket}"]
        words += ["-device", f"vhost-user-fs-pci,chardev=files,tag={TAG}"]
        yield words
    finally:
        process.kill()
        process.wait()
        assert process.stderr
        process.stderr.close()


def _wait(process: "subprocess.Popen[str]", program: Path, socket: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            assert process.stderr
            said = process.stderr.read().strip()
            raise GcprotoError(
                f"{program} does not start, so guests can't mount this machine's files",
                why=said[-300:] or f"no socket after {START_SECONDS:g} s",
                remedy="run as root; for kernels with 9p built in, remove the package of virtiofsd",
            )
        time.sleep(0.02)
