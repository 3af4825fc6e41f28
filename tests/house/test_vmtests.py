"""The kernel's own tests in guests: the list of them, what they print, and what counts as worse."""

from pathlib import Path

import pytest

from benchmarks.vmtests import MEMORY, Ended, KernelTest, given, listed, main, parts_of, read, script, worse
from gcproto.kernels.guest.script import Job
from tests.conftest import kernel_source

RUN = """
uffd_stress_bin=./uffd-stress
CATEGORY="mmap" run_test ./map_populate
CATEGORY="userfaultfd" run_test ${uffd_stress_bin} anon 20 16
if $X; then
	CATEGORY="soft_dirty" run_test ./soft-dirty
fi
CATEGORY="thp" run_test ./khugepaged all:file ${SPLIT_HUGE_PAGE_TEST_XFS_PATH}
CATEGORY="thp" run_test ./split_huge_page_test ${SPLIT_HUGE_PAGE_TEST_XFS_PATH}
CATEGORY="hugevm" run_test bash ./va_high_addr_switch.sh
"""
STRESS = KernelTest("userfaultfd", ("./uffd-stress", "anon", "20", "16"))
SOFT_DIRTY = KernelTest("soft_dirty", ("./soft-dirty",))


def test_the_list_is_that_of_the_kernel() -> None:
    found = listed(RUN, ("userfaultfd", "soft_dirty", "thp"))
    assert found == [STRESS, SOFT_DIRTY, KernelTest("thp", ("./split_huge_page_test",))]
    assert [one.name for one in found] == ["uffd-stress anon 20 16", "soft-dirty", "split_huge_page_test"]


def test_a_command_instead_of_the_list() -> None:
    (found,) = given(["uffd-unit-tests -f move"])
    assert (found.program, found.words) == ("uffd-unit-tests", ("./uffd-unit-tests", "-f", "move"))


@pytest.mark.needs("kernel_source")
def test_the_newest_source_has_tests_of_each_category() -> None:
    source = kernel_source()
    assert source
    found = listed((source / MEMORY / "run_vmtests.sh").read_text(), ("userfaultfd", "cow", "ksm", "thp", "mremap"))
    assert {one.category for one in found} == {"userfaultfd", "cow", "ksm", "thp", "mremap"}
    assert all((source / MEMORY / f"{one.program}.c").exists() for one in found)


def test_what_a_test_says_of_its_parts() -> None:
    lines = ["TAP version 13", "ok 1 a # b", "not ok 2 c", "ok 3 # SKIP d", "ok 4 # XFAIL e", "ok 5 a # b", "# ok 6 x"]
    assert parts_of(lines) == {"a": "ok", "c": "not ok", "d": "skip", "e": "xfail", "a [2]": "ok"}


def test_how_each_ended() -> None:
    lines = [
        '{"guest":{"begin":"test-0"}}',
        "ok 1 first",
        '{"guest":{"end":"test-0 exit 0 2500000000"}}',
        '{"guest":{"begin":"test-1"}}',
        "\x1b[31mFail\x1b[0m",
        '{"guest":{"end":"test-1 killed 9 600000000000"}}',
        '{"guest":{"begin":"test-2"}}',
        "not ok 1 second",
    ]
    first, second, third, fourth = read(lines, [STRESS, SOFT_DIRTY, STRESS, STRESS])
    assert first == Ended("pass", {"first": "ok"}, ("ok 1 first",), 2.5)
    assert (second.word, second.lines) == ("time limit", ("Fail",))
    assert (third.word, third.text) == ("time limit", "time limit (1 not ok)")  # it took the guest down
    assert fourth.word == "never run"


@pytest.mark.parametrize(
    ("base", "other", "count"),
    [
        (Ended("pass", {"a": "ok"}), Ended("pass", {"a": "ok"}), 0),
        (Ended("pass", {"a": "ok"}), Ended("fail", {"a": "not ok"}), 2),
        (Ended("fail", {"a": "not ok"}), Ended("fail", {"a": "not ok"}), 0),
        (Ended("fail", {"a": "not ok"}), Ended("fail", {"a": "not ok", "b": "not ok"}), 1),
        (Ended("fail", {"a": "not ok"}), Ended("pass", {"a": "ok"}), 0),
        (Ended("time limit"), Ended("time limit"), 0),
        (Ended("skip"), Ended("time limit", {"a": "not ok"}), 1),
    ],
)
def test_only_what_ends_worse_counts(base: Ended, other: Ended, count: int) -> None:
    assert len(worse(base, other)) == count


def test_each_is_a_job_with_its_own_limit() -> None:
    jobs = script(Path("/x"), [STRESS, SOFT_DIRTY], 77, loop=True).steps
    found = [one for one in jobs if isinstance(one, Job)]
    assert [one.name for one in found] == ["prepare", "test-0", "test-1"]
    assert [one.seconds for one in found[1:]] == [77, 77]
    assert found[1].command == ("/bin/sh", "/x/one.sh", "./uffd-stress", "anon", "20", "16")


def test_an_unknown_kernel_is_said_before_programs_are_compiled(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["no-such-kernel"]) == 2
    assert "no kernel 'no-such-kernel' is known" in capsys.readouterr().err
