"""Known bugs of UFFDIO_MOVE and the releases that have them. The table only makes the program more careful.

Sources: Linux sources of 6.12.107, 7.2.13 and 7.3.4, and the mails of the patches.  For the stable releases, the
changelogs of Debian's packages and the lists of commits that kernel.org mails for each push.  A vendor's kernel may
carry any fix earlier. If a bug can be provoked without harm, it is probed instead of the version (``probe``).
"""

from dataclasses import dataclass, field
from enum import StrEnum

from gcproto.known.version import KernelVersion

Branch = tuple[int, int]


class Harm(StrEnum):
    """The harm of a bug."""

    CRASH = "crash or corruption"
    HANG = "hang"
    WRONG = "wrong result"
    SLOW = "slow"


class State(StrEnum):
    """The known state of a bug here."""

    ABSENT = "not in this kernel"
    FIXED = "fixed"
    PRESENT = "present"
    BY_VERSION = "present by its version (a vendor may have fixed it)"


@dataclass(frozen=True)
class Bug:
    """A bug, and where it was fixed.

    Args:
        key: a short name.
        title: of the commit that fixes it (or of the change, for what is only slow or has no fix).
        effect: the effect.
        since: first release that has it.
        fixed: first mainline release without it; None: not fixed in any release known.
        stable: stable branches with the fix: branch to first patch release.
        probe: a harmless test that tells whether the running kernel has it: ``livelock`` (provoke it under a
            watchdog), ``retry`` (provoke it), ``symbol NAME`` (the fix brought this function); "" if there is none.
        race: it shows only at times.

    """

    key: str
    title: str
    effect: str
    harm: Harm
    since: KernelVersion
    fixed: KernelVersion | None
    stable: dict[Branch, int] = field(default_factory=dict)
    probe: str = ""
    race: bool = False

    def state_by_version(self, version: KernelVersion) -> State:
        """The state by the version."""
        if version < self.since:
            return State.ABSENT
        if self.fixed and version >= self.fixed:
            return State.FIXED
        patch = self.stable.get(version.branch)
        if patch is not None and version.patch >= patch:
            return State.FIXED
        return State.BY_VERSION


def _v(text: str) -> KernelVersion:
    parts = [int(part) for part in text.split(".")]
    return KernelVersion(parts[0], parts[1], parts[2] if len(parts) > 2 else 0)


_FIRST = _v("6.8")

