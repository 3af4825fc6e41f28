"""Scripts of guests: lines for their init (native/guest/init.c), by scenario set.

A job is a call of ``gcprobe``; each ends before the next begins, and nothing else runs in the guest.
"""

from collections.abc import Sequence

import msgspec

from gcproto.kernels.guest.sizes import CALL, FIRST_ORDER, PAGE, Sizes
from gcproto.results.schema import UNIT_INSTRUCTIONS, ContractRow, Hazard
from gcproto.sizes import KIB, MIB, parse_size, size_text

SWAP_BYTES = 256 * MIB
MOST_SWAPPED = 2 * MIB
"""Bytes of the largest folios that are swapped in scenarios."""
MM = "/sys/kernel/mm/transparent_hugepage"
SHOWN = ("/proc/version", "/proc/cmdline", "/proc/meminfo", "/proc/cpuinfo", f"{MM}/enabled", "/proc/loadavg")

SETTLE_SECONDS = 3
"""Wait after the boot: workers of the kernel share the processor then.  Under instruction counting it costs no time."""


HOST = "host"
"""The mode of jobs that run this machine's own programs."""


class Job(msgspec.Struct, frozen=True):
    """One program run in the guest.

    Attributes:
        name: unique in the script.
        command: words.
        seconds: of the guest's clock, after which it is killed.
        mode: ``fifo`` (measured: real-time priority), ``other``, ``host`` (chrooted into the host's files).
        subject: the hazard that it is, or the row of the contract that it tries alone; None for others.

    """

    name: str
    command: tuple[str, ...]
    seconds: int = 60
    mode: str = "fifo"
    subject: Hazard | ContractRow | None = None

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


def preamble(settle: int = SETTLE_SECONDS) -> list[str]:
    """Quiet machine: no real-time throttling (it would put idle time into a measurement), no khugepaged, no KSM.

    Args:
        settle: seconds to wait at the end.

    """
    return [
        *(f"show {path}" for path in SHOWN),
        "write /proc/sys/kernel/sched_rt_runtime_us -1",
        "write /proc/sys/kernel/randomize_va_space 0",
        f"write {MM}/khugepaged/scan_sleep_millisecs 3600000",
        f"write {MM}/khugepaged/alloc_sleep_millisecs 3600000",
        f"write {MM}/enabled madvise",
        f"write {MM}/shrink_underused 0",
        f"sleep {settle}",
    ]


def folios(kib: int, sizes: Sizes | None = None) -> list[str]:
    """Lines that allow folios of one size and no others.

    Args:
        kib: the size; 0: only small ones.
        sizes: of the kernel; None: with pages of 4 KiB.

    """
    known = sizes or Sizes()
    every = (known.kib(order) for order in (*known.mthp_orders, known.thp_order))
    return [f"write {MM}/hugepages-{one}kB/enabled {'madvise' if one == kib else 'never'}" for one in every]


class Measure(msgspec.Struct, frozen=True):
    """The amount of measuring.

    Attributes:
        rounds, warmup: of each scenario.
        pages: base pages in a round.
        unit: of the samples.
        seed: of the contents.
        sizes: of the kernel's folios.

    """

    rounds: int
    warmup: int
    pages: int
    unit: str
    seed: int
    sizes: Sizes = Sizes()


