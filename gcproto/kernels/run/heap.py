"""The heap in a guest: ``gcproto gc window``, heaps of mTHPs and a verified workload, run by this machine's Python.

The guest gets compiled code, because compiling in an emulated machine would take minutes. It is compiled here once for
a processor without extensions, because the guest's processor differs from this machine's. It is copied into the guest's
memory, because numba needs a writable cache.

A guest of another architecture has a root file system of its own (gcproto.kernels.guest.root), with compiled code for
its page size.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import gcproto
from gcproto.errors import GcprotoError
from gcproto.kernels import cache
from gcproto.kernels.architecture import AMD64, Architecture
from gcproto.kernels.guest import root as roots
from gcproto.kernels.guest.host_files import ROOTS
from gcproto.kernels.guest.script import HOST, INFO, Job, Measure, Script, canary, folios, preamble
from gcproto.process import tools
from gcproto.results.schema import (
    UNIT_INSTRUCTIONS,
    UNIT_INSTRUCTIONS_OPERATION,
    Measurement,
    PathScenario,
    PolicyScenario,
    Skip,
    WindowScenario,
    WorkloadScenario,
)

HEAP = "heap"
"""Name of the scenario set."""

PROCESSORS = 2
"""Of a guest for the heap, where no other number is asked for."""
WINDOW = ("--size", "16m", "--ways", "copy,move,move-copy,move-group,move-plain")
COMPILED_WORKLOADS = ("trees", "prefix")
WORKLOAD = ("--workload", "trees", "--live", "2m", "--heap", "3x", "--modes", "move,copy,auto", "--operations", "4000")
MANY = ("--workload", "trees", "--live", "8m", "--heap", "3x", "--modes", "move,copy,auto", "--operations", "800")
"""The workload where a guest has more processors than that: a mutator for each of them, and compacting threads.

It is for correctness, and runs alone: with 8 processors emulated on two busy ones, the window did not end within 500 s.
"""
FOLIOS = ("policies", "--workloads", "prefix", "--memory", "small,64k", "--policies", "move", "--live", "4m")
CACHED_WORKLOADS = ("arrays",)
CACHED = (
    *("policies", "--workloads", *CACHED_WORKLOADS, "--memory", "64k", "--policies", "move", "--live", "4m"),
    *("--swapped", "50", "--device", "loop", "--ebusy", "copy,touch"),
)
"""Half of the heap's mTHPs are in the swap cache when it is evacuated; for kernels with loop devices built in."""
ROUNDS_TO_RUNS = 4
"""A window has thousands of pages, so it needs fewer rounds than a path."""

CPU_VARIABLES = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
IN_GUEST = "/run/compiled"
JOB_SECONDS = 600


def _variables(folder: str) -> dict[str, str]:
    root = Path(gcproto.__file__).resolve().parent.parent
    return CPU_VARIABLES | {"NUMBA_CACHE_DIR": folder, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}


def _gcproto(python: str, *words: str) -> tuple[str, ...]:
    return (python, "-m", "gcproto.cli.main", "gc", *words)


def root_of(architecture: Architecture) -> roots.Root | None:
    """The root file system of guests; None if they run this machine's Python.

    Args:
        architecture: of the guests.

    Raises:
        GcprotoError: it can't be made.

    """
    return roots.installed(architecture) if architecture.cross else None


def compiled(workloads: Sequence[str] = COMPILED_WORKLOADS) -> Path:
    """The folder with the collector and the workloads compiled for guests; compiles missing parts.

    Args:
        workloads: their names.

    Raises:
        GcprotoError: it can't be compiled, or the folder can't be written.

    """
    folder = cache.folder("compiled")
    with cache.alone(folder):  # two cells compile only once
        for workload in workloads:
            _compile(workload, folder)
    return folder


def _compile(workload: str, folder: Path) -> None:
    """Run a workload briefly, with the cache in that folder."""
    words = ("--workload", workload, "--live", "1m", "--modes", "move,copy", "--operations", "2", "--rounds", "1")
    # It ends with this process, which may be a killed worker.
    command = (*tools.BOUND, *_gcproto(sys.executable, *words, "--verify", "--json"))
    done = tools.run((*command, "--out", str(folder / "results")), environment=os.environ | _variables(str(folder)))
    if done.code:
        raise GcprotoError(
            "the heap can't be compiled for guests",
            why=done.err.strip()[-300:],
            remedy="make `gcproto gc` work on this machine first",
        )


