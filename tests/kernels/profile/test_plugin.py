"""The plugin: built for each form of QEMU's API, its decoder, and the reason where it is unavailable."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gcproto.errors import GcprotoError
from gcproto.kernels.get.fetch import LocalKernel
from gcproto.kernels.guest import programs
from gcproto.kernels.guest.transcript import Transcript
from gcproto.kernels.profile import plugin
from gcproto.kernels.profile.watch import WHAT, watching
from tests.support.processes import ROOT

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror")
DECODER = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "profile/arm64.h"
#include "profile/x86.h"
int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        uint8_t bytes[16] = {0};
        size_t n = 0;
        char *at = argv[i];
        while (*at && n < sizeof(bytes))
            bytes[n++] = (uint8_t)strtoul(at, &at, 16);
        uint32_t word;
        memcpy(&word, bytes, sizeof(word));
        printf("%u %u\\n", gcp_x86_events(bytes, n), gcp_arm64_events(word));
    }
    return 0;
}
"""
LOCKED, INVLPG, INVPCID, CR3, SYSCALL, REP, CLOCK = (1 << bit for bit in range(7))
INSTRUCTIONS = {
    "90": 0,
    "f0 48 0f b1 11": LOCKED,  # lock cmpxchg %rdx,(%rcx)
    "f0 83 44 24 fc 00": LOCKED,  # lock addl $0,-4(%rsp), a full barrier
    "48 87 07": LOCKED,  # xchg %rax,(%rdi)
    "48 87 c3": 0,  # xchg %rax,%rbx
    "65 48 87 05 00 00 00 00": LOCKED,
    "0f 01 3f": INVLPG,
    "0f 01 f8": 0,  # swapgs
    "0f 01 ca": 0,  # clac
    "0f 01 f9": CLOCK,  # rdtscp
    "0f 31": CLOCK,
    "66 0f 38 82 04 24": INVPCID,
    "0f 38 82 04 24": 0,
    "0f 22 d8": CR3,
    "0f 22 e0": 0,  # CR4
    "0f 05": SYSCALL,
    "f3 48 a5": REP,  # rep movsq
    "f3 aa": REP,
    "48 a5": 0,
    "f3 90": 0,  # pause
    "f3 0f 1e fa": 0,  # endbr64
    "f3 48 0f ae d8": 0,  # wrgsbase
    "f3 0f b8 c1": 0,  # popcnt
    "0f 1f 80 03 70 63 67": 0,  # a mark
    "48 0f ae 00": 0,
    "48": 0,
    "f0": 0,
    "0f": 0,
}
ARM64 = {
    "nop": 0,
    "ldadd x1, x2, [x3]": LOCKED,
    "ldaddal w1, w2, [x3]": LOCKED,
    "ldclral x1, x2, [x3]": LOCKED,
    "stadd x1, [x3]": LOCKED,
    "swpal x1, x2, [x3]": LOCKED,
    "swpb w1, w2, [x3]": LOCKED,
    "casal x1, x2, [x3]": LOCKED,
    "cas w1, w2, [x3]": LOCKED,
    "caspal x0, x1, x2, x3, [x4]": LOCKED,
    "stxr w0, x1, [x2]": LOCKED,
    "stlxr w0, w1, [x2]": LOCKED,
    "stlxrb w0, w1, [x2]": LOCKED,
    "stxp w0, x1, x2, [x3]": LOCKED,
    "ldxr x1, [x2]": 0,
    "ldaxr x1, [x2]": 0,
    "ldaxp x1, x2, [x3]": 0,
    "ldapr x1, [x2]": 0,
    "ldar x1, [x2]": 0,
    "stlr x1, [x2]": 0,
    "ldr x1, [x2, x3]": 0,
    "ldr x1, [x2, #8]!": 0,
    "str q0, [x2]": 0,
    "tlbi vae1is, x1": INVLPG,
    "tlbi vale1is, x1": INVLPG,
    "tlbi vaale1is, x1": INVLPG,
    "tlbi rvale1is, x1": INVLPG,
    "tlbi vmalle1is": INVPCID,
    "tlbi vmalle1": INVPCID,
    "tlbi aside1is, x1": INVPCID,
    "dc zva, x1": 0,
    "dc civac, x1": 0,
    "ic ivau, x1": 0,
    "at s1e1r, x1": 0,
    "dsb ish": 0,
    "msr ttbr0_el1, x1": 0,
    "svc #0": SYSCALL,
    "hvc #0": 0,
    "brk #1": 0,
    "mrs x1, cntvct_el0": CLOCK,
    "mrs x30, s3_3_c14_c0_6": CLOCK,  # CNTVCTSS_EL0
    "mrs x1, cntpct_el0": 0,
    "mrs x1, cntfrq_el0": 0,
    "movz xzr, #0x6703": 0,  # a mark
}


@pytest.mark.needs("cc")
def test_instructions_are_told_apart_by_their_bytes(tmp_path: Path) -> None:
    source, program = tmp_path / "decoder.c", tmp_path / "decoder"
    source.write_text(DECODER)
    subprocess.run(["cc", *WARNINGS, f"-I{programs.sources()}", "-o", program, source], check=True)
    done = subprocess.run([program, *INSTRUCTIONS], capture_output=True, text=True, check=True)
    assert dict(zip(INSTRUCTIONS, map(int, done.stdout.split()[::2]), strict=True)) == INSTRUCTIONS


