"""The work in a JVM: which collectors it has, the program compiled, one run with the CPU times of all its threads."""

import os
import re
import select
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.jvm.document import Asked, Full, Run, Subject
from benchmarks.jvm.log import OPTION, Log, parse
from gcproto.errors import ExitCode, GcprotoError
from gcproto.process.tools import run as run_tool
from gcproto.process.tools import running
from gcproto.results.schema import Skip

SOURCE = Path(__file__).with_name("Trees.java")
INSTALL = "sudo apt-get install default-jdk-headless"
UNLOCK = "-XX:+UnlockExperimentalVMOptions"
SUBJECTS = (
    Subject("Serial", "hotspot", "-XX:+UseSerialGC"),
    Subject("G1", "hotspot", "-XX:+UseG1GC"),
    Subject("ZGC", "hotspot", "-XX:+UseZGC"),
    Subject("Shenandoah", "hotspot", "-XX:+UseShenandoahGC"),
    Subject("Epsilon", "hotspot", "-XX:+UseEpsilonGC", collects=False),
)
COLLECTOR = re.compile(r"VM Thread|GC Thread#|G1 |ZDirector|ZDriver|ZStat|ZUn|ZWorker|RuntimeWorker#|Shenandoah ")
"""Names of threads as the kernel has them, 15 characters.  Serial collects on the VM thread; all pauses begin there."""
COMPILER = re.compile(r"C[12] Compiler|Sweeper thread")
TIMEOUT_SECONDS = 120
LOST_SHARE, LOST_NS = 0.02, 20_000_000
"""Of a process's CPU time, what its threads may lack: a thread that ends between two marks takes its share along."""


def need_java() -> None:
    """See that there is a JDK.

    Raises:
        GcprotoError: there is none; nothing can be compared.

    """
    missing = [name for name in ("java", "javac") if shutil.which(name) is None]
    if missing:
        raise GcprotoError(
            "the comparison with HotSpot is skipped",
            why=f"there is no {' and no '.join(missing)} in PATH",
            remedy=INSTALL,
            code=ExitCode.UNABLE,
        )


def version() -> str:
    """What ``java -version`` says, in one line."""
    done = run_tool(["java", "-version"])
    return "; ".join(line.strip() for line in done.err.splitlines())


def available() -> tuple[list[Subject], list[Skip]]:
    """Collectors that this JVM has, and those that it has not: each is asked for by its option."""
    found, skips = [], []
    for subject in SUBJECTS:
        done = run_tool(["java", UNLOCK, subject.chosen, "-version"])
        if done.code == 0:
            found.append(subject)
        else:
            why = (done.err or done.out).strip().splitlines()
            skips.append(
                Skip(subject.name, f"java {subject.chosen}: {why[0] if why else done.code}", "another build of OpenJDK")
            )
    return found, skips


def compile_program(folder: Path) -> None:
    """Compile Trees.java into a folder.

    Raises:
        GcprotoError: javac refuses.

    """
    done = run_tool(["javac", "-Xlint:all", "-Werror", "-d", str(folder), str(SOURCE)])
    if done.code:
        raise GcprotoError(f"{SOURCE.name} can't be compiled", why=(done.err or done.out)[-500:], remedy=INSTALL)


@dataclass(frozen=True)
class Times:
    """CPU times so far, ns, of a process and of each of its threads by its number, and when the program said where."""

    at_ns: int
    process: int
    threads: dict[int, tuple[str, int]]


def times_of(pid: int, at_ns: int) -> Times:
    """Read them.

    Args:
        pid: of the process.
        at_ns: of the mark.

    Raises:
        GcprotoError: the kernel keeps none (CONFIG_SCHED_INFO).

    """
    threads = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            name = (task / "comm").read_text().rstrip("\n")
            threads[int(task.name)] = (name, int((task / "schedstat").read_text().split()[0]))
        except FileNotFoundError as error:
            if (task / "comm").exists():
                raise GcprotoError("threads' CPU times can't be read", why="/proc has no schedstat") from error
        except ProcessLookupError:
            continue  # it has just ended
    # The clock of another process (man 3 clock_getcpuclockid): its number, inverted, and CPUCLOCK_SCHED.
    return Times(at_ns, time.clock_gettime_ns((~pid << 3) | 2), threads)


@dataclass
class Spent:
    """CPU time between two marks, ns, by what the threads are there for."""

    mutator: int = 0
    collector: int = 0
    compiler: int = 0
    other: int = 0
    lost: int = 0


def spent(before: Times, after: Times, mutator: int) -> Spent:
    """CPU time between two marks.

    Args:
        before: the first mark.
        after: the second.
        mutator: number of its thread.

    """
    found = Spent()
    for number, (name, ns) in after.threads.items():
        took = ns - before.threads.get(number, ("", 0))[1]
        if number == mutator:
            found.mutator += took
        elif COLLECTOR.match(name):
            found.collector += took
        elif COMPILER.match(name):
            found.compiler += took
        else:
            found.other += took
    known = found.mutator + found.collector + found.compiler + found.other
    found.lost = after.process - before.process - known
    return found


