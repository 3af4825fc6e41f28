"""The kernel's complaints on its console: splats that do not end it."""

import re
from collections.abc import Iterable

from gcproto.counted import counted

SPLAT = re.compile(
    r"WARNING: |BUG: |kernel BUG at |Oops: |general protection fault|INFO: (task|possible|rcu)|KASAN: |UBSAN: |"
    r"possible (circular|recursive) locking|suspicious RCU usage|Bad page (state|map)|Bad rss-counter state|"
    r"list_(add|del) corruption|[Uu]nable to handle"
)
RACE = re.compile(r"BUG: KCSAN: (?:data-race|assert: race) in (.+)")
RACES = re.compile(r"data races? by KCSAN: (.+)$")
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


def complaint(lines: Iterable[str], most: int = 5) -> str:
    """A kernel's complaints in one line, "" if it has none. Data races stand at the end, all of them.

    KCSAN reports a race each time that it sees it, by the two functions in either order. Stock kernels have such races
    too, so what counts is which of them another kernel lacks (`races_in`).

    Args:
        lines: of the console.
        most: complaints of other kinds that are shown.

    """
    said = splats(lines)
    races = sorted({_pair(found[1]) for line in said if (found := RACE.search(line))})
    shown = [line for line in said if not RACE.search(line)][:most]
    if races:
        shown.append(f"{counted(len(races), 'data race')} by KCSAN: {', '.join(races)}")
    return "; ".join(shown)


def races_in(text: str) -> set[str]:
    """The data races of a `complaint`."""
    found = RACES.search(text)
    return set(found[1].split(", ")) if found else set()


def _pair(names: str) -> str:
    return " / ".join(sorted(names.split(" / ")))