@pytest.mark.needs("cc", "gcc-aarch64")
def test_words_of_arm64_are_told_apart(tmp_path: Path) -> None:
    """Each as the assembler writes it."""
    lines, code = tmp_path / "a.s", tmp_path / "a.o"
    lines.write_text(".arch armv8.4-a\n" + "".join(f"{one}\n" for one in ARM64))
    subprocess.run(["aarch64-linux-gnu-gcc", "-c", "-o", code, lines], check=True)
    subprocess.run(["aarch64-linux-gnu-objcopy", "-O", "binary", "-j", ".text", code, tmp_path / "a.bin"], check=True)
    data = (tmp_path / "a.bin").read_bytes()
    words = [data[at : at + 4].hex(" ") for at in range(0, len(data), 4)]
    source, program = tmp_path / "decoder.c", tmp_path / "decoder"
    source.write_text(DECODER)
    subprocess.run(["cc", *WARNINGS, f"-I{programs.sources()}", "-o", program, source], check=True)
    done = subprocess.run([program, *words], capture_output=True, text=True, check=True)
    assert dict(zip(ARM64, map(int, done.stdout.split()[1::2]), strict=True)) == ARM64


@pytest.mark.needs("cc")
@pytest.mark.parametrize("api", [1, 2, 3])
def test_every_form_of_the_api_compiles_without_a_warning(api: int, tmp_path: Path) -> None:
    native = programs.sources()
    command = ["cc", *plugin.FLAGS, *WARNINGS, f"-DQEMU_API={api}", f"-I{native}", "-o", str(tmp_path / "gcprof.so")]
    done = subprocess.run([*command, native / "profile/gcprof.c"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    symbols = subprocess.run(
        ["nm", "-D", "--undefined-only", tmp_path / "gcprof.so"], capture_output=True, text=True, check=True
    )
    assert ("exec_inline_per_vcpu" in symbols.stdout) == (api > 1)


@pytest.mark.parametrize(
    ("version", "api"), [("6.0.0", 1), ("7.2.22", 1), ("8.2.0", 1), ("9.0.1", 2), ("9.1.0", 3), ("10.0.2", 3)]
)
def test_the_form_follows_qemus_version(version: str, api: int) -> None:
    assert plugin.api_of(version) == api


def test_a_qemu_without_plugins_is_refused() -> None:
    with pytest.raises(GcprotoError, match=r"QEMU 5\.2\.0 can't be profiled"):
        plugin.api_of("5.2.0")


def test_commas_in_paths_are_doubled_for_qemu() -> None:
    words = plugin.option(Path("/a,b/gcprof.so"), Path("/f"), Path("/o"))
    assert words == ["-plugin", "/a,,b/gcprof.so,functions=/f,out=/o"]


def test_the_sources_name_their_licence() -> None:
    for file in (ROOT / "native/profile").glob("*.[ch]"):
        assert file.read_text().startswith("/* SPDX-License-Identifier: GPL-2.0-or-later */\n"), file


def fake(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GCPROTO_CACHE", str(tmp_path / "cache"))
    return tmp_path


def reason(tmp_path: Path) -> str:
    """Why there is no profile; nothing is raised."""
    kernel = LocalKernel("6.18.15", str(tmp_path / "vmlinuz"), (), "here")
    with watching(kernel, tmp_path, wanted=True) as watch:
        assert watch.devices == []
        watch.end(Transcript())
    (skip,) = watch.skips
    assert skip.what == WHAT
    return skip.reason


def test_without_a_compiler_there_is_a_skip(cached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(cached / "bin", "qemu-system-x86_64", "echo QEMU emulator version 7.2.22")
    fake(cached / "bin", "setpriv", "")
    monkeypatch.setenv("PATH", str(cached / "bin"))
    assert "no C compiler" in reason(cached)


@pytest.mark.needs("cc")
def test_a_qemu_that_takes_no_plugin_gives_a_skip_in_its_words(cached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(
        cached / "bin",
        "qemu-system-x86_64",
        'case "$1" in --version) echo QEMU emulator version 7.2.22 ;; *) echo "-plugin: not in this build" >&2; '
        "exit 1 ;; esac",
    )
    monkeypatch.setenv("PATH", f"{cached / 'bin'}:{os.environ['PATH']}")
    said = reason(cached)
    assert "this QEMU does not take the profiler" in said
    assert "-plugin: not in this build" in said


@pytest.mark.needs("cc", "qemu")
def test_a_program_without_symbols_gives_a_skip(cached: Path) -> None:
    true = shutil.which("true")
    assert true
    (cached / "gcprobe").write_bytes(Path(true).read_bytes())
    assert "has no symbols" in reason(cached)


def test_nothing_is_done_that_nobody_wants(cached: Path) -> None:
    kernel = LocalKernel("6.18.15", str(cached / "vmlinuz"), (), "here")
    with watching(kernel, cached, wanted=False) as watch:
        assert (watch.devices, watch.skips) == ([], [])
