"""The catalog of kernels that were built here: each in its own folder, complete or absent."""

import re
import shutil
from pathlib import Path

import msgspec

from gcproto.counted import counted
from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels import cache
from gcproto.kernels.architecture import AMD64
from gcproto.kernels.get.fetch import LocalKernel
from gcproto.process.outputs import replace_with

KNOWN = "built.json"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")


class Built(msgspec.Struct, frozen=True):
    """A kernel that was built here.

    Attributes:
        name: as the user named it.
        release: output of ``uname -r`` in it: the source's version and the name.
        upstream: version of the source.
        source: for people.
        config: names of the fragments.
        patches: name and SHA256 of each.
        identity: digest of all inputs.
        compiler: first line of its --version.
        written: day and time.
        seconds: duration of the build.
        builtin: as in LocalKernel.
        missing: options of the fragments that the source does not have.
        architecture, page_size, inputs: as in LocalKernel.

    """

    name: str
    release: str
    upstream: str
    source: str
    config: tuple[str, ...]
    patches: tuple[tuple[str, str], ...]
    identity: str
    compiler: str
    written: str
    seconds: float
    builtin: tuple[str, ...]
    missing: tuple[str, ...]
    architecture: str = AMD64.name
    page_size: int = AMD64.page_sizes[0]
    inputs: str = ""

    @property
    def home(self) -> Path:
        """Its folder in the cache."""
        return cache.folder("built") / self.release

    @property
    def local(self) -> LocalKernel:
        """The kernel to boot."""
        patched = f", {counted(len(self.patches), 'patch', 'patches')}" if self.patches else ""
        origin = f"built: {self.source}, {'+'.join(self.config)}{patched}"
        return LocalKernel(
            self.release,
            str(self.home / "vmlinuz"),
            (),
            origin,
            self.builtin,
            architecture=self.architecture,
            page_size=self.page_size,
            configuration="+".join(self.config),
            inputs=self.inputs,
        )


def check_name(name: str) -> str:
    """A name that can be part of a kernel's release.

    Raises:
        GcprotoError: it is not such a name.

    """
    if NAME.fullmatch(name):
        return name
    raise GcprotoError(
        f"a kernel can't be named {name!r}",
        why="the name becomes part of its release: lower case letters, digits, dot, dash, underscore; at most 32",
        code=ExitCode.USAGE,
    )


def all_built() -> list[Built]:
    """Those that are here, by release."""
    found = []
    for file in sorted(cache.folder("built").glob(f"*/{KNOWN}")):
        try:
            one = msgspec.json.decode(file.read_bytes(), type=Built)
        except (OSError, msgspec.DecodeError):
            continue  # of another version of this program: it is built again on demand
        if (one.home / "vmlinuz").exists():
            found.append(one)
    return found


def find(text: str, architecture: str = AMD64.name, page_size: int | None = None) -> Built | None:
    """The kernel of that release, or of that name: with the smallest pages, then the newest.

    Args:
        text: release or name.
        architecture: of kernels that are found by name.
        page_size: in bytes, of kernels that are found by name; None: the smallest of that name.

    """
    here = all_built()
    exact = [one for one in here if text == one.release]
    alike = [one for one in here if one.architecture == architecture and page_size in (None, one.page_size)]
    named = sorted((one for one in alike if text == one.name), key=lambda one: (-one.page_size, one.written))
    candidates = exact or named
    return candidates[-1] if candidates else None


def keep(made: Built, vmlinuz: Path, config: Path) -> None:
    """Put a kernel into the catalog in the place of an older one of its release.

    Raises:
        GcprotoError: the disk is full.

    """
    with cache.whole(made.home, replace=True) as folder:
        shutil.copyfile(vmlinuz, folder / "vmlinuz")
        shutil.copyfile(config, folder / "config")
        (folder / KNOWN).write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=1))


def note(made: Built) -> None:
    """Write what is known of a kernel in the catalog again."""
    file = made.home / KNOWN
    with cache.writing(str(file)):
        replace_with(file, msgspec.json.format(msgspec.json.encode(made), indent=1))


def forget(one: Built) -> None:
    """Remove a kernel from the catalog."""
    shutil.rmtree(one.home, ignore_errors=True)
