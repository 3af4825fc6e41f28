"""What tests need of the machine, said by a marker: ``@pytest.mark.needs("root", "zram")``.

A need that is not met skips the test with its reason.  ``GCPROTO_REQUIRE`` (a comma-separated list, or ``all``) turns
those skips into failures, so that CI cannot quietly skip what it is there for.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NoReturn

import hypothesis
import pytest

from gcproto._native import ffi, lib
from gcproto.host.machine import machine
from tests.support import two_processes
from tests.support.processes import ROOT, unprivileged_python

# Under nohup, or in a shell's background, these are ignored, and commands under test would rightly ignore them as well.
for _number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL)

# No test asserts a time: machines are shared, and guests run beside the tests.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")


@pytest.fixture(autouse=True)
def signals_are_left_as_they_were() -> Iterator[None]:
    """A test that leaves signals ignored makes others fail, a thousand tests later."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
    before = {number: signal.getsignal(number) for number in numbers}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    assert {number: signal.getsignal(number) for number in numbers} == before
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask


@pytest.fixture(scope="session")
def gcprobe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The static program, as the Makefile builds it."""
    target = tmp_path_factory.mktemp("gcprobe") / "gcprobe"
    subprocess.run(["make", "-C", str(ROOT), "-s", "-B", "gcprobe"], check=True)
    (ROOT / "gcprobe").rename(target)
    return str(target)


@cache
def _offer_move_errno() -> int:
    offer = ffi.new("struct gcp_uffd_offer *")
    lib.gcp_uffd_probe(offer)
    return int(offer.move_err)


@cache
def _proof_access() -> int:
    prover = ffi.new("struct gcp_prover *")
    lib.gcp_prover_init(prover)
    have = int(prover.have)
    lib.gcp_prover_deinit(prover)
    return have


@cache
def _can_pin() -> bool:
    pages = 4
    bytes_ = pages * machine().page_size
    area = lib.gcp_region_alloc(bytes_, 0)
    ring = lib.gcp_pin(int(ffi.cast("uintptr_t", area)), bytes_)
    lib.gcp_unpin(ring)
    lib.gcp_region_free(area, bytes_)
    return bool(ring > 0)


@cache
def _compiles(*flags: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "probe.c"
        source.write_text("int main(void) { return 0; }\n")
        compiler = shutil.which("cc")
        if not compiler:
            return False
        done = subprocess.run(
            [compiler, *flags, str(source), "-o", f"{folder}/probe"], capture_output=True, check=False
        )
        return done.returncode == 0


@cache
def _runs_under_tsan() -> bool:
    """It compiles, and its shadow memory fits: with more random bits of mmap than it knows, it ends at once."""
    if not _compiles("-fsanitize=thread") or not shutil.which("setarch"):
        return False
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "probe.c"
        source.write_text("int main(void) { return 0; }\n")
        subprocess.run(["cc", "-fsanitize=thread", str(source), "-o", f"{folder}/probe"], check=True)
        return subprocess.run(["setarch", "-R", f"{folder}/probe"], capture_output=True, check=False).returncode == 0


@cache
def _guest_kernel(architecture: str = "amd64") -> bool:
    """The kernel that tests boot is in the cache, or can be fetched."""
    from gcproto.errors import GcprotoError
    from gcproto.kernels.architecture import named
    from gcproto.kernels.get.catalog import Catalog, locked
    from gcproto.kernels.get.fetch import fetch

    try:
        fetch(Catalog(locked()).find("6.18", named(architecture)))
    except GcprotoError:
        return False
    return True


def _memory_group() -> bool:
    from gcproto.host import memory_group

    place = memory_group.place()
    return place is not None and os.access(place.parent, os.W_OK)


def _kernel_tools() -> bool:
    from gcproto.errors import GcprotoError
    from gcproto.kernels.build.build import need_tools

    try:
        need_tools()
    except GcprotoError:
        return False
    return True


def _virtiofsd() -> bool:
    from gcproto.kernels.guest.host_files import daemon

    return daemon() is not None


def kernel_source(branch: str | None = None) -> Path | None:
    """The newest kernel source in the cache, or of a branch, which `gcproto kernels build` fetches."""
    from benchmarks.builds import sources

    found = sources(branch)
    return found[-1].parent if found else None


def chromium() -> str | None:
    """The browser that renders pages."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "root": (lambda: os.geteuid() == 0, "not root"),
    "move": (lambda: _offer_move_errno() == 0, "this kernel or user has no UFFDIO_MOVE"),
    "pfn": (lambda: bool(_proof_access() & lib.GCP_PROOF_KPF), "page frame numbers and kpageflags can't be read"),
    "thp": (lambda: machine().pmd_order in machine().anon_orders, "no transparent huge pages"),
    "mthp": (lambda: len(machine().anon_orders) > 1 and os.geteuid() == 0, "no mTHP sizes, or not root"),
    "io_uring": (_can_pin, "io_uring fixed buffers can't be registered"),
    "zram": (lambda: Path("/sys/class/zram-control/hot_add").exists() and os.geteuid() == 0, "no zram, or not root"),
    "loop": (lambda: Path("/dev/loop-control").exists() and os.geteuid() == 0, "no loop devices, or not root"),
    "tlb_counts": (
        lambda: "TLB:" in Path("/proc/interrupts").read_text(encoding="utf-8"),
        "/proc/interrupts has no line for TLB shoot-downs",
    ),
    "two_cpus": (lambda: machine().cpus > 1, "only one processor"),
    "nobody": (
        lambda: shutil.which("setpriv") is not None and os.geteuid() == 0 and unprivileged_python() is not None,
        "no setpriv, not root, or no Python that other users can run",
    ),
    "gcc-aarch64": (lambda: shutil.which("aarch64-linux-gnu-gcc") is not None, "no cross compiler"),
    "qemu": (lambda: shutil.which("qemu-system-x86_64") is not None, "no QEMU (apt-get install qemu-system-x86)"),
    "qemu-aarch64": (
        lambda: shutil.which("qemu-system-aarch64") is not None,
        "no QEMU for arm64 (apt-get install qemu-system-arm)",
    ),
    "arm64_kernel": (
        lambda: _guest_kernel("arm64"),
        "no arm64 kernel for guests: Debian's archive can't be reached",
    ),
    "guest_kernel": (_guest_kernel, "no kernel for guests: Debian's archive can't be reached"),
    "virtiofsd": (_virtiofsd, "no virtiofs daemon (apt-get install qemu-system-common, or virtiofsd)"),
    "kernel_tools": (_kernel_tools, "no tools to build kernels with (flex, bison, bc, libelf-dev, ...)"),
    "kernel_source": (lambda: kernel_source() is not None, "no kernel source in the cache (`gcproto kernels build`)"),
    "kernel_source_7.2": (
        lambda: kernel_source("7.2") is not None,
        "no source of 7.2 in the cache (`gcproto kernels build --source 7.2`)",
    ),
    "memcg": (_memory_group, "no memory cgroup can be made below /sys/fs/cgroup"),
    "git": (lambda: shutil.which("git") is not None, "no git"),
    "perl": (lambda: shutil.which("perl") is not None, "no perl"),
    "herd7": (lambda: shutil.which("herd7") is not None, "no herd7"),
    "cpio": (lambda: shutil.which("cpio") is not None, "no cpio to read archives with"),
    "chromium": (lambda: chromium() is not None, "no chromium (apt-get install chromium)"),
    "java": (
        lambda: shutil.which("java") is not None and shutil.which("javac") is not None,
        "no JDK (apt-get install default-jdk-headless)",
    ),
    "cc": (lambda: _compiles(), "no compiler"),
    "static": (lambda: _compiles("-static"), "no compiler, or no static C library"),
    "tsan": (lambda: _runs_under_tsan(), "no compiler, or no ThreadSanitizer that runs here"),
    "sanitizers": (lambda: _compiles("-fsanitize=address,undefined"), "no compiler, or no sanitizers"),
}


def skip_or_fail(needs: Iterable[str], reason: str) -> NoReturn:
    """Skip a test because something is missing, or fail it where GCPROTO_REQUIRE asks for one of its needs.

    Args:
        needs: capability words, not only those of ``NEEDS``.
        reason: what is missing.

    """
    required = {word.strip() for word in os.environ.get("GCPROTO_REQUIRE", "").split(",") if word.strip()}
    asked = sorted(required & {*needs, "all"})
    if asked:
        pytest.fail(f"GCPROTO_REQUIRE asks for {', '.join(asked)}: {reason}", pytrace=False)
    pytest.skip(reason)


def pytest_configure(config: pytest.Config) -> None:
    """A whole session runs in two processes, where it can."""
    config.pluginmanager.register(two_processes.plugin(), "two processes")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or fail where GCPROTO_REQUIRE says so, what the machine can't do."""
    for need in sorted(two_processes.needs(item)):
        available, reason = NEEDS[need]
        if not available():
            skip_or_fail([need], f"needs {need}: {reason}")