BUGS = (
    Bug(
        "zeropage-ebusy",
        "userfaultfd: handle zeropage moves by UFFDIO_MOVE (eb1521dad8f3)",
        "MOVE of the zero page fails with EBUSY",
        Harm.WRONG,
        _FIRST,
        _v("6.9"),
    ),
    Bug(
        "unpinned-recheck",
        "userfaultfd: change src_folio after ensuring it's unpinned in UFFDIO_MOVE (c0205eaf3af9, CVE-2024-27007)",
        "a folio that is pinned at the last moment still changes its owner",
        Harm.CRASH,
        _FIRST,
        _v("6.9"),
        {(6, 8): 8},
    ),
    Bug(
        "huge-pmd-checks",
        "userfaultfd: fix checks for huge PMDs, userfaultfd: don't BUG_ON() if khugepaged yanks our page "
        "table (CVE-2024-46787)",
        "a page table that khugepaged removes during a MOVE causes a BUG",
        Harm.CRASH,
        _FIRST,
        _v("6.11"),
        {(6, 10): 10},
    ),
    Bug(
        "livelock-threads",
        "userfaultfd: do not block on locking a large folio with raised refcount (37b338eed105)",
        "threads that move pages of one THP deadlock",
        Harm.HANG,
        _FIRST,
        _v("6.14"),
        {(6, 12): 19},
    ),
    Bug(
        "swapcache-rmap",
        "mm: fix kernel BUG when userfaultfd_move encounters swapcache (c50f8e6053b0, CVE-2025-21984)",
        "MOVE of a swapped page with a folio in the swap cache leaves a wrong index: BUG under CONFIG_DEBUG_VM, "
        "else corruption of the reverse map",
        Harm.CRASH,
        _FIRST,
        _v("6.14"),
        {(6, 12): 20, (6, 13): 8},
    ),
    Bug(
        "out-field",
        "mm/userfaultfd: fix uninitialized output field for -EAGAIN race",
        "the out-field of an ioctl may stay unwritten while the address space changes",
        Harm.WRONG,
        _FIRST,
        _v("6.15"),
        {(6, 12): 29},
    ),
    Bug(
        "dirty-flags",
        "mm: userfaultfd: correct dirty flags set for both present and swap pte (75cb1cca2c88)",
        "a moved page is always dirty in hardware and may lack soft-dirty: dirty tracking loses it",
        Harm.WRONG,
        _FIRST,
        _v("6.16"),
        {(6, 12): 30, (6, 15): 0},
    ),
    Bug(
        "swapcache-race",
        "mm: userfaultfd: fix race of userfaultfd_move and swap cache (0ea148a79919, CVE-2025-38242)",
        "a swap entry that is reused during a MOVE gets the wrong folio",
        Harm.CRASH,
        _FIRST,
        _v("6.16"),
        {(6, 12): 37},
    ),
    Bug(
        "pmd-migration",
        "userfaultfd: fix a crash in UFFDIO_MOVE when PMD is a migration entry (aba6faec0103, CVE-2025-38686)",
        "MOVE of a THP that is being migrated crashes",
        Harm.CRASH,
        _FIRST,
        _v("6.17"),
        {(6, 12): 43},
    ),
    Bug(
        "huge-zero-pfn",
        "mm/huge_memory: fix use of NULL folio in move_pages_huge_pmd() (fae654083bfa, CVE-2026-31397)",
        "MOVE of the huge zero page installs a bogus page frame",
        Harm.CRASH,
        _v("6.16"),
        _v("7.0"),
        {(6, 18): 20, (6, 19): 10},
    ),
    Bug(
        "livelock-references",
        "userfaultfd: fix UFFDIO_MOVE livelock on large folio with extra references",
        "MOVE of a part of a large folio with an extra reference (a pin, vmsplice) spins until it is killed. It holds "
        "the mappings' locks, so a fork or an mprotect then blocks every user of the address space, also by /proc",
        Harm.HANG,
        _FIRST,
        _v("7.3.4"),
        {(6, 12): 118},  # in its ChangeLog, and seen there
        probe="livelock",
    ),
    Bug(
        "uffd-wp-swap",
        "userfaultfd: clear the inherited uffd bit in move_swap_pte()",
        "a moved swap entry keeps its write-protection mark",
        Harm.WRONG,
        _FIRST,
        None,
    ),
    # Found with this program: move_pages() keeps the -EAGAIN of a step that it repeats, and repeats the step once more
    # after it succeeded.  One mover and a thread that clears accessed bits are enough (gcp_ability_retry).
    Bug(
        "retry-eexist",
        "userfaultfd: reset err to be 0 when move_pages_ptes succeeded (came with userfaultfd: opportunistic TLB-flush "
        "batching for present pages in MOVE)",
        "if a page-table entry changes during MOVE, the kernel retries the step and repeats it after success. "
        "MOVE then returns EEXIST for pages that it moved, and does not count them",
        Harm.WRONG,
        _v("6.18"),
        _v("7.3"),
        {(6, 18): 51, (7, 2): 5},  # 6.18.51 by its release candidate
        probe="retry",
        race=True,
    ),
    Bug(
        "unregister-race",
        "mm/userfaultfd: write-lock the VMA before waking waiters when unregistering (35f7ecd55ce7, CVE-2026-99660)",
        "a fault that meets UFFDIO_UNREGISTER may sleep forever",
        Harm.HANG,
        _v("6.7"),
        None,
        race=True,
    ),
    Bug(
        "unregister-protected",
        "userfaultfd: wake all waiters on unregister (3afb19d68cc5)",
        "UFFDIO_UNREGISTER does not wake a thread that waits in a range registered only for write protection",
        Harm.HANG,
        _v("5.7"),
        None,
    ),
    Bug(
        "remap-neighbour",
        "mm/vma: avoid broken uffd merge on mremap (68cb098eadda)",
        "mremap without EVENT_REMAP next to another registered range ends that one's registration: its missing pages "
        "become zero pages",
        Harm.WRONG,
        _v("4.11"),
        _v("7.3.4"),
        {(6, 12): 118},  # seen in 6.12.43, and not in 6.12.118
    ),
    Bug(
        "remap-protected",
        "mm: clear uffd-wp PTE/PMD state on mremap() (0cef0bb836e3, CVE-2025-21696)",
        "pages that mremap takes away without EVENT_REMAP keep their write-protection marks",
        Harm.WRONG,
        _v("5.7"),
        _v("6.13"),
        {(6, 12): 11},
    ),
    Bug(
        "remap-locked",
        "mm/mremap: fix locked_vm leak from MREMAP_DONTUNMAP",
        "locked pages are counted wrong for good after MREMAP_DONTUNMAP: twice, or although they are unlocked",
        Harm.WRONG,
        _v("5.7"),
        _v("7.2"),  # seen in 7.1.13, and not in 7.2.12
        {(6, 12): 118},  # seen in 6.12.43, and not in 6.12.118
    ),
    # Found with this program.  Older kernels need a lack of memory for it: the calls looked for seals before all else.
    Bug(
        "brk-refused",
        "no fix known: brk omits userfaultfd_unmap_complete() if it fails",
        "a brk fails because a part of its range is sealed. From then on every COPY and MOVE of a userfaultfd with "
        "EVENT_UNMAP in that range gives EAGAIN",
        Harm.HANG,
        _v("6.12"),
        None,
    ),
    Bug(
        "migrate-thps",
        "userfaultfd: wait on source PMD during UFFDIO_MOVE (4165b7d1c45c)",
        "MOVE of a THP that is being migrated waits at a copy of its entry, under a lock that does not exist. Before "
        "6.17 it returns ENOENT on x86, as for a hole",
        Harm.CRASH,
        _FIRST,
        _v("7.3"),
        race=True,
    ),
    Bug(
        "remap-locks",
        "mm: fix deadlock of mremap() against UFFDIO_MOVE (d03df42ddae1, CVE-2026-99652)",
        "mremap and a MOVE between the same two page tables block each other, and both processors spin",
        Harm.HANG,
        _v("6.9"),
        None,
        race=True,
    ),
    Bug(
        "flush-per-page",
        "userfaultfd: opportunistic TLB-flush batching for present pages in MOVE",
        "one TLB flush for each page instead of one for each batch",
        Harm.SLOW,
        _FIRST,
        _v("6.18"),
        probe="symbol move_pages_ptes",
    ),
    Bug(
        "anon-vma-lock",
        "mm/userfaultfd: don't lock anon_vma when performing UFFDIO_MOVE",
        "MOVE takes the anon_vma lock for writing: threads that move in one mapping wait for each other",
        Harm.SLOW,
        _FIRST,
        _v("6.19"),
    ),
)