def job(
    measure: Measure, name: str, source: str, arms: str, granules: Sequence[str], *, order: int = 0, **options: object
) -> Job:
    """A job that measures a grid of scenarios.

    Args:
        measure: how much.
        name: of the job.
        source: kind of the source.
        arms: with commas between them.
        granules: sizes of a call, or PAGE.
        order: of the folios; 0: small ones, or THPs if the source is of THPs.
        options: more of ``gcprobe run``, by name.

    """
    words = ["/gcprobe", "run", "--source", source, "--arm", arms]
    sizes = measure.sizes
    each = dict.fromkeys(sizes.size if one == PAGE else parse_size(one) for one in granules)
    words += ["--granule", ",".join(map(str, each))]
    pages = max(measure.pages, 1 << (sizes.thp_order if source == "thp" else order))
    words += ["--pages", str(pages), "--rounds", str(measure.rounds), "--warmup", str(measure.warmup)]
    words += ["--unit", measure.unit, "--seed", str(measure.seed)]
    words += ["--settle", "1"] if measure.unit == UNIT_INSTRUCTIONS else []
    words += ["--order", str(order)] if order else []
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

    sizes = measure.sizes

    def run(name: str, source: str, arms: str, granules: Sequence[str], *, order: int = 0, skew: int = 0) -> None:
        options = {"skew": skew} if skew else {}
        steps.append(job(measure, name, source, arms, granules, order=order, **options))

    steps += folios(0, sizes)
    steps.append(canary(measure))
    run("small", "small", "move,copy,copy_discard", [PAGE, "64k", "2m"])
    run("small-whole", "small", "mremap,memcpy_untouched", ["2m"])
    run("small-skewed", "small", "move,copy", ["2m"], skew=1)
    run("zero", "zero", "move,copy", ["2m"])
    run("hole", "hole", "move_holes,zeropage", ["2m"])
    run("forked", "forked", "move_fallback", ["64k"])
    run("pinned", "pinned", "move_fallback", ["64k"])
    for order in sizes.shown_orders:
        kib = sizes.kib(order)
        large = sizes.large(order)
        steps += folios(kib, sizes)
        run(
            f"mthp-{kib}k",
            "mthp",
            "move,copy",
            [f"{kib}k", large] if order == sizes.near_order else [large],
            order=order,
        )
        run(f"mthp-{kib}k-split", "mthp", "split_move", [large], order=order)
    large = sizes.large(sizes.thp_order)
    steps += folios(sizes.thp_kib, sizes)
    run("thp", "thp", "move,copy", [sizes.part, large])
    run("thp-skewed", "thp", "move", [large], skew=1)
    run("thp-split", "thp", "split_move", [large])
    if swap:
        order = sizes.swapped_order
        steps += [*folios(0, sizes), f"zram {SWAP_BYTES}"]
        run("swapped", "swapped", "move,copy", ["2m"])
        steps += folios(sizes.kib(order), sizes)
        run("swapped-64k", "swapped", "move,copy", ["2m"], order=order)
        run("swapin-64k", "swapped", "swapin,move_swapin", ["2m"], order=order)
        run("swapin-64k-skewed", "swapped", "move_swapin", ["2m"], order=order, skew=1)
    return Script(tuple(steps))


def canary(measure: Measure) -> Job:
    """Work without userfaultfd: it shows whether two guests can be compared."""
    return job(measure, "canary", "none", "canary", ["2m"])


def quick(measure: Measure, *, swap: bool) -> Script:
    """The few scenarios that show a change of the MOVE path. They take little longer than the boot."""
    sizes = measure.sizes
    steps: list[str | Job] = [*preamble(), INFO, *folios(0, sizes)]
    steps.append(canary(measure))
    steps.append(job(measure, "small", "small", "move,copy", [PAGE, "2m"]))
    for order in dict.fromkeys((sizes.swapped_order, sizes.near_order)):
        kib = sizes.kib(order)
        steps += [*folios(kib, sizes), job(measure, f"mthp-{kib}k", "mthp", "move,copy", ["2m"], order=order)]
    if swap:
        order, kib = sizes.swapped_order, sizes.kib(sizes.swapped_order)
        steps += [f"zram {SWAP_BYTES}", *(folios(kib, sizes) if order != sizes.near_order else [])]
        steps.append(job(measure, "swapped-64k", "swapped", "move", ["2m"], order=order))
    return Script(tuple(steps))


def folios_set(measure: Measure, *, swap: bool) -> Script:
    """The scenarios that show a change in moves of large folios.

    Every size from 16 KiB on: folio by folio, 2 MiB at once, a single page of a folio, and copies. Also a misaligned
        destination, where the folios at the end of a page table would be in two. Further: small pages, THPs with a
        split page table, and pages that are swapped or in the swap cache, small and large.
    """
    sizes = measure.sizes
    steps: list[str | Job] = [*preamble(), INFO, *folios(0, sizes)]

    def run(name: str, source: str, arms: str, granules: Sequence[str], *, order: int = 0, skew: int = 0) -> None:
        options = {"skew": skew} if skew else {}
        steps.append(job(measure, name, source, arms, granules, order=order, **options))

    steps.append(canary(measure))
    run("small", "small", "move,copy", [PAGE, "64k", "2m"])
    for order in sizes.mthp_orders:
        kib, large = sizes.kib(order), sizes.large(order)
        steps += folios(kib, sizes)
        run(f"mthp-{kib}k", "mthp", "move", [f"{kib}k", large], order=order)
        run(f"mthp-{kib}k-copy", "mthp", "copy", [large], order=order)
        if order == sizes.near_order:
            run(f"mthp-{kib}k-page", "mthp", "move", [PAGE], order=order)
            run(f"mthp-{kib}k-skewed", "mthp", "move", [large], order=order, skew=3)
    large = sizes.large(sizes.thp_order)
    steps += folios(sizes.thp_kib, sizes)
    run("thp", "thp", "move", [large])
    run("thp-skewed", "thp", "move", [large], skew=1)
    if swap:
        some = (0, *(order for order in sizes.shown_orders if sizes.kib(order) * KIB <= MOST_SWAPPED))
        steps.append(f"zram {SWAP_BYTES}")
        for order in (0, sizes.swapped_order):
            kib = sizes.kib(order) if order else 0
            steps += folios(kib, sizes)
            run(f"swapped-{kib}k", "swapped", "move", ["2m"], order=order)
        steps += ["swapoff", f"loop {SWAP_BYTES}"]
        for order in some:
            kib = sizes.kib(order) if order else 0
            steps += folios(kib, sizes)
            run(f"swapcache-{kib}k", "swapcache", "move", [f"{kib}k", "2m"] if kib else ["2m"], order=order)
    return Script(tuple(steps))


