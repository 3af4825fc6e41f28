"""The kernel's own tests of memory (tools/testing/selftests/mm) in guests: ``python -m benchmarks.vmtests KERNEL...``.

The list of tests is that of ``run_vmtests.sh``, by category. The programs are compiled here from the source of the
branch, with ``--patch`` for tests of a series. Each test has a limit of time of its own, because emulation is slow.
Kernels are named as in ``gcproto kernels run``; configuration ``selftests`` has what the tests need:

    gcproto kernels build --config selftests --name stock-st
    gcproto kernels build --config selftests --patch native/kernel/series --name series-st
    python -m benchmarks.vmtests stock-st series-st --patch native/kernel/series --out results/vmtests

Packages: liburing-dev libnuma-dev libcap-dev. Tests of files on XFS are omitted, as ``run_vmtests.sh`` does without it.
The exit code is 1 if a test ends worse on a later kernel than on the first.
"""

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from gcproto.errors import GcprotoError
from gcproto.kernels import cache
from gcproto.kernels.build import built, patches, source
from gcproto.kernels.get.fetch import LocalKernel, fetch
from gcproto.kernels.guest import machine as vm
from gcproto.kernels.guest import programs
from gcproto.kernels.guest.console import WARNINGS, splats
from gcproto.kernels.guest.host_files import ROOTS
from gcproto.kernels.guest.image import initramfs
from gcproto.kernels.guest.script import Job, Script
from gcproto.sizes import MIB

MEMORY = "tools/testing/selftests/mm"
CATEGORIES = ("userfaultfd", "cow", "ksm", "thp", "mremap", "soft_dirty")
LINE = re.compile(r'^\s*CATEGORY="(?P<category>\w+)" run_test (?:bash )?(?P<words>\S.*)$')
XFS = "${SPLIT_HUGE_PAGE_TEST_XFS_PATH}"
STRESS = "${uffd_stress_bin}"
SWAP_BYTES = 256 * MIB
MEMORY_MIB = 2048
BOOT_SECONDS = 120
SKIP = 4
"""Exit code of a test that was skipped."""
PART = re.compile(r"(?P<ok>ok|not ok) \d+ (?P<name>.*)")
"""What a test says of its parts, as TAP."""
BAD = ("fail", "time limit", "signal", "never run")
PREPARE = """#!/bin/sh
# Made by benchmarks/vmtests.py: what the tests need in a guest that mounts this machine's files.
mount -t debugfs debugfs /sys/kernel/debug
mount -t tracefs tracefs /sys/kernel/tracing
mount -t tmpfs tmpfs /tmp
cp "$(dirname "$0")"/* /tmp/
mount -t tmpfs tmpfs /dev/shm 2>/dev/null || { mkdir -p /dev/shm; mount -t tmpfs tmpfs /dev/shm; }
mount -t cgroup2 cgroup2 /sys/fs/cgroup
echo 1 > /proc/sys/vm/unprivileged_userfaultfd
exit 0
"""
ONE = """#!/bin/sh
# Made by benchmarks/vmtests.py: one test, with its messages among its results.
cd /tmp || exit 99
exec "$@" 2>&1
"""


class KernelTest(msgspec.Struct, frozen=True):
    """A line of ``run_vmtests.sh``."""

    category: str
    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """As people write it."""
        return " ".join(self.words).removeprefix("./")

    @property
    def program(self) -> str:
        """Its file."""
        return self.words[0].removeprefix("./")


class Ended(msgspec.Struct, frozen=True):
    """How a test ended.

    Attributes:
        word: ``pass``, ``skip`` or one of BAD.
        parts: how each of its parts ended, by name; a test that says nothing of parts has none.
        lines: what it printed.
        seconds: of the guest's clock.

    """

    word: str
    parts: dict[str, str] = {}
    lines: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """Word and number of parts."""
        counts = Counter(self.parts.values())
        said = ", ".join(f"{counts[one]} {one}" for one in ("ok", "skip", "xfail", "not ok") if counts[one])
        return f"{self.word} ({said})" if said else self.word


def listed(text: str, categories: Sequence[str]) -> list[KernelTest]:
    """The tests of these categories in the text of ``run_vmtests.sh``, in its order, without those that need XFS."""
    found = []
    for line in text.splitlines():
        match = LINE.match(line)
        if not match or match["category"] not in categories:
            continue
        words = match["words"].replace(STRESS, "./uffd-stress").split()
        if "all:file" in words:
            continue
        found.append(KernelTest(match["category"], tuple(word for word in words if word != XFS)))
    return found


def given(commands: Sequence[str]) -> list[KernelTest]:
    """Tests that are not of the list, from their command lines."""
    return [KernelTest("given", (f"./{words[0]}", *words[1:])) for words in map(str.split, commands)]