def threads(processors: int) -> tuple[str, ...]:
    """The options for a guest's mutators: one for each processor.

    Processors of a guest take turns, so a placement has no meaning.
    """
    return ("--mutators", str(processors), "--placement", "unplaced")


def _brought(
    root: roots.Root | None, architecture: Architecture, page_size: int, workloads: tuple[str, ...]
) -> tuple[str, str, dict[str, str]]:
    """The folder of compiled code that a guest copies, its Python, and its variables."""
    if root is None:
        from gcproto.heap.compiled import cache_folder  # imports numba, which other scripts do not need

        return str(compiled(workloads) / cache_folder().name), sys.executable, _variables(IN_GUEST)
    folder = roots.compiled(root, architecture, page_size, workloads)
    inside = "/" + str(folder.relative_to(root.folder))
    return inside, root.python, _variables(IN_GUEST) | {"PYTHONPATH": root.path}


def script(
    measure: Measure,
    processors: int = PROCESSORS,
    root: roots.Root | None = None,
    architecture: Architecture = AMD64,
    *,
    loop: bool = False,
) -> Script:
    """Mount this machine's files, run the window, the heaps and the workload.

    Args:
        measure: its rounds are divided by ``ROUNDS_TO_RUNS``.
        processors: of the guest; with more than PROCESSORS, several threads compact, and the workload runs alone.
        root: the root file system of the guest; None: this machine's files.
        architecture: of the guest.
        loop: its kernel has loop devices built in, for swap that keeps folios in the swap cache.

    """
    cached = not left_out(processors, loop=loop)
    workloads = COMPILED_WORKLOADS + (CACHED_WORKLOADS if cached else ())
    folder, python, found = _brought(root, architecture, measure.sizes.size, workloads)
    runs = str(max(3, measure.rounds // ROUNDS_TO_RUNS))
    variables = found | {"TERM": "dumb"}  # no progress bar on the kernel's console
    environment = ("/usr/bin/env", *(f"{name}={value}" for name, value in variables.items()))
    some = threads(processors)
    jobs = [
        ("window", ("window", *WINDOW, *some)),
        ("folios", (*FOLIOS, "--verify")),
        *([("cached", (*CACHED, "--verify"))] if cached else []),
        ("workload", (*WORKLOAD, *some, "--verify")),
    ]
    if processors > PROCESSORS:
        jobs = [("workload", (*MANY, *some, "--compactors", "1,4", "--verify"))]
    common = ("--rounds", runs, "--seed", str(measure.seed), "--json", "--out", "/run/results")
    return Script(
        (
            *preamble(),
            *folios(0),
            INFO,
            canary(measure),
            *ROOTS,
            Job("make-room", ("/bin/mkdir", IN_GUEST), 20, HOST),
            Job("bring-compiled", ("/bin/cp", "-r", folder, IN_GUEST), JOB_SECONDS, HOST),
            *(Job(name, (*environment, *_gcproto(python, *words, *common)), JOB_SECONDS, HOST) for name, words in jobs),
        )
    )


def left_out(processors: int, *, loop: bool) -> list[Skip]:
    """Heaps that the script of a guest does not have, with the reason.

    Args:
        processors: of the guest.
        loop: its kernel has loop devices built in.

    """
    if processors > PROCESSORS:
        why = f"a guest with more than {PROCESSORS} processors runs the workload alone"
        return [Skip("window, folios, and folios in the swap cache", why, "ask for them without --cpus")]
    if not loop:
        why = "they need swap on a loop device, which this kernel has not built in"
        return [Skip("heaps with folios in the swap cache", why, "a kernel of `gcproto kernels build` has it")]
    return []


def counted(measurements: list[Measurement]) -> list[Measurement]:
    """Measurements of a guest whose clock counts instructions, with the right unit."""
    for one in measurements:
        match one.scenario:
            case WorkloadScenario():
                one.unit = UNIT_INSTRUCTIONS_OPERATION
            case PathScenario() | PolicyScenario() | WindowScenario():
                one.unit = UNIT_INSTRUCTIONS
        one.notes.append("counted in instructions, each shown as 1 ns, also in figures, latencies, phases and pauses")
    return measurements
