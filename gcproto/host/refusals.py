"""Who refuses userfaultfd: the sysctl, the rights of the device, seccomp, a security module, a missing capability.

The errno is EPERM for all of them.  What tells them apart: UFFD_USER_MODE_ONLY is open to everyone (5.11), so if it
is refused too, neither the sysctl nor a capability is the reason (fs/userfaultfd.c).
"""

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gcproto.host.capability import Capability, row
from gcproto.host.kernel_files import read
from gcproto.host.probes import offers

if TYPE_CHECKING:
    from gcproto._native import gcp_uffd_offer

GROUP: Final = "who refuses"
DEVICE: Final = "/dev/userfaultfd"
SYS_PTRACE: Final = 19
"""Number of CAP_SYS_PTRACE."""
FILTERED: Final = "2"
"""Of ``Seccomp`` in /proc/self/status: a filter is active."""
EVENTS: Final = ("EVENT_FORK", "EVENT_REMAP", "EVENT_REMOVE", "EVENT_UNMAP")
WHOLE: Final = "4294967295"
"""Length of the user map of the first user namespace."""


@dataclass(frozen=True)
class Process:
    """What the kernel says of this process.

    Args:
        sysctl: vm.unprivileged_userfaultfd; "" if it can't be read.
        ptrace: it has CAP_SYS_PTRACE.
        contained: it is in a user namespace, where this capability does not count.
        filtered: a seccomp filter is active.
        modules: active security modules, with commas; "" if unknown.
        label: of this process, by its security module.
        device: mode and owner of the device; "" if there is none.
        memory_max: of its cgroup, in bytes; "max" or "" if there is no limit.

    """

    sysctl: str
    ptrace: bool
    contained: bool
    filtered: bool
    modules: str
    label: str
    device: str
    memory_max: str


def process() -> Process:
    """Read it; nothing is opened or tried."""
    status = dict(line.split(":\t", 1) for line in (read("/proc/self/status") or "").splitlines() if ":\t" in line)
    return Process(
        sysctl=(read("/proc/sys/vm/unprivileged_userfaultfd") or "").strip(),
        ptrace=bool(int(status.get("CapEff", "0"), 16) >> SYS_PTRACE & 1),
        contained=not (read("/proc/self/uid_map") or WHOLE).split()[-1].startswith(WHOLE),
        filtered=status.get("Seccomp", "0").strip() == FILTERED,
        modules=(read("/sys/kernel/security/lsm") or "").strip(),
        label=(read("/proc/self/attr/current") or "").strip("\0\n "),
        device=_device(),
        memory_max=_memory_max(),
    )


def _device() -> str:
    try:
        found = Path(DEVICE).stat()
    except OSError:
        return ""
    return f"{stat.filemode(found.st_mode)} {found.st_uid}:{found.st_gid}"


def _memory_max() -> str:
    for line in (read("/proc/self/cgroup") or "").splitlines():
        if line.startswith("0::"):
            return (read(f"/sys/fs/cgroup{line.removeprefix('0::')}/memory.max") or "").strip()
    return ""


def refusals(got: "gcp_uffd_offer", here: Process) -> list[Capability]:
    """One row for each that may refuse, and one for each program of others that needs userfaultfd.

    Args:
        got: what was tried.
        here: of this process.

    """
    plain, user, device = int(got.syscall_err), int(got.user_err), int(got.device_err)
    entitled = (here.ptrace and not here.contained) or here.sysctl == "1"
    beyond = user == errno.EPERM or (plain == errno.EPERM and entitled)
    rows = [
        row(
            GROUP,
            "sysctl",
            not (plain == errno.EPERM and not entitled and not beyond),
            f"vm.unprivileged_userfaultfd={here.sysctl or '?'}",
            reason=f"vm.unprivileged_userfaultfd={here.sysctl or '?'}, and this process has no CAP_SYS_PTRACE",
            remedy="let root do `sysctl -w vm.unprivileged_userfaultfd=1`",
        ),
        row(
            GROUP,
            "device rights",
            device == 0,
            here.device,
            reason=_why_no_device(device, here),
            remedy=f"let root do `chmod 666 {DEVICE}`, or pass the node to the container",
        ),
        row(
            GROUP,
            "seccomp",
            not (here.filtered and (beyond or user == errno.ENOSYS)),
            "a filter is active, and lets userfaultfd(2) through" if here.filtered else "no filter",
            reason="a seccomp filter is active, and userfaultfd(2) is refused even for faults of user mode only",
            remedy=f"allow userfaultfd(2) in the profile (Docker: --security-opt seccomp=FILE), or use {DEVICE}",
        ),
        row(
            GROUP,
            "security module",
            not (beyond and not here.filtered),
            f"{here.modules or 'unknown'}; this process: {here.label or 'no label'}",
            reason=f"no filter is active, so a security module may refuse ({here.modules or 'unknown'})",
            remedy="look for its denial in the kernel's log (SELinux: anon_inode create)",
        ),
        row(
            GROUP,
            "capability",
            here.ptrace and not here.contained,
            "CAP_SYS_PTRACE",
            reason="in a user namespace CAP_SYS_PTRACE does not count" if here.contained else "no CAP_SYS_PTRACE",
            remedy="run as root, or `docker run --cap-add SYS_PTRACE`; the device needs no capability",
        ),
        row(
            GROUP,
            "cgroup limit",
            here.memory_max in {"", "max"},
            "no memory limit",
            reason=f"memory.max is {here.memory_max}: a MOVE that needs a page table may give ENOMEM",
            remedy="raise memory.max above the heap and its page tables",
        ),
    ]
    return [*rows, *_programs(got)]


def _why_no_device(err: int, here: Process) -> str:
    if err == errno.ENOENT:
        return f"{DEVICE} does not exist (kernel before 6.1, or a container without the node)"
    return f"{DEVICE} is {here.device or 'hidden'}: {os.strerror(err)}"


def _programs(got: "gcp_uffd_offer") -> list[Capability]:
    """What three programs need of userfaultfd."""
    kernel_faults = 0 in {int(got.device_err), int(got.syscall_err)}
    needs = (
        ("ART", offers(got, "SIGBUS") and got.via, "SIGBUS, in user mode; MOVE if it is there"),
        ("CRIU", kernel_faults and offers(got, *EVENTS), "events of fork, remap, remove and unmap"),
        (
            "Firecracker",
            kernel_faults and offers(got, "EVENT_REMOVE"),
            "faults of the kernel (KVM), and the event of remove",
        ),
    )
    return [
        row(GROUP, f"for {name}", bool(able), f"needs {text}", reason=f"needs {text}", remedy="see the rows above")
        for name, able, text in needs
    ]
