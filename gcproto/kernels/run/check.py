"""Checks of kernels: the contract and the hazards, in guests of two processors.

The guest's clock is the wall clock here, because races need two processors that run at the same time.  A hazard or a
row that takes the guest down is a verdict; the hazards after it run in another boot.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from gcproto import contract
from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels.get.fetch import LocalKernel
from gcproto.kernels.guest import machine as vm
from gcproto.kernels.guest.console import WARN, WARNED, WARNINGS, complaint, splats
from gcproto.kernels.guest.script import INFO, MM, Job, Script, preamble
from gcproto.kernels.guest.sizes import Sizes
from gcproto.kernels.guest.transcript import Transcript, read
from gcproto.results.schema import Console, ContractRow, Hazard, Subject, Verdict, Word
from gcproto.sizes import MIB

CONTRACT: Final = ("/gcprobe", "contract")
"""Command of the jobs that run all rows of the contract, in their order."""

ZRAM: Final = "zram"
"""Need of the rows of the contract that swap pages out of the swap cache too; the others are alike on both devices."""
ROW_SECONDS: Final = 120
"""Limit of the job of one row. The row itself is killed after 60 (native/probe/gcprobe.c)."""

SYNCHRONOUS: Final = ("swapcache-not-anon",)
"""The hazards that need swap on zram; the others have it on a loop device, which leaves folios in the swap cache."""

HAZARDS = (
    *SYNCHRONOUS,
    "zeropage-ebusy",
    "retry-eexist",
    "ksm",
    "remap-neighbour",
    "remap-protected",
    "remap-locked",
    "brk-refused",
    "hwpoison",
    "close-race",
    "unregister-protected",
    "unregister-race",
    "whole-two-tables",
    "whole-misaligned",
    "whole-half-back",
    "whole-back",
    "whole-partial",
    "whole-order",
    "whole-locked",
    "whole-protected",
    "whole-protected-page",
    "whole-protected-pinned",
    "whole-soft-dirty",
    "whole-guard",
    "whole-forked",
    "whole-first-page",
    "whole-pin-race",
    "sigbus-flips",
    "uffd-wp-swap",
    "swapcache-mthp",
    "swapcache-rmap",
    "swapcache-partly",
    "swapcache-race",
    "livelock-references",
    "livelock-threads",
    "khugepaged-race",
    "huge-zero-pfn",
    "migrate-pages",
    "migrate-thps",
    "remap-locks",
)
"""The hazards of ``gcprobe hazard --list``."""

NO_BALANCING: Final = "write /proc/sys/kernel/numa_balancing 0"
"""Otherwise the kernel itself migrates pages, which no row expects."""
LOCKUP: Final = "remap-locks"
"""The hazard that takes all processors, so that not even the guest's init says so."""
HAZARD_SECONDS: Final = 120
"""Limit of a hazard's job. The row itself is killed after 60 (native/hazards/runner.c)."""
LIMIT_SECONDS: Final = {LOCKUP: 10}
"""Of hazards' jobs, if it differs from the usual."""
WATCHDOG: Final = "/proc/sys/kernel/watchdog_thresh"
"""Seconds; a processor that spins for twice as long is a soft lockup, which the kernel reports on its console."""
LOCKUP_SECONDS: Final = 4
NODES: Final = 2
"""NUMA nodes of the guests: pages migrate between them."""

SWAP_BYTES = 128 * MIB
PLACE = re.compile(r"(?:RIP: \S*?:?|\bpc : )([a-z_][\w.]+)\+")
"""The function in which a kernel went down, as x86 and arm64 print it."""

PLACES = 2
"""Functions that are named: processors that block each other have one each."""
MAX_BOOTS = len(HAZARDS) + 3
SEVERITY: Final[tuple[Word, ...]] = ("unavailable", "fine", "ebusy", "differs", "hang", "panic", "corruption")


