"""Architectures of guests: one row for each, with all in which their kernels, compilers and machines differ."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels.get import arm64_image, bzimage
from gcproto.kernels.get.image_header import Image
from gcproto.sizes import KIB, size


class Flavour(msgspec.Struct, frozen=True):
    """A flavour of Debian's kernels, as in ``linux-image-RELEASE-FLAVOUR``; ``page_size`` in bytes."""

    name: str
    page_size: int


class Cpu(msgspec.Struct, frozen=True):
    """A model of QEMU's processors.

    Attributes:
        model: QEMU's name of it.
        page_sizes: in bytes, that it translates.
        tags: it has MTE, and the machine gets memory for tags.

    """

    model: str
    page_sizes: tuple[int, ...]
    tags: bool = False


class Architecture(msgspec.Struct, frozen=True):
    """An architecture.

    Attributes:
        name: Debian's.
        machine: as ``uname -m`` says it.
        flavours: of the archive's kernels that are known here, smallest page first.
        cpus: models that guests may have; the first is the default, because counts depend on the model.
        qemu, qemu_package: program and Debian's package of it.
        board: words for QEMU's command line.
        results_port: words that make a second serial port of the character device ``results``.
        command_line: of the kernel: its console, and where the guest's init writes results.
        wall_clock: more words for it in guests whose clock is not a count of instructions.
        is_image, read_image: the format of kernels.
        prefix, compiler_package: of the compiler; "" for this machine's own, which is ``cc`` or ``gcc``.
        make: the kernel's name of it;  target, image: what make builds, and its path.
        fragments: of configurations that belong to it, by page size in bytes (gcproto.kernels.build.kconfig).
        stress_fragments: those that follow the fragment ``stress``.
        own: names of configurations that no other architecture has.
        headers: files that builds of kernels need, and their packages.

    """

    name: str
    machine: str
    flavours: tuple[Flavour, ...]
    cpus: tuple[Cpu, ...]
    qemu: str
    qemu_package: str
    board: tuple[str, ...]
    results_port: tuple[str, ...]
    command_line: str
    is_image: Callable[[bytes], bool]
    read_image: Callable[[Path, bytes], Image]
    prefix: str
    compiler_package: str
    make: str
    target: str
    image: str
    fragments: dict[int, tuple[str, ...]]
    headers: dict[str, str] = {}
    stress_fragments: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    wall_clock: str = ""

    @property
    def page_sizes(self) -> tuple[int, ...]:
        """In bytes, the smallest first."""
        return tuple(one.page_size for one in self.flavours)

    @property
    def cross(self) -> bool:
        """Whether its programs are compiled by a cross compiler."""
        return bool(self.prefix)

    def suffix(self, page_size: int) -> str:
        """What ends the release of a kernel that was built here: ``-arm64-16k``; "" on x86-64."""
        if not self.cross:
            return ""
        large = f"-{size(page_size).lower()}" if page_size != self.page_sizes[0] else ""
        return f"-{self.name}{large}"

    def flavour(self, page_size: int | None = None) -> Flavour:
        """The one with pages of that size; None: the smallest."""
        pages = page_size or self.page_sizes[0]
        return next(one for one in self.flavours if one.page_size == pages)

    def generic(self, page_size: int | None = None) -> str:
        """Name of the distribution's flavour for real machines, with pages of that size; None: the smallest."""
        return self.flavour(page_size).name.removeprefix("cloud-")

    def cpu(self, model: str = "") -> Cpu:
        """The processor of that model, by default the first.

        Raises:
            GcprotoError: the model is not known here.

        """
        found = next((one for one in self.cpus if model in ("", one.model)), None)
        if found is None:
            raise GcprotoError(
                f"{self.name} guests can't have the processor {model!r}",
                why=f"the page sizes of these are known: {' and '.join(repr(one.model) for one in self.cpus)}",
                remedy="name one of them, or omit --cpu",
                code=ExitCode.USAGE,
            )
        return found

    def see_that_it_translates(self, model: str, page_size: int) -> None:
        """See that a processor has pages of a kernel's size. Otherwise the kernel prints nothing and spins.

        Raises:
            GcprotoError: it has not, or the model is not known here.

        """
        found = self.cpu(model)
        if page_size not in found.page_sizes:
            able = [one.model for one in self.cpus if page_size in one.page_sizes]
            raise GcprotoError(
                f"the processor {found.model} has no pages of {size(page_size)}",
                why="a kernel with such pages would print nothing on it and never end",
                remedy=f"use one of {', '.join(able)}" if able else f"no processor of {self.name} has them",
                code=ExitCode.USAGE,
            )

    def see_that_it_has_tags(self, model: str, configuration: str) -> None:
        """See that a processor has the memory tags that a kernel was built for. Without them KASAN does nothing.

        Args:
            model: of the processor.
            configuration: of the kernel, its fragments' names joined by ``+``.

        Raises:
            GcprotoError: it has not, or the model is not known here.

        """
        found = self.cpu(model)
        if HARDWARE_TAGS in configuration.split("+") and not found.tags:
            able = [one.model for one in self.cpus if one.tags]
            raise GcprotoError(
                f"the processor {found.model} has no memory tags",
                why=f"a kernel of the configuration {HARDWARE_TAGS} would check nothing on it, and not say so",
                remedy=f"give --cpu {able[0]}" if able else f"no processor of {self.name} has them",
                code=ExitCode.USAGE,
            )

    def see_that_tags_are_kept(self, configuration: str, qemu: str) -> None:
        """See that QEMU keeps a tag for each 16 bytes, if a kernel checks by them.

        Before 8.0 a whole page has one byte of tags ("target/arm: Fix physical address resolution for MTE"). A kernel
        that checks by them reports its own allocator, can't free anything, and runs out of memory.

        Args:
            configuration: of the kernel, its fragments' names joined by ``+``.
            qemu: its version.

        Raises:
            GcprotoError: it does not.

        """
        if HARDWARE_TAGS not in configuration.split("+"):
            return
        major = re.match(r"\d+", qemu)
        if major and int(major[0]) < TAGS_SINCE:
            raise GcprotoError(
                f"QEMU {qemu} mixes up memory tags: a kernel of the configuration {HARDWARE_TAGS} panics on it",
                why=f"before QEMU {TAGS_SINCE}.0 all of a page has the tags of two granules",
                remedy=f"install a newer one (Debian 12: apt-get install -t bookworm-backports {self.qemu_package}), "
                "or use the configuration kasan",
            )

    def compiler(self, name: str) -> str:
        """Path of the compiler of the programs for guests.

        Args:
            name: ``cc`` or ``gcc``.

        Raises:
            GcprotoError: it is not installed.

        """
        found = shutil.which(self.prefix + name)
        if not found:
            what = f"{self.prefix}{name} is not installed" if self.cross else "no C compiler"
            raise GcprotoError(
                f"the programs for guests can't be built: {what}",
                remedy=f"apt-get install --no-install-recommends {self.compiler_package}",
            )
        return found


