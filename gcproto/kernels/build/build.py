"""Builds a kernel from a source, a configuration and patches, incrementally.

There is one build tree for each source and configuration, in the cache: the source with the patches of the last build,
and its objects.  A build writes only the files that differ, so make compiles only what they affect. The complete image
is put into the catalog. A kernel with the same inputs is not built again.
"""

import datetime
import hashlib
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels import cache
from gcproto.kernels.architecture import AMD64, Architecture
from gcproto.kernels.build import built, kconfig, patches, recipe, source, worktree
from gcproto.kernels.build.built import Built
from gcproto.kernels.build.kconfig import Config
from gcproto.kernels.build.patches import Patch
from gcproto.kernels.build.recipe import Recipe
from gcproto.kernels.build.source import Origin
from gcproto.kernels.get.image_file import read_image
from gcproto.process import tools

TOOLS = {
    "make": "make",
    "gcc": "gcc",
    "ld": "binutils",
    "flex": "flex",
    "bison": "bison",
    "bc": "bc",
    "perl": "perl",
    "patch": "patch",
    "tar": "tar",
    "xz": "xz-utils",
    "cpio": "cpio",
}

FIRST_OBJECTS = 1900
"""Lines that make prints in a first build of the fast configuration; later builds of the tree give the real number."""

Progress = Callable[[str, int, int], None]
"""The current work, steps so far, steps in all (0: unknown)."""


class BuildParameters(msgspec.Struct, frozen=True):
    """The inputs of a build.

    Attributes:
        name: of the kernel.
        origin: the source.
        config: its configuration.
        patches: on top of the source.
        jobs: that make runs side by side.
        architecture: of the kernel.
        page_size: of the kernel, in bytes.

    """

    name: str
    origin: Origin
    config: Config
    patches: tuple[Patch, ...]
    jobs: int
    architecture: Architecture = AMD64
    page_size: int = AMD64.page_sizes[0]


def need_tools(architecture: Architecture = AMD64) -> str:
    """First line of the compiler's --version.

    Args:
        architecture: of the kernels to build.

    Raises:
        GcprotoError: a tool or a header is missing; the remedy installs all that are missing.

    """
    missing = {package for tool, package in TOOLS.items() if not shutil.which(tool)}
    compiler = f"{architecture.prefix}gcc"
    if not shutil.which(compiler) and architecture.cross:
        missing.update(architecture.compiler_package.split())
    if "gcc" not in missing:
        missing |= without_headers(architecture.headers)
    kind = f" of {architecture.name}" if architecture.cross else ""
    refuse_missing(f"kernels{kind} can't be built here", missing)
    said = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout
    return said.splitlines()[0]


def without_headers(headers: Mapping[str, str]) -> set[str]:
    """The packages of those headers that gcc does not find.

    Args:
        headers: and their packages.

    """
    command = ["gcc", "-E", "-x", "c", os.devnull, "-o", os.devnull, "-include"]
    return {
        package
        for header, package in headers.items()
        if subprocess.run([*command, header], capture_output=True, check=False).returncode
    }


def refuse_missing(what: str, packages: Collection[str]) -> None:
    """See that no package of tools is missing.

    Args:
        what: can't be done without them.
        packages: those that are missing.

    Raises:
        GcprotoError: there are some; the remedy installs all of them.

    """
    if packages:
        names = " ".join(sorted(packages))
        raise GcprotoError(what, why=f"missing: {names}", remedy=f"apt-get install --no-install-recommends {names}")


def inputs_of(wanted: BuildParameters, compiler: str) -> str:
    """Digest of what a kernel is built from, whatever its name; "" for a tree that may change.

    Args:
        wanted: what is to be built.
        compiler: first line of its --version.

    """
    if not wanted.origin.fixed:
        return ""
    suffix = wanted.architecture.suffix(wanted.page_size)
    parts = (wanted.origin.identity, wanted.config.text, compiler, suffix, *(one.sha256 for one in wanted.patches))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def see_that_it_can_be_built(wanted: BuildParameters) -> None:
    """Check that the name is valid and that the patches apply, without waiting for a build tree.

    Args:
        wanted: what is to be built.

    Raises:
        GcprotoError: one of them is not so.

    """
    built.check_name(wanted.name)
    patches.apply(wanted.patches, Path(wanted.origin.folder))


