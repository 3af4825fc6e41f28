"""Debian's own configuration of a kernel, trimmed to what a guest has: as localmodconfig does it on a machine.

A guest loads no module but those of its swap, and is not asked for any.  So modules are omitted, and those that the
configuration ``fast`` has built in are built in.  What Debian builds in stays: mitigations, NUMA, SLUB, hardening.
The fragments ``unneeded`` and ``debian`` take away some subsystems, keys and debugging information, which no path
runs through.  The configuration is that of the source's branch in the archive (``linux-config-7.3``).

``distribution`` is the same configuration whole, of the flavour for real machines, with all of its modules.
"""

import lzma
from pathlib import Path

import msgspec

from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels import cache
from gcproto.kernels.architecture import AMD64, Architecture
from gcproto.kernels.build import kconfig
from gcproto.kernels.build.kconfig import Config
from gcproto.kernels.get.catalog import Package, Source
from gcproto.kernels.get.fetch import Progress, download, silent
from gcproto.known.version import KernelVersion, parse

MODULE, BUILT_IN, OFF = "m", "y", "n"


def trimmed(text: str, needed: frozenset[str]) -> str:
    """A configuration without modules.

    Args:
        text: of a .config.
        needed: options that are built in if they are modules.

    Returns:
        The options that are set, by name.

    """
    kept = {}
    for name, value in kconfig.options(text).items():
        if value == MODULE:
            kept[name] = BUILT_IN if name in needed else OFF
        else:
            kept[name] = value
    return "".join(
        f"# {name} is not set\n" if value == OFF else f"{name}={value}\n" for name, value in sorted(kept.items())
    )


def needed(architecture: Architecture = AMD64, page_size: int | None = None) -> frozenset[str]:
    """Options that ``fast`` has built in."""
    asked = kconfig.chosen([], architecture, page_size).asked
    return frozenset(name for name, value in asked.items() if value == BUILT_IN) | {*kconfig.OPTION_OF.values()}


def completed(
    config: Config,
    tree_version: str,
    sources: list[Source],
    architecture: Architecture = AMD64,
    page_size: int | None = None,
    progress: Progress = silent,
) -> Config:
    """A configuration with the distribution's as its base; others as they are.

    Args:
        config: chosen by names (kconfig.chosen).
        tree_version: of the source that it is for.
        sources: of the archive.
        architecture: of the kernel.
        page_size: of the kernel, in bytes; None: the architecture's smallest.
        progress: is told of downloads.

    Raises:
        GcprotoError: the archive has none for the architecture, or it can't be fetched.

    """
    if config.kind not in {kconfig.DEBIAN, kconfig.DISTRIBUTION}:
        return config
    package = nearest(parse(tree_version), sources, architecture)
    if config.kind == kconfig.DISTRIBUTION:
        text = _fetched(package, architecture, architecture.generic(page_size), progress)
        return msgspec.structs.replace(config, base=text)
    text = _fetched(package, architecture, architecture.flavour(page_size).name, progress)
    return msgspec.structs.replace(config, base=trimmed(text, needed(architecture, page_size)))


def nearest(version: KernelVersion, sources: list[Source], architecture: Architecture = AMD64) -> Package:
    """The package with the configurations of a version's branch, or else of the newest branch before it.

    Options that the source has and the configuration does not get their defaults.

    Raises:
        GcprotoError: the list of the archive has none.

    """
    found = {parse(one.upstream).branch: one.configs for one in sources if architecture.name in one.configs}
    before = [branch for branch in found if branch <= version.branch]
    if not found:
        raise GcprotoError(
            f"Debian's configuration for {architecture.name} is not known here",
            why="the list of the archive's packages has none",
            remedy=f"gcproto kernels list --refresh --arch {architecture.name}",
            code=ExitCode.USAGE,
        )
    return found[max(before) if before else min(found)][architecture.name]


def _fetched(package: Package, architecture: Architecture, flavour: str, progress: Progress) -> str:
    """The configuration of a flavour; it stays in the cache."""
    name = f"config.{architecture.name}_none_{flavour}"
    file = cache.folder("configs") / f"{package.name}_{package.version}" / name
    if file.exists():
        return file.read_text()
    with cache.whole(file.parent, replace=True) as folder:
        _unpack(download("Debian's configuration", package, progress), name, folder)
    return file.read_text()


def _unpack(archive: Path, name: str, folder: Path) -> None:
    """Write all configurations of a package.

    Raises:
        GcprotoError: the one that is wanted is not among them.

    """
    from debian.debfile import DebFile

    with DebFile(filename=str(archive)) as deb, deb.data.tgz() as members:
        for member in members:
            file = Path(member.name)
            if file.name.startswith("config.") and file.suffix == ".xz" and (content := members.extractfile(member)):
                (folder / file.stem).write_bytes(lzma.decompress(content.read()))
    if not (folder / name).exists():
        raise GcprotoError(
            f"{archive.name} holds no {name}",
            why=f"it has {', '.join(sorted(one.name for one in folder.iterdir())) or 'no configuration'}",
            remedy="Debian may pack configurations in a new way: report it with the release",
        )