FOUR, SIXTEEN, SIXTY_FOUR = 4 * KIB, 16 * KIB, 64 * KIB

HARDWARE_TAGS = "kasan-hw"
"""The fragment of kernels that need a processor with memory tags."""
TAGS_SINCE: Final = 8
"""QEMU's first major version that keeps them right."""

AMD64 = Architecture(
    name="amd64",
    machine="x86_64",
    # Small, boots in a virtual machine without its own initramfs; the same source as the generic flavour.
    flavours=(Flavour("cloud-amd64", FOUR),),
    # Without ERMS and FSRM: the kernel would clear and copy pages by string instructions, which are counted byte by
    # byte; without five-level page tables, which few machines use.
    cpus=(Cpu("max,-erms,-fsrm,-la57", (FOUR,)),),
    qemu="qemu-system-x86_64",
    qemu_package="qemu-system-x86",
    board=(),
    results_port=("-serial", "chardev:results"),
    command_line="console=ttyS0 panic=-1 oops=panic quiet nokaslr",
    is_image=bzimage.is_one,
    read_image=bzimage.read,
    prefix="",
    compiler_package="gcc libc6-dev",
    make="x86",
    target="bzImage",
    image="arch/x86/boot/bzImage",
    fragments={FOUR: ("amd64",)},
    stress_fragments=("stress-amd64",),
    headers={"gelf.h": "libelf-dev"},
    # The kernel counts ticks for some ms of its own. On a busy host they come late: "IO-APIC + timer doesn't work!"
    wall_clock="no_timer_check",
)

ARM64 = Architecture(
    name="arm64",
    machine="aarch64",
    # The archive has no cloud flavour with pages of 16 KiB, and nothing with pages of 64 KiB.
    flavours=(Flavour("cloud-arm64", FOUR), Flavour("arm64-16k", SIXTEEN)),
    cpus=(
        # LSE, PAN, hardware dirty bits; no pointer authentication, whose emulation takes twice the time of a boot.
        Cpu("neoverse-n1", (FOUR, SIXTEEN, SIXTY_FOUR)),
        Cpu("cortex-a76", (FOUR, SIXTEEN, SIXTY_FOUR)),
        Cpu("cortex-a72", (FOUR, SIXTY_FOUR)),
        # For KASAN_HW_TAGS. It grows with QEMU's version.
        Cpu("max,pauth-impdef=on", (FOUR, SIXTEEN, SIXTY_FOUR), tags=True),
    ),
    qemu="qemu-system-aarch64",
    qemu_package="qemu-system-arm",
    board=("-machine", "virt"),
    results_port=("-device", "pci-serial,chardev=results"),
    command_line="console=ttyAMA0 panic=-1 oops=panic quiet nokaslr GCPROTO_PORT=/dev/ttyS0",
    is_image=arm64_image.is_one,
    read_image=arm64_image.read,
    prefix="aarch64-linux-gnu-",
    compiler_package="gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    make="arm64",
    target="Image",
    image="arch/arm64/boot/Image",
    fragments={FOUR: ("arm64", "arm64-4k"), SIXTEEN: ("arm64", "arm64-16k")},
    own=(HARDWARE_TAGS,),
)

ROWS = (AMD64, ARM64)
BY_NAME = {one.name: one for one in ROWS}


def named(name: str) -> Architecture:
    """The architecture of that name.

    Raises:
        GcprotoError: there is none here.

    """
    found = BY_NAME.get(name)
    if found is None:
        raise GcprotoError(
            f"there are no guests of the architecture {name!r}",
            why=f"there are {', '.join(BY_NAME)}",
            code=ExitCode.USAGE,
        )
    return found
