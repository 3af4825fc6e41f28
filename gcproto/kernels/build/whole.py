"""The configuration of a machine, as localmodconfig takes it: what its kernel has, with the modules it has loaded.

Of this machine: ``/proc/config.gz`` or ``/boot/config-RELEASE``, and ``/proc/modules``.  Of another machine: a folder
with copies of them, named ``config`` and ``modules``. Without ``modules`` all modules of the configuration are built.

A kernel that was built on it boots that machine, and machines with the same drivers.
"""

import gzip
import hashlib
import os
import platform
import zlib
from pathlib import Path

import msgspec

from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels.architecture import AMD64, FOUR, SIXTEEN, SIXTY_FOUR, Architecture
from gcproto.kernels.build import kconfig
from gcproto.kernels.build.kconfig import Config
from gcproto.process.files import read_regular
from gcproto.sizes import size, size_text

PROC_CONFIG, PROC_MODULES, BOOT = Path("/proc/config.gz"), Path("/proc/modules"), Path("/boot")
COPY = 'on that machine: cp "/boot/config-$(uname -r)" config; cat /proc/modules > modules'
"""How the folder of another machine is made."""
OF_ARCHITECTURE = {"CONFIG_X86_64": "amd64", "CONFIG_ARM64": "arm64"}
OF_PAGES = {"CONFIG_ARM64_16K_PAGES": SIXTEEN, "CONFIG_ARM64_64K_PAGES": SIXTY_FOUR}


class Machine(msgspec.Struct, frozen=True):
    """A machine's configuration.

    Attributes:
        config: text of its kernel's configuration.
        loaded: as /proc/modules has it; "" if it has no modules, or if they are unknown.
        place: where the configuration was found, for people.

    """

    config: str
    loaded: str
    place: str


def here() -> Machine:
    """The machine that runs this.

    Raises:
        GcprotoError: it does not say how its kernel is configured.

    """
    boot = BOOT / f"config-{platform.release()}"
    for file in (PROC_CONFIG, boot):
        try:
            data = file.read_bytes()
            text = (gzip.decompress(data) if file.suffix == ".gz" else data).decode()
        except (OSError, EOFError, zlib.error, UnicodeDecodeError):
            continue
        return Machine(text, _text(PROC_MODULES), str(file))
    raise GcprotoError(
        "the configuration of this machine's kernel is not to be found",
        why=f"neither {PROC_CONFIG} nor {boot} can be read",
        remedy="give --machine with a folder that holds it as the file config, or --config distribution",
    )


def of(folder: Path) -> Machine:
    """Another machine, by copies of its files.

    Raises:
        GcprotoError: the folder has no configuration.

    """
    file = folder / "config"
    try:
        text = read_regular(file, kconfig.MOST_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise GcprotoError(f"{file} can't be read", why=str(why), remedy=COPY, code=ExitCode.USAGE) from error
    return Machine(text, _text(folder / "modules"), str(file))


def _text(file: Path) -> str:
    """What /proc/modules says, without what changes: only names."""
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    names = sorted({line.split()[0] for line in lines if line.strip()} - {"Module"})  # the head of lsmod's table
    return "".join(f"{name} 0 0\n" for name in names)


def completed(
    config: Config, machine: Machine, architecture: Architecture = AMD64, page_size: int | None = None
) -> Config:
    """A configuration with that of a machine as its base.

    Args:
        config: chosen by names (kconfig.chosen).
        machine: the machine.
        architecture: of the kernel.
        page_size: of the kernel, in bytes; None: the architecture's smallest.

    Raises:
        GcprotoError: the machine's kernel is of another architecture or page size.

    """
    have = kconfig.options(machine.config)
    found = next((name for option, name in OF_ARCHITECTURE.items() if have.get(option) == "y"), "")
    if found != architecture.name:
        raise GcprotoError(
            f"{machine.place} is not a configuration of {architecture.name}",
            why=f"it is of {found}" if found else f"it sets none of {', '.join(OF_ARCHITECTURE)}",
            remedy=f"give --arch {found}" if found else COPY,
            code=ExitCode.USAGE,
        )
    pages = next((one for option, one in OF_PAGES.items() if have.get(option) == "y"), FOUR)
    wanted = page_size or architecture.page_sizes[0]
    if pages != wanted:
        known = pages in architecture.page_sizes
        raise GcprotoError(
            f"{machine.place} has pages of {size(pages)}, not of {size(wanted)}",
            remedy=f"give --page-size {size_text(pages)}" if known else "give the configuration of another machine",
            code=ExitCode.USAGE,
        )
    digest = hashlib.sha256(os.fsencode(machine.config + "\0" + machine.loaded)).hexdigest()[:8]
    return msgspec.structs.replace(config, base=machine.config, loaded=machine.loaded, key=f"{config.key}-{digest}")
