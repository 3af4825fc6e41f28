"""Counts of TLB shoot-downs while the kernel evacuates pages: a rule for each kernel.

Another processor is flushed by an interrupt if a thread of the same address space runs on it. The flushing processor
waits for the answer.  The model calls one round of interrupts a shoot-down.

The counts come from ``tlb:tlb_flush`` and from the line ``TLB`` in /proc/interrupts on 6.18.  They are for rounds of
the path lab with a second thread, 8 MiB each:

- small folios in calls of 4 KiB, 64 KiB, 2 MiB: 2048, 128, 4
- 64 KiB mTHPs in calls of 64 KiB or more: 256
- 1 MiB mTHPs in calls of 64 KiB: 136
- THPs in calls of 64 KiB, 1 MiB, 2 MiB: 136, 16, 4

A test counts them again (tests/model/test_shoot_downs.py).
"""

import re

import msgspec

CEILING = 33
"""Pages up to which x86 flushes one by one (tlb_single_page_flush_ceiling); for more it drops the whole TLB.

Both sides then refill it, so such a shoot-down costs more.
"""

Branch = tuple[int, int]
RELEASE = re.compile(r"(\d+)\.(\d+)")


class Rule(msgspec.Struct, frozen=True):
    """Shoot-downs of one kernel.

    Attributes:
        since: the first release that it holds for.
        batched: small pages share one for each ioctl and page table; else each has its own.
        split: of a folio mapped by base pages, without those of its pages that then move; split_mapped_whole: of a THP
            mapped by one entry.
        whole: a THP that moves whole.
        discard: a call of MADV_DONTNEED.
        source: source of the rule.

    """

    since: Branch
    batched: bool
    source: str
    split: int = 1
    split_mapped_whole: int = 2
    whole: int = 1
    discard: int = 1


RULES = (
    Rule(
        (6, 18),
        batched=True,
        source="userfaultfd: opportunistic TLB-flush batching for present pages in MOVE; counted on 6.18.44",
    ),
    Rule(
        (0, 0),
        batched=False,
        source="move_present_pte calls ptep_clear_flush for each page (mm/userfaultfd.c to 6.17); counted on 6.17",
    ),
)
"""Newest first. UFFDIO_COPY has no shoot-down, because its destination was not mapped before."""


def rule_of(release: str) -> Rule:
    """The rule of a kernel.

    Args:
        release: output of ``uname -r``; an unreadable one counts as the newest.

    """
    found = RELEASE.match(release)
    branch = (int(found[1]), int(found[2])) if found else RULES[0].since
    return next(rule for rule in RULES if branch >= rule.since)


class Moves(msgspec.Struct, frozen=True):
    """The operations on pages that decide how often other processors are flushed.

    Attributes:
        calls: of MOVE that moved something.
        pages: moved one by one or in batches.
        tables: page tables that their runs reach into, beyond the first of each call.
        split: folios split by the moves, mapped by base pages;  split_mapped_whole: THPs.
        whole: THPs that moved whole.
        discards: calls of MADV_DONTNEED.

    """

    calls: int = 0
    pages: int = 0
    tables: float = 0.0
    split: int = 0
    split_mapped_whole: int = 0
    whole: int = 0
    discards: int = 0


def _batches(did: Moves, rule: Rule) -> float:
    if not rule.batched or not did.pages:
        return float(did.pages)
    calls = max(1, did.calls - did.whole)
    return min(float(did.pages), max(calls + did.tables, float(did.split + did.split_mapped_whole)))


def long_ones(did: Moves, rule: Rule) -> float:
    """Of ``shoot_downs``, those that drop the whole TLB: of batches of more than CEILING pages, and of discards."""
    batches = _batches(did, rule)
    return (batches if did.pages > CEILING * batches else 0.0) + did.discards * rule.discard


def shoot_downs(did: Moves, rule: Rule) -> float:
    """Rounds of interrupts.

    A split ends a batch, so there are at least as many batches as split folios.

    Args:
        did: by the collector's thread, or in a round of the path lab.
        rule: of the kernel that did it.

    """
    return (
        _batches(did, rule)
        + did.split * rule.split
        + did.split_mapped_whole * rule.split_mapped_whole
        + did.whole * rule.whole
        + did.discards * rule.discard
    )
