"""The known kernels: the lock file of Debian's packages, and the names of kernels.

A kernel is a release (``6.18.15+deb13-cloud-amd64``) and the packages that hold it, each with its SHA256.  The lock in
this folder lists what was in the archive when it was written; ``gcproto kernels list --refresh`` asks the archive again
and keeps the answer in the cache.  Debian's archive removes old versions, so a kernel that is only in the lock may be
gone.

Debian's packages: up to 6.18 ``linux-image-RELEASE`` holds vmlinuz and modules. From 6.19 on it is empty and
``linux-binary-RELEASE`` holds vmlinuz, ``linux-modules-RELEASE`` the modules (the archive has none for 6.19 to 7.1).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from importlib import resources

import msgspec

from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels.architecture import AMD64, Architecture, Flavour, named
from gcproto.known.version import KernelVersion, parse
from gcproto.sizes import size

UNSTABLE = frozenset({"forky", "sid", "experimental"})
"""Suites that are built with newer compilers."""

REMEDY = "`gcproto kernels list` shows what there is; a vmlinuz can be given by its path"


class Package(msgspec.Struct, frozen=True, order=True):
    """A package of the archive.

    Attributes:
        name, version: as Debian has them.
        archive: ``debian`` or ``debian-security``.
        file: its path in the archive.
        size: bytes.
        sha256: of the file.

    """

    name: str
    version: str
    archive: str
    file: str
    size: int
    sha256: str


class Kernel(msgspec.Struct, frozen=True):
    """A kernel of the archive.

    Attributes:
        release: output of ``uname -r`` in it.
        upstream: version of the source, e.g. ``6.1.192`` or ``7.3~rc7``.
        suite: the archive's suite that has it, e.g. ``trixie-backports``.
        packages: that hold it, vmlinuz first.
        architecture: name of a row of gcproto.kernels.architecture.

    """

    release: str
    upstream: str
    suite: str
    packages: tuple[Package, ...]
    architecture: str = AMD64.name

    @property
    def flavour(self) -> Flavour | None:
        """Of Debian's kernels; None if this version does not know it."""
        flavours = named(self.architecture).flavours
        return next((one for one in flavours if self.release.endswith(f"-{one.name}")), None)

    @property
    def page_size(self) -> int:
        """In bytes."""
        return self.flavour.page_size if self.flavour else AMD64.page_sizes[0]

    @property
    def version(self) -> KernelVersion:
        """Of its source."""
        return parse(self.upstream)

    @property
    def candidate(self) -> bool:
        """Whether it is a release candidate."""
        return "~rc" in self.upstream

    @property
    def has_modules(self) -> bool:
        """Whether the archive has its modules (zram, loop): without them it has no swap."""
        return any(package.name.startswith(("linux-image-", "linux-modules-")) for package in self.packages)

    @property
    def size(self) -> int:
        """Bytes to download."""
        return sum(package.size for package in self.packages)

    @property
    def sort_key(self) -> tuple[KernelVersion, bool, str]:
        """Sorts by version of the source, candidates before their release."""
        return self.version, not self.candidate, self.release


class Source(msgspec.Struct, frozen=True):
    """The source of a kernel in the archive.

    Attributes:
        branch: its name, e.g. ``7.3``.
        upstream: version of the source, e.g. ``7.3.4``.
        suite: the archive's suite that has it.
        package: ``linux-source-7.3``.
        configs: ``linux-config-7.3`` by architecture: Debian's configurations of its flavours.

    """

    branch: str
    upstream: str
    suite: str
    package: Package
    configs: dict[str, Package] = {}


class Lock(msgspec.Struct):
    """A list of kernels and sources, and the day on which the archive had them."""

    written: str
    kernels: list[Kernel]
    sources: list[Source] = []


