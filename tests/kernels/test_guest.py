"""What goes into a guest and what comes out, without booting one."""

import gzip
import os
import subprocess
import time
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcproto.errors import GcprotoError
from gcproto.kernels.get.fetch import LocalKernel
from gcproto.kernels.guest import cpio, machine, script
from gcproto.kernels.guest.image import initramfs
from gcproto.kernels.guest.machine import _judge
from gcproto.kernels.guest.script import HOST, Job, Measure, Script
from gcproto.kernels.guest.transcript import read, unfinished
from gcproto.results.schema import ContractRow, Verdict
from tests.support import guests
from tests.support.result_maker import measurement as path_measurement
from tests.support.result_maker import result, scenario

MEASURE = Measure(5, 1, 512, "instructions/page", 7)


@given(st.dictionaries(st.text("abcdefgh/", min_size=1, max_size=20), st.binary(max_size=300), max_size=5))
def test_archives_are_the_same_for_the_same_contents(files: dict[str, bytes]) -> None:
    entries = [(name, cpio.FILE, data) for name, data in files.items()]
    made = cpio.archive(entries)
    assert made == cpio.archive(entries)
    assert len(made) % 4 == 0
    assert made.count(b"070701") >= len(files) + 1


@pytest.mark.needs("cpio")
def test_archives_can_be_read_by_cpio(tmp_path: Path) -> None:
    made = cpio.archive([("d", cpio.DIRECTORY, b""), ("d/x", cpio.PROGRAM, b"abc"), ("y", cpio.FILE, b"")])
    done = subprocess.run(["cpio", "-idm", "--quiet"], input=made, cwd=tmp_path, capture_output=True, check=True)
    assert done.stderr == b""
    assert (tmp_path / "d/x").read_bytes() == b"abc"
    assert (tmp_path / "d/x").stat().st_mode & 0o111
    assert (tmp_path / "y").read_bytes() == b""


def test_an_initramfs_has_what_the_plan_needs(tmp_path: Path) -> None:
    for name in ("init", "gcprobe", "zram.ko"):
        (tmp_path / name).write_bytes(name.encode())
    kernel = LocalKernel("6.18.15", str(tmp_path / "vmlinuz"), (str(tmp_path / "zram.ko"),), "here")
    made = initramfs(kernel, tmp_path, script.quick(MEASURE, swap=True))
    assert made == initramfs(kernel, tmp_path, script.quick(MEASURE, swap=True))
    data = gzip.decompress(made)
    assert b"module /modules/zram.ko\n" in data
    assert b"gcproto.guest" in data
    assert b"job small 240 fifo /gcprobe run --source small" in data


@pytest.mark.parametrize("name", sorted(script.SETS))
def test_plans_have_a_canary_and_unique_jobs_and_swap_only_with_modules(name: str) -> None:
    with_swap, without = (script.SETS[name](MEASURE, swap=swap) for swap in (True, False))
    names = [job.name for job in with_swap.jobs]
    assert len(set(names)) == len(names)
    assert "canary" in names
    assert any("swap" in text for text in names) == (name != "contpte"), "a swapped page is in no block"
    assert not any("swapped" in job.name for job in without.jobs)
    assert "zram " not in without.text()
    assert all(len(step.line()) < 8000 for step in with_swap.jobs)


SAID = [
    '{"guest":{"started":"init"}}',
    '{"guest":{"file":"/proc/version=Linux version 6.18"}}',
    '{"guest":{"note":"zram: disksize: No such device"}}',
    '{"guest":{"begin":"a"}}',
    '{"skip":{"what":"zero order 0: move","reason":"why"}}',
    '{"guest":{"end":"a exit 0 12345"}}',
    '{"guest":{"begin":"b"}}',
    '{"guest":{"end":"b killed 9 5000"}}',
    '{"guest":{"begin":"c"}}',
    '{"scenario":{"source":"sm',
]


def test_a_transcript_is_sorted_and_a_line_cut_off_is_kept() -> None:
    found = read(SAID)
    assert found.files == {"/proc/version": "Linux version 6.18"}
    assert found.notes == ["zram: disksize: No such device"]
    assert found.ended["a"].ns == 12345
    assert [skip.what for skip in found.skips] == ["zero order 0: move"]
    assert found.garbled == ['{"scenario":{"source":"sm']
    jobs = Script(tuple(Job(name, ("x",)) for name in "abcd"))
    assert [(skip.what, skip.reason) for skip in unfinished(jobs, found, "panic: oh")] == [
        ("job b", "it hung and was killed"),
        ("job c", "under way when the guest ended: panic: oh"),
        ("job d", "never reached: panic: oh"),
    ]


def test_a_job_of_this_machines_programs_that_could_do_nothing_is_a_skip() -> None:
    """The heap with half of its folios in the swap cache was missing from results, without a word."""
    found = read([f'{{"guest":{{"end":"{name} exit 3 5"}}}}' for name in "ab"])
    jobs = Script((Job("a", ("gcproto",), mode=HOST), Job("b", ("gcprobe",))))
    assert [(skip.what, skip.reason) for skip in unfinished(jobs, found, "")] == [
        ("job a", "unavailable (exit code 3): the guest's console says what")
    ]