def compiled(origin: source.Origin, changes: Sequence[patches.Patch], tests: Sequence[KernelTest]) -> Path:
    """A folder with the programs of tests, compiled now unless it is in the cache."""
    top = Path(origin.folder)
    names = sorted({one.program for one in tests})
    key = "\0".join((origin.identity, *names, *(one.sha256 for one in changes), ONE, PREPARE))
    target = cache.folder("vmtests") / hashlib.sha256(key.encode()).hexdigest()[:16]
    if target.exists():
        return target
    with cache.whole(target) as folder:
        tree, headers = folder / "tree", folder / "headers"
        _farm(top, tree)
        for name, content in patches.apply(changes, top).items():
            if content is not None and name.startswith(f"{MEMORY}/"):
                (tree / name).write_bytes(content)
        _make(["-C", str(top), f"O={headers}", "headers"])
        include = f"KHDR_INCLUDES=-isystem {headers}/usr/include"
        _make(["-C", str(tree / MEMORY), f"OUTPUT={folder}", include, *(str(folder / name) for name in names)])
        for name, text in (("one.sh", ONE), ("prepare.sh", PREPARE)):
            (folder / name).write_text(text)
        shutil.rmtree(tree)
        shutil.rmtree(headers)
    return target


def _farm(top: Path, tree: Path) -> None:
    """Links to a source, but a copy of the tests: they are patched and built in place."""
    shutil.copytree(top / MEMORY, tree / MEMORY)
    here = Path()
    for part in Path(MEMORY).parts:
        for one in (top / here).iterdir():
            if one.name != part:
                (tree / here / one.name).symlink_to(one)
        here /= part


def _make(words: Sequence[str]) -> None:
    done = subprocess.run(
        ["make", "-s", "LC_ALL=C", "ARCH=x86", *words], capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "error" in line.lower()]
        raise GcprotoError(
            "the kernel's tests can't be compiled",
            why="; ".join(said[:3]) or f"make ended with exit code {done.returncode}",
            remedy="apt-get install --no-install-recommends liburing-dev libnuma-dev libcap-dev",
        )


def script(folder: Path, tests: Sequence[KernelTest], seconds: int, *, loop: bool) -> Script:
    """The tests as jobs that run this machine's files; their name is their number."""
    lines: list[str | Job] = [*ROOTS, f"{'loop' if loop else 'zram'} {SWAP_BYTES}"]
    lines.append(Job("prepare", ("/bin/sh", str(folder / "prepare.sh")), 30, "host"))
    for number, one in enumerate(tests):
        lines.append(Job(f"test-{number}", ("/bin/sh", str(folder / "one.sh"), *one.words), seconds, "host"))
    return Script(tuple(lines))


def read(lines: Sequence[str], tests: Sequence[KernelTest]) -> list[Ended]:
    """How the tests ended, from the lines of the results' port."""
    found: dict[str, Ended] = {}
    name, said = "", list[str]()
    for line in lines:
        if begun := vm.BEGUN.match(line):
            name, said = begun[1], []
        elif vm.ENDED.match(line):
            _, how, code, ns = msgspec.json.decode(line)["guest"]["end"].split()
            found[name] = _ended(how, int(code), int(ns) / 1e9, said)
        else:
            said.append(re.sub(r"\x1b\[\d*m", "", line))
    if name and name not in found:
        found[name] = Ended("time limit", parts_of(said), tuple(said))
    return [found.get(f"test-{number}", Ended("never run")) for number in range(len(tests))]


def _ended(how: str, code: int, seconds: float, lines: Sequence[str]) -> Ended:
    word = {"killed": "time limit", "signal": "signal"}.get(how)
    word = word or ("pass" if code == 0 else "skip" if code == SKIP else "fail")
    return Ended(word, parts_of(lines), tuple(lines), seconds)


def parts_of(lines: Sequence[str]) -> dict[str, str]:
    """How each part of a test ended, by its name; parts of one name have numbers."""
    found: dict[str, str] = {}
    seen: Counter[str] = Counter()
    for line in lines:
        match = PART.match(line)
        if not match:
            continue
        name, _, directive = match["name"].partition(" # ")
        if match["name"].startswith("# "):
            directive, _, name = match["name"][2:].partition(" ")
        seen[name] += 1
        if seen[name] > 1:
            name = f"{name} [{seen[name]}]"
        skipped = directive.upper().startswith("SKIP")
        expected = directive.upper().startswith("XFAIL")
        found[name] = "skip" if skipped else "xfail" if expected else match["ok"]
    return found


def worse(base: Ended, other: Ended) -> list[str]:
    """What ends worse in another kernel than in the first: the test, and its parts."""
    found = [f"{base.word} -> {other.word}"] if other.word in BAD and base.word not in BAD else []
    if other.word in ("time limit", "never run"):
        return found
    for name, word in other.parts.items():
        if word == "not ok" and base.parts.get(name, "ok") != "not ok":
            found.append(f"{name}: {base.parts.get(name, 'not run')} -> {word}")
    return found


