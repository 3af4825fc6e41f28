"""Compile what our kernel patches change, in many configurations: ``python -m benchmarks.builds [NAME...]``.

Without names: all configurations.  Each patch of ``native/kernel`` is compiled on top of those before it, as git bisect
may meet it; with ``--last`` only all patches of a folder together.  ``--patches FOLDER`` compiles another series.

Only the objects that the patches change are compiled, so a configuration takes minutes and not an hour.  A message of a
compiler counts if stock does not have it.  The exit code is 1 if there is one.

The source is the newest in the cache, which ``gcproto kernels build`` fetches.  ``--source 7.2`` compiles our port.
Objects stay in the cache: a second run takes half the time.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from gcproto.errors import GcprotoError
from gcproto.kernels import cache
from gcproto.kernels.architecture import AMD64, ARM64
from gcproto.kernels.build import kconfig, patches, source
from gcproto.kernels.build.patches import Patch
from gcproto.results.facts import version_key

FOLDER = Path(__file__).resolve().parents[1] / "native" / "kernel"
SERIES = ("fix-brk", "fix-exclusive", "fix-pins", "series", "split-swapcache")
PORTS = {"7.2": ("series-7.2",)}
"""Folders for other branches than the newest."""
OBJECTS = {
    "mm/mmap.c": "CONFIG_MMU",
    "mm/userfaultfd.c": "CONFIG_USERFAULTFD",
    "mm/huge_memory.c": "CONFIG_TRANSPARENT_HUGEPAGE",
}
"""The files that are compiled, and the options without which they are not."""
MESSAGE = re.compile(r"^(\S+?):(?:\d+:)*\s+(.*)$")
ARM = ("ARCH=arm", "CROSS_COMPILE=arm-linux-gnueabihf-")
NO_THP = "CONFIG_TRANSPARENT_HUGEPAGE=n\nCONFIG_THP_SWAP=n\nCONFIG_TRANSPARENT_HUGEPAGE_MADVISE=n\n"
NO_SWAP = "CONFIG_SWAP=n\nCONFIG_THP_SWAP=n\nCONFIG_ZRAM=n\n"
NO_MIGRATION = "CONFIG_COMPACTION=n\nCONFIG_MIGRATION=n\nCONFIG_CMA=n\n"
DROPPED = ("CONFIG_ZRAM_", "CONFIG_THP_SWAP", "CONFIG_TRANSPARENT_HUGEPAGE_", "CONFIG_LRU_GEN")
"""Options of ``fast`` that depend on those that a configuration takes away."""


class Configuration(msgspec.Struct, frozen=True):
    """One way to compile the kernel.

    Attributes:
        make: words for each make.
        base: target of make that the fragment is merged over.
        fragment: options; each must be so in the end.
        check: words for the compilation only.
        tools: that it needs.

    """

    make: tuple[str, ...] = ("ARCH=x86",)
    base: str = "tinyconfig"
    fragment: str = ""
    check: tuple[str, ...] = ()
    tools: tuple[str, ...] = ("gcc",)


def fast(more: str = "", page_size: int = 4096, *, arm: bool = False) -> str:
    """The options of ``fast``, and more that overrule them."""
    row = ARM64 if arm else AMD64
    asked = kconfig.chosen([], row, page_size).asked | kconfig.options(more)
    off = {name for name, value in kconfig.options(more).items() if value == "n"}
    lost = DROPPED if off & {"CONFIG_SWAP", "CONFIG_TRANSPARENT_HUGEPAGE", "CONFIG_MIGRATION"} else ()
    return "".join(
        f"{name}={value}\n" for name, value in asked.items() if name in off or not name.startswith(tuple(lost))
    )


def newest_clang() -> str:
    """What follows ``clang`` in the newest one's name, as LLVM= wants it; the kernel needs 17 or newer."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    found = [re.fullmatch(r"clang-(\d+)", file.name) for folder in folders for file in Path(folder).glob("clang-*")]
    return f"-{max(versions)}" if (versions := [int(one[1]) for one in found if one]) else "-19"