def known(names: Sequence[str]) -> None:
    """Check that these are hazards.

    Raises:
        GcprotoError: one of them is unknown.

    """
    for name in names:
        if name not in HAZARDS:
            raise GcprotoError(
                f"there is no hazard {name!r}", why=f"there are {', '.join(HAZARDS)}", code=ExitCode.USAGE
            )


def script(*, swap: bool, only: Sequence[str] = (), sizes: Sizes | None = None) -> Script:
    """The contract, its rows that need zram, and each hazard as a job of its own.

    The contract runs with swap on a loop device.  There is no wait for a quiet machine: no figure depends on it.

    Args:
        swap: the guest can have swap.
        only: only these hazards and no contract; empty: everything.
        sizes: of the kernel's folios; None: with pages of 4 KiB.

    """
    ksm = "/sys/kernel/mm/ksm"
    steps = _beginning(sizes or Sizes())
    wanted = only or HAZARDS
    synchronous = [_hazard(name) for name in wanted if name in SYNCHRONOUS]
    if swap and (synchronous or not only):
        steps.append(f"zram {SWAP_BYTES}")
        steps += [] if only else [_row("zram", row.name) for row in contract.rows() if ZRAM in row.needs]
        steps += synchronous
        steps.append("swapoff")
    elif not swap:
        steps += synchronous  # they say that swap is missing
    if swap:
        steps.append(f"loop {SWAP_BYTES}")
    if not only:
        steps.append(Job("contract", CONTRACT, 600, "other"))
    steps += [f"write {ksm}/pages_to_scan 10000", f"write {ksm}/sleep_millisecs 20", f"write {ksm}/run 1"]
    for name in wanted:
        if name == LOCKUP:
            steps.append(f"write {WATCHDOG} {LOCKUP_SECONDS}")
        if name not in SYNCHRONOUS:
            steps.append(_hazard(name))
    return Script(tuple(steps))


def row_script(name: str, *, swap: bool, sizes: Sizes) -> Script:
    """One row of the contract alone, with swap on zram and on a loop device.

    Args:
        name: of the row.
        swap: the guest can have swap.
        sizes: of the kernel's folios.

    """
    steps = _beginning(sizes)
    for device in ("zram", "loop") if swap else ("",):
        steps += [f"{device} {SWAP_BYTES}"] if device else []
        steps.append(_row(device, name))
        steps += ["swapoff"] if device == "zram" else []
    return Script(tuple(steps))


def _beginning(sizes: Sizes) -> list[str | Job]:
    return [*preamble(settle=0), WARN, NO_BALANCING, INFO, *_folios(sizes), "memcg"]


def _row(device: str, name: str) -> Job:
    return Job(f"row-{device}-{name}", (*CONTRACT, name), ROW_SECONDS, "other", ContractRow(name))


def _folios(sizes: Sizes) -> list[str]:
    return [f"write {MM}/hugepages-{size}kB/enabled madvise" for size in dict.fromkeys((64, 2048, sizes.thp_kib))]


def _hazard(name: str) -> Job:
    limit = LIMIT_SECONDS.get(name, HAZARD_SECONDS)
    return Job(f"hazard-{name}", ("/gcprobe", "hazard", name), limit, "other", Hazard(name))


def run(
    machine: vm.Machine, kernel: LocalKernel, image: "vm.Imager", only: Sequence[str] = ()
) -> tuple[vm.Boot, Transcript, list[Verdict]]:
    """Boot until every job has run.

    Args:
        machine: two processors, no instruction counting.
        kernel: to boot.
        image: makes the initramfs of a script.
        only: only these hazards.

    Returns:
        The last boot, or the first that started nothing. With it: the seconds, the output and the verdicts of all
            boots.

    """
    return follow(machine, kernel, script(swap=kernel.swap, only=only, sizes=Sizes(kernel.page_size)), image)


