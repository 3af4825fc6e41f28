"""The virtual machine: QEMU without KVM, with instruction counting or without.

With ``-icount shift=0,sleep=off`` the guest's clock advances by 1 ns for each instruction, and waiting costs no time.
So a "time" measured in the guest is a count of instructions. It is the same in every boot, to a fraction of a percent,
and on any host. Without it the guest's clock is the wall clock of an emulated machine, which is valid for races and for
factors, not for percentages.
"""

import os
import platform
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import msgspec

from gcproto.errors import GcprotoError
from gcproto.kernels import cache
from gcproto.kernels.architecture import AMD64, Architecture, named
from gcproto.kernels.guest.host_files import shared
from gcproto.kernels.guest.script import Job, Script
from gcproto.process import tools

Imager = Callable[[Script], bytes]
"""Makes the initramfs for a script."""

SETPRIV = {"setpriv": "util-linux"}
TAIL = 60
INIT_SECONDS = 20
"""After a job's limit init kills it, and gives it up after ten seconds more (native/guest/init.c)."""
MOST_SECONDS = 1.0
"""Of the time between two looks at a guest, what counts."""
BEGUN = re.compile(r'\{"guest":\{"begin":"([^"]+)"')
ENDED = re.compile(r'\{"guest":\{"end":"')
STRAY_BREAKPOINT = re.compile(r"\bint3: 0000 \[#1\]")
"""The console of a guest whose processor ran a breakpoint that another one had removed.

The kernel patches its code by breakpoints.  QEMU's emulation of several x86 processors can execute one that is gone:
"qemu-x86_64 booting with 8.0.0 stil see int3" (linux-kernel, July 2023).  QEMU 7.2 did so here once in some thousand
boots.  So it is the emulator's fault, unless it comes again.
"""
MORE_BOOTS = 2
"""After a stray breakpoint.  One that comes in each of them is the kernel's own."""
QUIET_SECONDS = 60.0
"""A guest that ran out of time and was silent for so long hangs."""


class Machine(msgspec.Struct, frozen=True):
    """The machine of a guest.

    Attributes:
        icount: count instructions; the guest has usually one processor then.
        cpus: processors.
        nodes: NUMA nodes, each with its share of processors and memory.
        memory_mib: memory.
        timeout: limit of wall time, in seconds.
        command_line: more words for the kernel's command line.
        files: it can mount this machine's files, read-only (gcproto.kernels.guest.host_files);  root: those below this
            folder.
        architecture: name of a row of gcproto.kernels.architecture.
        cpu: model of its processors; "": the architecture's default.

    """

    icount: bool = True
    cpus: int = 1
    nodes: int = 1
    memory_mib: int = 1024
    timeout: float = 300.0
    command_line: str = ""
    files: bool = False
    root: str = "/"
    architecture: str = AMD64.name
    cpu: str = ""

    @property
    def row(self) -> Architecture:
        """Of its architecture."""
        return named(self.architecture)

    @property
    def model(self) -> str:
        """Of its processors."""
        return self.row.cpu(self.cpu).model

    def command(self, vmlinuz: str, initrd: str, console: str, devices: Sequence[str] = ()) -> list[str]:
        """QEMU's command line; its standard output carries the results."""
        accelerator = (
            ["-accel", "tcg", "-icount", "shift=0,sleep=off"] if self.icount else ["-accel", "tcg,thread=multi"]
        )
        row = self.row
        return [
            row.qemu,
            *row.board,
            *(("-machine", "mte=on") if row.cpu(self.cpu).tags else ()),
            *accelerator,
            *("-cpu", self.model, "-smp", self._processors(), "-m", str(self.memory_mib)),
            *self._numa(),
            *("-display", "none", "-nodefaults", "-no-reboot", "-no-user-config"),
            *("-serial", f"file:{console}", "-chardev", "stdio,id=results,signal=off", *row.results_port),
            *("-kernel", vmlinuz, "-initrd", initrd),
            *("-append", self._kernel_words()),
            *devices,
        ]

    def _kernel_words(self) -> str:
        """The kernel's command line; what the user says comes last."""
        wall_clock = "" if self.icount else self.row.wall_clock
        return " ".join(filter(None, (self.row.command_line, wall_clock, self.command_line)))

    def _processors(self) -> str:
        """Word for QEMU's command line: nodes don't share a socket, of which a kernel warns (topology_sane)."""
        return f"cpus={self.cpus},sockets={self.cpus},cores=1,threads=1" if self.nodes > 1 else str(self.cpus)

    def _numa(self) -> list[str]:
        """Words for QEMU's command line: the firmware's tables then tell the kernel of the nodes."""
        words: list[str] = []
        each, cpus = self.memory_mib // self.nodes, self.cpus // self.nodes
        for node in range(self.nodes if self.nodes > 1 else 0):
            size = each if node else self.memory_mib - each * (self.nodes - 1)
            words += ["-object", f"memory-backend-ram,id=node{node},size={size}M"]
            last = self.cpus - 1 if node == self.nodes - 1 else (node + 1) * cpus - 1
            words += ["-numa", f"node,nodeid={node},cpus={node * cpus}-{last},memdev=node{node}"]
        return words


