"""A root file system for guests of another architecture: Debian's Python, the locked packages, and gcproto itself.

This machine's Python can't run there, so the guest mounts this root in its place (gcproto.kernels.guest.host_files).
Nothing of the other architecture runs while it is made.  mmdebstrap extracts Debian packages.  pip downloads wheels of
the lock file, with their hashes.  A cross compiler builds what has no wheel.  The root is kept in the cache: 0.7 GB.

Compiled code of the collector is made by QEMU's emulation of a process, with the page size of the guest.
"""

import hashlib
import os
import re
import shlex
import shutil
import sys
import tarfile
from pathlib import Path

import msgspec

import gcproto
from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels import cache
from gcproto.kernels.architecture import Architecture
from gcproto.kernels.guest.programs import sources
from gcproto.process import tools

SUITE = "bookworm"
VERSION = "3.11"
"""Of Debian's Python in that suite."""
DEBIAN = ("python3-minimal", "python3", f"libpython{VERSION}-dev", "libstdc++6", "libgcc-s1", "coreutils")
PLATFORMS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")
FROM_SOURCE = "hdrhistogram"
"""The only package of the lock file without a wheel for arm64: one C file."""
NOT_NEEDED = ("setuptools", "pbr")
"""Only builds need them."""
EMPTY = ("proc", "sys", "dev", "run", "tmp", "opt")
"""Folders that the guest mounts on, or that are filled here."""
FLAGS = ("-std=gnu11", "-O2", "-g", "-fPIC", "-shared")

EMIT = (
    "import sys, build_native; build_native.ffibuilder.emit_c_code(sys.argv[1]); "
    "print('\\n'.join(build_native.SOURCES), file=open(sys.argv[2], 'w'))"
)
COMPILE = (
    "from gcproto.experiments.session import worker; from gcproto.heap.compiled import cache_folder; "
    "[worker.prepare(name) for name in {workloads!r}]; print(cache_folder())"
)


class Root(msgspec.Struct, frozen=True):
    """A root file system on this machine.

    Attributes:
        folder: on this machine.
        python: its Python;  path: its PYTHONPATH.  Both are paths of the guest.

    """

    folder: Path
    python: str
    path: str


def lock_file() -> Path:
    """The lock file of the packages, which only a checkout has.

    Raises:
        GcprotoError: there is none.

    """
    path = Path(gcproto.__file__).resolve().parent.parent / "requirements.lock"
    if not path.exists():
        raise GcprotoError(
            "a root file system for guests can't be made",
            why=f"{path} is missing, which says which packages belong into it",
            remedy="run gcproto from a checkout",
        )
    return path


def locked(text: str, version: str = VERSION) -> dict[str, str]:
    """The entries of a lock file that are meant for a version of Python.

    Args:
        text: of the lock file, in pip's format, with hashes.
        version: of Python, as in ``3.11``.

    Returns:
        Each entry by its package's name, without its marker.

    """
    found = {}
    minor = int(version.split(".")[1])
    for entry in re.split(r"\n(?=[a-z])", "\n" + text):
        head = re.match(r"\s*([a-z][\w.-]*)==([^\s;\\]+)(?: ; ([^\\\n]*?))? *\\?\n", entry + "\n")
        if not head:
            continue
        limits = re.findall(r"python_full_version (<|>=) '3\.(\d+)'", head[3] or "")
        if all(minor < int(limit) if sign == "<" else minor >= int(limit) for sign, limit in limits):
            hashes = re.findall(r"--hash=\S+", entry)
            found[head[1]] = f"{head[1]}=={head[2]} " + " ".join(hashes) + "\n"
    return found


def make(architecture: Architecture) -> Path:
    """The root file system without gcproto, made now unless it is in the cache.

    Args:
        architecture: of the guests.

    Raises:
        GcprotoError: a tool is missing, the archive or the index of packages can't be reached, or the disk is full.

    """
    entries = locked(lock_file().read_text(encoding="utf-8"))
    digest = hashlib.sha256("\0".join([SUITE, VERSION, *DEBIAN, *PLATFORMS, *entries.values()]).encode())
    target = cache.folder("roots") / f"{architecture.name}-{digest.hexdigest()[:16]}"
    if not target.exists():
        _need(architecture)
        with cache.whole(target) as folder:
            _extract(architecture, folder)
            _install(architecture, folder, entries)
            _build_histogram(architecture, folder, entries[FROM_SOURCE])
    return target


