"""Facts of a result that every reader needs: kernel, processor, sizes, the guest's cell."""

import re
from collections.abc import Mapping

from gcproto.counted import counted
from gcproto.results.schema import TIMES, KernelCell, Result
from gcproto.sizes import size

FLAVOUR = "-cloud-amd64"
"""Of Debian's kernels for x86-64 guests."""
FLAVOURS = (FLAVOUR, "-cloud-arm64", "-arm64-16k", "-arm64")
"""Ends of the releases of kernels for guests, also of those built here: the rest of a kernel's name says the same."""
ARCHITECTURES = {"aarch64": "arm64"}
"""Names of machines other than x86-64, by ``uname -m``."""
MARK = " ["
"""Between a release and the platform in the name of a kernel."""
UNKNOWN = "unknown"
UNKNOWN_PAGE_SIZE = 4096
"""Page size of results whose environment lacks it: only damaged and artificial ones."""
ENTRY_BYTES = 8
"""Of an entry of a page table. A page is full of entries, so the page size gives the range of a PMD."""

COMPILER = re.compile(
    r"\((Debian )?(\S+-)?(?P<name>gcc|clang)\b(?:[^()]|\([^()]*\))*?"
    r"\b(?P<branch>[0-9]+\.[0-9]+)\.[0-9]+(?: \([^()]*\))?,"
)
"""In /proc/version: ``(x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0, GNU ld ...``."""
Version = tuple[tuple[int, ...], bool, str]


def group(result: Result, name: str) -> Mapping[str, object]:
    """A group of the environment: kernel, cpu, thp, uffd, run, ...; empty if there is none."""
    found = result.environment.get(name)
    return found if isinstance(found, dict) else {}


def release_of(result: Result) -> str:
    """Kernel of a result: its release; of guests that are not x86-64, also the platform (`kernel_name`)."""
    kernel = group(result, "kernel")
    if label := kernel.get(LABEL):
        return str(label)
    release = str(kernel.get("release") or UNKNOWN)
    cell = cell_of(result)
    if cell is None:
        return release
    return kernel_name(release, str(result.environment.get("arch") or ""), page_size_of(result), cell.cpu)


LABEL = "label"
"""Key in the group ``kernel`` of the environment: a name that tells two runs of one kernel apart."""


def label(result: Result, name: str) -> None:
    """Give the kernel of a result another name, in memory."""
    result.environment["kernel"] = {**group(result, "kernel"), LABEL: name}


def kernel_name(release: str, machine: str, page_size: int, cpu: str) -> str:
    """``7.3.4+deb13-arm64-16k [arm64 16K neoverse-n1]``; the release alone on x86-64, as results have always had it.

    Args:
        release: output of ``uname -r``.
        machine: output of ``uname -m``.
        page_size: in bytes.
        cpu: model of the guest's processor.

    """
    if machine not in ARCHITECTURES:
        return release
    return f"{release}{MARK}{ARCHITECTURES[machine]} {size(page_size)} {cpu}]"


def architecture_of(result: Result) -> str:
    """``arm64``, ``x86_64``."""
    machine = str(result.environment.get("arch") or "x86_64")
    return ARCHITECTURES.get(machine, machine)


def platform_of(result: Result) -> str:
    """``arm64 16K neoverse-n1``: architecture, page size and processor of a guest, in which counts must agree."""
    cell = cell_of(result)
    return f"{architecture_of(result)} {size(page_size_of(result))} {cell.cpu if cell else cpu_of(result)}"


def cpu_of(result: Result) -> str:
    """Model of its processor."""
    return str(group(result, "cpu").get("model") or UNKNOWN)


def cpus_of(result: Result) -> str:
    """``2 CPUs``: processors that the run could use."""
    allowed = group(result, "cpu").get("allowed")
    return counted(allowed, "CPU") if isinstance(allowed, int) else f"{UNKNOWN} CPUs"


HOST = "host"
"""Key in the environment: the host of a cluster that ran it, with ``name`` and ``address``."""


def set_host(result: Result, facts: Mapping[str, str]) -> None:
    """Say which host ran it.

    Args:
        result: of a job.
        facts: ``name``, ``address``; added to those that are there.

    """
    result.environment[HOST] = {**group(result, HOST), **facts}


def host_of(result: Result) -> str:
    """``fir (10.0.0.7)``: the host of a cluster that ran it; "" for results of a command's own machine."""
    facts = group(result, HOST)
    name, address = str(facts.get("name") or ""), str(facts.get("address") or "")
    return f"{name} ({address})" if name and address else name or address


def timed_on(result: Result) -> str:
    """The host that its times belong to; "" if it is not known, or if all it measured are instructions."""
    timed = any(one.unit in TIMES for one in result.measurements)
    return host_of(result) if timed else ""


def emulator_of(result: Result) -> str:
    """``7.2``: branch of the QEMU that ran its guest; "" if that is not known."""
    version = str(result.guest.host.get("qemu") or "") if result.guest else ""
    found = branch_of(version)
    return ".".join(map(str, found)) if found else ""


def compiler_of(result: Result) -> str:
    """``gcc 14.2``: what compiled the kernel, by /proc/version; "" if that is not known."""
    found = COMPILER.search(str(group(result, "kernel").get("version") or ""))
    return f"{found['name']} {found['branch']}" if found else ""


def page_size_of(result: Result) -> int:
    """Bytes of a base page."""
    return int(result.environment.get("page_size") or UNKNOWN_PAGE_SIZE)


def pmd_size_of(result: Result) -> int:
    """Bytes that a PMD maps."""
    page = page_size_of(result)
    return int(result.environment.get("pmd_size") or page * (page // ENTRY_BYTES))


def cell_of(result: Result) -> KernelCell | None:
    """The scenario set of its guest; None for results that are not of the kernel matrix."""
    return result.experiment if isinstance(result.experiment, KernelCell) else None


def of_heap(result: Result) -> bool:
    """Whether it is of the scenario set ``heap``."""
    cell = cell_of(result)
    return cell is not None and cell.set == "heap"


def version_key(release: str) -> Version:
    """Sort key by version: ``6.12.43 < 6.12.117 < 6.16``, ``7.3~rc7`` and Debian's ``7.3-cloud`` before 7.3.1."""
    candidate = re.search(r"[~-]rc\d", release) is not None
    return _numbers(release), not candidate, release


def branch_of(release: str) -> tuple[int, int] | None:
    """6.18 of ``6.18.44``; None if it does not begin with a version."""
    found = _numbers(release)
    return (found[0], found[1]) if len(found) > 1 else None


def short(kernel: str) -> str:
    """The name of a kernel without the flavour that all of Debian's guests have."""
    release, mark, platform = kernel.partition(MARK)
    flavours = FLAVOURS if mark else (FLAVOUR,)
    flavour = next((one for one in flavours if release.endswith(one)), "")
    return release.removesuffix(flavour) + mark + platform


def brief(kernel: str) -> str:
    """``7.3.4``, ``7.3.4 arm64 16K``: version, architecture and page size, for heads of columns and legends."""
    release, mark, platform = kernel.partition(MARK)
    version = release.split("+")[0].split("-")[0]
    return f"{version} {' '.join(platform.split()[:2])}" if mark else version


def _numbers(release: str) -> tuple[int, ...]:
    found = re.match(r"[0-9]{1,9}(?:\.[0-9]{1,9})*", release)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