def build(wanted: BuildParameters, progress: Progress) -> Built:
    """The kernel, built unless it is in the catalog already.

    Args:
        wanted: what.
        progress: is told of it.

    Raises:
        GcprotoError: a tool is missing, a patch does not apply, the kernel does not compile (``why`` has the messages),
            or the disk is full.

    """
    with prepared(wanted, progress) as (tree, identity, compiler):
        return in_tree(wanted, tree, identity, compiler, progress)


@contextmanager
def prepared(wanted: BuildParameters, progress: Progress) -> Iterator[tuple[Path, str, str]]:
    """The build tree, locked, with the source and the patches of a build.

    Args:
        wanted: what is to be built.
        progress: is told of it.

    Returns:
        The tree, the digest of all inputs, and the first line of the compiler's --version.

    Raises:
        GcprotoError: a tool is missing, a patch does not apply, or the disk is full.

    """
    built.check_name(wanted.name)
    compiler = need_tools(wanted.architecture)
    # Before the tree is changed: a patch that does not apply must not slow the next build.
    progress("patches", 0, 0)
    overlay = patches.apply(wanted.patches, Path(wanted.origin.folder))
    tree = cache.folder("trees") / f"{wanted.origin.key}-{wanted.config.key}"
    with cache.alone(tree, lambda: progress(f"waiting for another build in {tree}", 0, 0)):
        progress("source", 0, 0)
        digest, _ = worktree.sync(wanted.origin, overlay, tree / "src", tree / "source.json")
        suffix = wanted.architecture.suffix(wanted.page_size)
        parts = (digest, wanted.config.text, compiler, wanted.name + suffix)
        yield tree, hashlib.sha256("\0".join(parts).encode()).hexdigest(), compiler


def in_tree(wanted: BuildParameters, tree: Path, identity: str, compiler: str, progress: Progress) -> Built:
    """The kernel of a tree that `prepared` gave, built unless it is in the catalog already.

    Raises:
        GcprotoError: it does not compile, or the disk is full.

    """
    done = next((one for one in built.all_built() if one.identity == identity), None)
    if not done:
        done = _make(wanted, tree, identity, compiler, progress)
    inputs = inputs_of(wanted, compiler)
    if done.inputs != inputs:  # an older version of this program did not note them
        done = msgspec.structs.replace(done, inputs=inputs)
        built.note(done)
    recipe.keep(done, Recipe(wanted.origin, wanted.config, wanted.patches))
    return done


def make_of(wanted: BuildParameters, tree: Path) -> list[str]:
    """Command line of make in a build tree, without targets and number of jobs."""
    row = wanted.architecture
    make = ["make", "-C", str(tree / "src"), f"O={tree / 'obj'}", "LC_ALL=C", f"ARCH={row.make}"]
    return make + [f"CROSS_COMPILE={row.prefix}"] * row.cross


def local_version(wanted: BuildParameters) -> str:
    """The variable of make that ends the kernel's release."""
    return f"LOCALVERSION=-{wanted.name}{wanted.architecture.suffix(wanted.page_size)}"


