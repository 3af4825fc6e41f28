"""Scripts of guests: lines for their init (native/guest/init.c), by scenario set.

A job is a call of ``gcprobe``; each ends before the next begins, and nothing else runs in the guest.
"""

from collections.abc import Sequence

import msgspec

from gcproto.results.schema import UNIT_INSTRUCTIONS, Hazard
from gcproto.sizes import MIB, parse_size

SWAP_BYTES = 256 * MIB
MM = "/sys/kernel/mm/transparent_hugepage"
SIZES_KIB = (16, 32, 64, 128, 256, 512, 1024)
SHOWN = ("/proc/version", "/proc/cmdline", "/proc/meminfo", "/proc/cpuinfo", f"{MM}/enabled", "/proc/loadavg")

SETTLE_SECONDS = 3
"""Wait after the boot: workers of the kernel share the processor then.  Under instruction counting it costs no time."""


class Job(msgspec.Struct, frozen=True):
    """One program run in the guest.

    Attributes:
        name: unique in the script.
        command: words.
        seconds: of the guest's clock, after which it is killed.
        mode: ``fifo`` (measured: real-time priority), ``other``, ``host`` (chrooted into the host's files).
        hazard: that it is; None for others.

    """

    name: str
    command: tuple[str, ...]
    seconds: int = 60
    mode: str = "fifo"
    hazard: Hazard | None = None

    def line(self) -> str:
        """The line of the script."""
        return " ".join(("job", self.name, str(self.seconds), self.mode, *self.command))


class Script(msgspec.Struct, frozen=True):
    """The work of a guest, in order: lines and jobs. ``swap``: it needs modules for swap."""

    steps: tuple[str | Job, ...]

    def text(self) -> str:
        """For the guest's init."""
        return "".join(f"{step.line() if isinstance(step, Job) else step}\n" for step in self.steps)

    @property
    def jobs(self) -> list[Job]:
        """The jobs, in order."""
        return [step for step in self.steps if isinstance(step, Job)]

    def without(self, names: set[str]) -> "Script":
        """The script without these jobs."""
        return Script(tuple(step for step in self.steps if not (isinstance(step, Job) and step.name in names)))


INFO = Job("info", ("/gcprobe", "info"), mode="other")
"""Reports the guest's environment; every script has it."""


def preamble() -> list[str]:
    """Quiet machine: no real-time throttling (it would put idle time into a measurement), no khugepaged, no KSM."""
    return [
        *(f"show {path}" for path in SHOWN),
        "write /proc/sys/kernel/sched_rt_runtime_us -1",
        "write /proc/sys/kernel/randomize_va_space 0",
        f"write {MM}/khugepaged/scan_sleep_millisecs 3600000",
        f"write {MM}/khugepaged/alloc_sleep_millisecs 3600000",
        f"write {MM}/enabled madvise",
        f"write {MM}/shrink_underused 0",
        f"sleep {SETTLE_SECONDS}",
    ]


def folios(kib: int, value: str = "madvise") -> list[str]:
    """Lines that allow folios of this size in KiB and no others; 0: only small ones; 2048: THP."""
    lines = [f"write {MM}/hugepages-{size}kB/enabled {value if size == kib else 'never'}" for size in SIZES_KIB]
    return [*lines, f"write {MM}/hugepages-2048kB/enabled {value if kib == 2048 else 'never'}"]


class Measure(msgspec.Struct, frozen=True):
    """The amount of measuring.

    Attributes:
        rounds, warmup: of each scenario.
        pages: base pages in a round.
        unit: of the samples.
        seed: of the contents.

    """

    rounds: int
    warmup: int
    pages: int
    unit: str
    seed: int


def job(measure: Measure, name: str, source: str, arms: str, granules: Sequence[str], **options: object) -> Job:
    """A job that measures a grid of scenarios.

    Args:
        measure: how much.
        name: of the job.
        source: kind of the source.
        arms: with commas between them.
        granules: sizes of a call.
        options: more of ``gcprobe run``, by name.

    """
    words = ["/gcprobe", "run", "--source", source, "--arm", arms]
    words += ["--granule", ",".join(str(parse_size(granule)) for granule in granules)]
    words += ["--pages", str(measure.pages), "--rounds", str(measure.rounds), "--warmup", str(measure.warmup)]
    words += ["--unit", measure.unit, "--seed", str(measure.seed)]
    words += ["--settle", "1"] if measure.unit == UNIT_INSTRUCTIONS else []
    for option, value in options.items():
        words += [f"--{option}", str(value)]
    return Job(name, tuple(words), seconds=240)


