"""How a userfaultfd is opened, in words: the same in the environment of this machine, of a guest and of lines."""

from typing import Final

from gcproto._native import lib

VIAS: Final = {
    lib.GCP_VIA_NONE: "none",
    lib.GCP_VIA_DEVICE: "/dev/userfaultfd",
    lib.GCP_VIA_SYSCALL: "system call",
    lib.GCP_VIA_USER_MODE: "user-mode only",
}
"""By ``enum gcp_via`` (native/uffd/uffd.h)."""
