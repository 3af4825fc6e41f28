"""What kernels do where they might misbehave: the contract and the hazards, in guests of two processors.

The guest's clock is the wall clock here: races need two processors that really run side by side.  A hazard that takes
the guest down is a verdict; the hazards behind it run in another boot.
"""

import re
from collections.abc import Sequence

from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels import machine as vm
from gcproto.kernels.console import splats
from gcproto.kernels.fetch import LocalKernel
from gcproto.kernels.plan import INFO, MM, Job, Plan, preamble
from gcproto.kernels.transcript import Transcript, read
from gcproto.results.schema import Verdict
from gcproto.sizes import MIB

HAZARDS = (
    "zeropage-ebusy",
    "retry-eexist",
    "ksm",
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
    "uffd-wp-swap",
    "swapcache-mthp",
    "swapcache-rmap",
    "swapcache-race",
    "livelock-references",
    "livelock-threads",
    "khugepaged-race",
    "huge-zero-pfn",
)
"""As ``gcprobe hazard --list`` has them."""

SWAP_BYTES = 128 * MIB
MAX_BOOTS = len(HAZARDS) + 3
SEVERITY = ("unavailable", "fine", "ebusy", "differs", "hang", "panic", "corruption")


def known(names: Sequence[str]) -> None:
    """See that these are hazards.

    Raises:
        GcprotoError: one is not.

    """
    for name in names:
        if name not in HAZARDS:
            raise GcprotoError(
                f"there is no hazard {name!r}", why=f"there are {', '.join(HAZARDS)}", code=ExitCode.USAGE
            )


def plan(*, swap: bool, only: Sequence[str] = ()) -> Plan:
    """Contract with swap on zram and on a loop device, then each hazard as a job of its own.

    Args:
        swap: the guest can have it.
        only: these hazards and no contract; none: everything.

    """
    ksm = "/sys/kernel/mm/ksm"
    steps: list[str | Job] = [*preamble(), INFO]
    steps += [f"write {MM}/hugepages-{size}kB/enabled madvise" for size in (64, 2048)]
    contract = ("/gcprobe", "contract")
    if swap and not only:
        steps += [f"zram {SWAP_BYTES}", Job("contract-zram", contract, 600, "other"), "swapoff"]
    if swap:
        steps.append(f"loop {SWAP_BYTES}")
    if not only:
        steps.append(Job("contract", contract, 600, "other"))
    steps += [f"write {ksm}/pages_to_scan 10000", f"write {ksm}/sleep_millisecs 20", f"write {ksm}/run 1"]
    steps += [Job(f"hazard-{name}", ("/gcprobe", "hazard", name), 180, "other") for name in only or HAZARDS]
    return Plan(tuple(steps))


def run(
    machine: vm.Machine, kernel: LocalKernel, image: "vm.Imager", only: Sequence[str] = ()
) -> tuple[vm.Boot, Transcript, list[Verdict]]:
    """Boot until every job has had its turn.

    Args:
        machine: two processors, no instruction counting.
        kernel: to boot.
        image: makes the initramfs of a plan.
        only: these hazards and nothing else.

    Returns:
        The last boot (the first that failed to start anything at all, if one did) with the seconds of all of them,
        what all of them said, verdicts.

    """
    return follow(machine, kernel, plan(swap=kernel.swap, only=only), image)


def follow(
    machine: vm.Machine, kernel: LocalKernel, wanted: Plan, image: "vm.Imager"
) -> tuple[vm.Boot, Transcript, list[Verdict]]:
    """Boot a plan, and what is left of it when a job took the guest down, until all have had their turn; see `run`."""
    left = wanted
    found = Transcript()
    verdicts: list[Verdict] = []
    seconds = 0.0
    for _ in range(MAX_BOOTS):
        booted = vm.boot(machine, kernel.vmlinuz, image(left))
        seconds += booted.seconds
        said = read(booted.lines)
        verdicts += [*said.verdicts, *_complaints(booted)]
        _merge(found, said)
        fallen = next((name for name in said.begun if name not in said.ended), None)
        verdicts += [_killed(name) for name, end in said.ended.items() if end.how == "killed" and "hazard" in name]
        if booted.outcome == "done" or fallen is None:
            break
        verdicts.append(_fallen(fallen, booted))
        # What was done or brought the machine down has had its turn; the rest needs another boot.
        left = left.without({*said.ended, fallen} - {"info"})
    booted.seconds = seconds
    return booted, found, best(verdicts)


def _complaints(booted: vm.Boot) -> list[Verdict]:
    """What the kernel complained of without going down, by its debugging configuration or by itself."""
    if booted.outcome == "panic":
        return []  # a verdict of its own
    said = splats(booted.console)
    return [Verdict("console", "differs", "; ".join(said[:5]))] if said else []


def _killed(job: str) -> Verdict:
    return Verdict(job.replace("hazard-", "hazard/"), "hang", "its process had to be killed from outside")


def _fallen(job: str, booted: vm.Boot) -> Verdict:
    """The verdict on what was running when the guest went down."""
    word = "panic" if booted.outcome == "panic" else "hang"
    name = job.replace("hazard-", "hazard/") if "contract" not in job else f"contract/{job}"
    where = next(
        (match[1] for line in booted.console if (match := re.search(r"RIP: \S*?:?([a-z_][\w.]+)\+", line))), ""
    )
    return Verdict(name, word, booted.why + (f" in {where}" if where else ""))


def _merge(into: Transcript, said: Transcript) -> None:
    into.info = into.info or said.info
    into.files = into.files or said.files
    into.begun += said.begun
    into.ended.update(said.ended)
    into.notes += [note for note in said.notes if note not in into.notes]
    into.garbled += said.garbled
    into.skips += said.skips


def best(verdicts: list[Verdict]) -> list[Verdict]:
    """One verdict for each name: the gravest, and of two alike the first."""
    found: dict[str, Verdict] = {}
    for one in verdicts:
        old = found.get(one.name)
        if old is None or SEVERITY.index(one.verdict) > SEVERITY.index(old.verdict):
            found[one.name] = one
    return list(found.values())