def paths(measure: Measure, *, swap: bool) -> Script:
    """The path lab's scenarios.

    Args:
        measure: how much.
        swap: also swapped pages; the guest has the modules for it.

    """
    steps: list[str | Job] = [*preamble(), INFO]

    def run(name: str, source: str, arms: str, granules: Sequence[str], **options: object) -> None:
        steps.append(job(measure, name, source, arms, granules, **options))

    steps += folios(0)
    steps.append(canary(measure))
    run("small", "small", "move,copy,copy_discard", ["4k", "64k", "2m"])
    run("small-whole", "small", "mremap,memcpy_untouched", ["2m"])
    run("small-skewed", "small", "move,copy", ["2m"], skew=1)
    run("zero", "zero", "move,copy", ["2m"])
    run("hole", "hole", "move_holes,zeropage", ["2m"])
    run("forked", "forked", "move_fallback", ["64k"])
    run("pinned", "pinned", "move_fallback", ["64k"])
    for kib, order in ((16, 2), (64, 4), (1024, 8)):
        steps += folios(kib)
        run(f"mthp-{kib}k", "mthp", "move,copy", ["64k", "2m"] if kib == 64 else ["2m"], order=order)
        run(f"mthp-{kib}k-split", "mthp", "split_move", ["2m"], order=order)
    steps += folios(2048)
    run("thp", "thp", "move,copy", ["64k", "2m"])
    run("thp-skewed", "thp", "move", ["2m"], skew=1)
    run("thp-split", "thp", "split_move", ["2m"])
    if swap:
        steps += [*folios(0), f"zram {SWAP_BYTES}"]
        run("swapped", "swapped", "move,copy", ["2m"])
        steps += folios(64)
        run("swapped-64k", "swapped", "move,copy", ["2m"], order=4)
        run("swapin-64k", "swapped", "swapin,move_swapin", ["2m"], order=4)
        run("swapin-64k-skewed", "swapped", "move_swapin", ["2m"], order=4, skew=1)
    return Script(tuple(steps))


def canary(measure: Measure) -> Job:
    """Work without userfaultfd: it shows whether two guests can be compared."""
    return job(measure, "canary", "none", "canary", ["2m"])


def quick(measure: Measure, *, swap: bool) -> Script:
    """The few scenarios that show a change of the MOVE path. They take little longer than the boot."""
    steps: list[str | Job] = [*preamble(), INFO, *folios(0)]
    steps.append(canary(measure))
    steps.append(job(measure, "small", "small", "move,copy", ["4k", "2m"]))
    steps += folios(64)
    steps.append(job(measure, "mthp-64k", "mthp", "move,copy", ["2m"], order=4))
    if swap:
        steps += [f"zram {SWAP_BYTES}", job(measure, "swapped-64k", "swapped", "move", ["2m"], order=4)]
    return Script(tuple(steps))


def folios_set(measure: Measure, *, swap: bool) -> Script:
    """The scenarios that show a change in moves of large folios.

    Every size from 16 KiB on: folio by folio, 2 MiB at once, a single page of a folio, and copies. Also a misaligned
        destination, where the folios at the end of a page table would be in two. Further: small pages, THPs with a
        split page table, and pages that are swapped or in the swap cache, small and large.
    """
    steps: list[str | Job] = [*preamble(), INFO, *folios(0)]

    def run(name: str, source: str, arms: str, granules: Sequence[str], **options: object) -> None:
        steps.append(job(measure, name, source, arms, granules, **options))

    steps.append(canary(measure))
    run("small", "small", "move,copy", ["4k", "64k", "2m"])
    for order, kib in enumerate(SIZES_KIB, 2):
        steps += folios(kib)
        run(f"mthp-{kib}k", "mthp", "move", [f"{kib}k", "2m"], order=order)
        run(f"mthp-{kib}k-copy", "mthp", "copy", ["2m"], order=order)
        if kib == 64:
            run(f"mthp-{kib}k-page", "mthp", "move", ["4k"], order=order)
            run(f"mthp-{kib}k-skewed", "mthp", "move", ["2m"], order=order, skew=3)
    steps += folios(2048)
    run("thp", "thp", "move", ["2m"])
    run("thp-skewed", "thp", "move", ["2m"], skew=1)
    if swap:
        steps.append(f"zram {SWAP_BYTES}")
        for order, kib in ((0, 0), (4, 64)):
            steps += folios(kib)
            run(f"swapped-{kib}k", "swapped", "move", ["2m"], order=order)
        steps += ["swapoff", f"loop {SWAP_BYTES}"]
        for order, kib in ((0, 0), (2, 16), (4, 64), (8, 1024)):
            steps += folios(kib)
            run(f"swapcache-{kib}k", "swapcache", "move", [f"{kib}k" if kib else "2m", "2m"][order == 0 :], order=order)
    return Script(tuple(steps))


SETS = {"paths": paths, "quick": quick, "folios": folios_set}
"""Scenario sets by name."""
