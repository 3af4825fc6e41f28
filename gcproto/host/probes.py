"""What this machine can do: one function per group of capabilities. Each is probed, or read from the system."""

import errno
import os
import resource
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from gcproto._native import ffi, lib
from gcproto.errors import GcprotoError
from gcproto.host.capability import Capability, row
from gcproto.host.kernel_files import THP, mthp_files, read, read_choice

if TYPE_CHECKING:
    from gcproto._native import gcp_uffd_offer, gcp_uffd_offer_ptr

KIB = 1024
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")

USER_MODE = "faults that the kernel takes on registered memory are not served then (enough for gcproto)"
UNPRIVILEGED = "run as root, or let root do `sysctl -w vm.unprivileged_userfaultfd=1`"
DEVICE = "let root do `chmod 666 /dev/userfaultfd` (or give the node to a group): it needs no other privilege"
NEWER = "use a kernel from {} on"

FEATURES = (
    ("EVENT_FORK", 1, "4.11"),
    ("EVENT_REMAP", 2, "4.11"),
    ("EVENT_REMOVE", 3, "4.11"),
    ("EVENT_UNMAP", 6, "4.11"),
    ("SIGBUS", 7, "4.14"),
    ("THREAD_ID", 8, "4.14"),
    ("EXACT_ADDRESS", 11, "5.18"),
    ("WP_UNPOPULATED", 13, "6.4"),
    ("POISON", 14, "6.6"),
    ("MOVE", 16, "6.8"),
)
"""Feature, bit, first release (include/uapi/linux/userfaultfd.h); those that this project or its peers use."""

RANGE_IOCTLS = (
    ("WAKE", 2, "4.3"),
    ("COPY", 3, "4.3"),
    ("ZEROPAGE", 4, "4.3"),
    ("MOVE", 5, "6.8"),
    ("POISON", 8, "6.6"),
)


def offers(got: "gcp_uffd_offer", *features: str) -> bool:
    """Whether the kernel offers all of some features of userfaultfd.

    Args:
        got: what was tried.
        features: names, as FEATURES has them.

    """
    bits = {name: bit for name, bit, _ in FEATURES}
    return all(int(got.features) >> bits[name] & 1 for name in features)


def error_text(number: int) -> str:
    """``EPERM (Operation not permitted)``."""
    return f"{errno.errorcode.get(number, number)} ({os.strerror(number)})"


def offer() -> "gcp_uffd_offer_ptr":
    """The features of userfaultfd here."""
    got = ffi.new("struct gcp_uffd_offer *")
    lib.gcp_uffd_probe(got)
    return got


def require_move(otherwise: str) -> None:
    """Check that UFFDIO_MOVE works.

    Args:
        otherwise: the alternative without it.

    Raises:
        GcprotoError: it does not work.

    """
    if offer().move_err:
        raise GcprotoError(
            "UFFDIO_MOVE does not work here",
            why=error_text(offer().move_err),
            remedy=f"{otherwise}, or use a kernel from 6.8 on",
        )


def require_sigbus() -> None:
    """Check that faults can be served on the faulting thread.

    Raises:
        GcprotoError: userfaultfd can't be opened, or the kernel has no UFFD_FEATURE_SIGBUS.

    """
    got = offer()
    if not offers(got, "SIGBUS"):
        number = got.user_err if got.via == lib.GCP_VIA_NONE else errno.EOPNOTSUPP
        raise GcprotoError(
            "faults can't be served by SIGBUS here",
            why=error_text(number),
            remedy="run `gcproto doctor` for remedies",
        )


