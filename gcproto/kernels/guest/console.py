"""The kernel's complaints on its console: splats that do not end it."""

import re
from collections.abc import Iterable

SPLAT = re.compile(
    r"WARNING: |BUG: |kernel BUG at |Oops: |general protection fault|INFO: (task|possible|rcu)|KASAN: |UBSAN: |"
    r"possible (circular|recursive) locking|suspicious RCU usage|Bad page (state|map)|Bad rss-counter state|"
    r"list_(add|del) corruption|[Uu]nable to handle"
)
WARNED = "gcproto: warnings of this kernel reach the console"
"""A guest's script says this to the kernel's log as a warning (`WARN`).  Its console must have it.

A kernel that boots with ``quiet`` keeps warnings from the console: lockdep's reports, and the lines of WARN_ON().
"""
WARN = f"write /dev/kmsg <4>{WARNED}"
"""Line of a guest's script that warns."""
WARNINGS = "loglevel=5"
"""Words for a kernel's command line with which warnings reach the console; they must come after ``quiet``."""
TIME = re.compile(r"^\[[^]]*\]\s*")
LIMIT = 200


def splats(lines: Iterable[str]) -> list[str]:
    """First lines of a kernel's complaints, without times, each once."""
    found = (TIME.sub("", line).strip()[:LIMIT] for line in lines if SPLAT.search(line))
    return list(dict.fromkeys(line for line in found if line))