@dataclass
class Told:
    """What the program told.

    Attributes:
        thread: number of the mutator's.
        marks: name and times of each mark, in order.
        operations, objects, digest: in the end of the measured time.
        held: bytes in use after each full collection.
        wrong: objects;  -1: it did not get to the end.

    """

    thread: int = 0
    marks: list[tuple[str, Times]] = field(default_factory=list)
    operations: int = 0
    objects: int = 0
    digest: int = 0
    held: list[int] = field(default_factory=list)
    wrong: int = -1

    def line(self, words: Sequence[str], pid: int) -> bool:
        """Take a line; returns whether it waits for an answer.

        Raises:
            GcprotoError: the program does not say such a thing.

        """
        match words:
            case ["thread", number]:
                self.thread = int(number)
            case ["at", name, ns]:
                self.marks.append((name, times_of(pid, int(ns))))
                return True
            case ["work", operations, objects, digest]:
                self.operations, self.objects = int(operations), int(objects)
                self.digest = int(digest) & (1 << 64) - 1
            case ["used", held]:
                self.held.append(int(held))
            case ["wrong", wrong]:
                self.wrong = int(wrong)
            case _:
                raise GcprotoError(f"Trees.java said what is not expected: {' '.join(words)[:200]!r}")
        return False


def command(subject: Subject, asked: Asked, heap_bytes: int, seed: int, classes: Path, log: Path) -> list[str]:
    """The command line of a run."""
    numbers = (
        asked.live_bytes,
        asked.operations,
        asked.mutation,
        asked.fragmentation,
        seed,
        asked.warmup,
        asked.fulls if subject.collects else 0,
        asked.between,
    )
    heap = f"{heap_bytes >> 20}m"
    options = [UNLOCK, subject.chosen, f"-Xms{heap}", f"-Xmx{heap}", OPTION.format(log)]
    return ["java", *options, "-cp", str(classes), "Trees", *map(str, numbers)]


def run(subject: Subject, asked: Asked, heap_bytes: int, seed: int, number: int, folder: Path) -> Run:
    """One run.

    Args:
        subject: which collector.
        asked: the work.
        heap_bytes: of the JVM's heap.
        seed: of the mutator.
        number: of the round.
        folder: with the compiled program; the log is written there.

    Raises:
        GcprotoError: log or program said something unknown.

    """
    log = folder / f"{subject.name}.log"
    log.unlink(missing_ok=True)
    told = Told()
    words = command(subject, asked, heap_bytes, seed, folder, log)
    with running(words, stdin=True) as process:
        failure = _listen(process, told)
    found = Run(subject.name, number, objects=told.objects, digest=told.digest)
    found.invalid = failure or (f"{told.wrong} wrong objects" if told.wrong else "")
    if not found.invalid:
        _fill(found, asked, told, parse(log.read_text(encoding="utf-8")))
    return found


def _listen(process: "subprocess.Popen[bytes]", told: Told) -> str:
    """Take what a JVM says, and answer, until it ends.  Returns why its run is void, "" if it is not."""
    assert process.stdout
    assert process.stdin
    assert process.stderr
    deadline = time.monotonic() + TIMEOUT_SECONDS
    rest = b""
    while True:
        ready, _, _ = select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            process.kill()
            process.wait()
            return f"it was killed after {TIMEOUT_SECONDS} s"
        data = os.read(process.stdout.fileno(), 65536)
        if not data:
            break
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"["):
                continue  # a warning of the JVM
            if told.line(line.decode().split(), process.pid):
                process.stdin.write(b"\n")
                process.stdin.flush()
    said = process.stderr.read().decode(errors="replace").strip()
    code = process.wait()
    return f"java ended with {code}: {said[-300:]}" if code else ""


def _fill(ret: Run, asked: Asked, told: Told, log: Log) -> None:
    """Times and pauses of a run that went well."""
    (begin, before), (end, after), *fulls = told.marks
    if (begin, end) != ("begin", "end") or len(fulls) != 2 * len(told.held):
        raise GcprotoError("Trees.java has other marks than expected", why=", ".join(name for name, _ in told.marks))
    took = spent(before, after, told.thread)
    total = after.process - before.process
    if told.operations != asked.operations:
        ret.invalid = f"{told.operations} operations instead of {asked.operations}"
    elif abs(took.lost) > LOST_NS + LOST_SHARE * total:
        ret.invalid = f"{took.lost / 1e6:.0f} of {total / 1e6:.0f} ms of CPU time belong to no thread that is known"
    ret.wall_ns = after.at_ns - before.at_ns
    ret.mutator_cpu_ns, ret.collector_cpu_ns = took.mutator, took.collector
    ret.compiler_cpu_ns, ret.other_cpu_ns = took.compiler, took.other
    ret.pauses = [one.pause for one in log.between(before.at_ns, after.at_ns)]
    ret.stalls_ns = [one.length_ns for one in log.stalls_between(before.at_ns, after.at_ns)]
    ret.collections = log.collections_between(before.at_ns, after.at_ns)
    for (_, start), (_, stop) in zip(fulls[::2], fulls[1::2], strict=True):
        pauses = [one.pause for one in log.between(start.at_ns, stop.at_ns)]
        ret.fulls.append(Full(pauses, spent(start, stop, told.thread).collector, asked.live_objects))
        if not pauses:
            ret.invalid = "a full collection that was asked for has no pause in the log"
    ret.held_bytes = told.held[-1] if told.held else 0