def userfaultfd(got: "gcp_uffd_offer") -> list[Capability]:
    """Ways to open it, handshake, features, ioctls, and one page that is moved."""
    group = "userfaultfd"
    missing = got.syscall_err == errno.ENOSYS
    no_call = "the kernel was built without CONFIG_USERFAULTFD, or seccomp hides the system call"
    fix = "use a kernel with CONFIG_USERFAULTFD=y" if missing else UNPRIVILEGED
    rows = [
        row(
            group,
            "/dev/userfaultfd",
            got.device_err == 0,
            reason=error_text(got.device_err),
            remedy=NEWER.format("6.1 (and mount devtmpfs)") if got.device_err == errno.ENOENT else DEVICE,
        ),
        row(
            group,
            "userfaultfd(2)",
            got.syscall_err == 0,
            reason=no_call
            if missing
            else f"{error_text(got.syscall_err)}: needs CAP_SYS_PTRACE, and no seccomp filter",
            remedy=fix,
        ),
        row(
            group,
            "userfaultfd(2), user-mode only",
            got.user_err == 0,
            USER_MODE,
            reason=no_call if missing else f"{error_text(got.user_err)}: a kernel before 5.11, or a seccomp filter",
            remedy=fix if missing else "allow userfaultfd in the container's seccomp profile",
        ),
    ]
    text = read("/proc/sys/vm/unprivileged_userfaultfd")
    rows.append(
        row(
            group,
            "vm.unprivileged_userfaultfd",
            text == "1" if text is not None else None,
            reason=f"{text}: without privilege, only user-mode faults" if text is not None else "no such setting",
            remedy="only needed without CAP_SYS_PTRACE: `sysctl -w vm.unprivileged_userfaultfd=1`",
        )
    )
    if got.via == lib.GCP_VIA_NONE:
        return rows
    rows.append(row(group, "UFFDIO_API", got.api_err == 0, reason=error_text(got.api_err)))
    for name, bit, since in FEATURES:
        rows.append(
            row(
                group,
                f"feature {name}",
                bool(got.features >> bit & 1),
                reason="not offered by this kernel",
                remedy=NEWER.format(since),
            )
        )
    for name, err in (("REGISTER", got.register_err), ("UNREGISTER", got.register_err)):
        rows.append(row(group, f"UFFDIO_{name}", err == 0, reason=error_text(err)))
    for name, bit, since in RANGE_IOCTLS:
        able = bool(got.range_ioctls >> bit & 1)
        why = "not offered for anonymous memory registered for missing faults"
        rows.append(row(group, f"UFFDIO_{name}", able, reason=why, remedy=NEWER.format(since)))
    rows.append(
        row(
            group,
            "a page really moved",
            got.move_err == 0,
            reason=error_text(got.move_err),
            remedy=NEWER.format("6.8") if got.move_err == errno.ENOTTY else "",
        )
    )
    return rows


def folios() -> list[Capability]:
    """THP, each mTHP size with its policy, khugepaged."""
    group = "folios"
    if not THP.exists():
        return [
            row(
                group,
                "THP",
                False,
                reason="the kernel was built without CONFIG_TRANSPARENT_HUGEPAGE",
                remedy="use another kernel",
            )
        ]
    root = os.geteuid() == 0
    policy = read_choice(THP / "enabled")
    rows = [
        row(
            group,
            "THP",
            policy != "never",
            f"policy {policy}, defrag {read_choice(THP / 'defrag')}",
            reason="switched off",
            remedy=f"echo madvise > {THP / 'enabled'}",
        )
    ]
    for size, path in mthp_files().items():
        value = read_choice(path)
        usable = value in {"always", "madvise"} or (value == "inherit" and policy != "never")
        rows.append(
            row(
                group,
                f"folios of {size} KiB",
                usable or root,
                f"policy {value}"
                + ("" if usable or not root else "; bench enables the size it needs and puts it back"),
                reason=f"policy {value}; only root can change it",
                remedy=f"let root do `echo madvise > {path}`",
            )
        )
    if not mthp_files():
        rows.append(row(group, "mTHP", False, reason="no hugepages-*kB folders", remedy=NEWER.format("6.8")))
    rows.append(
        row(
            group,
            "khugepaged can be kept quiet",
            os.access(THP / "khugepaged" / "pages_to_scan", os.W_OK),
            reason="its settings can't be written; sources are still protected with MADV_NOHUGEPAGE",
            remedy="run as root",
        )
    )
    return rows