def installed(architecture: Architecture) -> Root:
    """The root file system with this gcproto in it.

    Args:
        architecture: of the guests.

    Raises:
        GcprotoError: as ``make``, or the C code can't be compiled.

    """
    folder = make(architecture)
    native, package = sources(), Path(gcproto.__file__).resolve().parent
    digest = hashlib.sha256()
    for path in sorted([*native.glob("**/*.[ch]"), *native.glob("build/*.py"), *package.glob("**/*.py")]):
        digest.update(str(path).encode() + b"\0" + path.read_bytes() + b"\0")
    name = f"opt/gcproto-{digest.hexdigest()[:16]}"
    target = folder / name
    if not target.exists():
        with cache.whole(target) as place:
            shutil.copytree(
                package, place / "gcproto", ignore=shutil.ignore_patterns("*.so", "__pycache__", "_native.c")
            )
            _build_native(architecture, folder, native, place / "gcproto" / "_native.abi3.so")
    return Root(folder, f"/usr/bin/python{VERSION}", f"/{name}:/opt/site")


def compiled(root: Root, architecture: Architecture, page_size: int, workloads: tuple[str, ...]) -> Path:
    """The folder with the collector's compiled code for a page size, in the root; missing parts are compiled.

    Args:
        root: with gcproto.
        architecture: of the guests.
        page_size: of the guest, in bytes.
        workloads: names of those whose code is compiled.

    Raises:
        GcprotoError: the emulator is missing, or compiling failed.

    """
    emulator = f"qemu-{architecture.machine}-static"
    _need_programs({emulator: "qemu-user-static"})
    place = root.folder / "opt" / "compiled"
    with cache.alone(place):
        environment = {
            "PYTHONHOME": "/usr",
            "PYTHONPATH": root.path,
            "PYTHONDONTWRITEBYTECODE": "1",
            "NUMBA_CPU_NAME": "generic",
            "NUMBA_CPU_FEATURES": "",
            "NUMBA_CACHE_DIR": str(place),
        }
        command = [emulator, "-p", str(page_size), "-L", str(root.folder)]
        command += [word for name, value in environment.items() for word in ("-E", f"{name}={value}")]
        command += [f"{root.folder}{root.python}", "-P", "-c", COMPILE.format(workloads=workloads)]
        done = tools.run([*tools.BOUND, *command])
    found = Path(done.out.strip().rsplit("\n", 1)[-1])
    if done.code or not found.is_dir():
        raise GcprotoError(
            f"the heap can't be compiled for guests of {architecture.name}",
            why=done.err.strip()[-300:] or f"{emulator} ended with exit code {done.code}",
            remedy=f"{emulator} -L {root.folder} must run Python there: remove that folder to make it again",
        )
    return found


def _need_programs(packages: dict[str, str]) -> None:
    """See that programs are installed, by name, with their packages."""
    for name, package in packages.items():
        if not shutil.which(name):
            raise GcprotoError(
                f"a root file system for guests can't be made: {name} is not installed",
                remedy=f"apt-get install --no-install-recommends {package}",
            )


def _need(architecture: Architecture) -> None:
    _need_programs({"mmdebstrap": "mmdebstrap"})
    architecture.compiler("gcc")
    if tools.run([sys.executable, "-m", "pip", "--version"]).code:
        raise GcprotoError(
            "a root file system for guests can't be made: this Python has no pip",
            remedy=f"{sys.executable} -m ensurepip",
        )


def _run(command: list[str], what: str, remedy: str, environment: dict[str, str] | None = None) -> str:
    done = tools.run(command, environment=environment)
    if done.code:
        cache.see_that_space_was_left(what, done.err, cache.folder("roots"))
        lines = [line for line in done.err.splitlines() if re.search(r"error|ERROR|^E:", line)]
        raise GcprotoError(what, why="; ".join(lines[:3])[:400] or f"exit code {done.code}", remedy=remedy)
    return done.out


