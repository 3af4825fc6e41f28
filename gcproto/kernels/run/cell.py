"""A cell of the matrix: one kernel, one scenario set, one boot.  An independent job that runs on any machine.

It names its kernel so that another machine can fetch it. It needs nothing from the process that made it.
"""

import datetime
import uuid
from pathlib import Path

import msgspec

from gcproto import __version__
from gcproto.errors import GcprotoError
from gcproto.kernels.get.catalog import Kernel
from gcproto.kernels.get.fetch import LocalKernel, fetch
from gcproto.kernels.guest import asked, configuration, programs
from gcproto.kernels.guest import machine as vm
from gcproto.kernels.guest.asked import ASKED, Asked
from gcproto.kernels.guest.image import initramfs
from gcproto.kernels.guest.root import Root
from gcproto.kernels.guest.script import SETS, Measure, Script
from gcproto.kernels.guest.sizes import Sizes
from gcproto.kernels.guest.transcript import Transcript, read, unfinished
from gcproto.kernels.profile.watch import watching
from gcproto.kernels.run import check, heap, repeat, stress
from gcproto.results.schema import (
    UNIT_INSTRUCTIONS,
    UNIT_TIME,
    Cache,
    Guest,
    KernelCell,
    PolicyExperiment,
    Producer,
    Result,
    Skip,
    WindowExperiment,
    WorkloadExperiment,
)
from gcproto.results.statistics import summarise
from gcproto.vias import VIAS

CHECK = "check"
"""The scenario set that gives verdicts instead of measurements."""

STRESS = stress.STRESS
"""The scenario set that moves pages under all possible disturbances."""

TAIL = 12
LONG_TAIL = 120
"""Lines of the console that are kept after success, and after a failure."""

SHOWN = 200
"""Limit of characters of an unknown line."""


class Cell(msgspec.Struct, frozen=True):
    """The parameters of a cell.

    Attributes:
        kernel: of the archive, or on this machine.
        scenarios: name of a scenario set (gcproto.kernels.guest.script.SETS), heap.HEAP, or CHECK.
        machine: the machine that the guest gets.
        boot: number of this boot of the kernel in the run, from 1 on.
        rounds, pages, seed: see gcproto.kernels.guest.script.Measure.
        programs: folder with the guest's programs, as built when the run began; another machine builds its own.
        command: the command line that asked for it.
        seconds: of STRESS, by the guest's clock;  alone: only the random sequences.
        hazards: of CHECK, only these; empty: all, and the contract.
        repeats: of CHECK, fresh guests in which a grave verdict that no known bug explains is retried.
        profile: also count instructions by function (gcproto.kernels.profile).
        caches: of the model whose misses the profile counts; empty: no model.
        asked: of ASKED, the scenarios;  touch: a second thread touches memory on another processor.

    """

    kernel: Kernel | LocalKernel
    scenarios: str
    machine: vm.Machine
    boot: int = 1
    rounds: int = 21
    pages: int = 512
    seed: int = 1
    programs: str = ""
    command: tuple[str, ...] = ()
    hazards: tuple[str, ...] = ()
    repeats: int = 0
    seconds: int = 0
    alone: bool = False
    profile: bool = False
    caches: tuple[Cache, ...] = ()
    asked: tuple[Asked, ...] = ()
    touch: bool = False

    @property
    def release(self) -> str:
        """Of the kernel."""
        return self.kernel.release

    @property
    def page_size(self) -> int:
        """Of the kernel, in bytes."""
        return self.kernel.page_size

    @property
    def key(self) -> str:
        """Unique in a run."""
        return f"{self.release} {self.scenarios} {self.boot}"


def local(kernel: Kernel | LocalKernel) -> LocalKernel:
    """The kernel on this machine, fetched if it is missing."""
    return kernel if isinstance(kernel, LocalKernel) else fetch(kernel)