def swapcache(measure: Measure, *, swap: bool) -> Script:
    """Small pages, and 64 KiB mTHPs in the swap cache: whole, in part, with COPY after EBUSY, and by COPY.

    Present mTHPs say what a split costs, for the model's prediction.

    Args:
        measure: how much.
        swap: the guest can have swap; otherwise only the small pages are measured.

    """
    sizes = measure.sizes
    order, kib = sizes.swapped_order, sizes.kib(sizes.swapped_order)
    steps: list[str | Job] = [*preamble(), INFO, *folios(0, sizes), canary(measure)]
    steps.append(job(measure, "small", "small", "move", ["2m"]))
    if swap:
        steps.append(f"loop {SWAP_BYTES}")
        steps.append(job(measure, "swapcache-0k", "swapcache", "move,copy", ["2m"]))
        steps += folios(kib, sizes)
        steps.append(job(measure, f"mthp-{kib}k", "mthp", "move", ["2m"], order=order))
        whole = f"{kib}k"
        steps.append(job(measure, f"swapcache-{kib}k", "swapcache", "move", [PAGE, whole, "2m"], order=order))
        steps.append(job(measure, f"swapcache-{kib}k-copy", "swapcache", "move_fallback,copy", [whole], order=order))
    return Script(tuple(steps))


def contpte(measure: Measure, *, swap: bool) -> Script:  # noqa: ARG001 - as all sets
    """The scenarios in which blocks of contpte are kept, folded or unfolded (native/paths/contpte.h).

    A folio of one block: a page, half of it, all of it and many at once, and a destination that is a page further.
    Folios of several blocks, and folios smaller than a block. A THP as a whole and block by block, whose page table is
    then made of one entry. Small pages have no blocks.

    Args:
        measure: how much.
        swap: not used: swap entries have no blocks.

    """
    sizes = measure.sizes
    steps: list[str | Job] = [*preamble(), INFO, *folios(0, sizes), canary(measure)]

    def run(name: str, source: str, arms: str, granules: Sequence[str], *, order: int = 0, skew: int = 0) -> None:
        options = {"skew": skew} if skew else {}
        steps.append(job(measure, name, source, arms, granules, order=order, blocks=1, **options))

    run("small", "small", "move,copy", ["2m"])
    near = sizes.near_order
    block = sizes.size << near
    every = size_text(max(CALL, measure.pages * sizes.size))
    for order in dict.fromkeys((FIRST_ORDER, near, sizes.shown_orders[-1])):
        name = f"mthp-{sizes.kib(order)}k"
        steps += folios(sizes.kib(order), sizes)
        granules = [PAGE, size_text(block // 2), size_text(block), every] if order == near else [every]
        run(name, "mthp", "move", granules, order=order)
        run(f"{name}-copy", "mthp", "copy", [every], order=order)
        if order >= near:
            run(f"{name}-skewed", "mthp", "move", [every], order=order, skew=1)
    steps += folios(sizes.thp_kib, sizes)
    run("thp", "thp", "move", [sizes.part, sizes.large(sizes.thp_order)])
    return Script(tuple(steps))


CONTPTE = "contpte"
"""The set for arm64 only."""
SETS = {"paths": paths, "quick": quick, "folios": folios_set, "swapcache": swapcache, CONTPTE: contpte}
"""Scenario sets by name."""
