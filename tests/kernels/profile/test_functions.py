"""Where functions are: from what a guest says, from a program, from the cache."""

import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from gcproto.errors import GcprotoError
from gcproto.kernels.get.fetch import LocalKernel
from gcproto.kernels.guest.machine import Boot
from gcproto.kernels.profile import functions
from gcproto.kernels.profile.functions import KERNEL, LONGEST, OUTSIDE, USER_END, Function, bounded, parse

BASE = 0xFFFFFFFF81000000
SAID = [
    '{"guest":{"started":"init"}}',
    f'{{"guest":{{"functions":"{BASE:x} startup_64 +40 move_pages +100 _text_alias "}}}}',
    '{"guest":{"functions":"+0 text_alias +8 zram_free 1000 low ffffffffc0000000 in_module "}}',
    '{"guest":{"done":"script"}}',
]


def test_addresses_and_distances_are_read() -> None:
    found = parse(SAID)
    assert [(one.name, one.first - BASE) for one in found[:4]] == [
        ("startup_64", 0),
        ("move_pages", 0x40),
        ("text_alias", 0x140),
        ("zram_free", 0x148),
    ]
    assert found[4] == Function(0xFFFFFFFFC0000000, 0xFFFFFFFFC0000000 + LONGEST, "in_module")
    assert all(one.first >= KERNEL for one in found), "0x1000 is not an address of a kernel"


def test_a_function_reaches_to_the_next_but_not_over_a_gap() -> None:
    found = bounded([(0x1000, "a"), (0x1010, "b"), (0x1010 + 2 * LONGEST, "c")])
    assert found[0].end == 0x1010
    assert found[1].end == 0x1010 + LONGEST
    assert bounded([]) == []


@pytest.mark.parametrize("names", [("__memcpy", "memcpy"), ("memcpy", "__memcpy"), ("memcpy_orig_long", "memcpy")])
def test_of_names_for_one_address_the_plainest_counts(names: tuple[str, str]) -> None:
    assert [one.name for one in bounded((0x10, name) for name in names)] == ["memcpy"]


@pytest.mark.needs("static")
def test_a_programs_functions_are_told_from_the_kernels(tmp_path: Path) -> None:
    source, program = tmp_path / "a.c", tmp_path / "a"
    source.write_text(
        "__attribute__((noinline)) int gcp_here(int x) { return x * 3; }\nint main(int n) { return gcp_here(n); }\n"
    )
    subprocess.run(["cc", "-O1", "-static", "-o", program, source], check=True)
    found = functions.of_program(program)
    names = {one.name for one in found}
    assert {"user:gcp_here", "user:main", OUTSIDE} <= names
    assert found[-1].end == USER_END
    assert all(one.end <= after.first for one, after in pairwise(found))


def test_a_mark_of_the_linker_is_no_function_where_there_is_one() -> None:
    """The code after the text of soft interrupts was shown as ``__softirqentry_text_end``."""
    found = bounded([(0x10, "__softirqentry_text_end"), (0x10, "__x86_indirect_thunk_rax"), (0x20, "_etext")])
    assert [one.name for one in found] == ["__x86_indirect_thunk_rax", "_etext"]


def booted(outcome: str, lines: list[str]) -> Boot:
    return Boot(outcome, "" if outcome == "done" else "it panics", lines, [], 1.0, [])


def kernel_in(folder: Path) -> LocalKernel:
    (folder / "vmlinuz").write_bytes(b"image")
    for name in ("init", "gcprobe"):
        (folder / name).write_bytes(b"program")
    return LocalKernel("6.18.15/odd", str(folder / "vmlinuz"), (), "here")


def test_a_kernel_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GCPROTO_CACHE", str(tmp_path / "cache"))
    boots = []

    def boot(*arguments: object) -> Boot:
        boots.append(arguments)
        return booted("done", SAID)

    monkeypatch.setattr("gcproto.kernels.guest.machine.boot", boot)
    kernel = kernel_in(tmp_path)
    assert functions.names_of(kernel.release) is None
    first = functions.of_kernel(kernel, tmp_path)
    assert functions.of_kernel(kernel, tmp_path) == first == parse(SAID)
    assert len(boots) == 1
    assert functions.names_of(kernel.release) == {one.name for one in first}
    (tmp_path / "vmlinuz").write_bytes(b"another image of that release")
    functions.of_kernel(kernel, tmp_path)
    assert len(boots) == 2


@pytest.mark.parametrize(("outcome", "lines", "why"), [("panic", SAID, "it panics"), ("done", [], "kallsyms")])
def test_a_kernel_that_does_not_say_them_is_no_success(
    outcome: str, lines: list[str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GCPROTO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("gcproto.kernels.guest.machine.boot", lambda *_: booted(outcome, lines))
    kernel = kernel_in(tmp_path)
    with pytest.raises(GcprotoError, match="can't be read") as caught:
        functions.of_kernel(kernel, tmp_path)
    assert why in caught.value.why
    assert functions.names_of(kernel.release) is None, "what failed is not kept"