def run_cell(cell: Cell) -> Result:
    """Boot the kernel and bring the results back.

    Returns:
        The result; a guest that panics, hangs or can't be booted is one too: ``guest.outcome`` says so.

    """
    started = datetime.datetime.now(datetime.UTC)
    name = inputs = ""
    unit = UNIT_INSTRUCTIONS if cell.machine.icount else UNIT_TIME
    try:
        kernel = local(cell.kernel)
        name, inputs = kernel.configuration, kernel.inputs
        cell.machine.row.see_that_it_translates(cell.machine.cpu, kernel.page_size)
        cell.machine.row.see_that_it_has_tags(cell.machine.cpu, name)
        where = vm.host(cell.machine.row)
        cell.machine.row.see_that_tags_are_kept(name, where["qemu"])
        built = _programs(cell)
        if cell.scenarios == CHECK:

            def image(script: Script) -> bytes:
                return initramfs(kernel, built, script)

            booted, found, verdicts = check.run(cell.machine, kernel, image, cell.hazards)
            if cell.repeats:
                again = repeat.FreshGuest(cell.machine, kernel, image)
                verdicts = repeat.confirm(verdicts, cell.release, again, cell.repeats)
            skips = found.skips
        elif cell.scenarios == STRESS:
            # Odd seeds swap to zram, which empties the swap cache at once. Even ones swap to a device that does not.
            loop = cell.seed % 2 == 0
            script = stress.script(cell.seconds, cell.seed, swap=kernel.swap, loop=loop, alone=cell.alone)
            booted, found, verdicts = check.follow(
                cell.machine, kernel, script, lambda script: initramfs(kernel, built, script)
            )
            skips = found.skips
        else:
            root = heap.root_of(cell.machine.row) if cell.scenarios == heap.HEAP else None
            script = _script(
                cell,
                Measure(cell.rounds, 2, cell.pages, unit, cell.seed, Sizes(kernel.page_size)),
                root,
                kernel,
            )
            guest = msgspec.structs.replace(cell.machine, root=str(root.folder)) if root else cell.machine
            with watching(kernel, built, wanted=cell.profile, caches=cell.caches) as watch:
                booted = vm.boot(guest, kernel.vmlinuz, initramfs(kernel, built, script), watch.devices)
                found = read(booted.lines)
                watch.end(found)
            found.notes += booted.notes
            _take_in(found, cell.machine)
            why = f"{booted.outcome}: {booted.why}" if booted.why else ""
            verdicts, skips = found.verdicts, [*found.skips, *unfinished(script, found, why), *watch.skips]
        if cell.scenarios == heap.HEAP:
            skips += heap.left_out(cell.machine.cpus, loop="loop" in kernel.builtin)
        elif not kernel.swap:
            skips.append(_no_modules(cell.kernel))
        skips += [Skip("a result of the guest", f"not understood: {line[:SHOWN]}") for line in found.unread]
    except (GcprotoError, OSError) as error:
        why = str(error)
        booted = vm.Boot("unbootable", why, [], [], 0.0, [])
        found, verdicts, skips = Transcript(), [], [Skip(f"kernel {cell.release}", why)]
        where = {}
    summarise(found.measurements)
    return Result(
        run_id=uuid.uuid4().hex[:12],
        experiment=_experiment(cell, found),
        producer=_producer(cell, started, booted, found),
        environment=environment_of(cell, found),
        measurements=found.measurements,
        skips=skips,
        noise=None,
        guest=Guest(
            booted.outcome,
            booted.why,
            cell.boot,
            cell.machine.icount,
            round(booted.seconds, 3),
            booted.command,
            booted.console[-(TAIL if booted.outcome == "done" else LONG_TAIL) :],
            where,
            configuration.seen(found.files, name),
            inputs,
        ),
        verdicts=verdicts,
    )


def _script(cell: Cell, measure: Measure, root: Root | None, kernel: LocalKernel) -> Script:
    return Script((*_measuring(cell, measure, root, kernel).steps, *configuration.closing()))