class Catalog:
    """The kernels that can be named.

    Args:
        locked: of the lock file in this package.
        seen: by architecture, of the archive at the last refresh.

    """

    def __init__(self, locked: Lock, seen: Mapping[str, Lock] | None = None) -> None:
        self.locked = locked
        self.seen = seen or {}

    @cached_property
    def kernels(self) -> list[Kernel]:
        """All kernels, by version. The archive's list is newer than the lock."""
        found = {kernel.release: kernel for kernel in self.locked.kernels}
        found.update({kernel.release: kernel for lock in self.seen.values() for kernel in lock.kernels})
        return sorted(found.values(), key=lambda kernel: kernel.sort_key)

    def gone(self, kernel: Kernel) -> bool:
        """Whether the archive no longer had it at the last refresh."""
        seen = self.seen.get(kernel.architecture)
        return seen is not None and kernel.release not in {one.release for one in seen.kernels}

    def of(self, architecture: Architecture, page_size: int | None = None) -> list[Kernel]:
        """Kernels of an architecture, by version.

        Args:
            architecture: the row.
            page_size: in bytes; None: any.

        """
        return [
            one for one in self.kernels if one.architecture == architecture.name and page_size in (None, one.page_size)
        ]

    def find(self, text: str, architecture: Architecture = AMD64, page_size: int | None = None) -> Kernel:
        """The kernel meant by a release, a version, or a branch (its newest release).

        Args:
            text: a release of any architecture and page size, or a version or branch of these:
            architecture: the row.
            page_size: in bytes; None: the architecture's smallest.

        Raises:
            GcprotoError: there is none.

        """
        exact = [one for one in self.kernels if text == one.release and one.architecture == architecture.name]
        these = self.of(architecture, page_size or architecture.page_sizes[0])
        branch = [one for one in these if text == _branch(one)]
        released = [one for one in branch if not one.candidate]
        short = [one for one in these if one.flavour and text == one.release.removesuffix(f"-{one.flavour.name}")]
        version = [one for one in these if text == one.upstream]
        for found in (exact, released, branch, short, version):
            if found:
                return found[-1]
        pages = f" with pages of {size(page_size)}" if page_size else ""
        what = f" of {architecture.name}{pages}" if architecture is not AMD64 or page_size else ""
        raise GcprotoError(f"no kernel {text!r}{what} is known", remedy=REMEDY, code=ExitCode.USAGE)

    @cached_property
    def sources(self) -> list[Source]:
        """Sources by branch. The archive's list is newer than the lock."""
        return _with_all_configs([self.locked, *self.seen.values()])

    def find_source(self, text: str) -> Source:
        """The source meant by a branch or a version.

        Raises:
            GcprotoError: there is none.

        """
        for one in self.sources:
            if text in (one.branch, one.upstream, one.package.name):
                return one
        known = ", ".join(one.branch for one in self.sources)
        raise GcprotoError(
            f"no source {text!r} is known",
            why=f"the archive has {known}" if known else "the lock lists none",
            remedy="name one of them, or give the path of a kernel tree (with a slash in it)",
            code=ExitCode.USAGE,
        )

    def default(self, architecture: Architecture = AMD64, page_size: int | None = None) -> list[Kernel]:
        """The default matrix: the newest release of each branch, and the oldest that has UFFDIO_MOVE.

        In one branch, those built for a stable suite or its backports come first. Compilers differ between suites, and
        so do instruction counts.

        Args:
            architecture: the row.
            page_size: in bytes; None: a matrix for each page size of the architecture.

        """
        sizes = architecture.page_sizes if page_size is None else (page_size,)
        return [one for each in sizes for one in self._default(self.of(architecture, each))]

    def _default(self, kernels: Sequence[Kernel]) -> list[Kernel]:
        newest: dict[tuple[int, int], Kernel] = {}
        for one in kernels:
            old = newest.get(one.version.branch)
            if not one.candidate and not (old and one.suite in UNSTABLE and old.suite not in UNSTABLE):
                newest[one.version.branch] = one
        moving = [one for one in kernels if one.version >= KernelVersion(6, 8, 0)]
        chosen = {one.release: one for one in (*newest.values(), *moving[:1])}
        return sorted(chosen.values(), key=lambda kernel: kernel.sort_key)


def _branch(kernel: Kernel) -> str:
    return ".".join(str(part) for part in kernel.version.branch)


def group(packages: Iterable[tuple[Package, str]], architecture: Architecture = AMD64) -> list[Kernel]:
    """Kernels of the archive's packages.

    Args:
        packages: named linux-image-, linux-binary- and linux-modules-RELEASE, each with its suite.
        architecture: of all of them.

    """
    by_release: dict[str, dict[str, tuple[Package, str]]] = {}
    for package, suite in packages:
        matched = re.fullmatch(r"linux-(image|binary|modules)-(\d.*)", package.name)
        # linux-image-6.12-cloud-amd64 and the like only depend on the newest one; an -rc has no patch level.
        if matched and (re.match(r"\d+\.\d+\.\d+", matched[2]) or "~rc" in package.version):
            by_release.setdefault(matched[2], {})[matched[1]] = (package, suite)
    found = [
        _kernel(release, parts, architecture)
        for release, parts in by_release.items()
        if "binary" in parts or "image" in parts
    ]
    return sorted((kernel for kernel in found if kernel), key=lambda kernel: kernel.sort_key)


def sources(packages: Iterable[tuple[Package, str]], architecture: Architecture = AMD64) -> list[Source]:
    """Sources of the archive's packages, named linux-source-BRANCH and linux-config-BRANCH, each with its suite.

    Args:
        packages: of the archive.
        architecture: of the configurations; sources have none.

    """
    kinds: dict[str, dict[str, tuple[Package, str]]] = {"source": {}, "config": {}}
    for package, suite in packages:
        if matched := re.fullmatch(r"linux-(source|config)-(\d+\.\d+)", package.name):
            kinds[matched[1]][matched[2]] = (package, suite)
    found = [
        Source(
            branch,
            _upstream(package),
            suite,
            package,
            {architecture.name: kinds["config"][branch][0]} if branch in kinds["config"] else {},
        )
        for branch, (package, suite) in kinds["source"].items()
    ]
    return sorted(found, key=lambda one: parse(one.upstream))


def _with_all_configs(locks: Sequence[Lock]) -> list[Source]:
    """The sources of several lists by branch, later lists first, with the configurations of all architectures."""
    found: dict[str, Source] = {}
    for one in (one for lock in locks for one in lock.sources):
        configs = found[one.branch].configs if one.branch in found else {}
        found[one.branch] = msgspec.structs.replace(one, configs={**configs, **one.configs})
    return sorted(found.values(), key=lambda one: parse(one.upstream))


def together(locks: Sequence[Lock]) -> Lock:
    """One list of several architectures' lists, which have the same sources."""
    return Lock(
        max(one.written for one in locks),
        [kernel for one in locks for kernel in one.kernels],
        _with_all_configs(locks),
    )


def _upstream(package: Package) -> str:
    """Version of the source in a package's version."""
    return re.sub(r"-[^-]*$", "", package.version).split(":")[-1]


def _kernel(release: str, parts: dict[str, tuple[Package, str]], architecture: Architecture) -> Kernel:
    wanted = ("binary", "modules") if "binary" in parts else ("image",)
    chosen: Sequence[Package] = [parts[kind][0] for kind in wanted if kind in parts]
    return Kernel(release, _upstream(chosen[0]), parts[wanted[0]][1], tuple(chosen), architecture.name)


def locked() -> Lock:
    """The lock file that came with this version."""
    text = resources.files("gcproto.kernels.get").joinpath("debian.lock.json").read_bytes()
    return msgspec.json.decode(text, type=Lock)