def _extract(architecture: Architecture, folder: Path) -> None:
    inner = folder / "root"
    _run(
        ["mmdebstrap", "--variant=extract", f"--architectures={architecture.name}", f"--include={','.join(DEBIAN)}",
         SUITE, str(inner)],
        f"Debian's packages for {architecture.name} can't be extracted",
        "is the archive reachable? mmdebstrap says more by itself",
    )  # fmt: skip
    for path in inner.iterdir():
        path.rename(folder / path.name)
    inner.rmdir()
    for name in EMPTY:
        (folder / name).mkdir(exist_ok=True)


def _pip(words: list[str], folder: Path, entries: str) -> None:
    wanted = folder / "wanted"
    wanted.write_text(entries, encoding="utf-8")
    _run(
        [sys.executable, "-m", "pip", *words, "-q", "--disable-pip-version-check", "--no-deps", "--require-hashes",
         "-r", str(wanted)],
        "the locked packages can't be downloaded",
        "is the index of packages reachable? pip's own variables (PIP_INDEX_URL, ...) apply",
    )  # fmt: skip
    wanted.unlink()


def _install(architecture: Architecture, folder: Path, entries: dict[str, str]) -> None:
    platforms = [word for name in PLATFORMS for word in ("--platform", f"{name}_{architecture.machine}")]
    wanted = "".join(text for name, text in entries.items() if name not in (FROM_SOURCE, *NOT_NEEDED))
    words = ["install", "--target", str(folder / "opt/site"), *platforms, "--python-version", VERSION]
    _pip([*words, "--implementation", "cp", "--only-binary=:all:"], folder, wanted)


def _include(folder: Path) -> list[str]:
    return [f"-I{folder}/usr/include/python{VERSION}", f"-I{folder}/usr/include"]


def _build_histogram(architecture: Architecture, folder: Path, entry: str) -> None:
    downloads = folder / "downloads"
    _pip(["download", "-d", str(downloads), "--no-binary=:all:", "--no-build-isolation"], folder, entry)
    (archive,) = downloads.iterdir()
    with tarfile.open(archive) as opened:
        opened.extractall(downloads, filter="data")
    (source,) = (path for path in downloads.iterdir() if path.is_dir())
    shutil.copytree(source / "hdrh", folder / "opt/site/hdrh")
    target = f"{folder}/opt/site/pyhdrh.cpython-{VERSION.replace('.', '')}-{architecture.machine}-linux-gnu.so"
    _compile(architecture, folder, [f"{source}/src/python-codec.c"], [], target)
    shutil.rmtree(downloads)


def _build_native(architecture: Architecture, root: Path, native: Path, target: Path) -> None:
    """The C library for another architecture, from the same description as here (native/build/build_native.py)."""
    code, names = target.parent / "_native.c", target.parent / "sources"
    environment = os.environ | {"PYTHONPATH": str(native / "build"), "PYTHONDONTWRITEBYTECODE": "1"}
    remedy = "install cffi and setuptools"
    _run([sys.executable, "-c", EMIT, str(code), str(names)], "the C code can't be generated", remedy, environment)
    defines = shlex.split(_run([sys.executable, str(native / "build/code_hash.py")], "no hashes of the code", remedy))
    files = [str(native.parent / name) for name in names.read_text(encoding="utf-8").split()]
    _compile(architecture, root, [str(code), *files], [*defines, f"-I{native}"], str(target))
    code.unlink()
    names.unlink()


def _compile(architecture: Architecture, root: Path, files: list[str], words: list[str], target: str) -> None:
    command = [architecture.compiler("gcc"), *FLAGS, *_include(root), *words, "-o", target, *files, "-pthread"]
    folder = str(Path(target).parent)  # files of the compiler are removed with the folder
    _run(
        command,
        f"{Path(target).name} can't be built for {architecture.name}",
        f"apt-get install --no-install-recommends {architecture.compiler_package}",
        os.environ | {"TMPDIR": folder},
    )


def see_that_it_is_another(architecture: Architecture) -> None:
    """See that guests of an architecture need a root file system of their own.

    Raises:
        GcprotoError: this machine's Python runs there.

    """
    if not architecture.cross:
        raise GcprotoError(
            f"guests of {architecture.name} need no root file system",
            why="they mount this machine's files and run its Python",
            remedy="give --arch of another architecture",
            code=ExitCode.USAGE,
        )