def _measuring(cell: Cell, measure: Measure, root: Root | None, kernel: LocalKernel) -> Script:
    if cell.scenarios == heap.HEAP:
        return heap.script(measure, cell.machine.cpus, root, cell.machine.row, loop="loop" in kernel.builtin)
    if cell.scenarios == ASKED:
        return asked.script(measure, cell.asked, swap=kernel.swap, touch=cell.touch)
    return SETS[cell.scenarios](measure, swap=kernel.swap)


def _take_in(found: Transcript, machine: vm.Machine) -> None:
    """Measurements of other producers in the guest become part of its result."""
    for result in found.results:
        found.measurements += heap.counted(result.measurements) if machine.icount else result.measurements
        found.skips += result.skips


def _programs(cell: Cell) -> Path:
    folder = Path(cell.programs)
    return folder if cell.programs and folder.is_dir() else programs.build(cell.machine.row)


def _no_modules(kernel: Kernel | LocalKernel) -> Skip:
    if isinstance(kernel, Kernel) and not kernel.has_modules:
        return Skip("swapped pages", "Debian's archive has no modules (zram) for it", "build a kernel with zram in it")
    return Skip("swapped pages", "no zram module was found", "give the folder of its modules: --modules")


def _experiment(cell: Cell, found: Transcript) -> KernelCell:
    inner = [result.experiment for result in found.results]
    return KernelCell(
        set=cell.scenarios,
        rounds=cell.rounds,
        pages=cell.pages,
        icount=cell.machine.icount,
        cpus=cell.machine.cpus,
        memory_mib=cell.machine.memory_mib,
        cpu=cell.machine.model,
        parts=[one for one in inner if isinstance(one, WorkloadExperiment | PolicyExperiment | WindowExperiment)],
    )


def _producer(cell: Cell, started: datetime.datetime, booted: vm.Boot, found: Transcript) -> Producer:
    return Producer(
        version=__version__,
        command=list(cell.command),
        seed=cell.seed,
        started=started.isoformat(timespec="seconds"),
        seconds=round(booted.seconds, 3),
        benchmark=str(found.info.get("benchmark", "unknown")),
        complete=booted.outcome == "done"
        and not found.unread
        and all(result.producer.complete for result in found.results),
    )


def environment_of(cell: Cell, found: Transcript) -> dict[str, object]:
    """The guest's environment, in the form of other producers."""
    info = found.info
    uffd = info.get("uffd", {})
    memory = dict(line.split(":", 1) for line in found.files.get("/proc/meminfo", "").splitlines() if ":" in line)
    return {
        "kernel": {
            "release": info.get("kernel", {}).get("release", cell.release),
            "version": found.files.get("/proc/version", "unknown").strip(),
            "cmdline": found.files.get("/proc/cmdline", "unknown").strip(),
        },
        "page_size": info.get("page_size", cell.page_size),
        "pmd_size": info.get("pmd_size"),
        "arch": info.get("kernel", {}).get("machine", cell.machine.row.machine),
        "cpu": {"model": f"QEMU TCG -cpu {cell.machine.model}", "count": info.get("cpus"), "allowed": info.get("cpus")},
        "memory": {"total_kib": int(memory["MemTotal"].split()[0]) if "MemTotal" in memory else None},
        "thp": {
            "enabled": "madvise",
            "anon_orders": info.get("anon_orders"),
        },
        "uffd": {
            "via": VIAS.get(uffd.get("via"), "unknown"),
            "features": hex(uffd["features"]) if "features" in uffd else "unknown",
            "range_ioctls": hex(uffd["range_ioctls"]) if "range_ioctls" in uffd else "unknown",
            "move_errno": uffd.get("move_errno"),
        },
        "build": {"hash": {"paths": info.get("benchmark", "unknown")}, "compiler": info.get("compiler", "unknown")},
        "jobs": {name: {"how": end.how, "code": end.code, "ns": end.ns} for name, end in found.ended.items()},
        "notes": found.notes + [f"not understood: {line[:SHOWN]}" for line in found.garbled],
    }
