"""Where functions are: of a kernel, asked of a guest once and kept in the cache, and of the measuring program.

Debian's packages have no System.map.  A guest without KASLR says /proc/kallsyms instead, with the modules that the
measured guests load, in the same order.
"""

import hashlib
import re
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import msgspec

from gcproto.errors import GcprotoError
from gcproto.kernels import cache
from gcproto.kernels.architecture import AMD64, Architecture
from gcproto.kernels.get.fetch import LocalKernel
from gcproto.kernels.guest import machine as vm
from gcproto.kernels.guest.image import initramfs
from gcproto.kernels.guest.script import Script
from gcproto.process import tools

SCRIPT = Script(("functions",))
FILE = "functions.txt"
FORM = b"2"
"""Another one when lists are made in another way, so that those in caches are not read."""
LONGEST = 1 << 20
"""Bytes of a function at most: the last one before a gap does not reach to the next one after it."""
KERNEL = 1 << 63
"""Addresses from here on are the kernel's."""
USER_END = 1 << 56
USER = "user:"
"""Before the names of the measuring program's functions."""
MAPPING = re.compile(rf"{USER}\$[xd](\.|$)")
"""Symbols of arm64's ABI that say where code and data begin, also within a function."""
OUTSIDE = f"{USER}[vdso]"
"""All of user space beyond the program itself, which is static: the kernel's own page there."""


class Function(msgspec.Struct, frozen=True, order=True):
    """A function.

    Attributes:
        first: address of its first instruction;  end: of the first byte after it.
        name: as symbols have it.

    """

    first: int
    end: int
    name: str


def of_kernel(kernel: LocalKernel, programs: Path) -> list[Function]:
    """The kernel's functions, by address; from the cache, or of a guest that is booted now (10 s).

    Args:
        kernel: whose.
        programs: folder with the guest's programs.

    Raises:
        GcprotoError: the guest does not say them: no ``CONFIG_KALLSYMS``, or it does not boot.

    """
    digest = hashlib.sha256(FORM)
    for path in (kernel.vmlinuz, *kernel.modules):
        digest.update(hashlib.sha256(Path(path).read_bytes()).digest())
    target = _folder(kernel.release) / digest.hexdigest()[:16]
    with cache.alone(_folder(kernel.release)):
        if not target.exists():
            found = _asked(kernel, programs)
            with cache.whole(target) as folder:
                (folder / FILE).write_text("".join(f"{one.first:x} {one.end:x} {one.name}\n" for one in found))
    return _read(target / FILE)


def names_of(release: str) -> set[str] | None:
    """Names of the functions of a kernel that was profiled here before; None if it never was.

    Args:
        release: of the kernel.

    """
    files = sorted(_folder(release).glob(f"*/{FILE}"))
    return {one.name for file in files for one in _read(file)} if files else None


def of_program(program: Path, architecture: Architecture = AMD64) -> list[Function]:
    """Functions of a static program, by address, and the rest of user space.

    Args:
        program: as it runs in the guest.
        architecture: of the guest.

    Raises:
        GcprotoError: it has no symbols, or there is no ``nm``.

    """
    try:
        done = tools.run([f"{architecture.prefix}nm", "--defined-only", str(program)])
    except FileNotFoundError as error:
        raise GcprotoError("the program's symbols can't be read: no nm", remedy="apt-get install binutils") from error
    lines = (line.split() for line in done.out.splitlines())
    named = [(int(words[0], 16), USER + words[2]) for words in lines if len(words) == 3 and words[1] in "tTwWi"]
    named = [one for one in named if not MAPPING.match(one[1])]
    if not named:
        raise GcprotoError(f"{program} has no symbols", remedy="`gcproto kernels run` builds it again if it is removed")
    found = bounded(named)
    return [*found, Function(found[-1].end, USER_END, OUTSIDE)]


def bounded(named: Iterable[tuple[int, str]]) -> list[Function]:
    """Functions of addresses and names: each reaches to the next address.

    Of several names for one address, marks of the linker (``__entry_text_end``) come last.  Of the others the name with
    the fewest underscores in front counts, then the shortest.
    """
    by_address: dict[int, str] = {}
    for address, name in named:
        old = by_address.get(address)
        if old is None or _rank(name) < _rank(old):
            by_address[address] = name
    addresses = sorted(by_address)
    ends = [min(after, first + LONGEST) for first, after in pairwise(addresses)]
    ends += [address + LONGEST for address in addresses[-1:]]
    return [Function(first, end, by_address[first]) for first, end in zip(addresses, ends, strict=True)]


def parse(lines: Iterable[str]) -> list[Function]:
    """The kernel's functions from what the guest's init said (native/guest/functions.c).

    Args:
        lines: of the results' port.

    """
    named: list[tuple[int, str]] = []
    last = 0
    for line in lines:
        if not line.startswith('{"guest":{"functions":'):
            continue
        words = msgspec.json.decode(line)["guest"]["functions"].split()
        for where, name in zip(words[::2], words[1::2], strict=True):
            last = last + int(where[1:], 16) if where.startswith("+") else int(where, 16)
            if last >= KERNEL:
                named.append((last, name))
    return bounded(named)


def _asked(kernel: LocalKernel, programs: Path) -> list[Function]:
    guest = vm.Machine(icount=False, architecture=kernel.architecture)
    booted = vm.boot(guest, kernel.vmlinuz, initramfs(kernel, programs, SCRIPT))
    found = parse(booted.lines) if booted.outcome == "done" else []
    if not found:
        raise GcprotoError(
            f"the functions of {kernel.release} can't be read",
            why=booted.why or "its guest has no /proc/kallsyms with addresses",
            remedy="the kernel needs CONFIG_KALLSYMS",
        )
    return found


def _folder(release: str) -> Path:
    return cache.folder("functions") / "".join(c if c.isalnum() or c in "._+-~" else "_" for c in release)


def _read(file: Path) -> list[Function]:
    lines = (line.split() for line in file.read_text().splitlines())
    return [Function(int(first, 16), int(end, 16), name) for first, end, name in lines]


def _rank(name: str) -> tuple[bool, int, int, str]:
    bare = name.removeprefix(USER)
    mark = bare.startswith("_") and bare.endswith(("_start", "_end", "_stext", "_etext"))
    return mark, len(bare) - len(bare.lstrip("_")), len(bare), bare