def test_rows_of_the_contract_become_verdicts() -> None:
    found = read(
        [
            "KTAP version 1",
            "1..4",
            "ok 1 result-moved # All moved",
            "# thp-whole: page 3 is elsewhere",
            "not ok 2 thp-whole # A THP moves whole",
            "ok 3 swapcache-small # SKIP no swap",
            "# mthp-pinned-page: killed after 10000 ms",
            "not ok 4 mthp-pinned-page # TIMEOUT One page of a pinned mTHP gives EBUSY",
        ]
    )
    assert found.verdicts == [
        Verdict(ContractRow("result-moved"), "fine", "All moved"),
        Verdict(ContractRow("thp-whole"), "differs", "page 3 is elsewhere"),
        Verdict(ContractRow("swapcache-small"), "unavailable", "no swap"),
        Verdict(ContractRow("mthp-pinned-page"), "hang", "killed after 10000 ms"),
    ]
    assert found.garbled == []


def test_what_was_seen_in_one_run_of_a_row_is_not_said_of_the_next() -> None:
    found = read(
        [
            *('{"guest":{"begin":"contract-zram"}}', "# a: seen with zram", "not ok 1 a # Rule", "ok 2 b # Rule"),
            *('{"guest":{"end":"contract-zram exit 1 5"}}', '{"guest":{"begin":"contract"}}', "ok 1 a # Rule"),
        ]
    )
    assert [one.text for one in found.verdicts] == ["seen with zram", "Rule", "Rule"]
    assert found.rows == {"contract-zram": 2, "contract": 1}


def test_a_result_with_counts_by_order_is_read() -> None:
    """JSON has names of strings only; orders of folios are numbers."""
    one = path_measurement(scenario("move", source="mthp", order=4), [1.0, 2.0, 3.0], order_after={0: 512, 4: 16})
    found = read([msgspec.json.encode(one).decode(), msgspec.json.encode(result([one])).decode()])
    assert found.garbled == []
    assert [made.proof.order_after for made in (*found.measurements, *found.results[0].measurements)] == [
        {0: 512, 4: 16},
        {0: 512, 4: 16},
    ]


def test_a_document_that_is_not_understood_is_kept_apart_from_noise() -> None:
    found = read(['{"scenario":{"kind":"dance"}}', "random words", '{"verdict":{"subject":{"kind":"x"}}}'])
    assert found.unread == ['{"scenario":{"kind":"dance"}}', '{"verdict":{"subject":{"kind":"x"}}}']
    assert found.garbled == [*found.unread[:1], "random words", *found.unread[1:]]


@given(st.lists(st.text(max_size=60), max_size=20))
def test_no_line_of_a_guest_can_break_the_reader(lines: list[str]) -> None:
    read(lines)
    read(['{"guest":' + line for line in lines] + ["{" + line for line in lines])


@pytest.mark.parametrize(
    ("lines", "console", "ended", "quiet", "outcome"),
    [
        (['{"guest":{"done":"script"}}'], [], 0, 0.0, "done"),
        (
            ["x"],
            ["[ 1.0] BUG: unable to handle page fault", "[ 1.1] Kernel panic - not syncing: Fatal"],
            0,
            0.0,
            "panic",
        ),
        ([], [], None, 9.0, "unbootable"),
        ([], [], 1, 0.0, "unbootable"),
        (["x"], ["y"], None, 90.0, "hang"),
        (["x"], ["y"], None, 1.0, "timeout"),
        (["x"], ["y"], -9, 1.0, "died"),
    ],
)
def test_outcomes(lines: list[str], console: list[str], ended: int | None, quiet: float, outcome: str) -> None:
    found, why = _judge(lines, console, ended, quiet, "", 300.0)
    assert found == outcome
    assert bool(why) == (outcome != "done")


def test_without_qemu_the_command_that_installs_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GcprotoError, match="apt-get install --no-install-recommends qemu-system-x86 util-linux"):
        machine.need()


def test_instruction_counting_is_in_the_command_line() -> None:
    counted = machine.Machine().command("k", "i", "c")
    assert counted[counted.index("-icount") + 1] == "shift=0,sleep=off"
    assert "-icount" not in machine.Machine(icount=False, cpus=2).command("k", "i", "c")


def test_a_kernel_on_a_busy_machine_does_not_check_its_timer() -> None:
    """In real time the ticks of the check come late, and the kernel panics."""
    for architecture, icount, checks in (("amd64", True, True), ("amd64", False, False), ("arm64", False, True)):
        asked = machine.Machine(architecture=architecture, icount=icount, command_line="quick")
        words = asked.command("k", "i", "c")
        line = words[words.index("-append") + 1].split()
        assert ("no_timer_check" not in line) == checks
        assert line[-1] == "quick"


