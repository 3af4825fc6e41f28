"""Who refuses userfaultfd: told apart by what was tried, and provoked for seccomp."""

import errno
import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from gcproto._native import ffi
from gcproto.host.refusals import Process, process, refusals
from tests.support.processes import ROOT

ROOT_PROCESS = Process("0", True, False, False, "capability,apparmor", "unconfined", "crw------- 0:0", "max")
USER = replace(ROOT_PROCESS, ptrace=False)


def no(here: Process, *, plain: int = 0, user: int = 0, device: int = 0) -> set[str]:
    """Names of the rows that say no."""
    got = ffi.new("struct gcp_uffd_offer *")
    got.syscall_err, got.user_err, got.device_err = plain, user, device
    got.features, got.via = (1 << 20) - 1, 1
    found = refusals(got[0], here)
    assert all(one.reason and one.remedy for one in found if not one.able)
    return {one.name for one in found if not one.able}


@pytest.mark.parametrize(
    ("here", "tried", "refuse"),
    [
        (ROOT_PROCESS, {}, set()),
        (USER, {"plain": errno.EPERM, "device": errno.EACCES}, {"sysctl", "capability", "device rights"}),
        (replace(USER, sysctl="1"), {"device": errno.EACCES}, {"capability", "device rights"}),
        (replace(ROOT_PROCESS, filtered=True), {"plain": errno.EPERM, "user": errno.EPERM}, {"seccomp"}),
        (replace(ROOT_PROCESS, filtered=True), {}, set()),
        (ROOT_PROCESS, {"plain": errno.EPERM, "user": errno.EPERM}, {"security module"}),
        (replace(ROOT_PROCESS, contained=True), {"plain": errno.EPERM}, {"sysctl", "capability"}),
        (replace(ROOT_PROCESS, memory_max="65536"), {}, {"cgroup limit"}),
    ],
)
def test_each_has_a_name(here: Process, tried: dict[str, int], refuse: set[str]) -> None:
    programs = {"for CRIU", "for Firecracker"}
    assert no(here, **tried) - programs == refuse


def test_programs_of_others_need_faults_of_the_kernel() -> None:
    assert no(USER, plain=errno.EPERM, device=errno.EACCES) >= {"for CRIU", "for Firecracker"}


def test_this_process() -> None:
    here = process()
    assert here.sysctl in {"0", "1", ""}
    assert here.ptrace == (os.geteuid() == 0) or here.contained or here.filtered


FILTERED = """
import ctypes, json, platform, struct
number = {"x86_64": 323, "aarch64": 282}[platform.machine()]
lines = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in lines))
program = struct.pack("HxxxxxxP", len(lines), ctypes.addressof(code))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
assert libc.prctl(22, 2, ctypes.c_char_p(program), 0, 0) == 0  # PR_SET_SECCOMP, a filter
from gcproto.host import probes, refusals
found = refusals.refusals(probes.offer(), refusals.process())
print(json.dumps({one.name: [one.able, one.reason] for one in found}))
"""


def test_a_seccomp_filter_is_named() -> None:
    """Under a filter that answers EPERM to userfaultfd(2), as container runtimes install it."""
    done = subprocess.run(
        [sys.executable, "-c", FILTERED],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    found = json.loads(done.stdout)
    assert found["seccomp"][0] is False
    assert "filter is active" in found["seccomp"][1]
    assert found["security module"][0] is True
    assert found["sysctl"][0] is True