LLVM = newest_clang()
CROSS = ("ARCH=arm64", "CROSS_COMPILE=aarch64-linux-gnu-")
ARM_OPTIONS = "CONFIG_USERFAULTFD=y\nCONFIG_HIGHMEM=y\nCONFIG_HIGHPTE=y\nCONFIG_SWAP=y\nCONFIG_EXPERT=y\n"
DEBUG = kconfig.chosen(["debug"]).asked
CONFIGURATIONS = {
    "fast": Configuration(fragment=fast()),
    "W=1": Configuration(fragment=fast(), check=("W=1",)),
    "sparse": Configuration(fragment=fast(), check=("C=2",), tools=("gcc", "sparse")),
    "clang": Configuration(
        ("ARCH=x86", f"LLVM={LLVM}"), fragment=fast(), check=("W=1",), tools=(f"clang{LLVM}", f"ld.lld{LLVM}")
    ),
    "debug": Configuration(fragment="".join(f"{name}={value}\n" for name, value in DEBUG.items())),
    "without THP": Configuration(fragment=fast(NO_THP)),
    "without swap": Configuration(fragment=fast(NO_SWAP)),
    "without THP and swap": Configuration(fragment=fast(NO_THP + NO_SWAP)),
    "without migration": Configuration(fragment=fast(NO_THP + NO_MIGRATION)),
    "allmodconfig": Configuration(base="allmodconfig"),
    "i386": Configuration(
        ("ARCH=i386",), base="i386_defconfig", fragment="CONFIG_USERFAULTFD=y\nCONFIG_HIGHMEM4G=y\nCONFIG_SWAP=y\n"
    ),
    "arm, HIGHPTE": Configuration(
        ARM, base="multi_v7_defconfig", fragment=ARM_OPTIONS, tools=("arm-linux-gnueabihf-gcc",)
    ),
    "arm, LPAE and THP": Configuration(
        ARM,
        base="multi_v7_defconfig",
        fragment=f"{ARM_OPTIONS}CONFIG_ARM_LPAE=y\nCONFIG_TRANSPARENT_HUGEPAGE=y\n",
        tools=("arm-linux-gnueabihf-gcc",),
    ),
    "arm64, 4K": Configuration(CROSS, fragment=fast(arm=True), tools=("aarch64-linux-gnu-gcc",)),
    "arm64, 16K": Configuration(CROSS, fragment=fast(page_size=16384, arm=True), tools=("aarch64-linux-gnu-gcc",)),
    "arm64, 64K": Configuration(
        CROSS,
        fragment=fast("CONFIG_ARM64_4K_PAGES=n\nCONFIG_ARM64_64K_PAGES=y\n", arm=True),
        tools=("aarch64-linux-gnu-gcc",),
    ),
}


class Outcome(msgspec.Struct, frozen=True):
    """Of one configuration.

    Attributes:
        states: that were compiled, stock among them.
        seconds: that it took.
        messages: of patches, which stock does not have.

    """

    states: int
    seconds: float
    messages: tuple[str, ...]


def messages(said: str) -> "Counter[str]":
    """What compilers and checkers complained of, without line numbers: a patch moves lines."""
    found = (MESSAGE.match(line.strip()) for line in said.splitlines())
    return Counter(
        f"{one[1].split('src/')[-1]}: {one[2]}"
        for one in found
        if one and re.match(r"(?:fatal )?(?:warning|error)|undefined", one[2])
    )