def _make(wanted: BuildParameters, tree: Path, identity: str, compiler: str, progress: Progress) -> Built:
    objects = tree / "obj"
    row = wanted.architecture
    make = make_of(wanted, tree)
    progress("configuration", 0, 0)
    missing = kconfig.configure(wanted.config, tree / "src", objects, make)
    began = time.monotonic()
    compiled([*make, local_version(wanted), f"-j{wanted.jobs}", row.target], tree, tree / "steps", progress)
    seconds = time.monotonic() - began
    found = read_image(objects / row.image)
    config = (objects / ".config").read_text()
    made = Built(
        name=wanted.name,
        release=found.image.release,
        upstream=source.version(tree / "src"),
        source=wanted.origin.text,
        config=wanted.config.names,
        patches=tuple((one.name, one.sha256) for one in wanted.patches),
        identity=identity,
        compiler=compiler,
        written=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        seconds=round(seconds, 1),
        builtin=kconfig.builtin(config),
        missing=tuple(missing),
        architecture=row.name,
        page_size=found.image.page_size,
        inputs=inputs_of(wanted, compiler),
    )
    built.keep(made, objects / row.image, objects / ".config")
    return made


def environment() -> dict[str, str]:
    """Of make. The same sources give the same image: it has neither the day nor the machine."""
    found = os.environ | {
        "KBUILD_BUILD_USER": "gcproto",
        "KBUILD_BUILD_HOST": "gcproto",
        "KBUILD_BUILD_TIMESTAMP": "Thu Jan  1 00:00:00 UTC 1970",
        "LC_ALL": "C",
    }
    found.pop("MAKEFLAGS", None)
    return found


def compiled(command: Sequence[str], tree: Path, steps: Path, progress: Progress) -> None:
    """Run make to its end.

    Args:
        command: its words.
        tree: the build tree, which gets the log.
        steps: remembers the number of lines that make prints, for the next progress.
        progress: is told of it.

    Raises:
        GcprotoError: something does not compile (``why`` has the messages), or the disk is full.

    """
    expected = int(steps.read_text()) if steps.exists() else FIRST_OBJECTS
    count = _compile(command, tree, expected, progress)
    if count > expected or not steps.exists():
        steps.write_text(str(count))


def _compile(command: Sequence[str], tree: Path, expected: int, progress: Progress) -> int:
    """Run make to its end; the number of lines that it printed."""
    errors: list[str] = []
    count = 0
    with tools.running(["nice", "-n", "10", *command], environment()) as process:  # it yields to other programs
        assert process.stdout
        assert process.stderr
        reader = threading.Thread(target=_collect, args=(process.stderr, errors), daemon=True)
        reader.start()
        with (tree / "build.log").open("w") as log:
            for line in process.stdout:
                log.write(line.decode(errors="replace"))
                count += 1
                progress("compiling", count, max(expected, count))
        code = process.wait()
        reader.join(5)
    if code:
        cache.see_that_space_was_left("the kernel can't be built", "\n".join(errors), tree)
        raise _failed(errors, code, tree)
    warnings = [line for line in errors if "warning:" in line]
    for text in warnings[:10]:
        progress(f"warning {_short(text, tree)}", count, count)
    return count


def _collect(stream: IO[bytes], into: list[str]) -> None:
    into.extend(line.decode(errors="replace").rstrip("\n") for line in stream)


def _short(line: str, tree: Path) -> str:
    """A message without the build tree's place."""
    return line.replace(f"{tree / 'src'}/", "").replace(f"{tree}/", "")


def _failed(errors: Sequence[str], code: int, tree: Path) -> GcprotoError:
    """The compiler's messages from its first error on."""
    killed = code < 0 or any("Killed signal terminated program" in line for line in errors)
    if killed:  # which says nothing about the source: a bisection must not skip it
        return GcprotoError(
            "the kernel can't be built",
            why=f"make was ended by signal {-code}" if code < 0 else "the compiler was killed: is memory short?",
            remedy="run it again: it goes on where it was; --build-jobs 1 takes the least memory",
        )
    first = next((i for i, line in enumerate(errors) if re.search(r"error:|undefined reference|Error \d", line)), 0)
    shown = [_short(line, tree) for line in errors[max(first - 1, 0) : first + 12]]
    return GcprotoError(
        "the kernel does not build",
        why="\n    ".join(shown) or f"make ended with exit code {code}",
        remedy="correct the patch and build again; only files that it touches are recompiled",
        code=ExitCode.USAGE,
    )
