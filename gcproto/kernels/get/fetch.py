"""Kernels on this machine: fetched from the archive into the cache, or given by a path."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels import cache
from gcproto.kernels.architecture import AMD64
from gcproto.kernels.build import kconfig
from gcproto.kernels.get import modules
from gcproto.kernels.get.archive import url
from gcproto.kernels.get.catalog import Kernel, Package
from gcproto.kernels.get.image_file import read_image

Progress = Callable[[str, int, int], None]
"""The file, bytes so far, bytes in all."""


class LocalKernel(msgspec.Struct, frozen=True):
    """A kernel that can be booted.

    Attributes:
        release: output of ``uname -r`` in it.
        vmlinuz: path of the image.
        modules: paths in the order in which they are loaded, decompressed.
        origin: its origin: a suite of the archive, a path, or the inputs of a build.
        builtin: names of those of gcproto.kernels.get.modules.WANTED that are built into it.
        architecture: name of a row of gcproto.kernels.architecture.
        page_size: in bytes.
        configuration: its name: Debian's flavour, or the fragments that it was built of; "" if it is not known.
        inputs: as in gcproto.results.schema.Guest.

    """

    release: str
    vmlinuz: str
    modules: tuple[str, ...]
    origin: str
    builtin: tuple[str, ...] = ()
    architecture: str = AMD64.name
    page_size: int = AMD64.page_sizes[0]
    configuration: str = ""
    inputs: str = ""

    @property
    def swap(self) -> bool:
        """Whether its guests can have swap: it has zram, as a module or built in."""
        return bool(self.modules) or "zram" in self.builtin


def silent(_what: str, _done: int, _total: int) -> None:
    """Ignore progress."""


def home(kernel: Kernel) -> Path:
    """The folder of an unpacked kernel of the archive."""
    return cache.folder("unpacked") / kernel.release


def here(kernel: Kernel) -> LocalKernel | None:
    """The kernel if it is unpacked in the cache."""
    folder = home(kernel)
    try:
        found = msgspec.json.decode((folder / "kernel.json").read_bytes(), type=LocalKernel)
        # Files of older versions of this program do not name it.
        return msgspec.structs.replace(found, configuration=_configuration(kernel))
    except (OSError, msgspec.DecodeError):
        return None


def fetch(kernel: Kernel, progress: Progress = silent, *, keep_packages: bool = True) -> LocalKernel:
    """Download, check and unpack a kernel of the archive, unless the cache has it.

    Raises:
        GcprotoError: it is gone from the archive, differs from what the lock says, or the disk is full.

    """
    found = here(kernel)
    if found:
        return found
    packages = [download(f"kernel {kernel.release}", package, progress) for package in kernel.packages]
    target = home(kernel)
    if target.exists():  # without a readable kernel.json: of an older version of this program
        shutil.rmtree(target)
    with cache.whole(target) as folder:
        names = _unpack(kernel, packages, folder)
        read = read_image(folder / "vmlinuz")
        made = LocalKernel(
            kernel.release,
            str(target / "vmlinuz"),
            tuple(str(target / f"{name}.ko") for name in names),
            kernel.suite,
            architecture=read.architecture.name,
            page_size=read.image.page_size,
            configuration=_configuration(kernel),
        )
        (folder / "kernel.json").write_bytes(msgspec.json.encode(made))
    if not keep_packages:
        for package in packages:
            package.unlink()
    return made


def _configuration(kernel: Kernel) -> str:
    return f"Debian's {kernel.flavour.name}" if kernel.flavour else ""


class _Bar:
    """Progress of a download by pooch."""

    def __init__(self, name: str, total: int, progress: Progress) -> None:
        self.name, self.total, self.progress, self.done = name, total, progress, 0

    def update(self, count: int) -> None:
        """Count more bytes. Pooch also calls it at the end to fill the bar."""
        if self.done < self.total:
            self.done = min(self.done + count, self.total)
            self.progress(self.name, self.done, self.total)

    def reset(self) -> None:
        """Do nothing: pooch calls it at the end."""

    def close(self) -> None:
        """The end."""


def download(what: str, package: Package, progress: Progress = silent) -> Path:
    """A package of the archive in the cache, checked against its SHA256.

    Args:
        what: it holds, for messages.
        package: which.
        progress: is told of it.

    Raises:
        GcprotoError: it is gone from the archive, differs from what the lock says, or the disk is full.

    """
    import pooch
    import requests

    folder = cache.folder("packages")
    bar = _Bar(package.name, package.size, progress)
    downloader = pooch.HTTPDownloader(progressbar=bar, chunk_size=1 << 16, timeout=60)
    pooch.get_logger().setLevel("ERROR")
    address = url(package)
    try:
        with cache.writing(str(folder)):
            folder.mkdir(parents=True, exist_ok=True)
            name = Path(package.file).name
            got = pooch.retrieve(address, f"sha256:{package.sha256}", fname=name, path=folder, downloader=downloader)
            return Path(got)
    except requests.HTTPError as error:
        code = error.response.status_code if error.response is not None else "an error"
        gone = code == 404
        raise GcprotoError(
            f"{what} can't be fetched",
            why=f"{package.name} {package.version} is gone from the archive" if gone else f"{address} says {code}",
            remedy="`gcproto kernels list --refresh` lists current kernels; give a kernel that you have by its path; "
            "snapshot.debian.org keeps old packages",
        ) from error
    except requests.RequestException as error:
        raise GcprotoError(
            f"{what} can't be fetched",
            why=f"{address}: {type(error).__name__}",
            remedy="check that the mirror is reachable, or set GCPROTO_MIRROR to another one",
        ) from error
    except ValueError as error:
        raise GcprotoError(
            f"{what} does not match the lock",
            why=f"{package.name}: the SHA256 of what {address} gave is another one",
            remedy="a mirror or proxy may have damaged it: retry, or set GCPROTO_MIRROR to another mirror",
        ) from error


def _unpack(kernel: Kernel, packages: list[Path], folder: Path) -> list[str]:
    """Vmlinuz and the modules that guests load, into a folder; names of the modules in their order."""
    from debian.debfile import DebFile

    files: dict[str, bytes] = {}
    found = False
    for package in packages:
        with DebFile(filename=str(package)) as deb, deb.data.tgz() as archive:
            for member in archive:
                name = Path(member.name).name
                if not member.isfile():
                    continue
                module = modules.name_of(name)
                if module is None and not name.startswith("vmlinuz"):
                    continue
                content = archive.extractfile(member)
                assert content
                if module is None:
                    with (folder / "vmlinuz").open("wb") as target:
                        shutil.copyfileobj(content, target)
                    found = True
                elif _may_be_needed(member.name):
                    files[module] = modules.decompress(name, content.read())
    if not found:
        raise GcprotoError(
            f"the packages of {kernel.release} hold no vmlinuz",
            why=f"looked in {', '.join(path.name for path in packages)}",
            remedy="Debian may pack kernels in a new way: report it with the release",
        )
    order = modules.dependencies_first(files)
    for name in order:
        (folder / f"{name}.ko").write_bytes(files[name])
    return order


def _may_be_needed(path: str) -> bool:
    """Folders of zram, loop and their dependencies."""
    return any(part in path for part in ("/kernel/lib/", "/kernel/mm/", "/kernel/crypto/", "/kernel/drivers/block/"))


def from_path(path: Path, module_folder: Path | None = None) -> LocalKernel:
    """A kernel of the user: a vmlinuz, and modules if they are found.

    Args:
        path: of the vmlinuz.
        module_folder: with its modules, at any depth; None: the usual places of installations and builds.

    Raises:
        GcprotoError: the image is invalid, or the folder holds no module of that release.

    """
    found = read_image(path)
    release = found.image.release

    def made(loaded: tuple[str, ...], builtin: tuple[str, ...] = ()) -> LocalKernel:
        return LocalKernel(
            release,
            str(path.resolve()),
            loaded,
            str(path),
            builtin,
            architecture=found.architecture.name,
            page_size=found.image.page_size,
        )

    if module_folder is not None and not module_folder.is_dir():
        raise GcprotoError(f"{module_folder} is not a folder of modules", code=ExitCode.USAGE)
    parents = (path.parent, path.parent.parent)
    guesses = [parent / prefix / "modules" / release for parent in parents for prefix in ("lib", "usr/lib")]
    candidates = [module_folder] if module_folder else [path.parent / "modules", *guesses]
    for folder in candidates:
        files = {name: file for file in sorted(folder.rglob("*.ko*")) if (name := modules.name_of(file.name))}
        if files:
            return made(_copied(release, files))
    if module_folder is not None:
        raise GcprotoError(f"{module_folder} holds no modules (*.ko, *.ko.xz)", code=ExitCode.USAGE)
    return made((), _builtin(path, release))


def _builtin(path: Path, release: str) -> tuple[str, ...]:
    """Modules that a kernel has built in, by the configuration beside it, of a build tree or an installation."""
    for config in (path.parent / f"config-{release}", *(folder / ".config" for folder in path.resolve().parents[:4])):
        if config.is_file():
            return kconfig.builtin(config.read_text(errors="replace"))
    return ()


def _copied(release: str, files: dict[str, Path]) -> tuple[str, ...]:
    """Decompressed copies in the cache of the modules that guests load, in their order."""
    import hashlib

    contents: dict[str, bytes] = {}

    def load(name: str) -> None:
        if name in files and name not in contents:
            contents[name] = modules.decompress(files[name].name, files[name].read_bytes())
            for other in modules.depends(contents[name]):
                load(other)

    for wanted in modules.WANTED:
        load(wanted.replace("-", "_"))
    order = modules.dependencies_first(contents)
    digest = hashlib.sha256(b"".join(contents[name] for name in order)).hexdigest()[:12]
    target = cache.folder("modules") / f"{release}-{digest}"
    if not target.exists():
        with cache.whole(target) as folder:
            for name in order:
                (folder / f"{name}.ko").write_bytes(contents[name])
    return tuple(str(target / f"{name}.ko") for name in order)


def forget(kernel: Kernel) -> None:
    """Remove an unpacked kernel and its packages from the cache."""
    shutil.rmtree(home(kernel), ignore_errors=True)
    for package in kernel.packages:
        with suppress(FileNotFoundError):
            (cache.folder("packages") / Path(package.file).name).unlink()