def test_guests_of_other_sessions_are_not_those_of_the_tests() -> None:
    waits = ["qemu-system-none", "-c", "read _"]
    others = {name: value for name, value in os.environ.items() if name != guests.NAME}
    with (
        subprocess.Popen([*waits, "gcproto-guest-a"], executable="/bin/sh", stdin=subprocess.PIPE) as mine,
        subprocess.Popen([*waits, "gcproto-guest-b"], executable="/bin/sh", stdin=subprocess.PIPE, env=others) as other,
        subprocess.Popen([*waits, "--version"], executable="/bin/sh", stdin=subprocess.PIPE) as asked,
    ):
        try:
            assert guests.guests() == [mine.pid]
        finally:
            for one in (mine, other, asked):
                one.kill()
    assert guests.guests() == []


def test_numa_nodes_share_processors_and_memory() -> None:
    assert "-numa" not in machine.Machine().command("k", "i", "c")
    words = machine.Machine(icount=False, cpus=3, nodes=2, memory_mib=1025).command("k", "i", "c")
    assert [word for word in words if "node" in word and "=" in word] == [
        "memory-backend-ram,id=node0,size=513M",
        "node,nodeid=0,cpus=0-0,memdev=node0",
        "memory-backend-ram,id=node1,size=512M",
        "node,nodeid=1,cpus=1-2,memdev=node1",
    ]


def test_a_job_is_overdue_when_its_guest_says_nothing_after_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    overdue = machine.Overdue([Job("a", ("x",), 10), Job("b", ("x",), 10)])

    def passes(seconds: int) -> str:
        for _ in range(seconds * 10):
            now[0] += 0.1
            overdue.job()
        return overdue.job()

    assert passes(100) == "", "no job has begun"
    overdue.told('{"guest":{"begin":"a"}}')
    assert passes(10 + machine.INIT_SECONDS - 1) == ""
    overdue.told('{"guest":{"end":"a exit 0 1"}}')
    overdue.told('{"guest":{"begin":"b"}}')
    assert passes(10 + machine.INIT_SECONDS - 1) == "", "each job has its own time"
    now[0] += 1000.0
    assert overdue.job() == "", "this process did not run meanwhile, nor did the guest"
    assert passes(2) == "b"


@pytest.mark.needs("qemu")
def test_a_guest_in_which_nothing_runs_any_more_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long before the time of the whole guest is over."""
    fake = tmp_path / "qemu"
    fake.write_text('#!/bin/sh\necho \'{"guest":{"begin":"stuck"}}\'\nexec sleep 60\n')
    fake.chmod(0o755)
    monkeypatch.setattr(machine, "INIT_SECONDS", 0)
    monkeypatch.setattr(machine.Machine, "command", lambda *_: [str(fake)])
    booted = machine.boot(machine.Machine(timeout=50.0), "k", b"", jobs=[Job("stuck", ("x",), 1)])
    assert (booted.outcome, booted.why) == ("hang", "no program ran any more in stuck")
    assert booted.seconds < 30


class TestStrayBreakpoints:
    """QEMU can run a breakpoint that another emulated processor has removed: nothing that the kernel did."""

    STRAY: ClassVar = ["[    1.643352] Oops: int3: 0000 [#1] SMP NOPTI", "[    1.7] Kernel panic - not syncing: Fatal"]
    LATER: ClassVar = ["[    1.6] BUG: unable to handle page fault", "[    1.7] Oops: int3: 0000 [#2] SMP", STRAY[1]]
    DONE: ClassVar = ['{"guest":{"done":"1"}}']

    def boots(
        self, monkeypatch: pytest.MonkeyPatch, ends: list[list[str]], asked: machine.Machine
    ) -> tuple[machine.Boot, int]:
        """A guest whose boots end with these consoles; none: it is done. With it: the boots that it took."""
        left = list(ends)

        def watch(_command: list[str], _timeout: float, console: Path, *_: object) -> tuple[list[str], int, float, str]:
            said = left.pop(0)
            console.write_text("\n".join(said))
            return ([] if said else self.DONE), 0, 0.0, ""

        monkeypatch.setattr(machine, "_watch", watch)
        booted = machine.boot(asked, "vmlinuz", b"")
        return booted, len(ends) - len(left)

    def test_are_booted_again_and_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        booted, boots = self.boots(monkeypatch, [self.STRAY, []], machine.Machine(icount=False, cpus=2))
        assert (booted.outcome, boots) == ("done", 2)
        assert len(booted.notes) == 1
        assert "int3" in booted.notes[0]

    def test_that_stay_are_the_kernels(self, monkeypatch: pytest.MonkeyPatch) -> None:
        booted, boots = self.boots(monkeypatch, [self.STRAY] * 4, machine.Machine(icount=False, cpus=2))
        assert (booted.outcome, boots) == ("panic", 3)

    @pytest.mark.parametrize(
        ("console", "asked"),
        [
            (LATER, machine.Machine(icount=False, cpus=2)),
            (STRAY, machine.Machine(cpus=1)),
            (STRAY, machine.Machine(icount=False, cpus=2, architecture="arm64")),
        ],
    )
    def test_other_panics_are_not(
        self, monkeypatch: pytest.MonkeyPatch, console: list[str], asked: machine.Machine
    ) -> None:
        booted, boots = self.boots(monkeypatch, [console, []], asked)
        assert (booted.outcome, boots, booted.notes) == ("panic", 1, [])