def states(root: Path, folders: Sequence[Path], *, last: bool) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Stock, and the sources after each patch of each folder, unless that changes nothing that is compiled.

    Args:
        root: the kernel's source.
        folders: with patches.
        last: only all patches of a folder together.

    Yields:
        The name, and the contents of the files that are compiled.

    """
    stock = {name: (root / name).read_bytes() for name in OBJECTS}
    yield "stock", stock
    seen = [stock]
    for folder in folders:
        given = patches.collect([folder])
        for nr in [len(given)] if last else range(1, len(given) + 1):
            files = stock | _changed(given[:nr], root)
            if files not in seen:
                seen.append(files)
                yield f"{folder.name} {nr}", files


def _changed(given: Sequence[Patch], root: Path) -> dict[str, bytes]:
    made = patches.apply(given, root)
    other = [name for name in made if name not in OBJECTS and name.split("/")[0] not in ("Documentation", "tools")]
    if other:
        raise GcprotoError(f"no object is known for {', '.join(other)}", remedy="add it to OBJECTS of this program")
    return {name: data for name, data in made.items() if name in OBJECTS and data is not None}


def prepare(configuration: Configuration, tree: Path, objects: Path) -> list[str]:
    """Configure, and make what objects need.

    Returns:
        The command line of make.

    Raises:
        GcprotoError: an option is not as it should be, or make fails.

    """
    make = ["make", "-C", str(tree), f"O={objects}", "LC_ALL=C", *configuration.make, f"-j{os.cpu_count()}"]
    objects.mkdir(parents=True, exist_ok=True)
    record = objects / ".gcproto-config"
    wanted = f"{configuration.base}\n{configuration.fragment}"
    if not (record.exists() and record.read_text() == wanted):
        _run([*make, configuration.base])
        fragment = objects / ".gcproto-fragment"
        fragment.write_text(configuration.fragment)
        _run(
            ["scripts/kconfig/merge_config.sh", "-m", "-O", str(objects), str(objects / ".config"), str(fragment)], tree
        )
        _run([*make, "olddefconfig"])
        record.write_text(wanted)
    have = kconfig.options((objects / ".config").read_text())
    asked = kconfig.options(configuration.fragment)
    must = ("CONFIG_USERFAULTFD", "CONFIG_HIGHPTE", "CONFIG_ARM64_64K_PAGES")
    named = [name for name, value in asked.items() if (value == "n" or name in must) and have.get(name, "n") != value]
    if named:
        raise GcprotoError(f"the configuration can't be made: {', '.join(named)}")
    _run([*make, "prepare"])
    return make


def _run(command: Sequence[str], folder: Path | None = None) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GcprotoError(f"{command[0]} failed", why="\n".join((done.stdout + done.stderr).splitlines()[-12:]))
    return done.stdout + done.stderr


def compile_all(
    configuration: Configuration, wanted_states: Iterable[tuple[str, dict[str, bytes]]], tree: Path, objects: Path
) -> Outcome:
    """Compile all states in one configuration; the first is stock."""
    began = time.monotonic()
    make = prepare(configuration, tree, objects)
    have = kconfig.options((objects / ".config").read_text())
    wanted = [name for name, option in OBJECTS.items() if have.get(option, "n") != "n"]
    stock: Counter[str] = Counter()
    found = []
    nr = 0
    for name, files in wanted_states:
        nr += 1
        for file, data in files.items():
            if not (tree / file).exists() or (tree / file).read_bytes() != data:
                (tree / file).unlink(missing_ok=True)  # it may be a link into the cache's source
                (tree / file).write_bytes(data)
        command = [*make, *configuration.check, *(file.removesuffix("c") + "o" for file in wanted)]
        for file in wanted:  # each is compiled again: its messages are wanted
            (objects / file).with_suffix(".o").unlink(missing_ok=True)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        said = messages(done.stdout + done.stderr)
        if name == "stock":
            if done.returncode:
                raise GcprotoError("stock does not compile", why="\n".join(done.stderr.splitlines()[-8:]))
            stock = said
            continue
        found += [f"{name}: {message}" for message in said - stock]
        if done.returncode and not said - stock:
            found.append(f"{name}: make ended with {done.returncode}: {done.stderr.strip().splitlines()[-1]}")
    return Outcome(nr, time.monotonic() - began, tuple(found))


def sources(branch: str | None) -> list[Path]:
    """Makefiles of the kernel sources in the cache, the newest last; only those of a branch if it is given."""
    found = cache.folder("sources").glob("*/Makefile")
    versions = {file: source.version(file.parent) for file in found}
    chosen = [file for file, text in versions.items() if f"{text}.".startswith(f"{branch or text}.")]
    return sorted(chosen, key=lambda file: version_key(versions[file]))


def main(words: Sequence[str]) -> int:
    """Compile in the configurations of the names."""
    parser = argparse.ArgumentParser(description="Compile our kernel patches in many configurations.")
    parser.add_argument("names", nargs="*", help="of configurations; none: all")
    parser.add_argument("--last", action="store_true", help="only all patches of a folder together")
    parser.add_argument(
        "--patches", action="append", type=Path, help="a folder with patches instead of ours; repeatable"
    )
    parser.add_argument("--source", choices=PORTS, help="a branch that has a port; the newest source otherwise")
    options = parser.parse_args(words)
    names = options.names
    folders = options.patches or [FOLDER / one for one in PORTS.get(options.source, SERIES)]
    unknown = [name for name in names if name not in CONFIGURATIONS]
    roots = sources(options.source)
    if unknown or not roots:
        none = f"no source of {options.source} in the cache" if options.source else "no source in the cache"
        print(f"unknown: {unknown}; known: {', '.join(CONFIGURATIONS)}" if unknown else none)
        return 2
    root = roots[-1].parent
    try:
        list(states(root, folders, last=options.last))  # patches that can't be applied are said before all compilation
    except GcprotoError as error:
        print(error)
        return 2
    failed = False
    folder = cache.folder("objects") / (options.source or "")
    tree = folder / "src"
    if not (tree / "Makefile").exists() or source.version(tree) != source.version(root):
        part = folder / "src.part"  # Ctrl-C leaves no half tree that looks whole
        for old in (part, tree):
            shutil.rmtree(old, ignore_errors=True)
        shutil.copytree(root, part, symlinks=True, copy_function=os.link)
        part.rename(tree)
    for name in names or CONFIGURATIONS:
        row = CONFIGURATIONS[name]
        missing = [tool for tool in row.tools if not shutil.which(tool)]
        if missing:
            print(f"{name:22} not compiled: {', '.join(missing)} is missing")
            failed = True
            continue
        try:
            wanted = states(root, folders, last=options.last)
            done = compile_all(row, wanted, tree, folder / re.sub(r"\W+", "-", name))
        except GcprotoError as error:
            print(f"{name:22} not compiled: {error}", flush=True)
            failed = True
            continue
        print(f"{name:22} {done.states:3} states {done.seconds:5.0f} s  new messages: {len(done.messages)}", flush=True)
        for message in done.messages:
            print(f"    {message}", flush=True)
        failed |= bool(done.messages)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