def swap() -> list[Capability]:
    """Current swap, and the devices that ``--swap`` could add."""
    group = "swap"
    root = os.geteuid() == 0
    active = [line.split()[0] for line in (read("/proc/swaps") or "").splitlines()[1:]]
    tools = [
        name for name in ("mkswap", "swapon", "losetup") if not shutil.which(name, path="/usr/sbin:/sbin:/usr/bin")
    ]
    why_tools = f"{', '.join(tools)} missing" if tools else ""
    return [
        row(
            group,
            "swap space active now",
            bool(active),
            ", ".join(active),
            reason="none (only the scenarios of --swap need swap, and they add their own)",
        ),
        row(
            group,
            "zram",
            Path("/sys/class/zram-control/hot_add").exists() and root and not tools,
            "bench --swap makes a device of its own",
            reason=why_tools or ("not root" if not root else "no zram in this kernel"),
            remedy="apt install util-linux mount" if tools else "run as root" if not root else "modprobe zram",
        ),
        row(
            group,
            "loop device",
            Path("/dev/loop-control").exists() and root and not tools,
            "keeps large folios in the swap cache",
            reason=why_tools or ("not root" if not root else "no /dev/loop-control"),
            remedy="apt install util-linux mount" if tools else "run as root" if not root else "modprobe loop",
        ),
    ]


def proof() -> list[Capability]:
    """The means of proof of a round."""
    group = "proof"
    prover = ffi.new("struct gcp_prover *")
    lib.gcp_prover_init(prover)
    have = int(prover.have)
    lib.gcp_prover_deinit(prover)
    less = "proofs then rest on present bits, counters and contents"
    return [
        row(group, "pagemap", bool(have & lib.GCP_PROOF_PAGEMAP), reason="/proc/self/pagemap can't be read"),
        row(
            group,
            "page frame numbers",
            bool(have & lib.GCP_PROOF_PFN),
            reason=f"need CAP_SYS_ADMIN; {less}",
            remedy="run as root",
        ),
        row(
            group,
            "/proc/kpageflags",
            bool(have & lib.GCP_PROOF_KPF),
            reason=f"needs root; {less}",
            remedy="run as root",
        ),
        row(group, "split counters of THPs", bool(have & lib.GCP_PROOF_VMSTAT), reason="not in /proc/vmstat"),
        row(
            group,
            "split counters per folio size",
            bool(have & lib.GCP_PROOF_MTHP),
            reason="no hugepages-*kB/stats",
            remedy=NEWER.format("6.12"),
        ),
    ]


def machine() -> list[Capability]:
    """Privilege, processors, io_uring, mremap, counters."""
    group = "machine"
    cpus = len(os.sched_getaffinity(0))
    pin_err = lib.gcp_ability_pin()
    cycles_err = lib.gcp_ability_cycles()
    unmap_err = lib.gcp_ability_dontunmap()
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    limit_text = "unlimited" if limit == resource.RLIM_INFINITY or os.geteuid() == 0 else f"{limit // KIB} KiB"
    pin_reasons = {
        errno.ENOSYS: ("not in this kernel, or hidden by seccomp", "use another kernel or seccomp profile"),
        errno.EPERM: ("switched off", "sysctl -w kernel.io_uring_disabled=0"),
        errno.ENOMEM: ("RLIMIT_MEMLOCK is too low", "ulimit -l unlimited"),
    }
    pin_reason, pin_remedy = pin_reasons.get(pin_err, (error_text(pin_err), ""))
    return [
        row(
            group,
            "root",
            os.geteuid() == 0,
            reason="settings can't be changed: sources that need another folio size or swap are skipped",
            remedy="run as root (sudo)",
        ),
        row(
            group,
            "a second processor",
            cpus > 1,
            f"{cpus} allowed",
            reason="scenarios with a second live thread are skipped",
            remedy="allow two (taskset, cpuset)",
        ),
        row(
            group,
            "io_uring fixed buffers",
            pin_err == 0,
            f"memlock limit {limit_text}",
            reason=pin_reason,
            remedy=pin_remedy,
        ),
        row(
            group,
            "mremap DONTUNMAP",
            unmap_err == 0,
            reason=error_text(unmap_err),
            remedy=NEWER.format("5.7"),
        ),
        row(
            group,
            "hardware cycle counter",
            cycles_err == 0,
            reason=f"{error_text(cycles_err)}: none in this (virtual) machine, or perf_event_paranoid forbids it",
            remedy="not needed: gcproto measures time",
        ),
    ]
