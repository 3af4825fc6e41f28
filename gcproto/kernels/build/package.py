"""A Debian package of a kernel that was built here, by the kernel's own ``make bindeb-pkg``, in its build tree.

Its maintainer scripts run the hooks in /etc/kernel, as those of the distribution's kernels do: they make the initrd and
tell the boot loader. Two kernels of different names can be installed side by side.

A kernel for guests would not boot a machine: it has no drivers. So only whole configurations are packed.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels import architecture, cache
from gcproto.kernels.architecture import Architecture
from gcproto.kernels.build import build, built, kconfig, recipe
from gcproto.kernels.build.build import BuildParameters, Progress
from gcproto.kernels.build.built import Built
from gcproto.kernels.build.kconfig import Config
from gcproto.kernels.build.source import version
from gcproto.process import tools
from gcproto.process.outputs import replacing
from gcproto.results.store import cannot_write

TOOLS = {
    "dpkg-buildpackage": "dpkg-dev",
    "dpkg-deb": "dpkg",
    "dh_builddeb": "debhelper",
    "rsync": "rsync",
    "depmod": "kmod",
}
"""Programs that make a package, and their packages."""
KEYS_HEADER = {"openssl/evp.h": "libssl-dev"}
"""What kernels need that check keys, as the distribution's do."""
WORDS = {
    kconfig.DEBIAN: "it is trimmed to what a guest has: no modules, no disk, no network, no display",
    "": "it is tinyconfig and what a guest in QEMU has: no EFI, no modules, no disk, no network",
}
"""Why a configuration boots no machine, by its kind."""
REVISION = "1"


class Packed(msgspec.Struct, frozen=True):
    """A package.

    Attributes:
        kernel: that it holds.
        file: the package.

    """

    kernel: Built
    file: Path


def see_that_it_boots(config: Config, name: str) -> None:
    """See that a configuration is one of a real machine.

    Args:
        config: of the kernel.
        name: of the kernel, for people.

    Raises:
        GcprotoError: it is not.

    """
    if config.kind in kconfig.WHOLE:
        return
    raise GcprotoError(
        f"the kernel {name} would not boot a machine",
        why=f"its configuration is {config.label}: {WORDS[config.kind]}",
        remedy=f"gcproto kernels package --patch FOLDER --config {kconfig.MACHINE} (what the machine has loaded), or "
        f"--config {kconfig.DISTRIBUTION} (all drivers; hours)",
        code=ExitCode.USAGE,
    )


def see_that_it_can_be_named(name: str) -> None:
    """See that a kernel's name can be part of a package's.

    Raises:
        GcprotoError: it can't.

    """
    built.check_name(name)
    if "_" in name:
        raise GcprotoError(
            f"a package can't be named {name!r}",
            why="names of Debian's packages have no underscore",
            remedy="build it with another --name",
            code=ExitCode.USAGE,
        )


def need_tools(row: Architecture, config: Config) -> None:
    """See that kernels of an architecture can be built and packed.

    Args:
        row: the architecture.
        config: of the kernels; a whole one.

    Raises:
        GcprotoError: a tool or a header is missing; the remedy installs all that are missing.

    """
    build.need_tools(row)
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    missing = {package for tool, package in TOOLS.items() if not shutil.which(tool, path=path)}
    if kconfig.options(config.text).get("CONFIG_SYSTEM_TRUSTED_KEYRING") == "y":
        missing |= build.without_headers(KEYS_HEADER)
    build.refuse_missing("packages of kernels can't be made here", missing)


def of_catalog(made: Built, jobs: int) -> BuildParameters:
    """The inputs of a kernel that was built here, to be packed.

    Args:
        made: the kernel.
        jobs: that make runs side by side.

    Raises:
        GcprotoError: it would not boot a machine, or its source is gone.

    """
    if not kconfig.WHOLE & set(made.config):  # before anything that may be missing is asked for
        see_that_it_boots(kconfig.Config(made.config[-1], "", made.config, ()), made.release)
    see_that_it_can_be_named(made.name)
    found = recipe.load(made)
    row = architecture.named(made.architecture)
    return BuildParameters(made.name, found.origin, found.config, found.patches, jobs, row, made.page_size)