def follow(
    machine: vm.Machine, kernel: LocalKernel, wanted: Script, image: "vm.Imager"
) -> tuple[vm.Boot, Transcript, list[Verdict]]:
    """Boot a script. If a job took the guest down, boot the rest of it, until all have run; see `run`.

    The kernel's warnings reach its console.
    """
    loud = msgspec.structs.replace(machine, command_line=f"{WARNINGS} {machine.command_line}".strip())
    left = wanted
    found = Transcript()
    verdicts: list[Verdict] = []
    reached: set[str] = set()
    seconds = 0.0
    for _ in range(MAX_BOOTS):
        booted = vm.boot(loud, kernel.vmlinuz, image(left), jobs=left.jobs)
        seconds += booted.seconds
        said = read(booted.lines)
        jobs = {job.name: job for job in left.jobs}
        verdicts += [*said.verdicts, *_complaints(booted)]
        _merge(found, said)
        found.notes += booted.notes
        for name, end in said.ended.items():
            if end.how == "killed" and name in jobs:
                verdicts += _ended_by(jobs[name], said, "hang", "its process had to be killed from outside")
        fallen = next((jobs[name] for name in said.begun if name not in said.ended and name in jobs), None)
        reached |= said.ended.keys()
        if booted.outcome == "done" or fallen is None:
            break
        verdicts += _ended_by(fallen, said, "panic" if booted.outcome == "panic" else "hang", _why(booted))
        # Jobs that ran or took the machine down are done. The rest needs another boot.
        reached.add(fallen.name)
        left = left.without(reached - {INFO.name})
    for job in wanted.jobs:
        if job.name not in reached and (job.subject or job.command == CONTRACT):
            verdicts += _ended_by(job, Transcript(), "unavailable", f"never reached: {booted.outcome} {booted.why}")
    booted.seconds = seconds
    return booted, found, best(verdicts)


def _complaints(booted: vm.Boot) -> list[Verdict]:
    """Complaints of a kernel that did not go down, with or without a debugging configuration."""
    if booted.outcome in {"panic", "hang"}:
        return []  # a verdict of its own, with the first of them
    if said := complaint(booted.console):
        return [Verdict(Console(), "differs", said)]
    if booted.outcome == "done" and not any(WARNED in line for line in booted.console):
        why = "warnings of this kernel did not reach its console, so it says nothing about them"
        return [Verdict(Console(), "unavailable", why)]
    return []


def _why(booted: vm.Boot) -> str:
    """The reason why the guest went down, the functions in which it did, and of a hang what its console said first."""
    places = list(dict.fromkeys(match[1] for line in booted.console if (match := PLACE.search(line))))
    said = splats(booted.console)[:1] if booted.outcome != "panic" else []
    return "; ".join([booted.why + (f" in {', '.join(places[:PLACES])}" if places else ""), *said])


def _ended_by(job: Job, said: Transcript, word: Word, text: str) -> Iterator[Verdict]:
    """Verdicts on a job that did not end.

    Args:
        job: the job.
        said: by the boot that it was in.
        word: its outcome.
        text: the outcome in words.

    """
    if job.command != CONTRACT:
        yield Verdict(_subject(job), word, text)
        return
    # Rows run in order, and each is reported before the next begins.
    rows = [ContractRow(row.name) for row in contract.rows()][said.rows.get(job.name, 0) :]
    for at, row in enumerate(rows):
        never = f"never reached in {job.name}: it ended in row {rows[0].name}"
        yield Verdict(row, "unavailable", never) if at else Verdict(row, word, text)


def _subject(job: Job) -> Subject:
    """The hazard or the row; for other jobs, the kernel."""
    return job.subject or Console()


def _merge(into: Transcript, said: Transcript) -> None:
    into.info = into.info or said.info
    into.files = into.files or said.files
    into.begun += said.begun
    into.ended.update(said.ended)
    into.notes += [note for note in said.notes if note not in into.notes]
    into.garbled += said.garbled
    into.skips += said.skips


def best(verdicts: list[Verdict]) -> list[Verdict]:
    """One verdict for each subject: the gravest, and of two alike the first."""
    found: dict[Subject, Verdict] = {}
    for one in verdicts:
        old = found.get(one.subject)
        if old is None or SEVERITY.index(one.verdict) > SEVERITY.index(old.verdict):
            found[one.subject] = one
    return list(found.values())
