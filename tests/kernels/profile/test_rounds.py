"""What the plugin wrote, made profiles: rounds are matched by number, and functions add up to the midmean."""

from pathlib import Path

import msgspec
import pytest

from gcproto.kernels.guest.transcript import Transcript
from gcproto.kernels.profile import rounds
from gcproto.kernels.profile.functions import Function
from gcproto.kernels.profile.watch import ELSEWHERE, Watch
from gcproto.results.profiles.events import events
from gcproto.results.schema import UNIT_IPIS, Measurement, PathFigures
from gcproto.results.statistics import midmean
from tests.support.result_maker import measurement, scenario

PMD = 2 << 20
FUNCTIONS = [
    Function(0x400000, 0x401000, "user:gcp_evacuate"),
    Function(1 << 63, (1 << 63) + 64, "entry_SYSCALL_64"),
    Function((1 << 63) + 64, (1 << 63) + 128, "move_pages_ptes"),
    Function((1 << 63) + 128, (1 << 63) + 192, "native_send_call_func_single_ipi"),
]


def counted(number: int, *functions: list[int], clock: bool = True) -> rounds.Round:
    filled = [one + [0] * (1 + len(rounds.COUNTERS) - len(one)) for one in functions]
    return rounds.Round(number, clock, 1, filled)


def written(*lines: str, folder: Path) -> Path:
    file = folder / "rounds"
    file.write_text("\n".join(lines))
    return file


def test_lines_are_read_and_a_cut_one_is_not(tmp_path: Path) -> None:
    whole = '{"number":4294967297,"clock":true,"spans":1,"functions":[[2,512,1,0,0,0,0,0,0]]}'
    found = rounds.read(written(whole, whole[:-9].replace("97", "98"), "", folder=tmp_path))
    assert list(found) == [4294967297]
    assert found[4294967297].functions == [[2, 512, 1, 0, 0, 0, 0, 0, 0]]


def measured(values: list[float], threads: int = 1) -> Measurement:
    one = measurement(scenario("move", PMD, pages=512, threads=threads), values, unit="instructions/page")
    assert isinstance(one.figures, PathFigures)
    return one


def test_functions_add_up_to_the_midmean_of_the_measured_rounds() -> None:
    """One round in five has an interrupt in it; the midmean leaves it out, and so does the profile."""
    extra = [0, 0, 10_000, 0, 1, 0, 0, 2]
    one = measured([(512 + 512 * 120 + more) / 512 for more in extra])
    numbers = list(range(100, 108))
    every = {
        number: counted(number, [0, 512, 0], [2, 512 * 120 + more, 1, 512])
        for number, more in zip(numbers, extra, strict=True)
    }
    every[99] = counted(99, [2, 10**9, 1])  # of warm-up
    assert rounds.add(one, numbers, every, FUNCTIONS)
    assert isinstance(one.figures, PathFigures)
    profile = one.figures.profile
    assert profile
    assert profile.rounds == 4
    assert profile.instructions == pytest.approx(midmean(one.samples), rel=1e-6)
    assert [function.name for function in profile.functions] == ["move_pages_ptes", "user:gcp_evacuate"]
    assert profile.functions[0].calls == pytest.approx(1 / 512, abs=1e-6)
    assert profile.functions[0].locked == 1.0
    assert profile.by_clock


def test_code_without_a_symbol_is_there_too() -> None:
    one = measured([2.0] * 4)
    every = {number: counted(number, [-1, 1024, 0]) for number in range(4)}
    assert rounds.add(one, range(4), every, FUNCTIONS)
    assert isinstance(one.figures, PathFigures)
    assert one.figures.profile
    assert [function.name for function in one.figures.profile.functions] == [rounds.UNKNOWN]


@pytest.mark.parametrize("marked", [[0, 1, 2], [0, 1, 2, 9], []])
def test_a_round_that_was_not_counted_leaves_no_profile(marked: list[int]) -> None:
    one = measured([2.0] * 4)
    every = {number: counted(number, [2, 1024, 1]) for number in range(4)}
    assert not rounds.add(one, marked, every, FUNCTIONS)
    assert one.figures == PathFigures()
    assert one.unit == "instructions/page"


def test_beside_a_second_thread_interrupts_are_the_samples() -> None:
    one = measured([70_000.0, 5.0, 900.0, 3.0], threads=2)
    every = {n: counted(n, [2, 4096, 512], [3, 512 * 9, 512 if n else 256]) for n in range(4)}
    assert rounds.add(one, range(4), every, FUNCTIONS)
    assert (one.unit, one.samples, one.warmup) == (UNIT_IPIS, [0.5, 1.0, 1.0, 1.0], [])
    assert isinstance(one.figures, PathFigures)
    assert one.figures.profile
    assert events(one.figures.profile).ipis == 1.0


def watched(tmp_path: Path, lines: list[rounds.Round], found: Transcript) -> Watch:
    watch = Watch()
    watch._functions = FUNCTIONS
    watch._out = written(*(msgspec.json.encode(one).decode() for one in lines), folder=tmp_path)
    watch.end(found)
    return watch


def test_symbols_of_another_kernel_are_seen_and_their_profile_is_dropped(tmp_path: Path) -> None:
    """512 system calls, and none at the kernel's entry."""
    one = measured([2.0] * 4)
    lines = [counted(n, [0, 512, 0, 0, 0, 0, 0, 512], [2, 512, 1]) for n in range(4)]
    watch = watched(tmp_path, lines, Transcript(measurements=[one], marked=[[0, 1, 2, 3]]))
    assert [skip.reason for skip in watch.skips] == [ELSEWHERE]
    assert one.figures == PathFigures()


def test_measurements_that_were_not_counted_are_said(tmp_path: Path) -> None:
    two = [measured([2.0] * 4), measured([2.0] * 4)]
    lines = [counted(n, [2, 1024, 1]) for n in range(4)]
    watch = watched(tmp_path, lines, Transcript(measurements=two, marked=[[0, 1, 2, 3], [7, 8, 9, 10]]))
    assert [skip.reason for skip in watch.skips] == ["1 of 2 measurements have rounds that were not counted"]
