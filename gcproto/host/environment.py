"""The environment that explains a figure later: the machine, the kernel, its settings, the build.

Nothing here fails because a file is missing: an unreadable value is "unknown".
"""

import gzip
import os
import platform
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from gcproto._native import ffi, lib
from gcproto.chars import text_of
from gcproto.host import memory, swap_devices
from gcproto.host.kernel_files import THP, mthp_files, read, read_choice
from gcproto.vias import VIAS

UNKNOWN = "unknown"

CONFIG = (
    "USERFAULTFD",
    "TRANSPARENT_HUGEPAGE",
    "PER_VMA_LOCK",
    "KSM",
    "ZSWAP",
    "DEBUG_VM",
    "PREEMPT",
    "PREEMPT_DYNAMIC",
    "HZ",
    "NO_PAGE_MAPCOUNT",
)
PACKAGES = ("cffi", "click", "msgspec", "numpy", "rich", "scipy", "structlog")


def capture() -> dict[str, Any]:
    """The whole environment at this moment."""
    return {
        "kernel": _kernel(),
        "page_size": os.sysconf("SC_PAGE_SIZE"),
        "pmd_size": _number(THP / "hpage_pmd_size"),
        "arch": platform.machine(),
        "cpu": _cpu(),
        "memory": _memory(),
        "thp": _thp(),
        "uffd": _uffd(),
        "swap": {
            "active": swap_devices.active(),
            "zswap": read("/sys/module/zswap/parameters/enabled") or UNKNOWN,
            "page_cluster": _number("/proc/sys/vm/page-cluster"),
        },
        "security": {
            "aslr": _number("/proc/sys/kernel/randomize_va_space"),
            "mitigations": _mitigations(),
            "privileged": os.geteuid() == 0,
        },
        "load": read("/proc/loadavg") or UNKNOWN,
        "steal": steal(),
        "build": {
            "hash": {
                "paths": text_of(lib.gcp_build_paths()),
                "heap": text_of(lib.gcp_build_heap()),
                "contract": text_of(lib.gcp_build_contract()),
            },
            "compiler": text_of(lib.gcp_build_compiler()),
            "flags": text_of(lib.gcp_build_flags()),
            "git": _git(),
        },
        "python": platform.python_version(),
        "packages": {name: _package(name) for name in PACKAGES},
    }


def page_size() -> int:
    """Bytes of a base page."""
    return os.sysconf("SC_PAGE_SIZE")


def available_bytes() -> int | None:
    """Memory available without swapping, here and in this memory cgroup; None if unknown."""
    found = memory.available()
    return found.bytes if found else None


def steal() -> int | None:
    """Time that the hypervisor took away from this machine's processors since boot, in clock ticks."""
    found = re.search(r"^cpu +((?:\d+ *)+)", read("/proc/stat") or "", re.M)
    fields = found[1].split() if found else []
    return int(fields[7]) if len(fields) > 7 else None


def _number(path: Path | str) -> int | None:
    text = read(path)
    return int(text) if text and text.strip().isdigit() else None


def _kernel() -> dict[str, object]:
    return {
        "release": platform.release(),
        "version": read("/proc/version") or UNKNOWN,
        "cmdline": read("/proc/cmdline") or UNKNOWN,
        "boot": read("/proc/sys/kernel/random/boot_id") or UNKNOWN,
        "config": _config(),
    }


def _config() -> dict[str, str]:
    try:
        text = gzip.decompress(Path("/proc/config.gz").read_bytes()).decode()
    except (OSError, EOFError):
        text = read(f"/boot/config-{platform.release()}") or ""
    if not text:
        return dict.fromkeys(CONFIG, UNKNOWN)
    found = {}
    for name in CONFIG:
        line = re.search(rf"^CONFIG_{name}=(.*)$", text, re.M)
        found[name] = line[1] if line else "n"
    return found


def _cpu() -> dict[str, object]:
    info = read("/proc/cpuinfo") or ""

    def field(*names: str) -> str:
        for name in names:
            found = re.search(rf"^{name}\s*: (.*)$", info, re.M)
            if found:
                return found[1].strip()
        return UNKNOWN

    first = Path("/sys/devices/system/cpu/cpu0/cpufreq")
    return {
        "model": field("model name", "Model", "CPU part"),
        "microcode": field("microcode"),
        "mhz": field("cpu MHz"),
        "count": os.cpu_count(),
        "allowed": len(os.sched_getaffinity(0)),
        "governor": read(first / "scaling_governor") or UNKNOWN,
        "turbo": read("/sys/devices/system/cpu/cpufreq/boost")
        or read("/sys/devices/system/cpu/intel_pstate/no_turbo")
        or UNKNOWN,
        "smt": read("/sys/devices/system/cpu/smt/active") or UNKNOWN,
        "hypervisor": "yes" if re.search(r"^flags.*\bhypervisor\b", info, re.M) else UNKNOWN,
        "clocksource": read("/sys/devices/system/clocksource/clocksource0/current_clocksource") or UNKNOWN,
    }


def _memory() -> dict[str, object]:
    info = read("/proc/meminfo") or ""
    found = {name: int(kib) for name, kib in re.findall(r"^(MemTotal|MemAvailable|SwapTotal): +(\d+) kB", info, re.M)}
    nodes = len(list(Path("/sys/devices/system/node").glob("node[0-9]*"))) or None
    return {
        "total_kib": found.get("MemTotal"),
        "available_kib": found.get("MemAvailable"),
        "swap_kib": found.get("SwapTotal"),
        "overcommit": _number("/proc/sys/vm/overcommit_memory"),
        "cgroup_limits": memory.limits(),
        "numa_nodes": nodes,
    }


def _thp() -> dict[str, object]:
    folder = THP / "khugepaged"
    return {
        "enabled": read_choice(THP / "enabled") or UNKNOWN,
        "defrag": read_choice(THP / "defrag") or UNKNOWN,
        "use_zero_page": read(THP / "use_zero_page") or UNKNOWN,
        "shrink_underused": read(THP / "shrink_underused") or UNKNOWN,
        "khugepaged": {path.name: read(path) or UNKNOWN for path in sorted(folder.glob("*"))}
        if folder.exists()
        else {},
        "anon": {f"{size}kB": read_choice(path) or UNKNOWN for size, path in mthp_files().items()},
    }


def _uffd() -> dict[str, object]:
    offer = ffi.new("struct gcp_uffd_offer *")
    lib.gcp_uffd_probe(offer)
    return {
        "via": VIAS.get(offer.via, UNKNOWN),
        "features": hex(offer.features),
        "api_ioctls": hex(offer.api_ioctls),
        "range_ioctls": hex(offer.range_ioctls),
        "unprivileged": _number("/proc/sys/vm/unprivileged_userfaultfd"),
    }


def _mitigations() -> dict[str, str]:
    folder = Path("/sys/devices/system/cpu/vulnerabilities")
    return {path.name: read(path) or UNKNOWN for path in sorted(folder.glob("*"))} if folder.exists() else {}


def _git() -> str:
    """Commit of the working copy that this package is run from, with a mark for changes, or unknown."""
    root = Path(__file__).resolve().parents[2]
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return UNKNOWN
    try:
        done = subprocess.run(
            [git, "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except subprocess.TimeoutExpired:
        return UNKNOWN
    return done.stdout.strip() or UNKNOWN


def _package(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return UNKNOWN