def chosen(text: str) -> LocalKernel:
    """The kernel of that name, built here or of the archive."""
    from gcproto.cli.kernels.choice import catalog
    from gcproto.kernels.architecture import AMD64

    if made := built.find(text):
        return made.local
    return fetch(catalog().find(text, AMD64))


def run(kernel: LocalKernel, folder: Path, tests: Sequence[KernelTest], seconds: int) -> tuple[list[Ended], list[str]]:
    """Boot and run the tests: one guest, and another for the rest if one of them took the guest down.

    Returns:
        How each ended, and the complaints on the kernel's console.

    """
    loop = "loop" in kernel.builtin
    machine = vm.Machine(
        icount=False,
        cpus=2,
        memory_mib=MEMORY_MIB,
        timeout=float(BOOT_SECONDS + len(tests) * (seconds + vm.INIT_SECONDS)),
        files=True,
        command_line=WARNINGS,
    )
    found: dict[KernelTest, Ended] = {}
    said: list[str] = []
    while left := [one for one in tests if one not in found]:
        wanted = script(folder, left, seconds, loop=loop)
        booted = vm.boot(machine, kernel.vmlinuz, initramfs(kernel, programs.build(), wanted), jobs=wanted.jobs)
        said += splats(booted.console)
        ended = dict(zip(left, read(booted.lines, left), strict=True))
        ran = {one: end for one, end in ended.items() if end.word != "never run"}
        if not ran:
            return [found.get(one, Ended("never run", lines=(booted.why,))) for one in tests], [*said, booted.why]
        found |= ran
    return [found[one] for one in tests], said


def main(words: Sequence[str]) -> int:
    """Run the tests and print a table; the exit code."""
    try:
        return _run_all(words)
    except GcprotoError as error:
        print(error, file=sys.stderr)
        return int(error.code)


def _run_all(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.vmtests", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("kernels", nargs="+", metavar="KERNEL")
    parser.add_argument("--category", action="append", choices=CATEGORIES, help="only these; all of them otherwise")
    parser.add_argument("--only", action="append", help="only tests whose command has this word")
    parser.add_argument(
        "--command", action="append", help="run this instead of the list, as in 'uffd-unit-tests -f move'"
    )
    parser.add_argument("--patch", action="append", default=[], type=Path, help="for the tests: a file or a folder")
    parser.add_argument("--source", default="7.3", help="branch of Debian's archive")
    parser.add_argument("--seconds", default=600, type=int, help="limit for each test (600)")
    parser.add_argument("--out", default=Path("results/vmtests"), type=Path, help="folder for what they print")
    options = parser.parse_args(words)
    from gcproto.cli.kernels.choice import catalog

    kernels = {name: chosen(name) for name in options.kernels}  # before programs are compiled
    origin = source.fetched(catalog().find_source(options.source))
    text = (Path(origin.folder) / MEMORY / "run_vmtests.sh").read_text()
    tests = given(options.command) if options.command else listed(text, options.category or CATEGORIES)
    if options.only:
        tests = [one for one in tests if any(word in one.name for word in options.only)]
    folder = compiled(origin, patches.collect(options.patch) if options.patch else [], tests)
    ended = {}
    for name, kernel in kernels.items():
        ended[name], said = run(kernel, folder, tests, options.seconds)
        _keep(options.out / name, tests, ended[name])
        for line in said:
            print(f"{name}: console: {line}")
    return _print(tests, ended)


def _keep(folder: Path, tests: Sequence[KernelTest], ended: Sequence[Ended]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for test, end in zip(tests, ended, strict=True):
        name = re.sub(r"[^\w.-]+", "-", test.name)
        text = "\n".join((*end.lines, f"# {end.word} {end.seconds:.0f} s\n"))
        (folder / f"{test.category}-{name}.txt").write_text(text)


def _print(tests: Sequence[KernelTest], ended: dict[str, list[Ended]]) -> int:
    """The table, and what ends worse on a later kernel."""
    (first, base), *others = ended.items()
    rows = [("category", "test", *ended)]
    rows += [(test.category, test.name, *(ended[name][at].text for name in ended)) for at, test in enumerate(tests)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        print("  ".join(f"{text:{width}}" for text, width in zip(row, widths, strict=True)).rstrip())
    bad = 0
    for name, found in others:
        for test, one, other in zip(tests, base, found, strict=True):
            for text in worse(one, other):
                bad += 1
                print(f"worse on {name} than on {first}: {test.name}: {text}")
    return min(bad, 1)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except GcprotoError as error:
        sys.exit(str(error))
