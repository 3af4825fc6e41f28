"""Where kernels are built from: Debian's linux-source packages, or a kernel tree of the user's.

A package is fetched and checked like those of kernels, and unpacked once into the cache. It is never changed there,
because build trees hold hard links to its files. A user's tree is copied file by file, in its current state.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels import cache
from gcproto.kernels.get.catalog import Source
from gcproto.kernels.get.fetch import Progress, download, silent
from gcproto.process import tools

BUILT_FOLDERS = frozenset({"include/config", "include/generated"})
"""Folders that a build within the tree makes."""

BUILT_SUFFIXES = (".o", ".a", ".ko", ".cmd", ".mod", ".order", ".symvers", ".dtb", ".s.tmp")


class Origin(msgspec.Struct, frozen=True):
    """A source on this machine.

    Attributes:
        key: names the build trees of this source.
        text: for people.
        folder: of the tree.
        identity: identity of its contents; "" for a tree that may change.

    """

    key: str
    text: str
    folder: str
    identity: str

    @property
    def fixed(self) -> bool:
        """Whether it never changes, so that hard links to its files are safe."""
        return bool(self.identity)


def fetched(source: Source, progress: Progress = silent) -> Origin:
    """A source of the archive, downloaded, checked and unpacked unless it is here.

    Raises:
        GcprotoError: the archive no longer has it, it differs from the lock, it can't be unpacked, or the disk is full.

    """
    package = source.package
    target = cache.folder("sources") / f"{package.name}_{package.version}"
    if not target.exists():
        file = download(f"the source of {source.upstream}", package, progress)
        with cache.whole(target) as folder:
            _unpack(file, folder)
    text = f"Debian {package.name} {package.version}"
    return Origin(source.branch, text, str(target), package.sha256)


def _unpack(file: Path, folder: Path) -> None:
    """The tree in a linux-source package: a tar.xz within the package's own archive."""
    from debian.debfile import DebFile

    with DebFile(filename=str(file)) as deb, deb.data.tgz() as archive:
        names = [one for one in archive if re.search(r"linux-source-[\d.]+\.tar\.xz$", one.name)]
        content = archive.extractfile(names[0]) if names else None
        if content is None:
            raise GcprotoError(
                f"{file.name} holds no linux-source-*.tar.xz",
                remedy="Debian may pack sources in a new way: unpack it and give the path of the tree",
            )
        with tempfile.TemporaryDirectory(prefix=".source-", dir=folder.parent) as between:
            inner = Path(between) / "source.tar.xz"
            with inner.open("wb") as out:
                shutil.copyfileobj(content, out, 1 << 20)
            command = ["tar", "-xf", str(inner), "-C", str(folder), "--strip-components=1", "--no-same-owner"]
            done = tools.run(command)
    if done.code:
        what = f"{file.name} can't be unpacked"
        cache.see_that_space_was_left(what, done.err, folder.parent)
        raise GcprotoError(
            what,
            why=done.err.strip().splitlines()[0] if done.err.strip() else f"tar ended with {done.code}",
            remedy="check that tar and xz are installed (apt-get install tar xz-utils)",
        )


def given(path: Path) -> Origin:
    """A kernel tree of the user.

    Raises:
        GcprotoError: it is not a kernel tree.

    """
    wanted = ("Makefile", "Kconfig", "scripts/kconfig/merge_config.sh")
    missing = [name for name in wanted if not (path / name).exists()]
    if missing:
        raise GcprotoError(
            f"{path} is not a kernel tree",
            why=f"it has no {', '.join(missing)}",
            remedy="give the top folder of one, or a branch that the archive has (7.3)",
            code=ExitCode.USAGE,
        )
    folder = str(path.resolve())
    return Origin(f"{path.resolve().name}-{hashlib.sha256(folder.encode()).hexdigest()[:8]}", folder, folder, "")


def version(folder: Path) -> str:
    """Of a tree, by its Makefile: ``7.3.4``, ``7.4.0-rc2``.

    Raises:
        GcprotoError: the Makefile names none.

    """
    text = (folder / "Makefile").read_text(errors="replace")
    found = dict(re.findall(r"^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION)[ \t]*=[ \t]*(\S*)", text, re.M))
    if not found.get("VERSION"):
        raise GcprotoError(
            f"{folder}/Makefile names no version", remedy="give the top folder of a kernel tree", code=ExitCode.USAGE
        )
    numbers = [found[name] for name in ("VERSION", "PATCHLEVEL", "SUBLEVEL") if found.get(name)]
    return ".".join(numbers) + str(found.get("EXTRAVERSION", ""))


def files(origin: Origin) -> Iterator[tuple[str, os.stat_result]]:
    """Files and symbolic links of a tree with their metadata, without outputs of a build.

    A git tree has those that git knows or would add.
    """
    root = Path(origin.folder)
    tracked = None if origin.fixed else _of_git(root)
    if tracked is None:
        yield from _walk(root, "")
        return
    for name in tracked:
        try:
            found = (root / name).lstat()
        except FileNotFoundError:  # deleted, but still in git's index
            continue
        yield name, found


def contents(origin: Origin) -> str:
    """A digest of a tree's contents, by the sizes and times of its files if it may change."""
    if origin.fixed:
        return origin.identity
    marks = sorted((name, found.st_size, found.st_mtime_ns) for name, found in files(origin))
    return hashlib.sha256(repr(marks).encode()).hexdigest()


def _of_git(root: Path) -> list[str] | None:
    if not (root / ".git").exists() or not shutil.which("git"):
        return None
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, capture_output=True, check=False)
    return sorted({os.fsdecode(name) for name in done.stdout.split(b"\0") if name}) if done.returncode == 0 else None


def _walk(root: Path, below: str) -> Iterator[tuple[str, os.stat_result]]:
    for entry in os.scandir(root / below):
        name = f"{below}/{entry.name}" if below else entry.name
        if entry.is_dir(follow_symlinks=False):
            if entry.name != ".git" and name not in BUILT_FOLDERS:
                yield from _walk(root, name)
        elif not entry.name.endswith(BUILT_SUFFIXES):
            yield name, entry.stat(follow_symlinks=False)
