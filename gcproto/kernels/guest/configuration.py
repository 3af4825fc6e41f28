"""What the kernel of a guest was configured for, as it shows in the guest: what its counts of instructions depend on.

It is looked at after the measurements, so that they find the guest as without it.
"""

from collections.abc import Mapping

from gcproto.results.schema import Configuration

NODES = "/sys/devices/system/node/online"
"""Only kernels with NUMA have it."""
SLABS = "/sys/kernel/slab/anon_vma/object_size"
"""Kernels with SLUB_TINY do not have it."""
VULNERABILITIES = "/sys/devices/system/cpu/vulnerabilities"
COSTLY = ("meltdown", "retbleed", "spec_rstack_overflow", "spec_store_bypass", "spectre_v2", "spectre_v1")
"""Those whose mitigations add instructions to system calls, faults or indirect calls.  All kernels list the last."""
MITIGATED = "Mitigation"
"""The beginning of what the kernel says of a vulnerability that it mitigates."""


def closing() -> list[str]:
    """Lines of a script that show it."""
    return [f"show {path}" for path in (NODES, SLABS, *(f"{VULNERABILITIES}/{name}" for name in COSTLY))]


def seen(files: Mapping[str, str], name: str) -> Configuration | None:
    """The configuration by what a guest showed; None if it ended before.

    Args:
        files: contents by path.
        name: of the kernel's configuration.

    """
    if f"{VULNERABILITIES}/{COSTLY[-1]}" not in files:
        return None
    mitigated = [one for one in COSTLY if files.get(f"{VULNERABILITIES}/{one}", "").startswith(MITIGATED)]
    return Configuration(name, tuple(sorted(mitigated)), NODES in files, SLABS not in files)
