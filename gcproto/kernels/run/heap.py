"""The heap in a guest: ``gcproto gc window``, heaps of mTHPs and a verified workload, run by this machine's Python.

The guest gets compiled code, because compiling in an emulated machine would take minutes. It is compiled here once for
a processor without extensions, because the guest's processor differs from this machine's. It is copied into the guest's
memory, because numba needs a writable cache.
"""

import os
import sys
from pathlib import Path

import gcproto
from gcproto.errors import GcprotoError
from gcproto.kernels import cache
from gcproto.kernels.guest.host_files import ROOTS
from gcproto.kernels.guest.script import INFO, Job, Measure, Script, canary, folios, preamble
from gcproto.process import tools
from gcproto.results.schema import (
    UNIT_INSTRUCTIONS,
    UNIT_INSTRUCTIONS_OPERATION,
    Measurement,
    PathScenario,
    PolicyScenario,
    WindowScenario,
    WorkloadScenario,
)

HEAP = "heap"
"""Name of the scenario set."""

PROCESSORS = 2
"""Of a guest for the heap, where no other number is asked for."""
WINDOW = ("--size", "16m", "--ways", "copy,move,move-copy,move-group,move-plain")
WORKLOAD = ("--workload", "trees", "--live", "2m", "--heap", "3x", "--modes", "move,copy,auto", "--operations", "4000")
MANY = ("--workload", "trees", "--live", "8m", "--heap", "3x", "--modes", "move,copy,auto", "--operations", "800")
"""The workload where a guest has more processors than that: a mutator for each of them, and compacting threads.

It is for correctness, and runs alone: with 8 processors emulated on two busy ones, the window did not end within 500 s.
"""
FOLIOS = ("policies", "--workloads", "prefix", "--memory", "small,64k", "--policies", "move", "--live", "4m")
ROUNDS_TO_RUNS = 4
"""A window has thousands of pages, so it needs fewer rounds than a path."""

CPU_VARIABLES = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
IN_GUEST = "/run/compiled"


def _variables(folder: str) -> dict[str, str]:
    root = Path(gcproto.__file__).resolve().parent.parent
    return CPU_VARIABLES | {"NUMBA_CACHE_DIR": folder, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}


def _gcproto(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "gcproto.cli.main", "gc", *words)


def compiled() -> Path:
    """The folder with the collector and the workloads compiled for guests; compiles missing parts.

    Raises:
        GcprotoError: it can't be compiled, or the folder can't be written.

    """
    folder = cache.folder("compiled")
    with cache.alone(folder):  # two cells compile only once
        for workload in ("trees", "prefix"):
            _compile(workload, folder)
    return folder


def _compile(workload: str, folder: Path) -> None:
    """Run a workload briefly, with the cache in that folder."""
    words = ("--workload", workload, "--live", "1m", "--modes", "move,copy", "--operations", "2", "--rounds", "1")
    # It ends with this process, which may be a killed worker.
    command = ("setpriv", "--pdeathsig", "KILL", *_gcproto(*words, "--verify", "--json"))
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


def script(measure: Measure, processors: int = PROCESSORS) -> Script:
    """Mount this machine's files, run the window, the heaps and the workload.

    Args:
        measure: its rounds are divided by ``ROUNDS_TO_RUNS``.
        processors: of the guest; with more than PROCESSORS, several threads compact, and the workload runs alone.

    """
    from gcproto.heap.compiled import cache_folder  # imports numba, which other scripts do not need

    runs = str(max(3, measure.rounds // ROUNDS_TO_RUNS))
    variables = _variables(IN_GUEST) | {"TERM": "dumb"}  # no progress bar on the kernel's console
    environment = ("/usr/bin/env", *(f"{name}={value}" for name, value in variables.items()))
    some = threads(processors)
    jobs = [
        ("window", ("window", *WINDOW, *some)),
        ("folios", (*FOLIOS, "--verify")),
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
            Job("make-room", ("/bin/mkdir", IN_GUEST), 20, "host"),
            Job("bring-compiled", ("/bin/cp", "-r", str(compiled() / cache_folder().name), IN_GUEST), 120, "host"),
            *(Job(name, (*environment, *_gcproto(*words, *common)), 600, "host") for name, words in jobs),
        )
    )


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