class Boot(msgspec.Struct):
    """The outcome of a guest.

    Attributes:
        outcome, why: as in gcproto.results.schema.Guest.
        lines: lines from the results' port.
        console: the kernel's, all of it.
        seconds: wall time.
        command: QEMU's command line.
        notes: on guests before this one that were booted for the same work.

    """

    outcome: str
    why: str
    lines: list[str]
    console: list[str]
    seconds: float
    command: list[str]
    notes: list[str] = []


def need(architecture: Architecture = AMD64) -> str:
    """QEMU's version.

    Args:
        architecture: of the guests.

    Raises:
        GcprotoError: QEMU or a helper is missing.

    """
    qemu = architecture.qemu
    packages_of = {qemu: architecture.qemu_package, **SETPRIV}
    missing = [name for name in packages_of if not shutil.which(name)]
    if missing:
        packages = " ".join(packages_of[name] for name in missing)
        raise GcprotoError(
            f"guests can't be booted: {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed",
            remedy=f"apt-get install --no-install-recommends {packages}",
        )
    said = subprocess.run([qemu, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"version (\S+)", said.stdout)
    if said.returncode or not found:
        raise GcprotoError(f"{qemu} does not run", why=said.stderr.strip()[:200], remedy="install it again")
    return found[1]


def host(architecture: Architecture = AMD64) -> dict[str, str]:
    """The machine that guests of an architecture run on, for results."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    return {
        "cpu": model[1] if model else platform.processor(),
        "kernel": platform.release(),
        "qemu": need(architecture),
    }


class Overdue:
    """Sees that a job's time is over and the guest's init has not said so: then no program runs in the guest any more.

    Only time in which this process runs counts. If it was stopped, the guest was too.

    Args:
        jobs: of the guest's script.

    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._limits = {job.name: job.seconds + INIT_SECONDS for job in jobs}
        self._job = ""
        self._left = 0.0
        self._last = time.monotonic()

    def told(self, line: str) -> None:
        """Take note of a line of the guest: a job begins or ends."""
        if begun := BEGUN.match(line):
            self._left = float(self._limits.get(begun[1], 0))
            self._job = begun[1]
        elif ENDED.match(line):
            self._job = ""

    def job(self) -> str:
        """The job that is overdue, or ""; called often."""
        now = time.monotonic()
        self._left -= min(now - self._last, MOST_SECONDS)
        self._last = now
        return self._job if self._job in self._limits and self._left < 0 else ""


def boot(machine: Machine, vmlinuz: str, initrd: bytes, more: Sequence[str] = (), *, jobs: Sequence[Job] = ()) -> Boot:
    """Boot a guest and wait for its end. QEMU never outlives this call or this process.

    A guest of several processors that ends by STRAY_BREAKPOINT is booted again, MORE_BOOTS times at most.

    Args:
        machine: that the guest gets.
        vmlinuz: path of the kernel.
        initrd: its initramfs.
        more: words for QEMU's command line.
        jobs: of its script; a guest in which one of these is overdue is ended, because it hangs.

    Raises:
        GcprotoError: the temporary files can't be written.

    """
    notes: list[str] = []
    while True:
        booted = _boot(machine, vmlinuz, initrd, more, jobs)
        booted.notes = notes
        if len(notes) == MORE_BOOTS or not _stray_breakpoint(machine, booted):
            return booted
        notes.append(f"booted again, as QEMU can run a breakpoint that was removed: {booted.why}")


def _stray_breakpoint(machine: Machine, booted: Boot) -> bool:
    several = machine.cpus > 1 and machine.architecture == AMD64.name
    return several and booted.outcome == "panic" and any(map(STRAY_BREAKPOINT.search, booted.console))


def _boot(machine: Machine, vmlinuz: str, initrd: bytes, more: Sequence[str], jobs: Sequence[Job]) -> Boot:
    with cache.writing("the guest's initramfs"), tempfile.TemporaryDirectory(prefix="gcproto-guest-") as folder:
        image, console = Path(folder) / "initramfs", Path(folder) / "console"
        image.write_bytes(initrd)
        console.touch()
        begun = time.monotonic()
        files: AbstractContextManager[list[str]] = nullcontext([])
        if machine.files:
            files = shared(Path(folder), machine.memory_mib, machine.root)
        with files as devices:
            command = machine.command(vmlinuz, str(image), str(console), [*devices, *more])
            overdue = Overdue(jobs)
            lines, ended, quiet, errors = _watch(command, machine.timeout, console, overdue)
        text = console.read_bytes().decode(errors="replace").replace("\r", "").splitlines()
        seconds = time.monotonic() - begun
    if ended is None and (job := overdue.job()):
        outcome, why = "hang", f"no program ran any more in {job}"
    else:
        outcome, why = _judge(lines, text, ended, quiet, errors, machine.timeout)
    shown = [word.replace(folder + "/", "") for word in command]
    return Boot(outcome, why, lines, text, seconds, shown)


def _watch(
    command: list[str], timeout: float, console: Path, overdue: Overdue
) -> tuple[list[str], int | None, float, str]:
    """Lines of results, exit code (None: ended by this process), seconds since the last output, QEMU's own messages."""
    lines: list[str] = []
    errors: list[str] = []
    last = [time.monotonic()]
    process = subprocess.Popen(
        [*tools.BOUND, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,  # this program handles Ctrl-C
    )
    assert process.stdout
    assert process.stderr

    def read() -> None:
        assert process.stdout
        for line in process.stdout:
            lines.append(line.rstrip("\r\n"))
            overdue.told(lines[-1])
            last[0] = time.monotonic()

    threads = [threading.Thread(target=read), threading.Thread(target=lambda: errors.extend(process.stderr or ()))]
    for thread in threads:
        thread.start()
    deadline, size = time.monotonic() + timeout, -1
    try:
        while process.poll() is None and time.monotonic() < deadline and not overdue.job():
            time.sleep(0.05)
            now = console.stat().st_size
            if now != size:
                size, last[0] = now, time.monotonic()
        ended = process.poll()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for thread in threads:
            thread.join()
        process.stdout.close()
        process.stderr.close()
    return lines, ended, time.monotonic() - last[0], "".join(errors).strip()


def _judge(
    lines: list[str], console: list[str], ended: int | None, quiet: float, errors: str, timeout: float
) -> tuple[str, str]:
    """Outcome and reason."""
    if any(line.startswith('{"guest":{"done"') for line in lines):
        return "done", ""
    panic = [line for line in console if "Kernel panic" in line]
    if panic:
        cause = next((line for line in console if re.search(r"BUG|Oops|general protection|kernel BUG", line)), "")
        return "panic", "; ".join(_plain(line) for line in (cause, panic[0]) if line)
    if ended is None:
        if not lines and not console:
            return "unbootable", f"no sign of life within {timeout:g} s"
        if quiet > min(QUIET_SECONDS, timeout / 3):
            return "hang", f"there was no output for {quiet:.0f} s until it was ended after {timeout:g} s"
        return "timeout", f"not done after {timeout:g} s"
    if not lines and not console:
        return "unbootable", errors or f"QEMU ended at once with exit code {ended}"
    return "died", errors or f"QEMU ended with exit code {ended} before the guest was done"


def _plain(line: str) -> str:
    """A line of the console without its time."""
    return re.sub(r"^\[[^]]*\]\s*", "", line)