def package(wanted: BuildParameters, folder: Path, progress: Progress) -> Packed:
    """Build a kernel with its modules, unless that is done, and write its package.

    Args:
        wanted: the kernel.
        folder: for the package.
        progress: is told of it.

    Raises:
        GcprotoError: a tool is missing, the kernel would not boot a machine or does not compile, or the disk is full.

    """
    see_that_it_boots(wanted.config, wanted.name)
    see_that_it_can_be_named(wanted.name)
    need_tools(wanted.architecture, wanted.config)
    row = wanted.architecture
    with build.prepared(wanted, progress) as (tree, identity, compiler):
        make = [*build.make_of(wanted, tree), build.local_version(wanted), f"KBUILD_BUILD_VERSION={REVISION}"]
        if row.cross:  # the image that is measured in guests, which boot loaders start as well
            make.append(f"KBUILD_IMAGE={row.image}")
        made = build.in_tree(wanted, tree, identity, compiler, progress)
        kconfig.configure(wanted.config, tree / "src", tree / "obj", build.make_of(wanted, tree))
        build.compiled([*make, f"-j{wanted.jobs}", "all"], tree, tree / "steps-all", progress)
        progress("package", 0, 0)
        for old in tree.glob("*.deb"):
            old.unlink()
        _pack([*make, "bindeb-pkg"], tree)
        found = next(iter(tree.glob(f"linux-image-{made.release}_*.deb")), None)
        if found is None:
            raise GcprotoError(
                f"make bindeb-pkg made no package of {made.release}",
                why=f"it made {', '.join(sorted(one.name for one in tree.glob('*.deb'))) or 'none'}",
                remedy=f"see {tree / 'package.log'}",
            )
        return Packed(made, _kept(found, folder))


def packing_environment(upstream: str) -> Mapping[str, str]:
    """What the kernel's scripts and dpkg-buildpackage read: no headers, no debugging information, no signing.

    Args:
        upstream: version of the source.

    """
    return build.environment() | {
        "KDEB_PKGVERSION": f"{upstream.replace('-rc', '~rc')}-{REVISION}",
        "KDEB_CHANGELOG_DIST": "unstable",
        "DEB_BUILD_PROFILES": "pkg.linux-upstream.nokernelheaders pkg.linux-upstream.nokerneldbg",
    }


def _pack(command: Sequence[str], tree: Path) -> None:
    """Run ``make bindeb-pkg``.

    Raises:
        GcprotoError: it fails: ``why`` has its messages.

    """
    done = tools.run(["nice", "-n", "10", *command], environment=packing_environment(version(tree / "src")))
    log = tree / "package.log"
    with cache.writing(str(log)):
        log.write_text(done.out + done.err)
    if not done.code:
        return
    said = done.err.strip() or done.out.strip()
    cache.see_that_space_was_left("the package can't be made", said, tree)
    raise GcprotoError("the package can't be made", why="\n    ".join(said.splitlines()[-8:]), remedy=f"see {log}")


def see_that_they_differ(names: Sequence[str]) -> None:
    """See that no two packages would hold the same kernel.

    Two different words of a command can give one name: a name and a release, or --name and the usual name of the
    stock kernel. So the words themselves don't show it (gcproto.cli.kit.params.Once).

    Raises:
        GcprotoError: two have one name.

    """
    for name in names:
        if names.count(name) > 1:
            raise GcprotoError(
                f"two packages would have the name {name!r}",
                why="the second would take the place of the first, and a comparison would be of one kernel",
                remedy="give each kernel once, and the patched one another --name",
                code=ExitCode.USAGE,
            )


def _kept(file: Path, folder: Path) -> Path:
    """A copy of a package outside the cache, complete or absent."""
    target = folder / file.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(target) as part:
            shutil.copyfile(file, part)
    except OSError as error:
        raise cannot_write(target, error) from error
    return target
