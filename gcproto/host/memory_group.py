"""A memory cgroup for the rows of the contract that run into its limit (native/contract/memory_limit.c)."""

import errno
import re
import time
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
NAME = "gcproto"
PATIENCE_SECONDS = 1.0
"""How long a group may stay busy after its last process was reaped."""


def place(cgroups: Path = CGROUPS, own: Path = Path("/proc/self/cgroup")) -> Path | None:
    """Where the group can be: below this process's own in version 1, at the top in version 2.

    Version 2 allows no processes in a group whose children have limits, except at the top.

    Args:
        cgroups: where cgroups are mounted.
        own: the groups of this process.

    Returns:
        Its folder, which need not exist; None if the memory controller is not mounted there.

    """
    found = re.search(r"^[0-9]+:memory:(.*)$", own.read_text(encoding="utf-8"), re.M)
    first = cgroups / "memory"
    if found and (first / "cgroup.procs").exists():
        return first / found[1].lstrip("/") / NAME
    try:
        passed_on = (cgroups / "cgroup.subtree_control").read_text(encoding="utf-8").split()
    except OSError:
        return None
    return cgroups / NAME if "memory" in passed_on else None


def remove(folder: Path) -> bool:
    """Remove a group whose processes have ended.

    Returns:
        Whether it was there.

    Raises:
        OSError: it stays busy.

    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            folder.rmdir()
        except FileNotFoundError:
            return False
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() >= deadline:
                raise
            time.sleep(0.01)
        else:
            return True
